#include "daemon/long_polls.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace lockstep {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

class FakeExchange : public HttpResponder::Exchange {
  public:
    void respond(HttpResponse response) override { promise_.set_value(std::move(response)); }
    std::shared_ptr<EventSink> start_events() override { return nullptr; }
    void accept_websocket(WebSocketOptions, WebSocketStart) override {}
    std::future<HttpResponse> answer() { return promise_.get_future(); }

  private:
    std::promise<HttpResponse> promise_;
};

struct Asked {
    std::shared_ptr<FakeExchange> exchange = std::make_shared<FakeExchange>();
    std::future<HttpResponse> answer = exchange->answer();
    HttpResponder responder{exchange};
};

HttpResponse ready() {
    return HttpResponse::text(200, "ready");
}

TEST(LongPollsTest, WhatIsTrueAlreadyIsAnsweredAtOnce) {
    LongPolls polls;
    Asked asked;
    ASSERT_TRUE(
        polls
            .add(
                steady_clock::now() + seconds(60), [](bool) { return ready(); }, asked.responder)
            .ok());
    EXPECT_EQ(asked.answer.get().body, "ready");
}

TEST(LongPollsTest, AQuestionIsAskedUntilItIsAnswered) {
    LongPolls polls;
    Asked asked;
    std::atomic<int> times = 0;
    auto question = [&](bool) -> std::optional<HttpResponse> {
        if (++times < 3) return std::nullopt;
        return ready();
    };
    ASSERT_TRUE(polls.add(steady_clock::now() + seconds(60), question, asked.responder).ok());
    EXPECT_EQ(asked.answer.get().body, "ready");
    EXPECT_EQ(times, 3);
}

TEST(LongPollsTest, ThePassedDeadlineIsSaid) {
    LongPolls polls;
    Asked asked;
    auto question = [](bool is_last) -> std::optional<HttpResponse> {
        if (!is_last) return std::nullopt;
        return HttpResponse::text(200, "late");
    };
    ASSERT_TRUE(polls.add(steady_clock::now(), question, asked.responder).ok());
    EXPECT_EQ(asked.answer.get().body, "late");
}

TEST(LongPollsTest, StoppingAnswersWhatWaitsAndWhatComesLater) {
    LongPolls polls;
    Asked early, late;
    auto question = [](bool is_last) -> std::optional<HttpResponse> {
        if (!is_last) return std::nullopt;
        return HttpResponse::text(503, "stops");
    };
    ASSERT_TRUE(polls.add(steady_clock::now() + seconds(60), question, early.responder).ok());
    polls.stop();
    EXPECT_EQ(early.answer.get().body, "stops");
    ASSERT_TRUE(polls.add(steady_clock::now() + seconds(60), question, late.responder).ok());
    EXPECT_EQ(late.answer.get().body, "stops");
}

TEST(LongPollsTest, TheLimitHoldsAtAndOnePast) {
    LongPolls polls;
    auto never = [](bool is_last) -> std::optional<HttpResponse> {
        if (!is_last) return std::nullopt;
        return ready();
    };
    std::vector<Asked> all(kLongPollsMax + 1);
    for (std::size_t i = 0; i < kLongPollsMax; ++i) {
        ASSERT_TRUE(polls.add(steady_clock::now() + seconds(60), never, all[i].responder).ok());
    }
    Status over = polls.add(steady_clock::now() + seconds(60), never, all.back().responder);
    ASSERT_FALSE(over.ok());
    EXPECT_EQ(over.error().kind, ErrorKind::Busy);
}

}  // namespace
}  // namespace lockstep
