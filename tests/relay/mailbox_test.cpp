// The mailbox: what is stored stays, for its swarm alone, within its bounds.
#include <future>

#include "tests/relay/relay_world.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

class MailboxTest : public RelayWorld {
  protected:
    MailboxTest() {
        config = with_access(RelayAccess::Open);
        config.mailbox.directory = directory / "mailbox";
        config.limits.mailbox_bytes = {};
        start();
    }
    void start() {
        server.reset();
        service.reset();
        serve(config);
        shown = shows(hash, ticket(members, hash, member_number(1)));
    }
    HttpResponse put(const std::string& name, std::string body) {
        return send({.method = "PUT",
                     .path = "/v1/mailbox/" + name,
                     .query = shown,
                     .body = std::move(body)});
    }
    HttpResponse read(const std::string& name) { return get("/v1/mailbox/" + name, shown); }
    int take(const std::string& name) {
        return send({.method = "DELETE", .path = "/v1/mailbox/" + name, .query = shown}).status;
    }
    std::vector<MailboxItem> list(std::uint64_t since = 0) {
        HttpFields query = shown;
        query.push_back({"since", std::to_string(since)});
        return decode_mailbox_list(get("/v1/mailbox", query).body).value();
    }

    TempDir directory;
    RelayConfig config;
    SwarmSigner members;
    TrackerHash hash = hash_number(1);
    HttpFields shown;
};

TEST_F(MailboxTest, SmallAndLargeObjectsComeBackAfterARestart) {
    std::string large(3 << 20, '\0');
    for (std::size_t i = 0; i < large.size(); i += 100) large[i] = static_cast<char>(i / 100);
    EXPECT_EQ(put("small", std::string("a\0b", 3)).status, 201);
    EXPECT_EQ(put("large", large).status, 201);
    EXPECT_EQ(put("empty", "").status, 201);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(read("small").body, std::string("a\0b", 3));
        EXPECT_TRUE(read("large").body == large);
        EXPECT_EQ(read("empty").body, "");
        EXPECT_EQ(read("none").status, 404);
        auto items = list();
        ASSERT_EQ(items.size(), 3U);
        EXPECT_EQ(items[1].name, "large");
        EXPECT_EQ(items[1].size_bytes, large.size());
        EXPECT_EQ(list(items[1].sequence).size(), 1U);
        start();
    }
    EXPECT_EQ(take("large"), 204);
    EXPECT_EQ(take("large"), 404);
    EXPECT_EQ(read("large").status, 404);
    EXPECT_EQ(list().size(), 2U);
    EXPECT_TRUE(std::filesystem::is_empty(config.mailbox.directory / "objects"))
        << "its file is gone too";
}

TEST_F(MailboxTest, AnObjectIsNeverChanged) {
    EXPECT_EQ(put("x", "first").status, 201);
    EXPECT_EQ(put("x", "second").status, 204);
    EXPECT_EQ(read("x").body, "first");
}

TEST_F(MailboxTest, OtherSwarmsAndStrangersSeeNothing) {
    ASSERT_EQ(put("x", "secret").status, 201);
    SwarmSigner others;
    HttpFields own = std::exchange(shown, shows(hash, ticket(others, hash, member_number(2))));
    EXPECT_TRUE(list().empty());
    EXPECT_EQ(read("x").status, 404);
    EXPECT_EQ(take("x"), 404);
    shown = {};
    EXPECT_EQ(read("x").status, 403);
    EXPECT_EQ(put("y", std::string(1 << 20, 'y')).status, 403);
    shown = own;
    EXPECT_EQ(read("x").body, "secret");
}

TEST_F(MailboxTest, NamesAreNamesAndNoPaths) {
    for (auto bad : {"..", "a/b", "../mailbox.db", "a%2Fb", "a.b", "%00", ""})
        EXPECT_NE(put(bad, "x").status, 201) << bad;
    EXPECT_EQ(put(std::string(64, 'a'), "x").status, 201);
    EXPECT_EQ(put(std::string(65, 'a'), "x").status, 400);
}

