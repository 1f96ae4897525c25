// How fast the journal, the record codec and the chunk index are. Build with the release preset:
//
//     build/release/bin/journal_bench [DIRECTORY]     where the journal lies; else the current one
#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/vault/log_samples.h"
#include "vault/index/index.h"
#include "vault/journal/journal.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void report(const char* what, double seconds, std::size_t times) {
    double each = seconds / static_cast<double>(times) * 1e6;
    std::printf("%-44s %10.2f us each %12.0f /s\n", what, each, 1e6 / each);
}

void bench_journal(const fs::path& path) {
    JournalKey key = JournalKey::from(id_of<Id<void, 32>>(7).view());
    auto opened = Journal::open(posix_disk(), path, VaultId{}, key, system_random()).value();
    std::unique_ptr<Journal>& journal = opened.journal;
    JournalRecords small{one_of_each()};
    small.records.resize(5);
    constexpr std::size_t kAppends = 50'000, kCommits = 500, kThreads = 8;
    double start = now();
    for (std::size_t i = 0; i < kAppends; ++i) CHECK(journal->append(small).ok());
    report("append of one operation", now() - start, kAppends);
    CHECK(journal->commit().ok());
    start = now();
    for (std::size_t i = 0; i < kCommits; ++i) {
        CHECK(journal->append(small).ok());
        CHECK(journal->commit().ok());
    }
    report("append and commit, one thread", now() - start, kCommits);
    start = now();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < kCommits; ++i) {
                CHECK(journal->append(small).ok());
                CHECK(journal->commit().ok());
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    report("append and commit, eight threads", now() - start, kThreads * kCommits);
    start = now();
    for (std::size_t i = 0; i < kCommits; ++i) CHECK(journal->rewrite({}).ok());
    report("rewrite to nothing", now() - start, kCommits);
    CHECK(posix_disk().remove(path).ok());
}

void bench_codec() {
    SeededRandom random(1);
    std::vector<Record> records = random_records(random, 20'000);
    constexpr std::size_t kRounds = 10;
    Bytes bytes;
    double start = now();
    for (std::size_t i = 0; i < kRounds; ++i) bytes = encode_records(records, kOwnLog).value();
    double encoding = now() - start;
    start = now();
    for (std::size_t i = 0; i < kRounds; ++i) CHECK(decode_records(bytes, kOwnLog).ok());
    double decoding = now() - start;
    double mib = static_cast<double>(bytes.size() * kRounds) / static_cast<double>(kMiB);
    std::printf("%-44s %10.0f MiB/s, %.0f bytes a record\n", "encode records", mib / encoding,
                static_cast<double>(bytes.size()) / static_cast<double>(records.size()));
    std::printf("%-44s %10.0f MiB/s\n", "decode and check records", mib / decoding);
    LogWriter writer(9);
    SegmentOuter outer = open_outer(writer.write(records), writer.lookup()).value();
    auto index = Index::open_in_memory().value();
    start = now();
    CHECK(index->log().apply_segment(outer, {records, {}}).ok());
    report("apply a record to the index", now() - start, records.size());
}

void bench_chunk_index() {
    SeededRandom random(1);
    auto index = Index::open_in_memory().value();
    std::vector<ChunkId> ids;
    double start = now();
    for (std::size_t pack = 0; pack < 400; ++pack) {
        std::vector<ChunkEntry> entries(250);
        for (ChunkEntry& entry : entries) ids.push_back(entry.id = random.id<ChunkId>());
        CHECK(
            index->chunks().add_pack({random.id<PackId>(), kPackSizeMax}, {}, entries, true).ok());
    }
    report("add a chunk", now() - start, ids.size());
    start = now();
    for (std::size_t i = 0; i < ids.size(); ++i)
        CHECK(index->chunks().find(ids[i * 7919 % ids.size()]).value().has_value());
    report("find a chunk of 100,000", now() - start, ids.size());
    start = now();
    for (std::size_t i = 0; i < ids.size(); ++i)
        CHECK(!index->chunks().find(random.id<ChunkId>()).value());
    report("find no chunk", now() - start, ids.size());
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    lockstep::fs::path directory = argc > 1 ? argv[1] : lockstep::fs::current_path();
    lockstep::bench_journal(directory / "journal_bench.tmp");
    lockstep::bench_codec();
    lockstep::bench_chunk_index();
    return 0;
}
