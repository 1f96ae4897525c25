// The other file that sees Boost.Beast: it parses responses.
#include "base/http/client.h"

#include <limits>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/http/client_socket.h"
#include "base/http/event_stream.h"
#include "base/http/response_head.h"
#include "base/http/url.h"

namespace lockstep {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t kReadSize = 64 << 10;
constexpr int kInterimResponsesMax = 16;

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

SteadyTime after(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

bool changes_nothing(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

bool is_target(std::string_view target) {
    return target.starts_with('/') && is_header_value(target) &&
           target.find(' ') == std::string_view::npos &&
           target.find('\t') == std::string_view::npos;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

// The request as bytes. Invalid when a part of it could break out of its line.
Result<std::string> request_bytes(const HttpRequest& request, const std::string& host) {
    std::string target = request.target;
    if (target.empty()) {
        target = percent_encode_path(request.path);
        if (!request.query.empty()) target += "?" + format_query(request.query);
    }
    if (!is_header_name(request.method) || !is_target(target))
        return Error{ErrorKind::Invalid, "not a request: " + request.method + " " + request.path};
    std::string out = request.method + " " + target + " HTTP/1.1\r\n";
    if (request.header("Host") == nullptr) append_header(out, "Host", host);
    for (const auto& field : request.headers) {
        if (!is_header_name(field.name) || !is_header_value(field.value))
            return Error{ErrorKind::Invalid, "not a header: " + field.name};
        append_header(out, field.name, field.value);
    }
    bool carries_body = !request.body.empty() || !changes_nothing(request);
    if (carries_body) append_header(out, "Content-Length", std::to_string(request.body.size()));
    out += "\r\n";
    out += request.body;
    return out;
}

HttpResponse to_response(http::message<false, http::string_body>&& message) {
    HttpResponse out;
    out.status = static_cast<int>(message.result_int());
    out.content_type = view_of(message[http::field::content_type]);
    for (const auto& field : message)
        out.headers.push_back(
            {std::string(view_of(field.name_string())), std::string(view_of(field.value()))});
    out.body = std::move(message.body());
    return out;
}

Error parse_error(const error_code& error) {
    if (error == http::error::body_limit || error == http::error::header_limit)
        return {ErrorKind::TooLarge, "the response is larger than allowed"};
    if (error == http::error::partial_message || error == http::error::end_of_stream)
        return {ErrorKind::Io, "the connection was closed before the response was complete"};
    return {ErrorKind::Corrupt, "the answer is not HTTP: " + error.message()};
}

}  // namespace

class HttpClient::Impl {
  public:
    Impl(std::filesystem::path path, HttpClientOptions options)
        : options_(std::move(options)), path_(std::move(path)), host_header_("localhost") {}
    Impl(std::string host, std::uint16_t port, std::shared_ptr<TlsContext> tls,
         HttpClientOptions options)
        : options_(std::move(options)), host_(std::move(host)), port_(port), tls_(std::move(tls)) {
        bool is_v6 = host_.find(':') != std::string::npos;
        host_header_ = (is_v6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
    }

    Result<HttpResponse> request(const HttpRequest& request, const Patience& patience);
    Status stream_events(const HttpRequest& request,
                         const std::function<bool(const HttpEvent&)>& on_event, Patience& patience,
                         std::chrono::milliseconds idle_timeout, HttpResponse* refusal);
    void disconnect();

  private:
    Result<HttpResponse> attempt(const HttpRequest& request, std::string_view bytes,
                                 const Patience& patience);
    Status connect(const Patience& patience);
    void start_response(const HttpRequest& request, bool is_stream);
    // Reads until the parser has the header (or everything, unless `header_only`).
    Status read_response(const HttpRequest& request, bool header_only, const Patience& patience);
    // Gives the parser what is there, or reads more. False: the peer closed and said all it had to
    // say.
    Result<bool> advance(const Patience& patience);

    HttpClientOptions options_;
    std::filesystem::path path_;
    std::string host_;
    std::uint16_t port_ = 0;
    std::string host_header_;

    std::shared_ptr<TlsContext> tls_;
    UniqueFd fd_;
    std::optional<Transport> transport_;  // over fd_
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    bool got_anything_ = false;
};

Result<HttpResponse> HttpClient::Impl::request(const HttpRequest& request,
                                               const Patience& patience) {
    TRY(std::string bytes, request_bytes(request, host_header_));
    if (fd_.ok() && !is_still_usable(*transport_, fd_.get())) disconnect();
    bool is_reused = fd_.ok();
    auto response = attempt(request, bytes, patience);
    if (response.ok()) return response;
    bool was_dead = is_reused && !got_anything_ && response.error().kind == ErrorKind::Io;
    disconnect();
    if (!was_dead || !changes_nothing(request)) return response;
    response = attempt(request, bytes, patience);
    if (!response.ok()) disconnect();
    return response;
}

Result<HttpResponse> HttpClient::Impl::attempt(const HttpRequest& request, std::string_view bytes,
                                               const Patience& patience) {
    if (!fd_.ok()) TRY_OK(connect(patience));
    got_anything_ = false;
    Status sent = send_all(*transport_, fd_.get(), bytes, patience);
    // A server that refuses a request early (413) answers before it has read all: look for that
    // answer.
    if (!sent.ok() && sent.error().kind != ErrorKind::Io) return std::move(sent).error();
    start_response(request, false);
    Status got = read_response(request, false, patience);
    if (!got.ok()) return std::move(sent.ok() ? got : sent).error();
    bool keep = sent.ok() && parser_->get().keep_alive();
    HttpResponse response = to_response(parser_->release());
    if (!keep) disconnect();
    return response;
}

Status HttpClient::Impl::connect(const Patience& patience) {
    buffer_.consume(buffer_.size());
    if (host_.empty()) {
        TRY(fd_, connect_unix(path_, patience));
    } else {
        TRY(fd_, connect_out(options_.proxy.get(), host_, port_, patience));
    }
    transport_.emplace(tls_ == nullptr ? Transport(fd_.get()) : Transport(fd_.get(), *tls_));
    Status greeted = shake_hands(*transport_, fd_.get(), patience);
    if (!greeted.ok()) disconnect();
    return greeted;
}

void HttpClient::Impl::disconnect() {
    transport_.reset();
    fd_.reset();
    buffer_.consume(buffer_.size());
}

void HttpClient::Impl::start_response(const HttpRequest& request, bool is_stream) {
    parser_.emplace();
    parser_->eager(false);  // eager parsing loses the error of a length above the limit
    parser_->header_limit(options_.header_size_max);
    // A stream never ends; what it may hold at a time is bounded where its events are read. ("No
    // limit" would make Beast refuse every length.)
    parser_->body_limit(is_stream ? std::numeric_limits<std::uint64_t>::max()
                                  : options_.response_size_max);
    if (request.method == "HEAD") parser_->skip(true);
}

Status HttpClient::Impl::read_response(const HttpRequest& request, bool header_only,
                                       const Patience& patience) {
    for (int interim = 0; interim < kInterimResponsesMax; ++interim) {
        while (!(parser_->is_done() || (header_only && parser_->is_header_done()))) {
            TRY(bool more, advance(patience));
            bool has_body = parser_->is_header_done() && !parser_->is_done();
            bool is_too_large =
                (has_body && parser_->content_length().value_or(0) > options_.response_size_max) ||
                parser_->get().body().size() > options_.response_size_max;
            if (is_too_large)
                return Error{ErrorKind::TooLarge, "the response is larger than allowed"};
            if (!more) break;
        }
        if (parser_->get().result_int() >= 200) return {};
        start_response(request, header_only);
    }
    return Error{ErrorKind::Corrupt, "too many interim responses"};
}

Result<bool> HttpClient::Impl::advance(const Patience& patience) {
    error_code error;
    if (buffer_.size() > 0) {
        std::size_t used = parser_->put(buffer_.data(), error);
        buffer_.consume(used);
        if (error && error != http::error::need_more) return parse_error(error);
        if (!error && used > 0) return true;
        if (buffer_.size() > options_.header_size_max)
            return Error{ErrorKind::TooLarge, "the response is larger than allowed"};
    }
    auto room = buffer_.prepare(kReadSize);
    TRY(std::size_t got,
        receive_some(*transport_, fd_.get(), {static_cast<std::byte*>(room.data()), room.size()},
                     patience));
    buffer_.commit(got);
    if (got > 0) {
        got_anything_ = true;
        return true;
    }
    if (!parser_->got_some())
        return Error{ErrorKind::Io, "the connection was closed without a response"};
    error = {};
    parser_->put_eof(error);
    if (error) return parse_error(error);
    return false;
}

Status HttpClient::Impl::stream_events(const HttpRequest& request,
                                       const std::function<bool(const HttpEvent&)>& on_event,
                                       Patience& patience, std::chrono::milliseconds idle_timeout,
                                       HttpResponse* refusal) {
    TRY(std::string bytes, request_bytes(request, host_header_));
    // A stream occupies its connection to the end, so it never takes the kept one.
    disconnect();
    TRY_OK(connect(patience));
    TRY_OK(send_all(*transport_, fd_.get(), bytes, patience));
    start_response(request, true);
    TRY_OK(read_response(request, true, patience));
    if (parser_->get().result_int() != 200) {
        TRY_OK(read_response(request, false, patience));
        HttpResponse response = to_response(parser_->release());
        Error error{ErrorKind::Io,
                    "the event stream was refused with status " + std::to_string(response.status)};
        if (refusal != nullptr) *refusal = std::move(response);
        return error;
    }
    EventParser events(options_.event_size_max);
    for (bool more = true; more;) {
        TRY(auto batch, events.feed(parser_->get().body()));
        parser_->get().body().clear();
        for (const auto& event : batch)
            if (!on_event(event)) return {};
        if (parser_->is_done()) break;
        patience.set_deadline(idle_timeout.count() > 0 ? after(idle_timeout) : SteadyTime::max());
        TRY(more, advance(patience));
    }
    return Error{ErrorKind::Unavailable, "the event stream ended"};
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

HttpClient HttpClient::over_unix(std::filesystem::path path, HttpClientOptions options) {
    return HttpClient(std::make_unique<Impl>(std::move(path), std::move(options)));
}

HttpClient HttpClient::over_tcp(std::string host, std::uint16_t port, HttpClientOptions options) {
    return HttpClient(std::make_unique<Impl>(std::move(host), port, nullptr, std::move(options)));
}

HttpClient HttpClient::over_tls(std::string host, std::uint16_t port,
                                std::shared_ptr<TlsContext> tls, HttpClientOptions options) {
    CHECK(tls != nullptr);
    return HttpClient(
        std::make_unique<Impl>(std::move(host), port, std::move(tls), std::move(options)));
}

Result<HttpResponse> HttpClient::request(const HttpRequest& request,
                                         std::chrono::milliseconds timeout, std::stop_token stop) {
    return impl_->request(request, Patience(after(timeout), stop));
}

Status HttpClient::stream_events(const HttpRequest& request,
                                 const std::function<bool(const HttpEvent&)>& on_event,
                                 HttpStreamOptions options, HttpResponse* refusal) {
    Patience patience(after(options.connect_timeout), options.stop);
    Status status =
        impl_->stream_events(request, on_event, patience, options.idle_timeout, refusal);
    impl_->disconnect();
    return status;
}

Result<TlsPin> ask_tls_pin(const std::string& host, std::uint16_t port,
                           std::chrono::milliseconds timeout,
                           const std::shared_ptr<const Proxy>& proxy) {
    // Nobody has this key: the handshake ends when the server has shown its own.
    TlsPin nobodys{};
    TRY(auto tls, TlsContext::client({.host = host, .pin = &nobodys}));
    Patience patience(std::chrono::steady_clock::now() + timeout, {});
    TRY(UniqueFd fd, connect_out(proxy.get(), host, port, patience));
    Transport transport(fd.get(), *tls);
    Status status = shake_hands(transport, fd.get(), patience);
    if (auto pin = transport.shown_pin()) return *pin;
    if (!status.ok()) return std::move(status).error();
    return Error{ErrorKind::Refused, "TLS: the server showed no key"};
}

}  // namespace lockstep
