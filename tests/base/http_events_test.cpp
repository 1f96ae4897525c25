// Event streams from the server's sink to the client's callback.
#include <future>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "tests/base/http_test_peer.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

class EventsTest : public testing::Test {
  protected:
    void serve(HttpHandler handler, HttpServerOptions options = {}) {
        server = std::make_unique<HttpServer>(options, std::move(handler));
        port = server->listen_tcp("127.0.0.1", 0).value();
    }
    // Hands the sink of the only stream to the test.
    void serve_one(HttpServerOptions options = {}) {
        serve([this](const HttpRequest&,
                     HttpResponder responder) { sink.set_value(responder.start_events()); },
              options);
    }
    HttpClient client() const { return HttpClient::over_tcp("127.0.0.1", port); }

    std::promise<std::shared_ptr<EventSink>> sink;
    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
};

TEST_F(EventsTest, ArriveInOrderAndEndWithTheStream) {
    serve([](const HttpRequest&, HttpResponder responder) {
        auto events = responder.start_events();
        for (int i = 0; i < 500; ++i)
            events->send(std::to_string(i), "tick", "line one\nline " + std::to_string(i));
    });
    std::vector<HttpEvent> got;
    Status status = client().stream_events(
        {}, [&](const HttpEvent& event) { return got.push_back(event), true; });
    EXPECT_EQ(status.error().kind, ErrorKind::Unavailable);
    ASSERT_EQ(got.size(), 500U);
    EXPECT_EQ(got[499], (HttpEvent{"499", "tick", "line one\nline 499"}));
}

TEST_F(EventsTest, AreWrittenAsTheStandardSays) {
    serve_one();
    RawPeer peer = RawPeer::to_tcp(port);
    peer.send("GET / HTTP/1.1\r\n\r\n");
    auto events = sink.get_future().get();
    EXPECT_TRUE(events->send("7", "na\nme", "a\r\nb"));
    events->close();
    EXPECT_FALSE(events->send("8", "", "late"));
    EXPECT_EQ(peer.read_to_end(),
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: "
              "no-cache\r\nConnection: close\r\n\r\n"
              "id: 7\nevent: name\ndata: a\ndata: b\n\n");
}

TEST_F(EventsTest, TheReaderMayStopByItself) {
    serve_one();
    std::thread sender([&] {
        auto events = sink.get_future().get();
        EXPECT_TRUE(eventually([&] { return !events->send("", "", "x"); }));
    });
    int seen = 0;
    EXPECT_TRUE(client().stream_events({}, [&](const HttpEvent&) { return ++seen < 3; }).ok());
    EXPECT_EQ(seen, 3);
    sender.join();
}

TEST_F(EventsTest, AStopEndsAQuietStream) {
    serve_one();
    std::stop_source stop;
    std::thread stopper([&] {
        auto events = sink.get_future().get();
        events->send("", "", "first");
        EXPECT_TRUE(eventually([&] { return !events->is_open(); }));
    });
    Status status =
        client().stream_events({}, [&](const HttpEvent&) { return stop.request_stop(), true; },
                               {.stop = stop.get_token()});
    EXPECT_EQ(status.error().kind, ErrorKind::Cancelled);
    stopper.join();
}

TEST_F(EventsTest, HeartbeatsKeepAQuietStreamAlive) {
    serve_one({.event_heartbeat = 20ms});
    RawPeer peer = RawPeer::to_tcp(port);
    peer.send("GET / HTTP/1.1\r\n\r\n");
    auto events = sink.get_future().get();
    EXPECT_NE(peer.read_until("\r\n\r\n:\n\n:\n\n").find(":\n\n:\n\n"), std::string::npos);
    EXPECT_TRUE(events->is_open());
}

TEST_F(EventsTest, SilenceIsATimeout) {
    serve_one();
    std::thread holder([&] {
        auto events = sink.get_future().get();
        EXPECT_TRUE(eventually([&] { return !events->is_open(); }));
    });
    Status status =
        client().stream_events({}, [](const HttpEvent&) { return true; }, {.idle_timeout = 50ms});
    EXPECT_EQ(status.error().kind, ErrorKind::Timeout);
    holder.join();
}

TEST_F(EventsTest, AReaderThatFallsBehindIsClosed) {
    serve_one({.pending_event_bytes_max = 1 << 20});
    RawPeer peer = RawPeer::to_tcp(port);
    peer.send("GET / HTTP/1.1\r\n\r\n");
    auto events = sink.get_future().get();
    std::string large(256 << 10, 'x');
    std::size_t sent = 0;
    while (sent < 10'000 && events->send("", "", large)) ++sent;
    EXPECT_LT(sent, 10'000U);
    EXPECT_FALSE(events->is_open());
    // What was taken before still arrives as whole events; that may be none.
    const std::string got = peer.read_to_end();
    const std::size_t head_end = got.find("\r\n\r\n");
    ASSERT_NE(head_end, std::string::npos);
    const std::string body = got.substr(head_end + 4);
    EXPECT_TRUE(body.empty() || body.ends_with("\n\n"));
}

TEST_F(EventsTest, ManyThreadsMaySendAtOnce) {
    serve_one({.pending_events_max = 100'000});
    std::vector<std::thread> senders;
    std::thread starter([&] {
        auto events = sink.get_future().get();
        for (int t = 0; t < 4; ++t)
            senders.emplace_back([events] {
                for (int i = 0; i < 1000; ++i) EXPECT_TRUE(events->send("", "e", "x"));
            });
        for (auto& sender : senders) sender.join();
    });
    int seen = 0;
    auto status = client().stream_events({}, [&](const HttpEvent&) { return ++seen, true; });
    EXPECT_EQ(status.error().kind, ErrorKind::Unavailable);
    EXPECT_EQ(seen, 4000);
    starter.join();
}

TEST_F(EventsTest, ARefusalCarriesItsResponse) {
    serve([](const HttpRequest&, HttpResponder responder) {
        responder.respond(HttpResponse::json(404, "{}"));
    });
    HttpResponse refusal;
    auto status = client().stream_events(
        {}, [](const HttpEvent&) { return true; }, {}, &refusal);
    EXPECT_EQ(status.error().kind, ErrorKind::Io);
    EXPECT_EQ(refusal.status, 404);
    EXPECT_EQ(refusal.body, "{}");
}

TEST_F(EventsTest, StoppingTheServerEndsStreams) {
    serve_one();
    std::thread stopper([&] {
        auto events = sink.get_future().get();
        events->send("", "", "x");
        server->stop();
        EXPECT_FALSE(events->is_open());
    });
    auto status = client().stream_events({}, [](const HttpEvent&) { return true; });
    EXPECT_FALSE(status.ok());
    stopper.join();
}

TEST_F(EventsTest, TooLargeAnEventEndsTheStream) {
    serve([](const HttpRequest&, HttpResponder responder) {
        responder.start_events()->send("", "", std::string(2000, 'x'));
    });
    HttpClient small = HttpClient::over_tcp("127.0.0.1", port, {.event_size_max = 1000});
    auto status = small.stream_events({}, [](const HttpEvent&) { return true; });
    EXPECT_EQ(status.error().kind, ErrorKind::TooLarge);
}

}  // namespace
}  // namespace lockstep
