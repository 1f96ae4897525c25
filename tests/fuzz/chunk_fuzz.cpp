// A chunk that a member sealed with the right key under a header of its choice: refused, or as long
// as it says.
#include <cstddef>
#include <cstdint>

#include "base/codec.h"
#include "tests/vault/packs_samples.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    SeededRandom random(1);
    Decoder in(std::as_bytes(std::span(data, size)));
    ChunkHeader header;
    header.compression = in.u8() % 2 == 0 ? Compression::None : Compression::Lz4;
    header.raw_length = in.u32();
    ByteView payload = in.raw(in.remaining());
    PackContext pack =
        PackContext::derive(sample_pack_base(), kSampleVault, kSampleEpoch, PackSalt{});
    Encoder extra;
    extra.id(pack.salt).id(header.id).u8(static_cast<std::uint8_t>(header.kind));
    extra.u8(static_cast<std::uint8_t>(header.compression)).u32(header.raw_length);
    Bytes aad = associated_data(
        {.type = ObjectType::PackChunk, .vault = pack.vault, .epoch = pack.epoch}, extra.view());
    Bytes sealed = seal(pack.key, aad, payload, random);
    auto opened = open_chunk(pack, header, sealed, nullptr);
    if (opened.ok()) CHECK(opened->size() == header.raw_length && opened->size() <= kChunkSizeMax);
    CHECK(!open_chunk(pack, header, sealed, &sample_ids()).ok(), "nothing has the zero id");

    // And what an honest writer makes of the same bytes opens again.
    if (!payload.empty() && payload.size() <= kChunkSizeMax) {
        SealedChunk honest =
            seal_chunk(pack, ChunkKind::Data, sample_ids().chunk_id(payload), payload, random);
        auto again = open_chunk(pack, honest.header, honest.sealed, &sample_ids());
        CHECK(again.ok() && equal(*again, payload));
    }
    return 0;
}
