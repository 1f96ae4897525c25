// Joining: the host approves, the guest gets the bytes, once.
#include "tests/sync/sync_fixture.h"
#include "tests/sync/tiny_dns.h"
#include "tests/sync/tiny_tracker.h"

namespace lockstep {
namespace {

struct Ends {
    Mutex mutex;
    std::vector<std::pair<std::uint64_t, std::string>> guests GUARDED_BY(mutex);  // number, digits
    std::vector<std::string> guest_digits GUARDED_BY(mutex);
    Bytes admission GUARDED_BY(mutex);
    std::optional<Status> host GUARDED_BY(mutex), guest GUARDED_BY(mutex);
    std::atomic<int> admits{0};
};

class Host final : public JoinHostDelegate {
  public:
    Host(Ends& ends, std::size_t admission_size)
        : ends_(ends), admission_(admission_size, std::byte{7}) {}
    void guest_waits(std::uint64_t guest, const std::string& digits,
                     const std::string& label) override {
        EXPECT_EQ(label, "guest");
        MutexLock lock(ends_.mutex);
        ends_.guests.emplace_back(guest, digits);
    }
    Result<Bytes> offer() override { return to_bytes(as_bytes("offer")); }
    Result<Bytes> admit(ByteView request) override {
        EXPECT_EQ(as_text(request), "request to offer");
        ++ends_.admits;
        return admission_;
    }
    void finished(const Status& status) override {
        MutexLock lock(ends_.mutex);
        ends_.host = status;
    }

  private:
    Ends& ends_;
    Bytes admission_;
};

class Guest final : public JoinGuestDelegate {
  public:
    explicit Guest(Ends& ends) : ends_(ends) {}
    void waits_for_approval(const std::string& digits, const std::string& host_label) override {
        EXPECT_EQ(host_label, "host");
        MutexLock lock(ends_.mutex);
        ends_.guest_digits.push_back(digits);
    }
    Result<Bytes> request(ByteView offer) override {
        return to_bytes(as_bytes("request to " + std::string(as_text(offer))));
    }
    Status admitted(ByteView admission) override {
        MutexLock lock(ends_.mutex);
        ends_.admission = to_bytes(admission);
        return {};
    }
    void finished(const Status& status) override {
        MutexLock lock(ends_.mutex);
        ends_.guest = status;
    }

  private:
    Ends& ends_;
};

class JoinTest : public ::testing::Test {
  protected:
    JoinTest() {
        system_random().fill(secret);
        host = std::move(SyncEngine::start(loopback_options("host"))).value();
        guest = std::move(SyncEngine::start(loopback_options("guest"))).value();
    }
    ~JoinTest() override {
        host.reset();
        guest.reset();
    }
    JoinTicket ticket() {
        JoinTicket out;
        out.secret = secret;
        out.addresses = {{"127.0.0.1", host->listen_port()}};
        out.guest_label = "guest";
        out.timeout = std::chrono::seconds(20);
        return out;
    }
    bool has_guest() {
        return eventually([&] {
            MutexLock lock(ends.mutex);
            return !ends.guests.empty() && !ends.guest_digits.empty();
        });
    }
    std::uint64_t first_guest() {
        MutexLock lock(ends.mutex);
        return ends.guests.front().first;
    }
    bool both_finished() {
        return eventually([&] {
            MutexLock lock(ends.mutex);
            return ends.host.has_value() && ends.guest.has_value();
        });
    }