TEST_F(MailboxTest, WhateverIsAskedForNothingAppearsOutsideItsDirectory) {
    for (auto bad : {"../outside", "..%2foutside", "%2e%2e/outside", "/etc/outside"})
        (void)put(bad, std::string(100'000, 'x'));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path()))
        EXPECT_EQ(entry.path().string().find("outside"), std::string::npos) << entry.path();
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
        EXPECT_EQ(entry.path().filename(), "mailbox");
}

// A body that blows up when it is opened costs nothing: none is opened.
TEST_F(MailboxTest, BodiesAreStoredAsTheyComeAndEncodedOnesAreRefused) {
    for (const char* encoding : {"gzip", "deflate", "br", "identity"}) {
        HttpResponse response = send({.method = "PUT",
                                      .path = "/v1/mailbox/bomb",
                                      .query = shown,
                                      .headers = {{"Content-Encoding", encoding}},
                                      .body = "\x1f\x8b"});
        EXPECT_EQ(response.status, 415) << encoding;
    }
    EXPECT_EQ(read("bomb").status, 404);
    EXPECT_EQ(put("plain", "\x1f\x8b").status, 201);
    EXPECT_EQ(read("plain").body, "\x1f\x8b");
}

TEST_F(MailboxTest, QuotasHoldAndWhatIsTakenMakesRoom) {
    config.admission.anybody.mailbox_bytes_max = 1000;
    config.mailbox.objects_per_swarm_max = 3;
    start();
    EXPECT_EQ(put("a", std::string(600, 'a')).status, 201);
    EXPECT_EQ(put("b", std::string(401, 'b')).status, 507);
    EXPECT_EQ(put("b", std::string(400, 'b')).status, 201);
    EXPECT_EQ(put("c", "").status, 201);
    EXPECT_EQ(put("d", "").status, 507);
    EXPECT_EQ(take("a"), 204);
    EXPECT_EQ(put("d", std::string(600, 'd')).status, 201);
    config.mailbox.bytes_max = 1100;
    start();
    SwarmSigner others;
    shown = shows(hash, ticket(others, hash, member_number(2)));
    EXPECT_EQ(put("e", std::string(101, 'e')).status, 507) << "the relay itself is full";
    EXPECT_EQ(put("e", std::string(100, 'e')).status, 201);
}

TEST_F(MailboxTest, WhatHasExpiredIsForgotten) {
    ASSERT_EQ(put("old", std::string(100'000, 'x')).status, 201);
    clock.advance(13 * 24h);
    start();
    ASSERT_EQ(put("new", "x").status, 201);
    clock.advance(25h);
    start();
    clock.advance(11s);  // the next sweep
    for (int i = 0; i < 400 && list().size() != 1; ++i) std::this_thread::sleep_for(50ms);
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].name, "new");
}

TEST_F(MailboxTest, LargerThanAllowedIsRefusedBeforeItIsRead) {
    config.mailbox.object_size_max = 1 << 20;
    start();
    EXPECT_EQ(put("x", std::string((1 << 20) + 1, 'x')).status, 413);
    EXPECT_EQ(put("x", std::string(1 << 20, 'x')).status, 201);
}

TEST_F(MailboxTest, ManyAtOnceAreAllStored) {
    auto mailbox = Mailbox::open(clock, {.directory = directory / "other"}).value();
    std::vector<std::future<bool>> stored;
    for (int i = 0; i < 1000; ++i) {
        auto done = std::make_shared<std::promise<bool>>();
        stored.push_back(done->get_future());
        mailbox->put(
            {}, "n" + std::to_string(i), std::string(4096, 'x'), 1 << 30,
            [done](const Result<bool>& is_new) { done->set_value(is_new.ok() && *is_new); });
    }
    for (auto& one : stored) EXPECT_TRUE(one.get());
    EXPECT_EQ(mailbox->counts().objects, 1000U);
}

// Its database is carried on beside the puts, and its log does not grow without end.
TEST_F(MailboxTest, TheLogStaysShortWhileMuchIsPut) {
    config.mailbox.bytes_max = 1 << 30;
    config.admission.anybody.mailbox_bytes_max = 1 << 30;
    start();
    const std::string body(60 << 10, 'x');
    for (int i = 0; i < 1500; ++i) ASSERT_EQ(put("n" + std::to_string(i), body).status, 201) << i;
    auto size_of = [&](const char* name) {
        return std::filesystem::file_size(config.mailbox.directory / name);
    };
    EXPECT_GT(size_of("mailbox.db"), std::uintmax_t{30} << 20);
    EXPECT_LT(size_of("mailbox.db-wal"), std::uintmax_t{40} << 20);
    start();
    for (int i = 0; i < 1500; i += 100) EXPECT_TRUE(read("n" + std::to_string(i)).body == body);
}

TEST(MailboxListTest, ReadAsWritten) {
    std::vector<MailboxItem> items{{"a", 1, 2, 3}, {"B-_9", 5, 0, 7}};
    EXPECT_EQ(*decode_mailbox_list(encode_mailbox_list(items)), items);
    EXPECT_FALSE(decode_mailbox_list("d5:itemsld4:name1:/eee").ok());
}

}  // namespace
}  // namespace lockstep
