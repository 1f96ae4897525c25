#include "base/http/transport.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace lockstep {
namespace {

// One TLS record: more would be split anyway, and less wastes a record and a system call.
constexpr std::size_t kRecordSize = 16 << 10;
// What is taken out of the kernel at once: four records, for one system call instead of eight.
constexpr std::size_t kReadAheadSize = 4 * (kRecordSize + 512);

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
    void operator()(SSL* session) const { SSL_free(session); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

std::string last_tls_error() {
    char text[256] = {};
    unsigned long code = ERR_get_error();
    if (code == 0) return "unknown error";
    ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return text;
}

Error invalid(const std::string& what) {
    return {ErrorKind::Invalid, what + ": " + last_tls_error()};
}

bool pin_of(X509* certificate, TlsPin& out) {
    unsigned char* der = nullptr;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) return false;
    SHA256(der, static_cast<std::size_t>(size), reinterpret_cast<unsigned char*>(out.data()));
    OPENSSL_free(der);
    return true;
}

ContextPointer make_context(const SSL_METHOD* method) {
    ContextPointer context(SSL_CTX_new(method));
    if (context == nullptr) return context;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // Idle connections give their buffers back: there may be ten thousand of them.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), kReadAheadSize);
    return context;
}

bool is_address(const std::string& host) {
    unsigned char out[16];
    return inet_pton(AF_INET, host.c_str(), out) == 1 ||
           inet_pton(AF_INET6, host.c_str(), out) == 1;
}

IoStep from_errno() {
    if (errno == EAGAIN) return {IoStep::Kind::WantsRead};
    return {IoStep::Kind::Failed};
}

}  // namespace

class TlsContext::Impl {
  public:
    ContextPointer context;
    bool is_server = false;
    std::string host;
    bool has_pin = false;
    TlsPin pin{};
};

TlsContext::TlsContext(std::shared_ptr<Impl> made) : impl(std::move(made)) {
    X509* own = SSL_CTX_get0_certificate(impl->context.get());
    if (own == nullptr) return;
    (void)pin_of(own, own_pin_);
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(own), &end) == 1) own_end_s_ = ::timegm(&end);
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(
    const std::filesystem::path& certificates, const std::filesystem::path& key,
    const std::filesystem::path& client_authorities) {
    ERR_clear_error();
    auto impl = std::make_shared<Impl>();
    impl->is_server = true;
    impl->context = make_context(TLS_server_method());
    SSL_CTX* context = impl->context.get();
    if (context == nullptr) return invalid("TLS");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);  // nobody here resumes, and strangers get fewer bytes
    if (SSL_CTX_use_certificate_chain_file(context, certificates.c_str()) != 1)
        return invalid(certificates.string());
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
        return invalid(key.string());
    if (SSL_CTX_check_private_key(context) != 1)
        return invalid(key.string() + " is not the key of " + certificates.string());
    if (!client_authorities.empty()) {
        // The names go out to clients, who choose a certificate by them.
        auto* names = SSL_load_client_CA_file(client_authorities.c_str());
        bool is_loaded = names != nullptr && SSL_CTX_load_verify_locations(
                                                 context, client_authorities.c_str(), nullptr) == 1;
        if (!is_loaded) return invalid(client_authorities.string());
        SSL_CTX_set_client_CA_list(context, names);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    return std::make_shared<TlsContext>(std::move(impl));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsClientOptions& options) {
    ERR_clear_error();
    auto impl = std::make_shared<Impl>();
    impl->context = make_context(TLS_client_method());
    SSL_CTX* context = impl->context.get();
    if (context == nullptr) return invalid("TLS");
    impl->host = options.host;
    impl->has_pin = options.pin != nullptr;
    if (options.pin != nullptr) impl->pin = *options.pin;
    bool has_authorities =
        impl->has_pin ||
        (options.authorities.empty()
             ? SSL_CTX_set_default_verify_paths(context) == 1
             : SSL_CTX_load_verify_locations(context, options.authorities.c_str(), nullptr) == 1);
    if (!has_authorities) return invalid(options.authorities.string());
    bool has_certificate =
        options.certificate.empty() ||
        (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) == 1 &&
         SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) == 1);
    if (!has_certificate) return invalid(options.certificate.string());
    // A pinned key is compared after the handshake, in place of the chain.
    SSL_CTX_set_verify(context, impl->has_pin ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    return std::make_shared<TlsContext>(std::move(impl));
}

namespace {

// The socket as OpenSSL sees it. Its own kind would send each record as a packet of its own; this
// one can say that more comes at once.
class TlsSocket {
  public:
    explicit TlsSocket(int fd) : fd_(fd) {}
    // For OpenSSL, which frees it; nullptr when there is no memory. Refers to this.
    BIO* make_bio() {
        static BIO_METHOD* const kMethod = make_method();
        BIO* bio = kMethod == nullptr ? nullptr : BIO_new(kMethod);
        if (bio == nullptr) return nullptr;
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        return bio;
    }
    void set_more_comes(bool more_comes) { more_comes_ = more_comes; }

