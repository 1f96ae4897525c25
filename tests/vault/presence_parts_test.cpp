// Rules, promises and the cache of ranges, each by itself.
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/memory_disk.h"
#include "vault/presence/range_cache.h"
#include "vault/presence/vault_presence.h"

namespace lockstep {
namespace {

PackId pack_id(std::uint8_t number) {
    Bytes bytes(PackId::kSize, std::byte{number});
    return PackId::from(bytes);
}

DeviceId device_id(std::uint8_t number) {
    Bytes bytes(DeviceId::kSize, std::byte{number});
    return DeviceId::from(bytes);
}

Bytes text(std::string_view text) {
    return to_bytes(as_bytes(text));
}

// One device with packs, apart from any vault.
struct Holder {
    Holder(std::uint8_t number, Clock& the_clock) : id(device_id(number)), clock(the_clock) {
        open();
    }
    void open() {
        presence = std::make_unique<VaultPresence>(VaultPresence::Environment{
            .disk = disk,
            .clock = clock,
            .device = id,
            .directory = "/state",
            .holds = [this](const PackId& pack) { return packs.contains(pack); },
            .is_directory_shared = [this] { return is_shared; },
            .absent_packs = [] { return std::vector<PackInfo>{}; },
            .alarm = [this](const std::string& alarm) { alarms.push_back(alarm); }});
    }
    // Answers to `other`, as its question came over the network.
    std::vector<PackId> promise_to(const Holder& other, const std::vector<PackId>& asked) {
        return presence->hold(other.id, asked, kPromiseTime);
    }
    std::vector<PackId> evict(const std::vector<PackId>& which, std::size_t copies) {
        return presence->end_eviction(
            which, [&](const PackId&) { return copies >= 1; },
            [&](const PackId& pack) -> Status {
                packs.erase(pack);
                return {};
            });
    }

