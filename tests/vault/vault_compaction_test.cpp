// Compaction: fewer files for the same segments. Whatever happens, what devices know and show is
// what it would be without.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/vault_device.h"
#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

using Tree = std::map<std::string, std::string>;
using Digest = std::optional<std::array<std::byte, 32>>;

class VaultCompaction : public ::testing::Test {
  protected:
    void SetUp() override {
        expect_ok(laptop_.found());
        expect_ok(desk_.join(laptop_));
    }
    static void expect_ok(const Status& status) {
        EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    }
    static VaultReplica& replica(VaultDevice& device) {
        return dynamic_cast<VaultReplica&>(*device.vault().replica());
    }
    void write(VaultDevice& device, const std::string& path, const std::string& text) {
        expect_ok(device.write(path, text));
        clock_.advance(std::chrono::seconds(3));
        expect_ok(device.publish());
    }
    // One segment each.
    void write_many(VaultDevice& device, int count, const std::string& prefix = "file ") {
        for (int i = 0; i < count; ++i) write(device, prefix + std::to_string(i), "text");
    }
    static void pull(VaultDevice& to, VaultDevice& from) {
        auto taken = to.pull(from);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().message);
    }
    static std::uint64_t compact(VaultDevice& device, bool at_once = true) {
        Result<std::uint64_t> done = device.vault().compact(at_once);
        EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
        return done.ok() ? *done : 0;
    }
    // Names of the files of all logs, without their directories.
    static std::vector<std::string> files(VaultDevice& device) {
        std::vector<std::string> out;
        const fs::path top = kTestVaultDirectory / fs::path("log");
        auto logs = device.disk().list(top);
        for (const DirectoryItem& log : logs.ok() ? *logs : std::vector<DirectoryItem>{}) {
            auto segments = device.disk().list(top / log.name);
            for (const DirectoryItem& segment : *segments) out.push_back(segment.name);
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    static fs::path path_of(VaultDevice& device, const std::string& file) {
        const fs::path top = kTestVaultDirectory / fs::path("log");
        auto logs = device.disk().list(top);
        for (const DirectoryItem& log : *logs)
            if (device.disk().exists(top / log.name / file)) return top / log.name / file;
        return {};
    }
    static Digest digest(VaultDevice& device) {
        auto report = device.vault().check();
        EXPECT_TRUE(report.ok());
        if (!report.ok()) return {};
        EXPECT_EQ(report->errors, std::vector<std::string>{});
        return report->index_digest;
    }
    static LogId log_of(VaultDevice& device) {
        return replica(device).cuts_of(replica(device).device()).at(0).log;
    }
    // All that a device knows.
    struct State {
        Frontier frontier;
        Tree tree;
        Digest index;
        bool operator==(const State&) const = default;
    };
    static State state(VaultDevice& device) {
        return {device.vault().replica()->frontier(), device.tree(), digest(device)};
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
    VaultDevice phone_{"phone", 3, clock_};
};

TEST_F(VaultCompaction, OneFileStandsForMany) {
    write_many(laptop_, 20);
    const State before = state(laptop_);
    EXPECT_EQ(files(laptop_).size(), 20u);
    EXPECT_EQ(compact(laptop_), 20u);
    EXPECT_EQ(files(laptop_), std::vector<std::string>{"1-20.seg"});
    EXPECT_EQ(state(laptop_), before);
    expect_ok(laptop_.kill_and_reopen());
    EXPECT_EQ(state(laptop_), before);
    expect_ok(laptop_.vault().rebuild_index());
    expect_ok(laptop_.kill_and_reopen());
    EXPECT_EQ(state(laptop_), before);
    write(laptop_, "more", "text");
    EXPECT_EQ(files(laptop_), (std::vector<std::string>{"1-20.seg", "21.seg"}));
    EXPECT_TRUE(laptop_.vault().status().alarms.empty());
}

TEST_F(VaultCompaction, WithoutHurryItWaitsUntilItIsWorthIt) {
    write_many(laptop_, 15);
    EXPECT_EQ(compact(laptop_, false), 0u);
    write(laptop_, "the last", "text");
    EXPECT_EQ(compact(laptop_, false), 16u);
    EXPECT_EQ(files(laptop_), std::vector<std::string>{"1-16.seg"});
    write_many(laptop_, 16, "again ");
    EXPECT_EQ(compact(laptop_, false), 16u);
    EXPECT_EQ(files(laptop_), (std::vector<std::string>{"1-16.seg", "17-32.seg"}));
    EXPECT_EQ(compact(laptop_), 32u);
    EXPECT_EQ(files(laptop_), std::vector<std::string>{"1-32.seg"});
    EXPECT_EQ(compact(laptop_), 0u);
}

TEST_F(VaultCompaction, ANewDeviceTakesTheOneForTheMany) {
    write_many(laptop_, 20);
    pull(desk_, laptop_);
    compact(laptop_);
    expect_ok(phone_.join(laptop_));
    pull(phone_, laptop_);
    EXPECT_EQ(files(phone_), std::vector<std::string>{"1-20.seg"});
    EXPECT_EQ(phone_.vault().replica()->frontier(), desk_.vault().replica()->frontier());
    EXPECT_EQ(phone_.tree(), desk_.tree());
    EXPECT_EQ(digest(phone_), digest(desk_));
    // And hands it on.
    VaultDevice attic("attic", 4, clock_);
    expect_ok(attic.join(laptop_));
    pull(attic, phone_);
    EXPECT_EQ(attic.tree(), laptop_.tree());
}

TEST_F(VaultCompaction, WhoHasAPartTakesTheRest) {
    write_many(laptop_, 10);
    pull(desk_, laptop_);
    write_many(laptop_, 10, "more ");
    compact(laptop_);
    pull(desk_, laptop_);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_EQ(files(desk_).size(), 11u);
    compact(desk_, false);
    EXPECT_EQ(files(desk_), std::vector<std::string>{"1-20.seg"});
    EXPECT_EQ(state(desk_).frontier, state(laptop_).frontier);
}

// A locked device takes it, too, and applies it when it is unlocked.
TEST_F(VaultCompaction, ALockedDeviceTakesItUnopened) {
    write_many(laptop_, 20);
    compact(laptop_);
    expect_ok(desk_.vault().lock(true));
    pull(desk_, laptop_);
    EXPECT_EQ(desk_.vault().replica()->frontier(), laptop_.vault().replica()->frontier());
    expect_ok(desk_.vault().unlock(as_bytes(kTestPassphrase)));
    EXPECT_EQ(desk_.tree(), laptop_.tree());
}

TEST_F(VaultCompaction, WhoHasTheManyDropsThemOnceItHasSeenThatAllIsThere) {
    write_many(laptop_, 20);
    pull(desk_, laptop_);
    const State before = state(desk_);
    compact(laptop_);
    const Bytes compacted = *laptop_.vault().replica()->read_segment({log_of(laptop_), 7});
    EXPECT_EQ(desk_.vault().replica()->add_segment(compacted).value(), Added::Known);
    EXPECT_EQ(files(desk_).size(), 21u);
    compact(desk_, false);
    EXPECT_EQ(files(desk_), std::vector<std::string>{"1-20.seg"});
    EXPECT_EQ(state(desk_), before);
    expect_ok(desk_.kill_and_reopen());
    EXPECT_EQ(state(desk_), before);
}

// It could not see whether all is there.
TEST_F(VaultCompaction, ALockedDeviceKeepsTheMany) {
    write_many(laptop_, 20);
    pull(desk_, laptop_);
    compact(laptop_);
    expect_ok(desk_.vault().lock(true));
    const Bytes compacted = *laptop_.vault().replica()->read_segment({log_of(laptop_), 7});
    EXPECT_EQ(desk_.vault().replica()->add_segment(compacted).value(), Added::Known);
    EXPECT_EQ(files(desk_).size(), 20u);
}

TEST_F(VaultCompaction, DamagedSegmentsAreNotCompacted) {
    write_many(laptop_, 20);
    const fs::path damaged = path_of(laptop_, "7.seg");
    Bytes bytes = *laptop_.disk().contents(damaged);
    bytes[bytes.size() / 2] ^= std::byte{1};
    laptop_.disk().put(damaged, bytes);
    EXPECT_FALSE(laptop_.vault().compact(true).ok());
    EXPECT_EQ(files(laptop_).size(), 20u);
}

TEST_F(VaultCompaction, WhatIsDamagedOnDiskStandsForNothing) {
    write_many(laptop_, 20);
    pull(desk_, laptop_);
    compact(laptop_);
    const Bytes compacted = *laptop_.vault().replica()->read_segment({log_of(laptop_), 7});
    ASSERT_TRUE(desk_.vault().replica()->add_segment(compacted).ok());
    const fs::path there = path_of(desk_, "1-20.seg");
    Bytes bytes = compacted;
    bytes[bytes.size() - 100] ^= std::byte{1};
    desk_.disk().put(there, bytes);
    EXPECT_FALSE(desk_.vault().compact(true).ok());
    EXPECT_EQ(files(desk_).size(), 21u);
    const Tree tree = laptop_.tree();
    expect_ok(desk_.kill_and_reopen());
    EXPECT_EQ(desk_.tree(), tree);
    EXPECT_TRUE(desk_.vault().status().alarms.empty());
}

// What is damaged in the one file comes again from another device, in one file or in many.
TEST_F(VaultCompaction, ADamagedOneIsFetchedAgain) {
    write_many(laptop_, 20);
    pull(desk_, laptop_);
    compact(laptop_);
    const Tree tree = laptop_.tree();
    const fs::path there = path_of(laptop_, "1-20.seg");
    Bytes bytes = *laptop_.disk().contents(there);
    bytes[100] ^= std::byte{1};
    laptop_.disk().put(there, bytes);
    expect_ok(laptop_.kill_and_reopen());
    EXPECT_FALSE(laptop_.vault().status().alarms.empty());
    pull(laptop_, desk_);
    EXPECT_EQ(laptop_.tree(), tree);
}

// ---- power cuts

TEST_F(VaultCompaction, APowerCutAtAnyCallLosesNothing) {
    write_many(laptop_, 8);
    compact(laptop_);
    write_many(laptop_, 6, "more ");
    const State before = state(laptop_);
    const auto disk = laptop_.disk().clone();
    for (std::uint64_t n = 0;; ++n) {
        ASSERT_LT(n, 200u);
        expect_ok(laptop_.restore(*disk));
        laptop_.disk().power_off_at(n);
        static_cast<void>(laptop_.vault().compact(true));
        const bool is_finished = !laptop_.disk().is_powered_off();
        expect_ok(laptop_.crash_and_reopen(n));
        ASSERT_EQ(state(laptop_), before) << "power cut at call " << n;
        EXPECT_TRUE(laptop_.vault().status().alarms.empty()) << n;
        if (is_finished) break;
        // It ends what it had begun.
        compact(laptop_);
        EXPECT_EQ(files(laptop_), std::vector<std::string>{"1-14.seg"});
        ASSERT_EQ(state(laptop_), before) << "power cut at call " << n;
    }
}

TEST_F(VaultCompaction, APowerCutWhileAnotherDeviceDropsItsFilesLosesNothing) {
    write_many(laptop_, 10);
    pull(desk_, laptop_);
    compact(laptop_);
    const Bytes compacted = *laptop_.vault().replica()->read_segment({log_of(laptop_), 7});
    const State before = state(desk_);
    const auto disk = desk_.disk().clone();
    for (std::uint64_t n = 0;; ++n) {
        ASSERT_LT(n, 200u);
        expect_ok(desk_.restore(*disk));
        desk_.disk().power_off_at(n);
        static_cast<void>(desk_.vault().replica()->add_segment(compacted));
        static_cast<void>(desk_.vault().compact(false));
        const bool is_finished = !desk_.disk().is_powered_off();
        expect_ok(desk_.crash_and_reopen(n));
        ASSERT_EQ(state(desk_), before) << "power cut at call " << n;
        EXPECT_TRUE(desk_.vault().status().alarms.empty()) << n;
        if (is_finished) break;
    }
}

TEST_F(VaultCompaction, AFailingDiskLosesNothing) {
    write_many(laptop_, 12);
    const State before = state(laptop_);
    const auto disk = laptop_.disk().clone();
    for (const ErrorKind kind : {ErrorKind::Io, ErrorKind::NoSpace})
        for (std::uint64_t n = 0; n < 20; ++n) {
            expect_ok(laptop_.restore(*disk));
            laptop_.disk().fail_call(n, kind);
            static_cast<void>(laptop_.vault().compact(true));
            laptop_.disk().clear_failures();
            expect_ok(laptop_.lose_power());
            ASSERT_EQ(state(laptop_), before) << n;
        }
}

// ---- forks, ends, rollbacks

TEST_F(VaultCompaction, AForkInsideIsFound) {
    write_many(laptop_, 10);
    pull(desk_, laptop_);
    auto twin = laptop_.clone(9);
    write_many(laptop_, 10, "laptop ");
    write_many(*twin, 5, "twin ");
    compact(laptop_);
    compact(*twin);
    expect_ok(phone_.join(desk_));
    for (VaultDevice* device : {&desk_, &phone_}) {
        pull(*device, device == &desk_ ? laptop_ : *twin);
        pull(*device, device == &desk_ ? *twin : laptop_);
        EXPECT_EQ(device->tree().size(), 25u);
        bool is_told = false;
        for (const std::string& alarm : device->vault().status().alarms)
            is_told |= alarm.find("cloned or restored") != std::string::npos;
        EXPECT_TRUE(is_told);
    }
    EXPECT_EQ(desk_.vault().replica()->frontier(), phone_.vault().replica()->frontier());
    EXPECT_EQ(desk_.tree(), phone_.tree());
    expect_ok(desk_.kill_and_reopen());
    EXPECT_EQ(desk_.vault().replica()->frontier(), phone_.vault().replica()->frontier());
    EXPECT_EQ(desk_.tree(), phone_.tree());
    // A log that two have written is left as it is.
    pull(laptop_, desk_);
    const auto before = files(laptop_);
    compact(laptop_);
    EXPECT_EQ(files(laptop_), before);
}

TEST_F(VaultCompaction, ADeviceFromABackupHearsWhatItHadCompacted) {
    write_many(laptop_, 10);
    const auto backup = laptop_.disk().clone();
    write_many(laptop_, 10, "later ");
    compact(laptop_);
    pull(desk_, laptop_);
    expect_ok(laptop_.restore(*backup));
    pull(laptop_, desk_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    write(laptop_, "after", "text");
    pull(desk_, laptop_);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
    EXPECT_EQ(desk_.tree().size(), 21u);
    EXPECT_EQ(laptop_.vault().replica()->frontier(), desk_.vault().replica()->frontier());
}

TEST_F(VaultCompaction, ARevocationCutsInside) {
    expect_ok(phone_.join(laptop_));
    write_many(phone_, 10, "seen ");
    pull(laptop_, phone_);
    write_many(phone_, 10, "unseen ");
    compact(phone_);
    expect_ok(laptop_.vault().revoke(replica(phone_).device()));
    pull(desk_, laptop_);
    pull(desk_, phone_);
    pull(laptop_, phone_);
    for (VaultDevice* device : {&laptop_, &desk_}) {
        EXPECT_EQ(device->tree().size(), 10u);
        ASSERT_EQ(device->vault().status().held.size(), 1u);
        EXPECT_EQ(device->vault().status().held[0].segments, 10u);
        expect_ok(device->kill_and_reopen());
        EXPECT_EQ(device->tree().size(), 10u);
        EXPECT_EQ(device->vault().status().held[0].segments, 10u);
    }
    EXPECT_EQ(desk_.vault().adopt(replica(phone_).device()).value(), 10u);
    pull(laptop_, desk_);
    EXPECT_EQ(laptop_.tree().size(), 20u);
    EXPECT_EQ(laptop_.tree(), desk_.tree());
}

TEST_F(VaultCompaction, ARetiredLogIsPublishedAgainFromInside) {
    expect_ok(phone_.join(laptop_));
    write_many(phone_, 5, "seen ");
    pull(laptop_, phone_);
    write_many(phone_, 5, "unseen ");
    compact(phone_);
    expect_ok(laptop_.vault().retire(replica(phone_).device()));
    for (int round = 0; round < 3; ++round) {
        pull(phone_, laptop_);
        clock_.advance(std::chrono::seconds(3));
        expect_ok(phone_.publish());
        compact(phone_);
        pull(laptop_, phone_);
    }
    EXPECT_EQ(laptop_.tree().size(), 10u);
    EXPECT_EQ(laptop_.tree(), phone_.tree());
}

// A rotation begins a new file: what a removed device could read says nothing of what came later.
TEST_F(VaultCompaction, EpochsAreNotMixed) {
    expect_ok(phone_.join(laptop_));
    write_many(laptop_, 5);
    expect_ok(laptop_.vault().revoke(replica(phone_).device()));
    write_many(laptop_, 5, "secret ");
    compact(laptop_);
    EXPECT_EQ(files(laptop_).size(), 2u);
    pull(desk_, laptop_);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
}

// ---- the directory

TEST_F(VaultCompaction, ItArrivesInTheDirectory) {
    write_many(laptop_, 10);
    compact(laptop_);
    write_many(laptop_, 5, "more ");
    compact(laptop_, false);
    const auto drop = [&](const std::string& file) {
        const fs::path from = path_of(laptop_, file);
        desk_.disk().put(from, *laptop_.disk().contents(from));
        expect_ok(desk_.vault().look_at_directory(
            {{from.lexically_relative(kTestVaultDirectory)}, false}));
        EXPECT_TRUE(desk_.vault().merge().ok());
    };
    // What it follows is missing.
    for (const char* file : {"11.seg", "12.seg", "13.seg", "14.seg", "15.seg"}) drop(file);
    EXPECT_EQ(desk_.tree().size(), 0u);
    drop("1-10.seg");
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(desk_.vault().status().notes.empty());
}

TEST_F(VaultCompaction, AnUnfinishedOneWaits) {
    write_many(laptop_, 6);
    compact(laptop_);
    const fs::path path = path_of(laptop_, "1-6.seg");
    const Bytes bytes = *laptop_.disk().contents(path);
    const auto drop = [&](ByteView what) {
        desk_.disk().put(path, what);
        expect_ok(desk_.vault().look_at_directory(
            {{path.lexically_relative(kTestVaultDirectory)}, false}));
        EXPECT_TRUE(desk_.vault().merge().ok());
    };
    drop(ByteView(bytes).first(bytes.size() / 2));
    EXPECT_EQ(desk_.tree().size(), 0u);
    EXPECT_EQ(desk_.vault().status().notes.size(), 1u);
    drop(bytes);
    EXPECT_EQ(desk_.tree(), laptop_.tree());
    EXPECT_TRUE(desk_.vault().status().notes.empty());
}

// Somebody else compacts his log in a directory that both have open, or that is kept equal.
TEST_F(VaultCompaction, WhatItStandsForMayBeRemovedByOthers) {
    write_many(laptop_, 10);
    pull(desk_, laptop_);
    const Tree tree = laptop_.tree();
    const auto singles = files(laptop_);
    std::vector<fs::path> paths;
    for (const std::string& file : singles) paths.push_back(path_of(laptop_, file));
    compact(laptop_);
    const fs::path compacted = path_of(laptop_, "1-10.seg");
    desk_.disk().put(compacted, *laptop_.disk().contents(compacted));
    for (const fs::path& path : paths) expect_ok(desk_.disk().remove(path));
    // Asked for before it was looked at.
    EXPECT_TRUE(desk_.vault().replica()->read_segment({log_of(laptop_), 4}).ok());
    expect_ok(desk_.vault().look_at_directory({{}, true}));
    EXPECT_TRUE(desk_.vault().status().alarms.empty());
    EXPECT_TRUE(desk_.vault().status().notes.empty());
    expect_ok(desk_.kill_and_reopen());
    EXPECT_EQ(desk_.tree(), tree);
    // But not the last one that holds them.
    expect_ok(desk_.disk().remove(compacted));
    expect_ok(desk_.vault().look_at_directory({{}, true}));
    EXPECT_FALSE(desk_.vault().status().alarms.empty());
    desk_.disk().put(compacted, *laptop_.disk().contents(compacted));
    expect_ok(desk_.vault().look_at_directory({{}, true}));
    EXPECT_TRUE(desk_.vault().status().alarms.empty());
}

TEST_F(VaultCompaction, NoFileOfItIsForeign) {
    write_many(laptop_, 10);
    compact(laptop_);
    auto report = laptop_.vault().check();
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->notes, std::vector<std::string>{});
}

// ---- without a daemon

TEST_F(VaultCompaction, ItIsDecryptedOffline) {
    write_many(laptop_, 10);
    compact(laptop_);
    write_many(laptop_, 3, "more ");
    TempDir out;
    WorkerPool workers{0};
    auto report = decrypt_vault(laptop_.disk(), workers, kTestVaultDirectory,
                                as_bytes(kTestPassphrase), out.path());
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->damaged, std::vector<std::string>{});
    EXPECT_EQ(report->files, 13u);
    auto checked =
        check_vault(laptop_.disk(), workers, kTestVaultDirectory, as_bytes(kTestPassphrase));
    ASSERT_TRUE(checked.ok());
    EXPECT_EQ(checked->errors, std::vector<std::string>{});
    EXPECT_EQ(checked->segments, 13u);
}

}  // namespace
}  // namespace lockstep
