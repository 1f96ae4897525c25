#include "vault/chunks/chunk_codec.h"

#include <lz4.h>

#include "base/codec.h"

namespace lockstep {
namespace {

// Compression is kept when it saves a sixteenth or more.
constexpr std::size_t compressed_size_max(std::size_t raw_length) {
    return raw_length - (raw_length + 15) / 16;
}

Bytes chunk_aad(const PackContext& pack, const ChunkHeader& header) {
    Encoder extra;
    extra.id(pack.salt).id(header.id);
    extra.u8(static_cast<std::uint8_t>(header.kind));
    extra.u8(static_cast<std::uint8_t>(header.compression));
    extra.u32(header.raw_length);
    return associated_data(
        {.type = ObjectType::PackChunk, .vault = pack.vault, .epoch = pack.epoch}, extra.view());
}

Error damaged(const ChunkHeader& header, std::string_view why) {
    return {ErrorKind::Corrupt, "chunk " + header.id.to_hex() + ": " + std::string(why)};
}

// Into `out`; 0 when it does not pay.
std::size_t compress(ByteView plaintext, MutableByteView out) {
    if (out.empty()) return 0;
    int size = LZ4_compress_default(
        reinterpret_cast<const char*>(plaintext.data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(plaintext.size()), static_cast<int>(out.size()));
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

bool decompress(ByteView compressed, MutableByteView out) {
    int size = LZ4_decompress_safe(
        reinterpret_cast<const char*>(compressed.data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(compressed.size()), static_cast<int>(out.size()));
    return size >= 0 && static_cast<std::size_t>(size) == out.size();
}

}  // namespace

Status check_chunk_lengths(const ChunkHeader& header, std::size_t sealed_length) {
    if (header.raw_length == 0 || header.raw_length > kChunkSizeMax) {
        return damaged(header, "impossible length");
    }
    bool fits = false;
    switch (header.compression) {
        case Compression::None:
            fits = sealed_length == header.raw_length + kSealOverhead;
            break;
        case Compression::Lz4:
            fits = sealed_length > kSealOverhead &&
                   sealed_length - kSealOverhead <= compressed_size_max(header.raw_length);
            break;
    }
    if (!fits) return damaged(header, "impossible sealed length");
    return {};
}

SealedChunk seal_chunk(const PackContext& pack, ChunkKind kind, const ChunkId& id,
                       ByteView plaintext, Random& random) {
    CHECK(!plaintext.empty() && plaintext.size() <= kChunkSizeMax);
    SealedChunk out;
    out.pack = pack.salt;
    out.header = {.id = id,
                  .kind = kind,
                  .compression = Compression::None,
                  .raw_length = static_cast<std::uint32_t>(plaintext.size())};
    // Compressed bytes go where the ciphertext will lie, and are sealed in place.
    std::size_t room = compressed_size_max(plaintext.size());
    out.sealed.resize(room + kSealOverhead);
    MutableByteView body = MutableByteView(out.sealed).subspan(kSealNonceSize, room);
    std::size_t compressed = compress(plaintext, body);
    ByteView payload = plaintext;
    if (compressed > 0) {
        out.header.compression = Compression::Lz4;
        payload = body.first(compressed);
        out.sealed.resize(compressed + kSealOverhead);  // shrinks: `payload` stays where it is
    } else {
        out.sealed.resize(plaintext.size() + kSealOverhead);
    }
    seal_into(out.sealed, pack.key, chunk_aad(pack, out.header), payload, random);
    return out;
}

Result<Bytes> open_chunk(const PackContext& pack, const ChunkHeader& header, ByteView sealed,
                         const ContentIds* verify) {
    TRY_OK(check_chunk_lengths(header, sealed.size()));
    auto opened = open(pack.key, chunk_aad(pack, header), sealed);
    if (!opened.ok()) return damaged(header, opened.error().message);
    Bytes plaintext;
    switch (header.compression) {
        case Compression::None:
            plaintext = std::move(*opened);
            break;
        case Compression::Lz4: {
            plaintext.resize(header.raw_length);
            bool is_whole = decompress(*opened, plaintext);
            wipe(*opened);
            if (!is_whole) return damaged(header, "does not decompress to its length");
            break;
        }
    }
    if (verify != nullptr && verify->id_of(header.kind, plaintext) != header.id) {
        wipe(plaintext);
        return damaged(header, "holds other content than its id says");
    }
    return plaintext;
}

}  // namespace lockstep