    DeviceId id;
    Clock& clock;
    MemoryDisk disk;
    std::set<PackId> packs{pack_id(1), pack_id(2)};
    std::vector<std::string> alarms;
    bool is_shared = false;
    std::unique_ptr<VaultPresence> presence;
};

class PromiseTest : public ::testing::Test {
  protected:
    FakeClock clock_;
    Holder laptop_{1, clock_}, desk_{2, clock_};
    const std::vector<PackId> pack_{pack_id(1)};
};

TEST_F(PromiseTest, OfTwoThatEvictAtOnceExactlyOneGivesWay) {
    ASSERT_EQ(laptop_.presence->begin_eviction(pack_), pack_);
    ASSERT_EQ(desk_.presence->begin_eviction(pack_), pack_);
    const auto by_laptop = laptop_.promise_to(desk_, pack_);
    const auto by_desk = desk_.promise_to(laptop_, pack_);
    EXPECT_TRUE(by_laptop.empty());
    EXPECT_EQ(by_desk, pack_);
    EXPECT_EQ(laptop_.evict(pack_, by_desk.size()), pack_);
    // Even if another device had promised the pack to the desk meanwhile.
    EXPECT_TRUE(desk_.evict(pack_, 1).empty());
    EXPECT_TRUE(desk_.packs.contains(pack_id(1)));
}

TEST_F(PromiseTest, NoScheduleOfTwoEvictionsLetsTheLastCopyGo) {
    // Each device begins, is asked by the other, and ends; all orders in which each one's steps
    // follow each other. A question is answered when it is asked.
    enum Step { LaptopBegins, LaptopAsks, LaptopEnds, DeskBegins, DeskAsks, DeskEnds };
    std::vector<Step> order{LaptopBegins, LaptopAsks, LaptopEnds, DeskBegins, DeskAsks, DeskEnds};
    std::size_t schedules = 0;
    do {
        auto at = [&](Step step) { return std::find(order.begin(), order.end(), step); };
        if (!(at(LaptopBegins) < at(LaptopAsks) && at(LaptopAsks) < at(LaptopEnds) &&
              at(DeskBegins) < at(DeskAsks) && at(DeskAsks) < at(DeskEnds)))
            continue;
        ++schedules;
        Holder laptop(1, clock_), desk(2, clock_);
        std::vector<PackId> laptop_evicts, desk_evicts, to_laptop, to_desk;
        for (Step step : order) {
            switch (step) {
                case LaptopBegins:
                    laptop_evicts = laptop.presence->begin_eviction(pack_);
                    break;
                case DeskBegins:
                    desk_evicts = desk.presence->begin_eviction(pack_);
                    break;
                case LaptopAsks:
                    to_laptop = desk.promise_to(laptop, laptop_evicts);
                    break;
                case DeskAsks:
                    to_desk = laptop.promise_to(desk, desk_evicts);
                    break;
                case LaptopEnds:
                    laptop.evict(laptop_evicts, to_laptop.size());
                    break;
                case DeskEnds:
                    desk.evict(desk_evicts, to_desk.size());
                    break;
            }
        }
        EXPECT_TRUE(laptop.packs.contains(pack_id(1)) || desk.packs.contains(pack_id(1)));
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(schedules, 20u);
}

TEST_F(PromiseTest, APromiseOutlivesAPowerCutAndEndsAfterAnHour) {
    ASSERT_EQ(desk_.promise_to(laptop_, {pack_id(1), pack_id(9)}), pack_);
    desk_.presence.reset();
    desk_.disk.crash();
    desk_.open();
    EXPECT_TRUE(desk_.presence->begin_eviction(pack_).empty());
    EXPECT_EQ(desk_.presence->begin_eviction({pack_id(2)}), std::vector<PackId>{pack_id(2)});
    clock_.advance(std::chrono::minutes(61));
    EXPECT_EQ(desk_.presence->begin_eviction(pack_), pack_);
}

TEST_F(PromiseTest, OnlyAskingPromisesNothing) {
    EXPECT_EQ(desk_.presence->hold(laptop_.id, pack_, std::chrono::seconds(0)), pack_);
    EXPECT_EQ(desk_.presence->begin_eviction(pack_), pack_);
}

TEST_F(PromiseTest, NothingIsPromisedThatTheDiskDoesNotTake) {
    desk_.disk.fail_call(0, ErrorKind::Io);
    EXPECT_TRUE(desk_.promise_to(laptop_, pack_).empty());
}

TEST_F(PromiseTest, WhoSharesItsDirectoryPromisesNothing) {
    desk_.is_shared = true;
    EXPECT_TRUE(desk_.promise_to(laptop_, pack_).empty());
    desk_.is_shared = false;
    desk_.presence->note_shared_directory();
    EXPECT_TRUE(desk_.promise_to(laptop_, pack_).empty());
    desk_.open();
    EXPECT_TRUE(desk_.promise_to(laptop_, pack_).empty());
}

TEST_F(PromiseTest, BlindMembersAreNoCopies) {
    PackAnswers answers;
    answers.holders.push_back({{device_id(3), "blind", MemberRole::Blind, false}, {pack_id(1)}});
    EXPECT_EQ(answers.copies(pack_id(1)), 0u);
    answers.holders.push_back({{device_id(4), "phone", MemberRole::Reader, false}, {pack_id(1)}});
    EXPECT_EQ(answers.copies(pack_id(1)), 1u);
}

TEST(KeepRulesTest, AreReadAsTheyWereWritten) {
    KeepRules rules;
    rules.rules[kRootFile] = Keep::OnDemand;
    rules.rules[FileId::from(Bytes(FileId::kSize, std::byte{7}))] = Keep::Pinned;
    rules.is_directory_shared = true;
    const Bytes bytes = encode_keep_rules(rules);
    EXPECT_EQ(decode_keep_rules(bytes).value(), rules);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes damaged = bytes;
        damaged[i] ^= std::byte{1};
        EXPECT_FALSE(decode_keep_rules(damaged).ok()) << i;
        EXPECT_FALSE(decode_keep_rules(ByteView(bytes).first(i)).ok()) << i;
    }
}

TEST(KeepRulesTest, ThatAreDamagedLetEverythingBeKeptAndRaiseAnAlarm) {
    FakeClock clock;
    Holder desk(2, clock);
    KeepRules rules;
    rules.rules[kRootFile] = Keep::OnDemand;
    ASSERT_TRUE(desk.presence->set_rules(rules).ok());
    EXPECT_FALSE(desk.presence->wants(pack_id(1)));
    desk.open();
    EXPECT_FALSE(desk.presence->wants(pack_id(1)));
    ASSERT_TRUE(desk.disk.write_file_durably("/state/keep", text("damage")).ok());
    desk.open();
    EXPECT_TRUE(desk.presence->wants(pack_id(1)));
    EXPECT_EQ(desk.alarms.size(), 1u);
}

class RangeCacheTest : public ::testing::Test {
  protected:
    void open(std::uint64_t limit = 1 << 20) {
        cache_.reset();
        cache_ = std::move(*RangeCache::open(disk_, "/cache", limit));
    }
    std::string read(const PackId& pack, std::uint64_t offset, std::size_t length) {
        Bytes out(length);
        return cache_->read(pack, offset, out) ? std::string(as_text(out)) : "-";
    }
    MemoryDisk disk_;
    std::unique_ptr<RangeCache> cache_;
};

TEST_F(RangeCacheTest, GivesBackWhatLiesInIt) {
    open();
    ASSERT_TRUE(cache_->add(pack_id(1), 100, text("hundred")).ok());
    ASSERT_TRUE(cache_->add(pack_id(1), 107, text("and more")).ok());
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(read(pack_id(1), 100, 7), "hundred");
        EXPECT_EQ(read(pack_id(1), 104, 6), "redand");
        EXPECT_EQ(read(pack_id(1), 99, 2), "-");
        EXPECT_EQ(read(pack_id(1), 110, 6), "-");
        EXPECT_EQ(read(pack_id(2), 100, 1), "-");
        open();
    }
}

TEST_F(RangeCacheTest, DropsWhatACrashHasTorn) {
    open();
    ASSERT_TRUE(cache_->add(pack_id(1), 0, text("first")).ok());
    ASSERT_TRUE(cache_->add(pack_id(1), 50, text("second")).ok());
    auto file =
        std::move(*disk_.open("/cache/" + pack_id(1).to_hex() + ".ranges", OpenMode::ReadWrite));
    ASSERT_TRUE(file->truncate(file->size().value() - 2).ok());
    open();
    EXPECT_EQ(read(pack_id(1), 0, 5), "first");
    EXPECT_EQ(read(pack_id(1), 50, 6), "-");
    ASSERT_TRUE(cache_->add(pack_id(1), 50, text("again!")).ok());
    open();
    EXPECT_EQ(read(pack_id(1), 50, 6), "again!");
}

TEST_F(RangeCacheTest, ForgetsWhatWasUsedLongestAgo) {
    open(250);
    const std::string content(60, 'x');
    ASSERT_TRUE(cache_->add(pack_id(1), 0, text(content)).ok());
    ASSERT_TRUE(cache_->add(pack_id(2), 0, text(content)).ok());
    ASSERT_TRUE(cache_->add(pack_id(3), 0, text(content)).ok());
    EXPECT_EQ(read(pack_id(1), 0, 60), content);
    ASSERT_TRUE(cache_->add(pack_id(4), 0, text(content)).ok());
    EXPECT_EQ(read(pack_id(1), 0, 60), content);
    EXPECT_EQ(read(pack_id(2), 0, 60), "-");
    EXPECT_LE(cache_->bytes(), 250u);
}

}  // namespace
}  // namespace lockstep
