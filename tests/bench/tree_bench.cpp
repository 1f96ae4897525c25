// Speed and memory of the tree: creates in one large directory and over a million files, lookups,
// removals, and merges of what another device did. Prints a table; asserts nothing.
//
//   tree_bench [files, default 1000000]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <malloc.h>

#include "tests/support/seeded_random.h"
#include "vault/tree/tree.h"

namespace lockstep {
namespace {

class NoForks final : public DerivedIds {
  public:
    FileId file(const FileId& file, const VersionId&) const override { return file; }
    LinkId link(const LinkId& link, const VersionId&) const override { return link; }
    VersionId version(const FileId&, const VersionId& version) const override { return version; }
};

std::uint64_t allocated_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void report(const char* what, std::size_t count, const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%-48s %9zu in %7.3f s  %9.0f/s\n", what, count, seconds,
                static_cast<double>(count) / seconds);
}

class Bench {
  public:
    Bench() : tree_({random_, ids_, "laptop"}) { log_.bytes[0] = std::byte{1}; }

    void run(std::size_t files) {
        large_directory();
        many_files(files);
        std::vector<Record> records;
        report("publish", files, [&] { records = tree_.publish().records; });
        const std::uint64_t before = allocated_bytes();
        Tree fresh({random_, ids_, "desk"});
        report("apply to another tree (records)", records.size(), [&] { fresh.apply(records); });
        fresh.take_changes();
        std::printf("memory of that tree: %llu bytes per file\n",
                    static_cast<unsigned long long>((allocated_bytes() - before) / files));
        records = {};
        edits_and_merges(fresh);
    }

  private:
    Stamp tick() { return {++time_ << 16, log_}; }

    NewFile file() {
        NewFile file{
            FileType::Regular,
            {},
            {{AttributeKey::Mode, "", Bytes(4)}, {AttributeKey::ModifiedNs, "", Bytes(8)}}};
        random_.fill(file.content.root.bytes);
        file.content.kind = Content::Kind::Chunk;
        file.content.size = 5000;
        return file;
    }

    void large_directory() {
        const FileId directory = tree_.make_directory(kRootFile, "large", {}, tick())->node.file;
        constexpr std::size_t kCount = 100'000;
        report("create in one directory", kCount, [&] {
            for (std::size_t at = 0; at < kCount; ++at) {
                CHECK(tree_.create(directory, "file number " + std::to_string(at), file(), tick())
                          .ok());
            }
        });
        report("look up in it", kCount, [&] {
            for (std::size_t at = 0; at < kCount; ++at) {
                CHECK(tree_.lookup(directory, "file number " + std::to_string(at)).ok());
            }
        });
        report("list it (entries)", kCount,
               [&] { CHECK((*tree_.list(directory))->size() == kCount); });
        report("rename in it", kCount, [&] {
            for (std::size_t at = 0; at < kCount; ++at) {
                CHECK(tree_
                          .rename(directory, "file number " + std::to_string(at), directory,
                                  "renamed " + std::to_string(at), RenameMode::Replace, tick())
                          .ok());
            }
        });
        report("remove from it", kCount, [&] {
            for (std::size_t at = 0; at < kCount; ++at) {
                CHECK(tree_.remove_file(directory, "renamed " + std::to_string(at), tick()).ok());
            }
        });
        tree_.publish();
        tree_.take_changes();
    }

    void many_files(std::size_t files) {
        constexpr std::size_t kPerDirectory = 100;
        report("create over directories of 100", files, [&] {
            FileId directory = kRootFile;
            for (std::size_t at = 0; at < files; ++at) {
                if (at % (kPerDirectory * kPerDirectory) == 0) {
                    outer_ =
                        tree_.make_directory(kRootFile, "outer " + std::to_string(at), {}, tick())
                            ->node.file;
                }
                if (at % kPerDirectory == 0) {
                    directory =
                        tree_.make_directory(outer_, "inner " + std::to_string(at), {}, tick())
                            ->node.file;
                }
                CHECK(tree_
                          .create(directory, "source_file_" + std::to_string(at) + ".cpp", file(),
                                  tick())
                          .ok());
                if (at % 10'000 == 0) tree_.take_changes();
            }
        });
        last_ = directory_of_last_file(files);
        tree_.take_changes();
    }

    FileId directory_of_last_file(std::size_t files) {
        const std::size_t at = (files - 1) / 100 * 100;
        return tree_.lookup(outer_, "inner " + std::to_string(at))->node.file;
    }

    void edits_and_merges(Tree& other) {
        constexpr std::size_t kCount = 10'000;
        const FileId directory = tree_.make_directory(last_, "merge", {}, tick())->node.file;
        for (std::size_t at = 0; at < kCount; ++at) {
            CHECK(tree_.create(directory, "m" + std::to_string(at), file(), tick()).ok());
        }
        other.apply(tree_.publish().records);
        other.take_changes();
        for (std::size_t at = 0; at < kCount; ++at) {
            const Node node = tree_.lookup(directory, "m" + std::to_string(at))->node;
            CHECK(tree_.write(node, file().content, {}, tick()).ok());
        }
        const std::vector<Record> edits = tree_.publish().records;
        report("merge edits of 10,000 files (records)", edits.size(), [&] { other.apply(edits); });
        const Node one = tree_.lookup(directory, "m7")->node;
        CHECK(tree_.write(one, file().content, {}, tick()).ok());
        const std::vector<Record> single = tree_.publish().records;
        other.take_changes();
        report("merge one edit (records)", single.size(), [&] { other.apply(single); });
        const TreeChanges changes = other.take_changes();
        std::printf("changes reported for it: %zu files, %zu entries\n", changes.files.size(),
                    changes.entries.size());
        // Both write all of them without having heard of each other.
        for (std::size_t at = 0; at < kCount; ++at) {
            const Node node = tree_.lookup(directory, "m" + std::to_string(at))->node;
            CHECK(tree_.write(node, file().content, {}, tick()).ok());
            CHECK(other.write(node, file().content, {}, tick()).ok());
        }
        const std::vector<Record> conflicting = tree_.publish().records;
        report("merge 10,000 conflicts into one directory", conflicting.size(),
               [&] { other.apply(conflicting); });
        CHECK(other.conflict_count() == kCount);
        report("resolve 100 of them", 100, [&] {
            for (std::size_t at = 0; at < 100; ++at) {
                CHECK(other.resolve(other.lookup(directory, "m" + std::to_string(at))->node, tick())
                          .ok());
            }
        });
    }

    SeededRandom random_{1};
    NoForks ids_;
    Tree tree_;
    LogId log_;
    FileId outer_, last_;
    std::uint64_t time_ = 0;
};

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    lockstep::Bench bench;
    bench.run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000);
    return 0;
}
