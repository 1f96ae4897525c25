// What a check says of each object: what is wrong with it, what needs it, and whether it is mended.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/brought_by.h"
#include "vault/pack_scrub.h"

namespace lockstep {
namespace {

using Kind = CheckFinding::Kind;
using State = CheckFinding::State;
using Repair = CheckFinding::Repair;

class VaultCheck : public ::testing::Test {
  protected:
    void SetUp() override { expect_ok(laptop_.found()); }
    static void expect_ok(const Status& status) {
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    static std::string noise(std::size_t size, std::uint64_t seed) {
        SeededRandom random(seed);
        return std::string(as_text(random.bytes(size)));
    }
    void write(const std::string& path, const std::string& text) {
        expect_ok(laptop_.write(path, text));
        clock_.advance(std::chrono::seconds(3));
        expect_ok(laptop_.publish());
    }
    // Of this device's packs, as they are made.
    fs::path newest_pack() {
        for (const PackInfo& pack : packs())
            if (seen_.insert(pack.id).second) return laptop_.vault().replica()->pack_path(pack.id);
        ADD_FAILURE() << "no new pack";
        return {};
    }
    std::vector<PackInfo> packs() {
        std::vector<PackInfo> out;
        Replica& replica = *laptop_.vault().replica();
        for (const auto& [log, last] : replica.frontier())
            for (std::uint64_t number = 1; number <= last.number; ++number)
                if (auto introduced = replica.packs_of({log, number}); introduced.ok())
                    out.insert(out.end(), introduced->begin(), introduced->end());
        return out;
    }
    void damage(const fs::path& path, std::size_t at = 2'000) {
        Bytes bytes = *laptop_.disk().contents(path);
        ASSERT_LT(at, bytes.size());
        bytes[at] ^= std::byte{1};
        laptop_.disk().put(path, bytes);
    }
    static CheckReport check(VaultDevice& device) {
        auto report = device.vault().check();
        EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
        return report.ok() ? *report : CheckReport{};
    }
    static const CheckFinding& only(const CheckReport& report) {
        static const CheckFinding none;
        EXPECT_EQ(1u, report.findings.size());
        for (const CheckFinding& finding : report.findings)
            EXPECT_EQ(1u, report.findings.size())
                << finding_kind_text(finding.kind) << " " << finding.name << ": " << finding.reason;
        return report.findings.empty() ? none : report.findings.front();
    }
    static std::vector<std::string> paths(const CheckFinding& finding) {
        std::vector<std::string> out;
        for (const AffectedVersion& version : finding.affects)
            out.push_back(version.path + (version.is_shown ? "" : " (past)"));
        std::sort(out.begin(), out.end());
        return out;
    }

    FakeClock clock_;
    WorkerPool workers_{0};
    VaultDevice laptop_{"laptop", 1, clock_};
    VaultDevice desk_{"desk", 2, clock_};
    std::set<PackId> seen_;
};

TEST_F(VaultCheck, ADamagedPackIsNamedWithTheVersionsThatNeedIt) {
    write("film", noise(100'000, 1));
    const fs::path first = newest_pack();
    write("film", noise(100'000, 2));
    write("other", noise(100'000, 3));
    ASSERT_TRUE(check(laptop_).findings.empty());
    damage(first);
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    const CheckReport report = check(laptop_);
    const CheckFinding& finding = only(report);
    EXPECT_EQ(Kind::Pack, finding.kind);
    EXPECT_EQ(first.stem().string(), finding.name);
    EXPECT_EQ(State::Damaged, finding.state);
    EXPECT_TRUE(finding.is_affected_known);
    EXPECT_EQ((std::vector<std::string>{"film (past)"}), paths(finding));
    EXPECT_EQ(Repair::None, finding.repair) << "there is nobody to ask";
    ASSERT_EQ(1u, report.errors.size());
    EXPECT_EQ(finding.sentence(), report.errors.front());
    const std::string& said = report.errors.front();
    EXPECT_EQ(said.find(finding.name), said.rfind(finding.name)) << "named once: " << said;

    laptop_.disk().put(newest_pack(), Bytes(4096));
    const fs::path third = newest_pack();
    ASSERT_TRUE(laptop_.disk().remove(third).ok());
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    const CheckReport all = check(laptop_);
    ASSERT_EQ(3u, all.found);
    std::map<State, std::vector<std::string>> by_state;
    for (const CheckFinding& each : all.findings) by_state[each.state] = paths(each);
    EXPECT_EQ((std::map<State, std::vector<std::string>>{{State::Damaged, {"film (past)"}},
                                                         {State::WrongSize, {"film"}},
                                                         {State::Missing, {"other"}}}),
              by_state);
}

TEST_F(VaultCheck, WithThePassphraseAFileIsNamedWithTheBytesThatAreLost) {
    write("film", noise(400'000, 1));
    const fs::path pack = newest_pack();
    damage(pack, 100'000);
    auto report =
        check_vault(laptop_.disk(), workers_, kTestVaultDirectory, as_bytes(kTestPassphrase));
    ASSERT_TRUE(report.ok());
    CheckFinding* file = report->find(Kind::File, "film");
    ASSERT_NE(nullptr, file);
    EXPECT_EQ(1u, file->missing.count);
    EXPECT_GE(file->missing.bytes, 16u * 1024);
    EXPECT_LE(file->missing.bytes, 256u * 1024);
    CheckFinding* of_pack = report->find(Kind::Pack, pack.stem().string());
    ASSERT_NE(nullptr, of_pack);
    EXPECT_EQ((std::vector<std::string>{"film"}), paths(*of_pack));

    ASSERT_TRUE(laptop_.disk().remove(pack).ok());
    report = check_vault(laptop_.disk(), workers_, kTestVaultDirectory, as_bytes(kTestPassphrase));
    ASSERT_TRUE(report.ok());
    file = report->find(Kind::File, "film");
    ASSERT_NE(nullptr, file);
    EXPECT_EQ(State::Missing, file->state);
    EXPECT_EQ(400'000u, file->missing.bytes);
    of_pack = report->find(Kind::Pack, pack.stem().string());
    ASSERT_NE(nullptr, of_pack);
    EXPECT_EQ(State::Missing, of_pack->state);
    EXPECT_FALSE(of_pack->is_error) << "the file that needs it is the error";
}

TEST_F(VaultCheck, AfterARepairItSaysWhoseBytesTheyAre) {
    expect_ok(desk_.join(laptop_));
    write("film", noise(100'000, 1));
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    const fs::path pack = newest_pack();
    damage(pack);
    CheckReport report = check(laptop_);
    EXPECT_EQ(Kind::Pack, only(report).kind);
    PackScrub(laptop_.vault(), laptop_.disk(), clock_, "/home/scrub").everything();
    laptop_.vault().note_repairs(report);
    EXPECT_EQ(Repair::Asked, only(report).repair);
    {
        const BroughtBy desk(desk_.vault().replica()->device());
        ASSERT_TRUE(laptop_.pull(desk_).ok());
    }
    laptop_.vault().note_repairs(report);
    EXPECT_EQ(Repair::Mended, only(report).repair);
    EXPECT_EQ("desk", only(report).repaired_from);
    EXPECT_TRUE(check(laptop_).findings.empty());
    // Damaged again it is not what was mended before.
    damage(pack);
    EXPECT_EQ(Repair::None, only(check(laptop_)).repair);
}

TEST_F(VaultCheck, SegmentsAndKeyObjectsAreNamedToo) {
    expect_ok(desk_.join(laptop_));
    write("a", "one");
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    Replica& replica = *laptop_.vault().replica();
    const auto [log, last] = *replica.frontier().begin();
    const SegmentRef segment{log, last.number};
    const fs::path file =
        kTestVaultDirectory / "log" / log.to_hex() / (std::to_string(last.number) + ".seg");
    damage(file, laptop_.disk().contents(file)->size() / 2);
    const KeyObjectId key = replica.key_objects().front();
    ASSERT_TRUE(
        laptop_.disk().remove(kTestVaultDirectory / "keys" / (key.to_hex() + ".keys")).ok());
    CheckReport report = check(laptop_);
    const std::string name = log.to_hex() + "/" + std::to_string(last.number);
    CheckFinding* of_segment = report.find(Kind::Segment, name);
    ASSERT_NE(nullptr, of_segment);
    EXPECT_EQ(State::Damaged, of_segment->state);
    EXPECT_EQ(Repair::Asked, of_segment->repair);
    EXPECT_EQ((std::vector<std::string>{"a"}), paths(*of_segment));
    CheckFinding* of_key = report.find(Kind::KeyObject, key.to_hex());
    ASSERT_NE(nullptr, of_key);
    EXPECT_EQ(State::Missing, of_key->state);

    PackScrub(laptop_.vault(), laptop_.disk(), clock_, "/home/scrub").everything();
    auto whole = desk_.vault().replica()->read_segment(segment);
    ASSERT_TRUE(whole.ok());
    ASSERT_TRUE(replica.add_segment(*whole).ok());
    ASSERT_TRUE(laptop_.pull(desk_).ok());
    laptop_.vault().note_repairs(report);
    EXPECT_EQ(Repair::Mended, report.find(Kind::Segment, name)->repair);
    EXPECT_EQ(Repair::Mended, report.find(Kind::KeyObject, key.to_hex())->repair);
    EXPECT_TRUE(check(laptop_).findings.empty());
}

// What has not come yet is no damage.
TEST_F(VaultCheck, APackThatIsStillToComeIsNoError) {
    expect_ok(desk_.join(laptop_));
    write("film", noise(100'000, 1));
    Replica& from = *laptop_.vault().replica();
    Replica& to = *desk_.vault().replica();
    for (const auto& [log, last] : from.frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number)
            ASSERT_TRUE(to.add_segment(*from.read_segment({log, number})).ok());
    ASSERT_TRUE(desk_.vault().merge().ok());
    const CheckReport report = check(desk_);
    EXPECT_TRUE(report.errors.empty());
    EXPECT_EQ(State::Missing, only(report).state);
    EXPECT_FALSE(only(report).is_error);
    EXPECT_EQ(Repair::Asked, only(report).repair);
}

TEST_F(VaultCheck, AnAlarmOfDamageEndsWhenItIsHealed) {
    write("film", noise(100'000, 1));
    const fs::path pack = newest_pack();
    const Bytes good = *laptop_.disk().contents(pack);
    damage(pack, 30'000);
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    EXPECT_FALSE(laptop_.read("film").ok());
    PackScrub scrub(laptop_.vault(), laptop_.disk(), clock_, "/home/scrub");
    scrub.everything();
    EXPECT_EQ(1u, laptop_.vault().status().alarms.size()) << "said once, whoever noticed it";
    // Somebody puts the true bytes back: from a backup, by a sync service.
    laptop_.disk().put(pack, good);
    DirectoryNews news;
    news.is_everything = true;
    expect_ok(laptop_.vault().look_at_directory(news));
    scrub.everything();
    EXPECT_EQ(std::vector<std::string>{}, laptop_.vault().status().alarms);
    EXPECT_EQ(noise(100'000, 1), *laptop_.read("film"));
}

TEST(CheckReportTest, ItIsBoundedAndCountsTheRest) {
    CheckReport report;
    for (std::size_t i = 0; i < kFindingsMax + 10; ++i)
        report.add(Kind::File, "file" + std::to_string(i), {ErrorKind::Corrupt, "damaged"});
    EXPECT_EQ(kFindingsMax, report.findings.size());
    EXPECT_EQ(kFindingsMax, report.errors.size());
    EXPECT_EQ(kFindingsMax + 10, report.found);
    EXPECT_EQ(&report.findings.front(),
              report.add(Kind::File, "file0", {ErrorKind::Corrupt, "again"}));
    EXPECT_EQ(kFindingsMax + 10, report.found);
    MissingRanges ranges;
    for (std::uint64_t i = 0; i < kMissingRangesMax + 5; ++i) ranges.add(i * 20, 10);
    EXPECT_EQ(kMissingRangesMax, ranges.ranges.size());
    EXPECT_EQ(kMissingRangesMax + 5, ranges.count);
    EXPECT_EQ((kMissingRangesMax + 5) * 10, ranges.bytes);
    MissingRanges joined;
    joined.add(5, 5);
    joined.add(10, 10);
    joined.add(30, 1);
    EXPECT_EQ((std::vector<ByteRange>{{5, 15}, {30, 1}}), joined.ranges);
    EXPECT_EQ("bytes 5 to 19 and 30 to 30", joined.text());
}

}  // namespace
}  // namespace lockstep
