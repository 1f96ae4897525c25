// Goal: no record that a decoder lets through can break the tree, whoever wrote it; and the order
// in which faulty records come does no more harm than the records themselves. Method: random
// records over few ids, most of them nonsense; after each batch the tree is walked (which checks
// that lookups, listings and places agree) and worked with.

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/vault/tree_world.h"

namespace lockstep {
namespace {

class NonsenseWriter {
  public:
    explicit NonsenseWriter(std::uint64_t seed) : random_(seed) {}

    Record record() {
        switch (random_.below(8)) {
            case 0:
            case 1:
                return LinkRecord{id<LinkId>(), id<FileId>(), type(), stamp()};
            case 2:
                return ParentRecord{id<LinkId>(), stamp(),
                                    random_.chance(40) ? kRootFile : id<FileId>()};
            case 3:
                return NameRecord{id<LinkId>(), stamp(),
                                  std::string(1, static_cast<char>('a' + random_.below(2)))};
            case 4:
                return AttributeRecord{id<FileId>(), AttributeKey::Mode, "", stamp(), Bytes(4)};
            case 5:
                return VersionRecord{id<FileId>(),
                                     id<VersionId>(),
                                     inline_content(std::to_string(random_.below(2))),
                                     {id<VersionId>()},
                                     stamp(),
                                     "dev/ice"};
            case 6:
                return ResolveRecord{id<FileId>(), {id<VersionId>()}, stamp()};
            default:
                return DeleteRecord{id<LinkId>(),      stamp(),        stamp(),
                                    {id<VersionId>()}, {id<LinkId>()}, stamp()};
        }
    }
    SeededRandom& random() { return random_; }

  private:
    template <typename IdType>
    IdType id() {
        IdType id;
        id.bytes[0] = static_cast<std::byte>(random_.below(10));
        return id;
    }
    FileType type() { return random_.chance(50) ? FileType::Directory : FileType::Regular; }
    Stamp stamp() {
        Stamp stamp{(1 + random_.below(6)) << 32, {}};
        stamp.log.bytes[0] = static_cast<std::byte>(random_.below(2));
        return stamp;
    }

    SeededRandom random_;
};

TEST(TreeRobustnessTest, NonsenseNeverBreaksTheTree) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        NonsenseWriter writer(seed);
        const TestDerivedIds ids;
        Tree tree({writer.random(), ids, "A"});
        Stamp stamp{std::uint64_t{1'700'000'000'000} << 16, {}};
        for (int batch = 0; batch < 12; ++batch) {
            std::vector<Record> records;
            for (std::uint64_t count = writer.random().below(20); count > 0; --count)
                records.push_back(writer.record());
            tree.apply(records);
            for (const auto& [path, what] : visible(tree)) {
                const auto entry = tree.lookup(kRootFile, path.substr(1));
                if (!entry.ok()) continue;
                ++stamp.time;
                if (entry->type == FileType::Directory) {
                    (void)tree
                        .create(entry->node.file, "new",
                                {FileType::Regular, inline_content("n"), {}}, stamp)
                        .ok();
                } else if (writer.random().chance(50)) {
                    (void)tree.write(entry->node, inline_content("w"), {}, stamp).ok();
                } else {
                    (void)tree.remove_file(kRootFile, entry->name, stamp).ok();
                }
            }
            (void)visible(tree);
            (void)tree.conflicts();
            (void)tree.trash();
            if (writer.random().chance(30)) (void)tree.publish();
        }
    }
}

// A publish drops what was replaced before anybody heard of it. When the journal still holds that
// after a crash, while the segment is durable, the old version is no head again.
TEST(TreeRobustnessTest, AJournalThatTellsMoreThanItsSegmentMakesNoConflict) {
    SeededRandom random(1);
    const TestDerivedIds ids;
    Stamp stamp{std::uint64_t{1'700'000'000'000} << 16, {}};
    Tree before({random, ids, "A"});
    const auto made =
        before.create(kRootFile, "x", {FileType::Regular, inline_content("1"), {}}, stamp);
    ASSERT_TRUE(made.ok());
    ++stamp.time;
    ASSERT_TRUE(before.write(made->node, inline_content("2"), {}, stamp).ok());
    const std::vector<Record> journal = before.pending();
    const std::vector<Record> segment = before.publish().records;

    Tree after({random, ids, "A"});
    after.apply(segment);
    after.restore_pending(journal);
    EXPECT_EQ(after.conflict_count(), 0u);
    EXPECT_EQ(visible(after), visible(before));
    static_cast<void>(after.publish());
    EXPECT_EQ(visible(after), visible(before));
}

// What a device wrote behind the end of its log comes after what it wrote later, when it is
// published again. Found by the simulation, seed 1434.
TEST(TreeRobustnessTest, SegmentsInAnyOrderMakeTheSameTree) {
    TreeDevice device("A", 1);
    std::vector<std::vector<Record>> segments;
    const auto publish = [&] {
        if (auto segment = device.publish()) segments.push_back(segment->records);
    };
    ASSERT_TRUE(device.mkdir("/d"));
    ASSERT_TRUE(device.create("/d/x", "1"));
    ASSERT_TRUE(device.create("/gone", "1"));
    publish();
    ASSERT_TRUE(device.mkdir("/e"));
    ASSERT_TRUE(device.rename("/d", "/e/d"));
    ASSERT_TRUE(device.rename("/e/d/x", "/y"));
    ASSERT_TRUE(device.unlink("/gone"));
    publish();
    ASSERT_TRUE(device.create("/x", "2"));
    ASSERT_TRUE(device.rename("/x", "/y"));
    ASSERT_TRUE(device.link("/y", "/e/d/y"));
    publish();
    ASSERT_TRUE(device.write("/y", "3"));
    ASSERT_TRUE(device.rename("/e", "/f"));
    ASSERT_TRUE(device.chmod("/y", 0600));
    publish();
    std::vector<std::size_t> order{0, 1, 2, 3};
    ASSERT_EQ(order.size(), segments.size());
    do {
        std::vector<std::vector<Record>> shuffled;
        for (const std::size_t at : order) shuffled.push_back(segments[at]);
        EXPECT_EQ(device.seen(), TreeDevice::rebuilt(shuffled));
    } while (std::next_permutation(order.begin(), order.end()) && !HasFailure());
}

}  // namespace
}  // namespace lockstep
