// Content on demand between two vaults, with a hand-made wire between them.
#include <deque>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/vault_device.h"
#include "vault/meeting.h"

namespace lockstep {
namespace {

// What sync/ does, when a test wants it: what is asked waits until pump().
class Wire final : public PresenceListener {
  public:
    Wire(VaultDevice& from, VaultDevice& to) : from_(from), to_(to) {
        presence().set_listener(this);
    }
    ~Wire() override { presence().set_listener(nullptr); }

    // Answers what waits. Returns how much that was.
    std::size_t pump() {
        std::deque<std::function<void()>> tasks;
        {
            MutexLock lock(mutex_);
            tasks.swap(tasks_);
        }
        for (auto& task : tasks) task();
        return tasks.size();
    }
    void settle() {
        while (pump() > 0) {
        }
    }
    // Runs `call` beside the wire and answers until it has ended.
    template <typename Call>
    auto during(Call call) {
        std::optional<decltype(call())> out;
        std::atomic<bool> is_done{false};
        std::thread thread([&] {
            out.emplace(call());
            is_done = true;
        });
        while (!is_done)
            if (pump() == 0) std::this_thread::yield();
        thread.join();
        return std::move(*out);
    }

    void damage_next(int count) { damaged_ = count; }
    bool is_cut = false;
    std::uint64_t bytes = 0;  // of ranges
    std::size_t refused = 0;

    void ranges_wanted(const RangeRequest& request) override {
        // As a peer would refuse it.
        EXPECT_LE(request.spans.size(), kRangeSpansMax);
        for (std::size_t i = 1; i < request.spans.size(); ++i)
            EXPECT_GT(request.spans[i].offset,
                      request.spans[i - 1].offset + request.spans[i - 1].length);
        post([this, request] { answer(request); });
    }
    void packs_asked(std::uint64_t number, const std::vector<PackId>& packs,
                     std::chrono::seconds keep) override {
        post([this, number, packs, keep] {
            Replica& other = *from_.vault().replica();
            for (const Member& member : other.members())
                if (!is_cut && member.device == other.device())
                    presence().answer(
                        number, member,
                        other.presence()->hold(to_.vault().replica()->device(), packs, keep));
            presence().answers_end(number);
        });
    }
    void selection_changed() override {}

  private:
    Presence& presence() { return *to_.vault().replica()->presence(); }
    void post(std::function<void()> task) {
        MutexLock lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    void answer(const RangeRequest& request) {
        Bytes out;
        for (const PackSpan& span : request.spans) {
            auto part =
                from_.vault().replica()->read_pack(request.pack.id, span.offset, span.length);
            if (!part.ok() || is_cut) return presence().ranges_failed(request);
            append(out, *part);
        }
        if (damaged_ > 0) {
            --damaged_;
            out[out.size() / 2] ^= std::byte{1};
        }
        bytes += out.size();
        if (!presence().take_ranges(request, out).ok()) {
            ++refused;
            answer(request);
        }
    }

    VaultDevice& from_;
    VaultDevice& to_;
    Mutex mutex_;
    std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
    int damaged_ = 0;
};

std::string noise(std::size_t size) {
    SeededRandom random(size);
    Bytes out(size);
    random.fill(out);
    return std::string(as_text(out));
}

class PresenceTest : public ::testing::Test {
  protected:
    void SetUp() override {
        desk_.set_content_wait(std::chrono::hours(1));
        ASSERT_TRUE(laptop_.found().ok());
        ASSERT_TRUE(desk_.join(laptop_).ok());
        laptop_.pull(desk_).value();
        desk_.pull(laptop_).value();
        wire_ = std::make_unique<Wire>(laptop_, desk_);
    }
    // A file that the desk knows of and does not hold.
    std::string absent_file(const std::string& path, std::size_t size) {
        EXPECT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
        return file_of_laptop(path, size);
    }
    std::string file_of_laptop(const std::string& path, std::size_t size) {
        std::string content = noise(size);
        EXPECT_TRUE(laptop_.write(path, content).ok());
        EXPECT_TRUE(laptop_.publish().ok());
        desk_.pull(laptop_).value();
        return content;
    }
    Result<std::string> read_part(const std::string& path, std::uint64_t offset,
                                  std::size_t length) {
        return wire_->during([&]() -> Result<std::string> {
            FileSystem& files = desk_.vault().files();
            TRY(NodeId node, desk_.node(path));
            TRY(HandleId handle, files.open(node, {}));
            Bytes out(length);
            auto got = files.read(handle, offset, out);
            files.release(handle);
            TRY(std::size_t size, std::move(got));
            return std::string(as_text(ByteView(out).first(size)));
        });
    }
    std::string status(const std::string& path) {
        auto node = desk_.node(path);
        if (!node.ok()) return node.error().message;
        auto value = desk_.vault().files().get_xattr(*node, "user.lockstep.status");
        return value.ok() ? std::string(as_text(*value)) : value.error().message;
    }