  private:
    static TlsSocket& of(BIO* bio) { return *static_cast<TlsSocket*>(BIO_get_data(bio)); }
    static int write(BIO* bio, const char* bytes, int size) {
        BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
        int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (of(bio).more_comes_ ? MSG_MORE : 0);
        ssize_t sent = ::send(of(bio).fd_, bytes, static_cast<std::size_t>(size), flags);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
        return static_cast<int>(sent);
    }
    static int read(BIO* bio, char* out, int size) {
        BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
        ssize_t got = ::recv(of(bio).fd_, out, static_cast<std::size_t>(size), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        of(bio).is_at_end_ = got == 0;
        return static_cast<int>(got);
    }
    static long control(BIO* bio, int what, long, void*) {
        if (what == BIO_CTRL_EOF) return of(bio).is_at_end_ ? 1 : 0;
        return what == BIO_CTRL_FLUSH ? 1 : 0;
    }
    static BIO_METHOD* make_method() {
        int kind = BIO_get_new_index();
        BIO_METHOD* method = BIO_meth_new(kind | BIO_TYPE_SOURCE_SINK, "lockstep socket");
        bool is_good = method != nullptr && BIO_meth_set_write(method, &TlsSocket::write) == 1 &&
                       BIO_meth_set_read(method, &TlsSocket::read) == 1 &&
                       BIO_meth_set_ctrl(method, &TlsSocket::control) == 1;
        return is_good ? method : nullptr;
    }

    const int fd_;
    bool more_comes_ = false;
    bool is_at_end_ = false;
};

}  // namespace

class Transport::Tls {
  public:
    Tls(int fd, std::shared_ptr<TlsContext::Impl> context)
        : context_(std::move(context)), socket_(fd), session_(SSL_new(context_->context.get())) {
        BIO* bio = session_ == nullptr ? nullptr : socket_.make_bio();
        if (bio == nullptr) return;
        SSL_set_bio(session_.get(), bio, bio);
        if (context_->is_server) {
            SSL_set_accept_state(session_.get());
        } else {
            SSL_set_connect_state(session_.get());
            set_host();
        }
        is_good_ = true;
    }

    // A record holds 16 KiB at most: while they come full there is likely more.
    IoStep read(MutableByteView out) {
        std::size_t total = 0;
        for (;;) {
            ERR_clear_error();
            int room = static_cast<int>(std::min<std::size_t>(out.size() - total, 1U << 30));
            IoStep one = step(SSL_read(session_.get(), out.data() + total, room));
            // What it ran into shows again at the next call.
            if (!one.is_done()) return total > 0 ? IoStep{IoStep::Kind::Done, total} : one;
            total += one.size;
            bool is_more_likely = one.size == kRecordSize && out.size() - total >= kRecordSize;
            if (!is_more_likely) return {IoStep::Kind::Done, total};
        }
    }

    // Record by record, until all is written or the socket takes no more.
    IoStep write(ByteView first, ByteView second) {
        std::array<std::byte, kRecordSize> joined;
        std::size_t total = 0, all = first.size() + second.size();
        while (total < all) {
            // A record that waits to be sent is asked for again as it was: cut at the same places.
            ByteView rest = first.subspan(std::min(total, first.size()));
            ByteView record = rest.first(std::min(rest.size(), kRecordSize));
            if (record.size() < kRecordSize && !second.empty()) {
                std::size_t begun = total - std::min(total, first.size());
                ByteView more = second.subspan(begun);
                more = more.first(std::min(more.size(), kRecordSize - record.size()));
                if (record.empty()) {
                    record = more;
                } else {
                    std::copy(record.begin(), record.end(), joined.begin());
                    std::copy(more.begin(), more.end(),
                              joined.begin() + static_cast<std::ptrdiff_t>(record.size()));
                    record = ByteView(joined).first(record.size() + more.size());
                }
            }
            socket_.set_more_comes(total + record.size() < all);
            ERR_clear_error();
            IoStep one =
                step(SSL_write(session_.get(), record.data(), static_cast<int>(record.size())));
            socket_.set_more_comes(false);
            // What it ran into shows again at the next call.
            if (!one.is_done()) return total > 0 ? IoStep{IoStep::Kind::Done, total} : one;
            total += one.size;
        }
        return {IoStep::Kind::Done, total};
    }

