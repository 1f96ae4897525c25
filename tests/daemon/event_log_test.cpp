#include "daemon/event_log.h"

#include <gtest/gtest.h>

#include "base/http/client.h"
#include "daemon/api/json_codec.h"
#include "daemon/control_server.h"
#include "tests/support/fake_clock.h"

namespace lockstep {
namespace {

class RecordingSink : public EventSink {
  public:
    bool send(const HttpEvent& event) override {
        if (!is_open_) return false;
        events.push_back(event);
        return true;
    }
    bool is_open() const override { return is_open_; }
    void close() override { is_open_ = false; }

    std::vector<std::string> messages() const {
        std::vector<std::string> out;
        for (const HttpEvent& event : events) {
            auto decoded = api::decode<api::Event>(event.data);
            out.push_back(decoded.ok() ? decoded->type + "/" + decoded->message : "broken");
        }
        return out;
    }
    std::vector<HttpEvent> events;

  private:
    bool is_open_ = true;
};

class EventLogTest : public testing::Test {
  protected:
    std::shared_ptr<RecordingSink> follow(std::uint64_t since) {
        auto sink = std::make_shared<RecordingSink>();
        log_.follow(since, sink);
        return sink;
    }
    void add(std::string message) { log_.add({"test", {}, {}, std::move(message)}); }

    FakeClock clock_;
    EventLog log_{clock_};
    const std::uint64_t start_ = log_.sequence();
};

using Messages = std::vector<std::string>;

TEST_F(EventLogTest, AFollowerGetsWhatItMissedThenWhatHappens) {
    add("a");
    add("b");
    auto sink = follow(start_ + 1);
    add("c");
    EXPECT_EQ(sink->messages(), (Messages{"test/b", "test/c"}));
    EXPECT_EQ(sink->events[0].id, std::to_string(start_ + 2));
    EXPECT_EQ(sink->events[0].event, "test");
    EXPECT_EQ(log_.sequence(), start_ + 3);
}

TEST_F(EventLogTest, NumbersHaveNoGaps) {
    auto sink = follow(start_);
    for (int i = 0; i < 10; ++i) add("x");
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(sink->events[i].id, std::to_string(start_ + 1 + i));
    }
}

TEST_F(EventLogTest, TheOldestKeptIsReplayedAndOneBeforeIsAResync) {
    for (std::size_t i = 0; i < kEventsKeptMax + 5; ++i) add("x");
    const std::uint64_t before_first = start_ + 5;
    EXPECT_EQ(follow(before_first)->events.size(), kEventsKeptMax);
    auto late = follow(before_first - 1);
    ASSERT_EQ(late->events.size(), 1U);
    EXPECT_EQ(late->events[0].event, "resync");
    EXPECT_EQ(late->events[0].id, std::to_string(log_.sequence()));
    add("y");
    EXPECT_EQ(late->messages().back(), "test/y");
}

// On the sockets' own thread nothing is written before all has been handed over.
TEST_F(EventLogTest, AFollowerThatResumesGetsAllThatIsKeptThroughTheServer) {
    for (std::size_t i = 0; i < kEventsKeptMax; ++i) add("x");
    const std::uint64_t since = log_.sequence() - kEventsKeptMax;
    HttpServerOptions options = control_server_options();
    options.inline_handlers = true;
    options.allowed_uid.reset();
    HttpServer server(options, [&](const HttpRequest&, HttpResponder responder) {
        log_.follow(since, responder.start_events());
        add("after");
    });
    const std::uint16_t port = server.listen_tcp("127.0.0.1", 0).value();
    std::size_t seen = 0;
    std::string last;
    Status status =
        HttpClient::over_tcp("127.0.0.1", port).stream_events({}, [&](const HttpEvent& event) {
            last = event.id;
            return ++seen <= kEventsKeptMax;
        });
    EXPECT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(seen, kEventsKeptMax + 1);
    EXPECT_EQ(last, std::to_string(log_.sequence()));
}

TEST_F(EventLogTest, FromZeroComesWhatIsStillKnown) {
    EXPECT_TRUE(follow(0)->events.empty());
    add("a");
    add("b");
    auto sink = follow(0);
    add("c");
    EXPECT_EQ(sink->messages(), (Messages{"test/a", "test/b", "test/c"}));
    for (std::size_t i = 0; i < kEventsKeptMax; ++i) add("x");
    auto late = follow(0);
    ASSERT_EQ(late->events.size(), kEventsReplayedMax);
    EXPECT_EQ(late->events.back().id, std::to_string(log_.sequence()));
}

TEST_F(EventLogTest, FilesOfAVaultThatAreForgottenAreCountedInstead) {
    for (const char* vault : {"papers", "other"}) {
        EventLog::Happened event{
            .type = "vault.files", .vault = vault, .subject = "ab", .message = "laptop added 5"};
        event.kind = "added";
        event.files = {{"a", {}}, {"b", {}}};
        event.more = 3;
        log_.add(std::move(event));
    }
    log_.forget_files("papers");
    const auto sink = follow(start_);
    ASSERT_EQ(sink->events.size(), 2U);
    const auto forgotten = api::decode<api::Event>(sink->events[0].data);
    ASSERT_TRUE(forgotten.ok());
    EXPECT_TRUE(forgotten->files.empty());
    EXPECT_EQ(forgotten->more, 5U);
    EXPECT_EQ(forgotten->kind, "added");
    const auto other = api::decode<api::Event>(sink->events[1].data);
    ASSERT_TRUE(other.ok());
    ASSERT_EQ(other->files.size(), 2U);
    EXPECT_EQ(other->files[1].path, "b");
    EXPECT_EQ(other->more, 3U);
}

TEST_F(EventLogTest, ANumberAheadOfUsIsAResync) {
    auto sink = follow(start_ + 100);
    ASSERT_EQ(sink->events.size(), 1U);
    EXPECT_EQ(sink->events[0].event, "resync");
}

TEST_F(EventLogTest, AClosedFollowerIsForgotten) {
    auto sink = follow(start_);
    sink->close();
    add("a");
    EXPECT_EQ(sink.use_count(), 1);
}

TEST_F(EventLogTest, ClosingEndsAllStreamsAndLaterOnes) {
    auto sink = follow(start_);
    log_.close();
    EXPECT_FALSE(sink->is_open());
    EXPECT_FALSE(follow(start_)->is_open());
    add("a");
    EXPECT_TRUE(sink->events.empty());
}

TEST_F(EventLogTest, ARestartIsNoticed) {
    add("a");
    const std::uint64_t seen = log_.sequence();
    clock_.advance(std::chrono::seconds(1));
    EventLog restarted(clock_);
    EXPECT_GT(restarted.sequence(), seen);
    auto sink = std::make_shared<RecordingSink>();
    restarted.follow(seen, sink);
    ASSERT_EQ(sink->events.size(), 1U);
    EXPECT_EQ(sink->events[0].event, "resync");
}

}  // namespace
}  // namespace lockstep