    FakeClock clock_;
    VaultDevice laptop_{"laptop", 1, clock_}, desk_{"desk", 2, clock_};
    std::unique_ptr<Wire> wire_;
};

TEST_F(PresenceTest, AFileThatIsNotHereIsSeenAndARangeOfItReadWithoutTheRest) {
    const std::string content = absent_file("film", 6 << 20);
    EXPECT_EQ(0u, desk_.vault().status().packs);
    EXPECT_EQ("absent", status("film"));
    wire_->settle();
    const std::uint64_t before = wire_->bytes;
    EXPECT_EQ(content.substr(3 << 20, 65536), read_part("film", 3 << 20, 65536).value());
    EXPECT_LT(wire_->bytes - before, 1u << 20);
    EXPECT_EQ("partial", status("film"));
    EXPECT_EQ(content, read_part("film", 0, content.size()).value());
    EXPECT_EQ("local", status("film"));
    // From the cache.
    wire_->is_cut = true;
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    EXPECT_EQ(content, desk_.read("film").value());
    EXPECT_EQ(0u, desk_.vault().status().packs);
}

TEST_F(PresenceTest, RangesThatAreNotThePacksAreRefusedAndAskedForAgain) {
    const std::string content = absent_file("film", 1 << 20);
    wire_->settle();
    wire_->damage_next(1);
    EXPECT_EQ(content, read_part("film", 0, content.size()).value());
    EXPECT_EQ(1u, wire_->refused);
}

TEST_F(PresenceTest, APackWhoseRangesAreWrongAgainAndAgainIsWantedWhole) {
    struct Wanted final : ReplicaListener {
        void segment_added(const SegmentRef&) override {}
        void pack_added(const PackId&) override {}
        void keys_changed() override {}
        void pack_wanted_now(const PackInfo& pack) override { packs.push_back(pack); }
        std::vector<PackInfo> packs;
    } wanted;
    const std::string content = absent_file("film", 300'000);
    wire_->settle();
    Replica& replica = *desk_.vault().replica();
    replica.add_listener(wanted);
    wire_->damage_next(2);
    EXPECT_EQ(ErrorKind::Unavailable, read_part("film", 0, 100).error().kind);
    replica.remove_listener(wanted);
    ASSERT_EQ(1u, wanted.packs.size());
    Bytes pack =
        laptop_.vault().replica()->read_pack(wanted.packs[0].id, 0, wanted.packs[0].length).value();
    ASSERT_TRUE(replica.add_pack(wanted.packs[0], pack).ok());
    EXPECT_EQ(content, desk_.read("film").value());
}

TEST_F(PresenceTest, WhatNobodyHasIsAnErrorAndCanBeReadLater) {
    const std::string content = absent_file("film", 1 << 20);
    wire_->settle();
    wire_->is_cut = true;
    EXPECT_EQ(ErrorKind::Unavailable, read_part("film", 0, 100).error().kind);
    wire_->is_cut = false;
    EXPECT_EQ(content.substr(0, 100), read_part("film", 0, 100).value());
}

TEST_F(PresenceTest, ReadersThatWaitGiveUpWhenTheVaultIsToBeLocked) {
    absent_file("film", 1 << 20);
    wire_->settle();
    std::thread reader([&] { EXPECT_EQ(ErrorKind::Locked, desk_.read("film").error().kind); });
    // It waits for ever: nobody answers.
    desk_.vault().set_waiting(false);
    reader.join();
    EXPECT_TRUE(desk_.vault().lock(true).ok());
}

TEST_F(PresenceTest, AReaderThatIsInterruptedDoesNotWaitAnyMore) {
    absent_file("film", 1 << 20);
    wire_->settle();
    const WaitInterruption interruption([](void*) { return true; }, nullptr);
    EXPECT_EQ(ErrorKind::Cancelled, desk_.read("film").error().kind);
}

TEST_F(PresenceTest, APinnedFolderIsToBeFetchedWholeWhateverItIsCalled) {
    absent_file("letters/july", 300'000);
    absent_file("films/first", 300'001);
    wire_->settle();
    EXPECT_TRUE(desk_.vault().replica()->missing_packs().empty());
    ASSERT_TRUE(desk_.vault().set_keep("letters", Keep::Pinned).ok());
    wire_->settle();
    EXPECT_EQ(1u, desk_.vault().replica()->missing_packs().size());
    ASSERT_TRUE(laptop_.rename("letters", "post").ok());
    ASSERT_TRUE(laptop_.publish().ok());
    desk_.pull(laptop_).value();
    wire_->settle();
    EXPECT_EQ("pinned", status("post/july"));
    EXPECT_EQ("absent", status("films/first"));
    EXPECT_EQ("post", desk_.vault().keep("post/july")->from);
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    EXPECT_EQ(Keep::Pinned, desk_.vault().keep("post/july")->keep);
    ASSERT_TRUE(desk_.vault().set_keep("post", std::nullopt).ok());
    EXPECT_EQ(Keep::OnDemand, desk_.vault().keep("post/july")->keep);
}

TEST_F(PresenceTest, OneFolderOnDemandLeavesTheRestInFull) {
    ASSERT_TRUE(laptop_.write("films/here", "small").ok());
    ASSERT_TRUE(laptop_.publish().ok());
    desk_.pull(laptop_).value();
    ASSERT_TRUE(desk_.vault().set_keep("films", Keep::OnDemand).ok());
    file_of_laptop("films/first", 300'000);
    file_of_laptop("letters", 300'001);
    wire_->settle();
    ASSERT_EQ(1u, desk_.vault().replica()->missing_packs().size());
    desk_.pull(laptop_).value();
    EXPECT_EQ("local", status("letters"));
    EXPECT_EQ("absent", status("films/first"));
}

TEST_F(PresenceTest, EvictsWhatTheOtherDevicePromisesAndNothingElse) {
    const std::string content = file_of_laptop("film", 2 << 20);
    EXPECT_EQ("local", status("film"));
    // In full.
    auto evict = [&] { return wire_->during([&] { return desk_.vault().evict(""); }).value(); };
    EXPECT_EQ(0u, evict().packs);
    ASSERT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
    // Nobody to promise.
    wire_->is_cut = true;
    EvictionReport refused = evict();
    EXPECT_EQ(0u, refused.packs);
    ASSERT_EQ(1u, refused.kept.size());
    EXPECT_NE(refused.kept[0].reason.find("only copy"), std::string::npos);
    wire_->is_cut = false;
    // Open.
    const NodeId node = desk_.node("film").value();
    const HandleId handle = desk_.vault().files().open(node, {}).value();
    Bytes byte(1);
    ASSERT_TRUE(desk_.vault().files().read(handle, 0, byte).ok());
    EXPECT_EQ(0u, evict().packs);
    desk_.vault().files().release(handle);
    EvictionReport done = evict();
    EXPECT_EQ(1u, done.packs);
    EXPECT_EQ(0u, desk_.vault().status().packs);
    EXPECT_EQ("absent", status("film"));
    EXPECT_EQ(content, read_part("film", 0, content.size()).value());
    // The promise binds.
    Wire back(desk_, laptop_);
    ASSERT_TRUE(laptop_.vault().set_keep("", Keep::OnDemand).ok());
    EXPECT_EQ(0u, back.during([&] { return laptop_.vault().evict("film"); })->packs);
    clock_.advance(std::chrono::hours(2));
    EXPECT_EQ(0u, back.during([&] { return laptop_.vault().evict("film"); })->packs);
    EXPECT_EQ(content, laptop_.read("film").value());
}

TEST_F(PresenceTest, WhatWasUsedLongestAgoGoesWhenThereIsTooMuch) {
    wire_.reset();
    desk_.set_on_demand_cache(1 << 20);
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    wire_ = std::make_unique<Wire>(laptop_, desk_);
    std::size_t size = 350'000;
    for (const char* name : {"first", "second", "third"}) {
        file_of_laptop(name, ++size);
        ASSERT_EQ("local", status(name));
    }
    ASSERT_TRUE(desk_.read("second").ok());
    ASSERT_TRUE(desk_.read("third").ok());
    ASSERT_TRUE(desk_.read("first").ok());
    auto care = [&] { return wire_->during([&] { return desk_.vault().care_for_presence(); }); };
    EXPECT_EQ(0u, care());
    ASSERT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
    wire_->is_cut = true;
    EXPECT_EQ(0u, care());
    wire_->is_cut = false;
    EXPECT_GT(care(), 0u);
    EXPECT_EQ("local", status("first"));
    EXPECT_EQ("absent", status("second"));
    EXPECT_EQ("local", status("third"));
    EXPECT_EQ(0u, care());
}

TEST_F(PresenceTest, AVaultHasACacheOfItsOwnSizeThatCanBeChanged) {
    std::size_t size = 350'000;
    for (const char* name : {"first", "second", "third"}) file_of_laptop(name, ++size);
    ASSERT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
    auto care = [&] { return wire_->during([&] { return desk_.vault().care_for_presence(); }); };
    EXPECT_EQ(0u, care());
    EXPECT_EQ(std::nullopt, desk_.vault().status().quota);
    ASSERT_TRUE(desk_.vault().set_quota(1 << 20).ok());
    EXPECT_GT(care(), 0u);
    EXPECT_EQ(0u, care());
    const std::uint64_t packs = desk_.vault().status().packs;
    // Also while it is locked, and after a crash.
    ASSERT_TRUE(desk_.vault().lock(false).ok());
    ASSERT_TRUE(desk_.vault().set_quota(500'000).ok());
    wire_.reset();
    ASSERT_TRUE(desk_.kill_and_reopen().ok());
    wire_ = std::make_unique<Wire>(laptop_, desk_);
    EXPECT_EQ(std::optional<std::uint64_t>(500'000), desk_.vault().status().quota);
    EXPECT_GT(care(), 0u);
    EXPECT_LT(desk_.vault().status().packs, packs);
    ASSERT_TRUE(desk_.vault().set_quota(std::nullopt).ok());
    EXPECT_EQ(0u, care());
}

TEST_F(PresenceTest, WhatIsNotPublishedIsNotEvicted) {
    ASSERT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
    ASSERT_TRUE(desk_.write("own", std::string(300'000, 'x')).ok());
    auto report = wire_->during([&] { return desk_.vault().evict(""); }).value();
    EXPECT_EQ(0u, report.packs);
    EXPECT_EQ(std::string(300'000, 'x'), desk_.read("own").value());
}

TEST_F(PresenceTest, NothingIsEvictedFromADirectoryThatOthersUse) {
    file_of_laptop("film", 300'000);
    ASSERT_TRUE(desk_.vault().set_keep("", Keep::OnDemand).ok());
    ASSERT_TRUE(
        desk_.disk().make_directories(kTestVaultDirectory / "incoming" / "somebody-else").ok());
    EXPECT_EQ(ErrorKind::Refused, desk_.vault().evict("").error().kind);
}

TEST_F(PresenceTest, WhereisTellsWhoHoldsHowMuch) {
    absent_file("film", 300'000);
    wire_->settle();
    auto answer = wire_->during([&] { return desk_.vault().whereis("film"); });
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const WhereisReport found = *answer;
    EXPECT_EQ(300'000u, found.absent_bytes);
    ASSERT_EQ(1u, found.holders.size());
    EXPECT_EQ(found.pieces, found.holders[0].pieces);
    EXPECT_EQ(laptop_.vault().replica()->device(), found.holders[0].device);
}

TEST_F(PresenceTest, AWriteIntoAbsentContentKeepsTheRestOfIt) {
    std::string content = absent_file("film", 1 << 20);
    wire_->settle();
    const Status written = wire_->during([&]() -> Status {
        FileSystem& files = desk_.vault().files();
        TRY(NodeId node, desk_.node("film"));
        TRY(HandleId handle, files.open(node, {.read = true, .write = true}));
        Status out = files.write(handle, 500'000, as_bytes("in the middle"));
        if (out.ok()) out = files.sync(handle);
        files.release(handle);
        if (out.ok()) out = desk_.publish();
        return out;
    });
    ASSERT_TRUE(written.ok()) << written.error().message;
    content.replace(500'000, 13, "in the middle");
    laptop_.pull(desk_).value();
    EXPECT_EQ(content, laptop_.read("film").value());
}

TEST_F(PresenceTest, ACollectionFetchesWhatItNeedsToAgree) {
    laptop_.set_retention(std::chrono::milliseconds(0));
    ASSERT_TRUE(laptop_.kill_and_reopen().ok());
    // One pack that nothing will need, and one of which a part is: that is written anew.
    absent_file("old", 300'000);
    ASSERT_TRUE(laptop_.write("large", noise(400'000)).ok());
    const std::string kept = absent_file("kept", 30'000);
    ASSERT_TRUE(laptop_.remove("large").ok());
    wire_->settle();
    ASSERT_TRUE(laptop_.remove("old").ok());
    ASSERT_TRUE(laptop_.publish().ok());
    clock_.advance(std::chrono::hours(24 * 31));
    ASSERT_GT(laptop_.vault().collect(false)->bytes, 0u);
    for (int round = 0; round < 6; ++round) {
        desk_.pull(laptop_).value();
        wire_->settle();
        desk_.pull(laptop_).value();
        ASSERT_TRUE(desk_.publish().ok());
        laptop_.pull(desk_).value();
        ASSERT_TRUE(laptop_.publish().ok());
    }
    EXPECT_EQ(0u, laptop_.vault().collect(true)->waiting_packs);
    EXPECT_EQ(kept, read_part("kept", 0, kept.size()).value());
}

// ---- a device that keeps everything, and does not have it yet

TEST_F(PresenceTest, AReaderOfWhatIsStillToComeAsksForItFirst) {
    const std::string content = noise(4'000'000);
    ASSERT_TRUE(laptop_.write("film", content).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    ASSERT_EQ(desk_.pull(laptop_, 1).value(), 1U);  // the segment, and no pack
    ASSERT_FALSE(desk_.vault().replica()->missing_packs().empty());
    EXPECT_EQ(read_part("film", 2'000'000, 65'536).value(), content.substr(2'000'000, 65'536));
    EXPECT_LT(wire_->bytes, 1'000'000U);
}

TEST_F(PresenceTest, AReaderWithoutPeersWaitsForThePackAsBefore) {
    wire_->is_cut = true;
    const std::string content = noise(1'000'000);
    ASSERT_TRUE(laptop_.write("film", content).ok());
    ASSERT_TRUE(laptop_.publish().ok());
    ASSERT_EQ(desk_.pull(laptop_, 1).value(), 1U);
    std::atomic<bool> is_done{false};
    std::thread reader([&] {
        EXPECT_EQ(desk_.read("film").value(), content);
        is_done = true;
    });
    while (wire_->pump() == 0) std::this_thread::yield();  // it is asked for, in vain
    EXPECT_FALSE(is_done);
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    reader.join();
}

// ---- a first meeting with plain files

class TextFile final : public PlainFile {
  public:
    explicit TextFile(std::string the_text) : text(std::move(the_text)) {}
    std::uint64_t size() const override { return text.size(); }
    Status read(std::uint64_t offset, MutableByteView out) const override {
        if (offset + out.size() > text.size()) return Error{ErrorKind::Busy, "shorter"};
        std::ranges::copy(as_bytes(text).subspan(offset, out.size()), out.begin());
        return {};
    }
    std::string text;
};

class MeetingTest : public PresenceTest {
  protected:
    void SetUp() override {
        PresenceTest::SetUp();
        meeting_ = begin_meeting(desk_.vault());
    }
    std::shared_ptr<TextFile> learn(const std::string& text) {
        auto file = std::make_shared<TextFile>(text);
        EXPECT_TRUE(meeting_->learn(file, [] { return false; }).ok());
        return file;
    }
    std::size_t missing() { return desk_.vault().replica()->missing_packs().size(); }
    bool has_all_packs() {
        Replica& mine = *desk_.vault().replica();
        for (const auto& [log, last] : laptop_.vault().replica()->frontier())
            for (std::uint64_t number = 1; number <= last.number; ++number)
                for (const PackInfo& pack :
                     laptop_.vault().replica()->packs_of({log, number}).value_or({}))
                    if (!mine.has_pack(pack.id)) return false;
        return true;
    }

    std::unique_ptr<Meeting> meeting_;
};

TEST_F(MeetingTest, APackWhoseContentAFileHoldsIsPutTogetherHere) {
    const std::string content = noise(3'000'000);
    learn(content);
    meeting_->all_learnt();
    file_of_laptop("film", 3'000'000);
    EXPECT_FALSE(has_all_packs());
    wire_->settle();
    EXPECT_TRUE(has_all_packs());
    EXPECT_LT(wire_->bytes, 60'000U);
    EXPECT_EQ(desk_.read("film").value(), content);
    EXPECT_TRUE(desk_.vault().check()->errors.empty());
}

TEST_F(MeetingTest, WhatCameBeforeTheFilesWereLearntWaitsForThem) {
    const std::string content = file_of_laptop("film", 3'000'000);
    wire_->settle();
    EXPECT_EQ(missing(), 0U);  // to be fetched
    EXPECT_FALSE(has_all_packs());
    learn(content);
    meeting_->all_learnt();
    wire_->settle();
    EXPECT_TRUE(has_all_packs());
    EXPECT_LT(wire_->bytes, 60'000U);
}

TEST_F(MeetingTest, WhatThisDeviceHasWrittenItselfIsNotFetchedEither) {
    meeting_->all_learnt();
    const std::string content = noise(3'000'000);
    ASSERT_TRUE(desk_.write("mine", content).ok());
    ASSERT_TRUE(desk_.publish().ok());
    meeting_.reset();  // it has settled, and goes on for a while
    file_of_laptop("film", 3'000'000);
    wire_->settle();
    EXPECT_TRUE(has_all_packs());
    EXPECT_LT(wire_->bytes, 60'000U);
    EXPECT_EQ(desk_.read("film").value(), content);
}

TEST_F(MeetingTest, WhatIsMissingOfAPackComesFromOthers) {
    const std::string content = noise(3'000'000);
    learn(content.substr(0, 2'000'000));
    meeting_->all_learnt();
    file_of_laptop("film", 3'000'000);
    wire_->settle();
    EXPECT_TRUE(has_all_packs());
    EXPECT_GT(wire_->bytes, 900'000U);
    EXPECT_LT(wire_->bytes, 1'500'000U);
}

TEST_F(MeetingTest, APackOfOtherThingsIsFetchedWhenFolderAndVaultAreEqual) {
    learn(std::string(1'000'000, 'x'));
    meeting_->all_learnt();
    file_of_laptop("film", 3'000'000);
    wire_->settle();
    EXPECT_EQ(missing(), 0U);
    meeting_->settle();
    EXPECT_EQ(missing(), 1U);
}

TEST_F(MeetingTest, AFileThatChangesMeanwhileMakesThePackBeFetched) {
    auto file = learn(noise(3'000'000));
    meeting_->all_learnt();
    meeting_->settle();
    const std::string content = file_of_laptop("film", 3'000'000);
    file->text[1'500'000] ^= 1;
    wire_->settle();
    EXPECT_FALSE(has_all_packs());
    EXPECT_EQ(missing(), 1U);
    ASSERT_TRUE(desk_.pull(laptop_).ok());
    EXPECT_EQ(desk_.read("film").value(), content);
}

TEST_F(MeetingTest, WrongNoncesMakeNoPack) {
    learn(noise(3'000'000));
    meeting_->all_learnt();
    meeting_->settle();
    file_of_laptop("film", 3'000'000);
    EXPECT_EQ(wire_->pump(), 1U);  // the index is true
    wire_->damage_next(1);
    wire_->settle();
    EXPECT_FALSE(has_all_packs());
    EXPECT_EQ(missing(), 1U);
}

}  // namespace
}  // namespace lockstep
