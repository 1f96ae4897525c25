#include "relay/coordinator_api.h"

#include <nlohmann/json.hpp>

namespace lockstep {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kRegister = "/api/peers/register";
constexpr std::string_view kPeers = "/api/peers";
constexpr std::string_view kStatus = "/api/peers/status";
constexpr std::string_view kLocation = "/api/files/location";

HttpResponse json(int status, const Json& body) {
    return HttpResponse::json(status, body.dump() + "\n");
}

bool reads(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

Error invalid(std::string what) {
    return {ErrorKind::Invalid, std::move(what)};
}

// What a peer says of itself.
struct Report {
    std::uint16_t port = 0;
    bool is_complete = false;
    bool leaves = false;
};

Result<Report> read_report(const std::string& body, bool has_status) {
    Json report = Json::parse(body, nullptr, false);
    if (!report.is_object()) return invalid("the body is not a JSON object");
    auto port = report.find("port");
    bool is_port = port != report.end() && port->is_number_unsigned() &&
                   port->get<std::uint64_t>() >= 1 && port->get<std::uint64_t>() <= 0xffff;
    if (!is_port) return invalid("'port' must be a number from 1 to 65535");
    Report out{.port = port->get<std::uint16_t>()};
    if (auto complete = report.find("complete"); complete != report.end()) {
        if (!complete->is_boolean()) return invalid("'complete' must be true or false");
        out.is_complete = complete->get<bool>();
    }
    if (!has_status) return out;
    auto status = report.find("status");
    bool is_text = status != report.end() && status->is_string();
    std::string text = is_text ? status->get<std::string>() : std::string();
    if (text != "online" && text != "offline")
        return invalid("'status' must be 'online' or 'offline'");
    out.leaves = text == "offline";
    return out;
}

}  // namespace

HttpResponse CoordinatorApi::failure(int status, const std::string& why) {
    return json(status, {{"error", why}});
}

CoordinatorApi::Need CoordinatorApi::need_of(const HttpRequest& request) {
    const std::string& path = request.path;
    bool is_read = path == "/api/health" || path == "/api/stats";
    if (is_read) return reads(request) ? Need::Nothing : Need::Method;
    if (path == kRegister) return request.method == "POST" ? Need::Peer : Need::Method;
    if (path == kStatus) return request.method == "PUT" ? Need::Peer : Need::Method;
    if (path == kPeers) return reads(request) ? Need::Operator : Need::Method;
    if (path != kLocation) return Need::Unknown;
    if (request.method == "PUT") return Need::Peer;
    return reads(request) ? Need::Operator : Need::Method;
}

HttpResponse CoordinatorApi::handle_peer(const HttpRequest& request, const TrackerHash& swarm) {
    if (!reads(request)) return announce(request, swarm);
    return request.path == kPeers ? json(200, view_.peers_of(swarm)) : location_of(swarm);
}

HttpResponse CoordinatorApi::announce(const HttpRequest& request, const TrackerHash& swarm) {
    if (request.peer.address_bytes.empty()) return failure(400, "peers come over TCP");
    auto report = read_report(request.body, request.path == kStatus);
    if (!report.ok()) return failure(400, report.error().message);
    PeerEndpoint endpoint{request.peer.address_bytes, report->port};
    AnnounceRequest announced{.info_hash = swarm,
                              .peer_id = view_.made_peer_id(endpoint),
                              .port = report->port,
                              .left = report->is_complete ? 0U : 1U};
    if (report->leaves) announced.event = AnnounceEvent::Stopped;
    Status status = tracker_.enter(announced, endpoint);
    if (!status.ok()) return failure(507, status.error().message);
    Json out{{"peerId", view_.peer_id(swarm, endpoint)},
             {"objectId", view_.object_id(swarm)},
             {"status", report->leaves ? "offline" : "online"},
             {"intervalSeconds", tracker_.options().interval.count()},
             {"expiresInSeconds", peer_lifetime(tracker_.options()).count()}};
    return json(request.path == kRegister ? 201 : 200, out);
}

HttpResponse CoordinatorApi::location_of(const TrackerHash& swarm) {
    auto found = view_.location(swarm);
    return found.ok() ? json(200, *found) : failure(404, found.error().message);
}

HttpResponse CoordinatorApi::handle_operator(const HttpRequest& request) {
    if (request.path == kPeers) return json(200, view_.peers(request.query_number("offset")));
    const std::string* id = request.query_value("objectId");
    if (id == nullptr) return failure(400, "'objectId' is missing");
    auto swarm = view_.find_object(*id);
    return swarm ? location_of(*swarm) : failure(404, "no such object");
}

}  // namespace lockstep
