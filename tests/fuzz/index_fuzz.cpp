// An index file as somebody with the key may have written it: pages of a real one, written over;
// and files of bytes that no key ever sealed.
#include "tests/support/memory_disk.h"
#include "tests/vault/log_samples.h"
#include "vault/index/index.h"

using namespace lockstep;

namespace {

const fs::path kPath = "/state/index.db";

SealedFilesEnvironment place(Disk& disk) {
    static SeededRandom random(1);
    return {disk, kPath, IndexKey::from(id_of<Id<void, 32>>(7).view()), VaultId{}, random};
}

// The plain pages of a small index.
Bytes make_pages() {
    MemoryDisk disk;
    CHECK(disk.make_directories("/state").ok());
    {
        auto index = Index::open(place(disk)).value();
        LogWriter writer(9);
        for (int segment = 0; segment < 3; ++segment) {
            SegmentDraft draft = writer.draft(one_of_each());
            draft.replicator.packs = {{id_of<PackId>(1), kPackSizeMin}};
            SegmentOuter outer = open_outer(writer.write(draft), writer.lookup()).value();
            CHECK(index->log().apply_segment(outer, draft.records).ok());
        }
        std::vector<ChunkEntry> chunks(300);
        SeededRandom random(2);
        for (ChunkEntry& chunk : chunks) chunk.id = random.id<ChunkId>();
        PackInfo pack{id_of<PackId>(1), kPackSizeMin};
        CHECK(index->chunks().add_pack(pack, id_of<EpochId>(2), chunks, true).ok());
    }
    SealedFiles files(place(disk));
    auto database = SealedDatabase::open(files).value();
    Bytes pages(database->size());
    CHECK(database->read(0, pages).ok());
    return pages;
}

// Whatever it says, it says it without harm.
void use(Disk& disk) {
    auto index = Index::open(place(disk));
    if (!index.ok()) return;
    static_cast<void>((*index)->digest().ok());
    static_cast<void>((*index)->check().ok());
    static_cast<void>((*index)->log().records().ok());
    static_cast<void>((*index)->log().logs().ok());
    static_cast<void>((*index)->log().named().ok());
    static_cast<void>((*index)->chunks().packs().ok());
    static_cast<void>((*index)->chunks().find(id_of<ChunkId>(1)).ok());
    static_cast<void>((*index)->chunks().chunks_of(id_of<PackId>(1)).ok());
    static_cast<void>((*index)->chunks().forget_pack(id_of<PackId>(1)).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Bytes original = make_pages();
    ByteView input = std::as_bytes(std::span(data, size));
    {
        MemoryDisk disk;
        disk.put(kPath, input);
        disk.put(kPath.string() + "-wal", input);
        use(disk);
    }
    // Places and bytes to put there: offset u32, length u8, bytes.
    Bytes pages = original;
    Decoder in(input);
    while (in.remaining() > 0 && !in.failed()) {
        const std::size_t offset = in.u32() % pages.size();
        ByteView bytes = in.raw(std::min<std::size_t>(in.u8(), in.remaining()));
        for (std::size_t i = 0; i < bytes.size() && offset + i < pages.size(); ++i)
            pages[offset + i] = bytes[i];
    }
    MemoryDisk disk;
    CHECK(disk.make_directories("/state").ok());
    {
        SealedFiles files(place(disk));
        auto database = SealedDatabase::open(files).value();
        for (std::size_t at = 0; at < pages.size(); at += kIndexPageSize)
            CHECK(database->write(at, ByteView(pages).subspan(at, kIndexPageSize)).ok());
    }
    use(disk);
    return 0;
}
