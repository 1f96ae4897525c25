// A whole relay in this process but its main(), and members of swarms that talk to it.
#pragma once

#include <atomic>

#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "base/http/websocket_loop.h"
#include "base/random.h"
#include "relay/relay_service.h"
#include "tests/relay/announce_samples.h"
#include "tests/relay/relay_signer.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"

namespace lockstep {

inline constexpr std::chrono::seconds kRelayPatience{20};

inline MemberName member_number(unsigned char n) {
    MemberName out;
    out.bytes.fill(std::byte{n});
    return out;
}

class RelayWorld : public testing::Test {
  protected:
    void serve(RelayConfig config = {}) {
        CHECK(sodium_init() >= 0);
        server.reset();
        service = RelayService::open(clock, system_random(), config).value();
        server = std::make_unique<HttpServer>(
            HttpServerOptions{
                .inline_handlers = true,
                .body_limit = [this](const HttpRequest& head) { return service->body_limit(head); },
                .header_size_max = 8 << 10,
                .connections_max = 1000,
                .on_tick = [this] { service->tick(); }},
            [this](const HttpRequest& request, HttpResponder responder) {
                service->handle(request, responder);
            });
        port = server->listen_tcp("127.0.0.1", 0).value();
        client.emplace(HttpClient::over_tcp("127.0.0.1", port));
    }
    static RelayConfig with_access(RelayAccess access) {
        RelayConfig config;
        config.admission.access = access;
        return config;
    }
    HttpResponse send(HttpRequest request) {
        return client->request(request, kRelayPatience).value();
    }
    HttpResponse get(std::string path, HttpFields query = {}) {
        return send({.path = std::move(path), .query = std::move(query)});
    }
    std::uint64_t now_s() { return static_cast<std::uint64_t>(clock.wall_ms() / 1000); }
    HttpResponse ask_ticket(const AdmissionRequest& request, HttpFields headers = {}) {
        return send({.method = "POST",
                     .path = "/v1/tickets",
                     .headers = std::move(headers),
                     .body = encode_admission_request(request)});
    }
    std::string ticket(SwarmSigner& signer, const TrackerHash& hash, const MemberName& member) {
        auto answer =
            decode_admission_answer(ask_ticket(signer.request(hash, member, now_s())).body);
        CHECK(answer.ok());
        return answer->ticket;
    }
    // What every request with a ticket carries.
    HttpFields shows(const TrackerHash& hash, const std::string& shown) {
        return {{"info_hash", std::string(as_text(hash.view()))}, {"ticket", shown}};
    }
    HttpResponse announce(const AnnounceRequest& request, const std::string& shown = "") {
        HttpFields query = encode_announce_query(request);
        if (!shown.empty()) query.push_back({"ticket", shown});
        return get("/announce", query);
    }

    FakeClock clock;
    std::unique_ptr<RelayService> service;
    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
    std::optional<HttpClient> client;
};

}  // namespace lockstep