    Ends ends;
    InviteSecret secret{};
    std::unique_ptr<SyncEngine> host, guest;
};

TEST_F(JoinTest, AnApprovedGuestGetsTheAdmission) {
    auto invite = host->host_join(secret, {}, std::make_shared<Host>(ends, 700'000));
    guest->join(ticket(), std::make_shared<Guest>(ends));
    ASSERT_TRUE(has_guest());
    host->answer_guest(invite, first_guest(), true);
    ASSERT_TRUE(both_finished());
    MutexLock lock(ends.mutex);
    EXPECT_TRUE(ends.host->ok() && ends.guest->ok());
    EXPECT_EQ(ends.guests.front().second, ends.guest_digits.front());
    EXPECT_EQ(ends.guests.front().second.size(), 6u);
    EXPECT_EQ(ends.admission, Bytes(700'000, std::byte{7}));
    EXPECT_EQ(ends.admits, 1);
}

// A guest has no relays yet: the ticket says whom to ask for them.
TEST_F(JoinTest, ATicketsDomainLeadsToTheRelayWhereTheHostWaits) {
    TinyTracker relay;
    TinyDns dns;
    dns.set("_lockstep._tcp.relays.example", {{"localhost", relay.port(), 0, 1}});
    RelaySettings settings;
    settings.urls = {relay.url()};
    host->set_relays(settings);
    SyncEngineOptions options = loopback_options("guest");
    options.name_server = dns.address();
    guest.reset();
    guest = std::move(SyncEngine::start(options)).value();
    JoinTicket without_addresses = ticket();
    without_addresses.addresses.clear();
    without_addresses.relays = {"srv+http:nothing.example", "srv+http:relays.example"};
    auto invite = host->host_join(secret, {}, std::make_shared<Host>(ends, 100));
    guest->join(without_addresses, std::make_shared<Guest>(ends));
    ASSERT_TRUE(has_guest());
    host->answer_guest(invite, first_guest(), true);
    ASSERT_TRUE(both_finished());
    MutexLock lock(ends.mutex);
    EXPECT_TRUE(ends.host->ok() && ends.guest->ok());
}

TEST_F(JoinTest, ARejectedGuestGetsNothingAndTheInviteStays) {
    auto invite = host->host_join(secret, {}, std::make_shared<Host>(ends, 10));
    guest->join(ticket(), std::make_shared<Guest>(ends));
    ASSERT_TRUE(has_guest());
    host->answer_guest(invite, first_guest(), false);
    ASSERT_TRUE(eventually([&] {
        MutexLock lock(ends.mutex);
        return ends.guest.has_value();
    }));
    {
        MutexLock lock(ends.mutex);
        EXPECT_EQ(ends.guest->error().kind, ErrorKind::Refused);
        EXPECT_FALSE(ends.host.has_value());
        EXPECT_EQ(ends.admits, 0);
    }
    host->cancel_join(invite);
    ASSERT_TRUE(both_finished());
    MutexLock lock(ends.mutex);
    EXPECT_EQ(ends.host->error().kind, ErrorKind::Cancelled);
}

TEST_F(JoinTest, AWrongSecretMeetsNobody) {
    host->host_join(secret, {}, std::make_shared<Host>(ends, 10));
    JoinTicket wrong = ticket();
    wrong.secret[0] ^= std::byte{1};
    wrong.timeout = std::chrono::seconds(3);
    guest->join(wrong, std::make_shared<Guest>(ends));
    ASSERT_TRUE(eventually([&] {
        MutexLock lock(ends.mutex);
        return ends.guest.has_value();
    }));
    MutexLock lock(ends.mutex);
    EXPECT_EQ(ends.guest->error().kind, ErrorKind::Timeout);
    EXPECT_TRUE(ends.guests.empty());
}

TEST_F(JoinTest, AUsedInviteAdmitsNobodyElse) {
    auto invite = host->host_join(secret, {}, std::make_shared<Host>(ends, 10));
    guest->join(ticket(), std::make_shared<Guest>(ends));
    ASSERT_TRUE(has_guest());
    host->answer_guest(invite, first_guest(), true);
    ASSERT_TRUE(both_finished());
    Ends later;
    JoinTicket again = ticket();
    again.timeout = std::chrono::seconds(3);
    guest->join(again, std::make_shared<Guest>(later));
    ASSERT_TRUE(eventually([&] {
        MutexLock lock(later.mutex);
        return later.guest.has_value();
    }));
    MutexLock lock(later.mutex);
    EXPECT_FALSE(later.guest->ok());
    EXPECT_EQ(ends.admits, 1);
}

TEST_F(JoinTest, AnInviteExpires) {
    host->host_join(secret, {std::chrono::milliseconds(100)}, std::make_shared<Host>(ends, 10));
    ASSERT_TRUE(eventually([&] {
        MutexLock lock(ends.mutex);
        return ends.host.has_value();
    }));
    MutexLock lock(ends.mutex);
    EXPECT_EQ(ends.host->error().kind, ErrorKind::Timeout);
}

}  // namespace
}  // namespace lockstep