    // `returned` is what a call of OpenSSL gave.
    IoStep step(int returned) {
        if (returned > 0) return {IoStep::Kind::Done, static_cast<std::size_t>(returned)};
        switch (SSL_get_error(session_.get(), returned)) {
            case SSL_ERROR_WANT_READ:
                return {IoStep::Kind::WantsRead};
            case SSL_ERROR_WANT_WRITE:
                return {IoStep::Kind::WantsWrite};
            case SSL_ERROR_ZERO_RETURN:
                return {IoStep::Kind::Closed};
            default:
                return {IoStep::Kind::Failed};
        }
    }

    std::optional<TlsPin> shown_pin() const {
        TlsPin pin{};
        X509* certificate = SSL_get0_peer_certificate(session_.get());
        if (certificate == nullptr || !pin_of(certificate, pin)) return std::nullopt;
        return pin;
    }
    bool is_pinned_key() const { return !context_->has_pin || shown_pin() == context_->pin; }

    SSL* get() const { return session_.get(); }
    bool is_good() const { return is_good_; }

  private:
    void set_host() {
        const std::string& host = context_->host;
        if (is_address(host)) {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str());
            return;
        }
        SSL_set1_host(session_.get(), host.c_str());
        // The macro of OpenSSL casts in the old style.
        (void)SSL_ctrl(session_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                       const_cast<char*>(host.c_str()));
    }

    std::shared_ptr<TlsContext::Impl> context_;
    TlsSocket socket_;
    std::unique_ptr<SSL, FreeSession> session_;
    bool is_good_ = false;
};

Transport::Transport(int fd) : fd_(fd) {}
Transport::Transport(int fd, const TlsContext& context)
    : fd_(fd), tls_(std::make_unique<Tls>(fd, context.impl)) {}
Transport::~Transport() = default;
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;

IoStep Transport::handshake() {
    if (tls_ == nullptr) return {IoStep::Kind::Done};
    ERR_clear_error();
    if (!tls_->is_good()) return {IoStep::Kind::Failed};
    IoStep step = tls_->step(SSL_do_handshake(tls_->get()));
    if (step.is_done() && !tls_->is_pinned_key()) {
        failure_ = "the server's key is not the pinned one";
        return {IoStep::Kind::Failed};
    }
    if (step.kind == IoStep::Kind::Failed) {
        long verified = SSL_get_verify_result(tls_->get());
        failure_ =
            verified == X509_V_OK ? last_tls_error() : X509_verify_cert_error_string(verified);
    }
    return step;
}

std::optional<TlsPin> Transport::shown_pin() const {
    return tls_ == nullptr ? std::nullopt : tls_->shown_pin();
}

IoStep Transport::read(MutableByteView out) {
    CHECK(!out.empty());
    if (tls_ != nullptr) {
        return tls_->read(out);
    }
    ssize_t got = ::recv(fd_, out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) return {IoStep::Kind::WantsRead};
    if (got < 0) return from_errno();
    if (got == 0) return {IoStep::Kind::Closed};
    return {IoStep::Kind::Done, static_cast<std::size_t>(got)};
}

IoStep Transport::write(ByteView first, ByteView second) {
    if (first.empty()) std::swap(first, second);
    if (first.empty()) return {IoStep::Kind::Done};
    if (tls_ != nullptr) return tls_->write(first, second);
    auto part = [](ByteView bytes) {
        return iovec{const_cast<std::byte*>(bytes.data()), bytes.size()};
    };
    std::array<iovec, 2> parts{part(first), part(second)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {IoStep::Kind::Done, static_cast<std::size_t>(sent)};
    bool waits = errno == EAGAIN || errno == EINTR;
    return {waits ? IoStep::Kind::WantsWrite : IoStep::Kind::Failed};
}

void Transport::shut_down() {
    if (tls_ != nullptr && tls_->is_good() && SSL_is_init_finished(tls_->get()) == 1) {
        ERR_clear_error();
        (void)SSL_shutdown(tls_->get());
        ERR_clear_error();
    }
    (void)::shutdown(fd_, SHUT_WR);
}

std::string Transport::peer_certificate_name() const {
    // A certificate that was not verified has ended the handshake, but for a pinned one.
    if (tls_ == nullptr || SSL_get_verify_mode(tls_->get()) == SSL_VERIFY_NONE) return {};
    X509* certificate = SSL_get0_peer_certificate(tls_->get());
    if (certificate == nullptr || SSL_get_verify_result(tls_->get()) != X509_V_OK) return {};
    char name[256] = {};
    int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                         sizeof(name));
    return size > 0 ? std::string(name, static_cast<std::size_t>(size)) : "unnamed";
}

std::string base64(ByteView bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3), '\0');
    (void)EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), u8(bytes),
                          static_cast<int>(bytes.size()));
    return out;
}

std::string websocket_accept_of(const std::string& key) {
    std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<std::byte, SHA_DIGEST_LENGTH> digest{};
    SHA1(u8(as_bytes(text)), text.size(), u8(MutableByteView(digest)));
    return base64(digest);
}

}  // namespace lockstep
