// How fast content becomes packs and back, on one core. Build with the release preset:
//
//     build/release/bin/pack_bench [FILE...]     real files, else half random, half text-like bytes
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <time.h>

#include "vault/chunks/chunker.h"
#include "vault/packs/pack_builder.h"
#include "vault/packs/pack_reader.h"

namespace lockstep {
namespace {

// Processor time of this process: other load on the machine hardly disturbs it.
double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void report(const char* what, std::size_t bytes, double start) {
    std::printf("%-28s %8.0f MB/s\n", what, static_cast<double>(bytes) / 1e6 / (now() - start));
}

template <typename KeyType>
KeyType sample_key(int value) {
    return KeyType::from(Bytes(32, static_cast<std::byte>(value)));
}

Bytes generated_content(std::size_t size) {
    Bytes out(size);
    system_random().fill(MutableByteView(out).first(size / 2));
    for (std::size_t i = size / 2; i < size; ++i) {
        out[i] = static_cast<std::byte>("int main(void) { return 0; }\n"[(i * i / 97) % 29]);
    }
    return out;
}

Bytes read_files(int count, char** names) {
    Bytes out;
    for (int i = 0; i < count; ++i) {
        std::ifstream file(names[i], std::ios::binary);
        std::string text((std::istreambuf_iterator<char>(file)), {});
        append(out, as_bytes(text));
    }
    return out;
}

struct Bench {
    explicit Bench(Bytes bytes) : content(std::move(bytes)) {}

    void chunking() {
        double start = now();
        for (std::size_t at = 0; at < content.size(); at += chunks.back().size()) {
            ByteView rest = ByteView(content).subspan(at);
            chunks.push_back(rest.first(chunker.cut(rest, true)));
        }
        report("chunk", content.size(), start);
        std::printf("%-28s %8zu, mean %zu bytes\n", "chunks", chunks.size(),
                    content.size() / chunks.size());
    }

    void hashing() {
        double start = now();
        for (ByteView chunk : chunks) chunk_ids.push_back(ids.chunk_id(chunk));
        report("chunk id", content.size(), start);
    }

    void sealing() {
        PackBuilder builder = new_builder();
        std::size_t sealed = 0;
        double start = now();
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            sealed += builder.seal(ChunkKind::Data, chunk_ids[i], chunks[i]).sealed.size();
        }
        report("compress and seal", content.size(), start);
        std::printf("%-28s %8.0f %%\n", "sealed size",
                    100.0 * static_cast<double>(sealed) / static_cast<double>(content.size()));
    }

    void naming() {
        double start = now();
        for (std::size_t at = 0; at < content.size(); at += kPackSizeMax) {
            identify_pack(
                ByteView(content).subspan(at, std::min(kPackSizeMax, content.size() - at)));
        }
        report("pack id (merkle)", content.size(), start);
    }

    void everything() {
        std::vector<FinishedPack> packs;
        double start = now();
        PackBuilder builder = new_builder();
        for (std::size_t at = 0; at < content.size();) {
            ByteView chunk = ByteView(content).subspan(at);
            chunk = chunk.first(chunker.cut(chunk, true));
            SealedChunk sealed = builder.seal(ChunkKind::Data, ids.chunk_id(chunk), chunk);
            if (!builder.fits(sealed.sealed.size())) {
                packs.push_back(std::move(builder).finish());
                builder = new_builder();
                continue;
            }
            builder.append(std::move(sealed));
            at += chunk.size();
        }
        packs.push_back(std::move(builder).finish());
        report("content to packs, all steps", content.size(), start);

        std::size_t opened = 0;
        start = now();
        for (const FinishedPack& pack : packs) {
            PackReader reader =
                *PackReader::open(std::make_unique<MemoryPackBytes>(pack.bytes), base, vault);
            std::vector<PackEntry> index = *reader.read_index();
            for (const PackEntry& entry : index) {
                opened += reader.read_chunk(entry, &ids)->size();
            }
        }
        report("packs to content, ids checked", opened, start);
    }

    PackBuilder new_builder() { return PackBuilder(base, vault, EpochId{}, system_random()); }

    Bytes content;
    std::vector<ByteView> chunks;
    std::vector<ChunkId> chunk_ids;
    VaultId vault;
    PackBaseKey base = sample_key<PackBaseKey>(1);
    Chunker chunker{make_gear_table(sample_key<ChunkerSeed>(2))};
    ContentIds ids{VaultKeys{.vault = vault,
                             .chunk_id = sample_key<ChunkIdKey>(3),
                             .list_node_id = sample_key<ListNodeIdKey>(4),
                             .inline_root = sample_key<InlineRootKey>(5),
                             .chunker = sample_key<ChunkerSeed>(2),
                             .pseudonym = sample_key<PseudonymKey>(6),
                             .derived_id = sample_key<DerivedIdKey>(7)}};
};

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
    lockstep::Bench bench(argc > 1 ? lockstep::read_files(argc - 1, argv + 1)
                                   : lockstep::generated_content(256 * lockstep::kMiB));
    if (bench.content.empty()) return 2;
    bench.chunking();
    bench.hashing();
    bench.sealing();
    bench.naming();
    bench.everything();
}
