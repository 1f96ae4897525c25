// A pack from a stranger, and parts of a pack from a member who knows the keys: refused or in
// normal form.
#include <cstddef>
#include <cstdint>

#include "tests/vault/packs_samples.h"

using namespace lockstep;

namespace {

void decode_parts(ByteView bytes) {
    if (auto prefix = decode_pack_prefix(bytes); prefix.ok()) {
        CHECK(encode_pack_prefix(*prefix).size() == bytes.size());
    }
    if (auto trailer = decode_pack_trailer(bytes, 64 * kKiB); trailer.ok()) {
        CHECK(equal(encode_pack_trailer(*trailer), bytes));
    }
    for (std::uint64_t chunks_end :
         {std::uint64_t{kPackPrefixSize + 41}, std::uint64_t{kPackSizeMax}}) {
        if (auto index = decode_pack_index(bytes, chunks_end); index.ok()) {
            CHECK(equal(encode_pack_index(*index), bytes));
        }
    }
}

// A pack whose trailer and index are sealed rightly and say what the input says.
Bytes sealed_pack(ByteView input) {
    SeededRandom random(1);
    PackContext context =
        PackContext::derive(sample_pack_base(), kSampleVault, kSampleEpoch, PackSalt{});
    Bytes pack = encode_pack_prefix(
        {.epoch = kSampleEpoch, .salt = context.salt, .commitment = context.commitment});
    Bytes prefix = pack;
    ByteView trailer = input.first(24);
    ByteView index = input.subspan(24);
    append_sealed(pack, context.key, pack_index_aad(context), index, random);
    pack.resize(std::max(pack.size() + kPackTrailerSize, kPackSizeMin) - kPackTrailerSize);
    append_sealed(pack, context.key, pack_trailer_aad(context, prefix), trailer, random);
    return pack;
}

void read(ByteView pack) {
    auto reader = open_sample(pack);
    if (!reader.ok()) return;
    static_cast<void>(reader->read_index().ok());
    static_cast<void>(reader->check(sample_ids()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView input = std::as_bytes(std::span(data, size));
    decode_parts(input);
    read(input);
    if (input.size() >= 24) read(sealed_pack(input));
    return 0;
}
