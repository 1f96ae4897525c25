// Sealing anew what a removed device has the keys of.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/core/vault_replica.h"
#include "vault/packs/pack_reader.h"

namespace lockstep {
namespace {

class VaultReseal : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(phone_.join(laptop_, MemberRole::Writer));
        for (const char* name : {"a", "b", "c"}) expect_ok(laptop_.write(name, content(name)));
        expect_ok(laptop_.write("gone", content("gone")));
        publish(laptop_);
        pull(phone_, laptop_);
        expect_ok(laptop_.remove("gone"));
        publish(laptop_);
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    void publish(VaultDevice& device) {
        clock_.advance(std::chrono::seconds(3));
        expect_ok(device.publish());
    }
    void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    static std::string content(const std::string& name) {
        SeededRandom random(std::hash<std::string>{}(name));
        std::string text(200'000, '\0');
        random.fill(std::span(reinterpret_cast<std::byte*>(text.data()), text.size()));
        return text;
    }
    static DeviceId id_of(VaultDevice& device) { return device.vault().replica()->device(); }
    static void reseal(VaultDevice& device) {
        for (int step = 0; step < 100; ++step) {
            auto more = device.vault().continue_reseal();
            ASSERT_TRUE(more.ok()) << more.error().message;
            if (!*more) return;
        }
        FAIL() << "no end of it";
    }
    // Packs here, but for those that are to be deleted, that the device has the keys of.
    static std::size_t packs_open_to(VaultDevice& device, VaultDevice& at) {
        auto& replica = dynamic_cast<VaultReplica&>(*at.vault().replica());
        auto& known = dynamic_cast<VaultReplica&>(*device.vault().replica());
        std::set<PackId> condemned;
        for (const Condemnation& one : replica.condemnations())
            condemned.insert(one.packs.begin(), one.packs.end());
        std::size_t out = 0;
        for (const PackInfo& pack : replica.present_packs()) {
            if (condemned.contains(pack.id)) continue;
            auto bytes = replica.packs().open_pack(pack.id);
            EXPECT_TRUE(bytes.ok());
            auto prefix = read_pack_prefix(**bytes);
            EXPECT_TRUE(prefix.ok());
            out += known.keys()->epoch_secret(prefix->epoch) != nullptr ? 1U : 0U;
        }
        return out;
    }
    void expect_all_content(VaultDevice& device) {
        for (const char* name : {"a", "b", "c"}) {
            auto text = device.read(name);
            ASSERT_TRUE(text.ok()) << text.error().message;
            EXPECT_TRUE(content(name) == *text) << name;
        }
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_, quick_stretcher()};
    VaultDevice phone_{"phone", 2, clock_, quick_stretcher()};
};

TEST_F(VaultReseal, NothingThatIsKeptOpensToARemovedDevice) {
    EXPECT_GT(packs_open_to(phone_, laptop_), 0u);
    expect_ok(laptop_.vault().revoke(id_of(phone_)));
    EXPECT_GT(packs_open_to(phone_, laptop_), 0u) << "not by the removal alone";
    expect_ok(laptop_.vault().begin_reseal(id_of(phone_)));
    EXPECT_EQ(ResealReport::State::Running, laptop_.vault().reseal_report().state);
    reseal(laptop_);
    EXPECT_EQ(0u, packs_open_to(phone_, laptop_));
    expect_all_content(laptop_);
    const ResealReport report = laptop_.vault().reseal_report();
    EXPECT_EQ(ResealReport::State::Done, report.state);
    EXPECT_EQ(id_of(phone_), report.device);
    EXPECT_EQ(3u, report.files);
    EXPECT_EQ(600'000u, report.file_bytes);
    EXPECT_GT(report.segments, 0u);
    EXPECT_GT(report.packs, 0u);
    EXPECT_EQ(0u, report.left_packs);
    // Nobody else is to agree: the old packs are deleted.
    for (int round = 0; round < 3; ++round) publish(laptop_);
    EXPECT_EQ(0u, laptop_.vault().reseal_report().waiting_packs);
    EXPECT_TRUE(laptop_.vault().check()->errors.empty());
    expect_all_content(laptop_);
}

TEST_F(VaultReseal, OtherMembersGetAndAgreeToIt) {
    VaultDevice desk("desk", 3, clock_, quick_stretcher());
    expect_ok(desk.join(laptop_, MemberRole::Writer));
    pull(desk, laptop_);
    expect_ok(laptop_.vault().revoke(id_of(phone_)));
    expect_ok(laptop_.vault().begin_reseal(id_of(phone_)));
    reseal(laptop_);
    EXPECT_GT(laptop_.vault().reseal_report().waiting_packs, 0u) << "until the desk agrees";
    for (int round = 0; round < 4; ++round) {
        pull(desk, laptop_);
        publish(desk);
        pull(laptop_, desk);
        publish(laptop_);
    }
    EXPECT_EQ(0u, laptop_.vault().reseal_report().waiting_packs);
    EXPECT_EQ(0u, packs_open_to(phone_, desk));
    expect_all_content(desk);
}

TEST_F(VaultReseal, AnEarlierVersionCanBeRestoredAfterIt) {
    expect_ok(laptop_.vault().revoke(id_of(phone_)));
    expect_ok(laptop_.vault().begin_reseal(id_of(phone_)));
    reseal(laptop_);
    for (int round = 0; round < 3; ++round) publish(laptop_);
    RestoreRequest request;
    request.path = "gone";
    auto restored = laptop_.vault().history().restore(request);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_TRUE(content("gone") == *laptop_.read("gone"));
}

TEST_F(VaultReseal, OnlyAfterARemoval) {
    EXPECT_EQ(ErrorKind::Invalid, laptop_.vault().begin_reseal(id_of(phone_)).error().kind);
    EXPECT_EQ(ResealReport::State::None, laptop_.vault().reseal_report().state);
}

TEST_F(VaultReseal, ForABlindMemberThereIsNothingToDo) {
    VaultDevice server("server", 4, clock_, quick_stretcher());
    expect_ok(server.join(laptop_, MemberRole::Blind));
    expect_ok(laptop_.vault().revoke(id_of(server)));
    expect_ok(laptop_.vault().begin_reseal(id_of(server)));
    reseal(laptop_);
    const ResealReport report = laptop_.vault().reseal_report();
    EXPECT_EQ(ResealReport::State::Done, report.state);
    EXPECT_EQ(0u, report.packs);
    EXPECT_EQ(0u, report.segments);
}

// It goes on after the crash, wherever that was, and nothing is lost.
TEST_F(VaultReseal, APowerCutAtAnyDiskCallCostsNothing) {
    expect_ok(laptop_.vault().revoke(id_of(phone_)));
    expect_ok(laptop_.vault().begin_reseal(id_of(phone_)));
    std::uint64_t point = 0;
    for (bool finished = false; !finished; ++point) {
        ASSERT_LT(point, 400u);
        auto device = laptop_.clone(1000 + point);
        device->disk().power_off_at(point);
        auto step = device->vault().continue_reseal();
        finished = step.ok() && device->vault().reseal_report().state == ResealReport::State::Done;
        expect_ok(device->crash_and_reopen(point));
        reseal(*device);
        EXPECT_EQ(ResealReport::State::Done, device->vault().reseal_report().state);
        EXPECT_EQ(0u, packs_open_to(phone_, *device)) << point;
        expect_all_content(*device);
        publish(*device);
        expect_all_content(*device);
        EXPECT_TRUE(device->vault().status().alarms.empty()) << point;
    }
    EXPECT_GT(point, 5u);
}

}  // namespace
}  // namespace lockstep
