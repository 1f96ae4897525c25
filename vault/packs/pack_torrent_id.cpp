#include "vault/packs/pack_torrent_id.h"

#include <bit>

#include <fmt/format.h>

namespace lockstep {
namespace {

// How many levels above the 16 KiB blocks a piece lies.
unsigned piece_height(std::uint64_t pack_length) {
    return static_cast<unsigned>(std::countr_zero(pack_piece_size(pack_length) / kMerkleBlockSize));
}

std::size_t piece_count(std::uint64_t pack_length) {
    std::uint64_t size = pack_piece_size(pack_length);
    return static_cast<std::size_t>((pack_length + size - 1) / size);
}

void append_text(Bytes& to, std::string_view text) {
    append(to, as_bytes(text));
}

// A bencoded byte string.
void append_string(Bytes& to, ByteView bytes) {
    append_text(to, fmt::format("{}:", bytes.size()));
    append(to, bytes);
}

}  // namespace

PackIdentity identify_pack(std::vector<MerkleHash> leaves, std::uint64_t length) {
    CHECK(length > 0 && leaves.size() == merkle_block_count(length));
    PackIdentity out{.info = {.id = {}, .length = length}, .piece_layers = {}};
    if (length > pack_piece_size(length)) {
        for (const MerkleHash& piece : merkle_layer(leaves, piece_height(length))) {
            append(out.piece_layers, piece.view());
        }
    }
    out.info.id = PackId::from(merkle_root(std::move(leaves)).view());
    return out;
}

PackIdentity identify_pack(ByteView bytes) {
    std::vector<MerkleHash> leaves(merkle_block_count(bytes.size()));
    hash_blocks(bytes, leaves);
    return identify_pack(std::move(leaves), bytes.size());
}

Status verify_pack(ByteView bytes, const PackInfo& info) {
    if (bytes.size() != info.length || bytes.empty()) {
        return Error{ErrorKind::Corrupt, fmt::format("pack {}: has {} bytes instead of {}",
                                                     info.id.to_hex(), bytes.size(), info.length)};
    }
    std::vector<MerkleHash> leaves(merkle_block_count(bytes.size()));
    hash_blocks(bytes, leaves);
    if (merkle_root(std::move(leaves)).bytes != info.id.bytes) {
        return Error{
            ErrorKind::Corrupt,
            fmt::format("pack {}: its bytes are not what its name says", info.id.to_hex())};
    }
    return {};
}

Status verify_piece_layers(ByteView layers, const PackInfo& info) {
    std::size_t count = info.length > pack_piece_size(info.length) ? piece_count(info.length) : 0;
    if (info.length > kPackSizeMax || layers.size() != count * MerkleHash::kSize) {
        return Error{ErrorKind::Corrupt, "piece layers of the wrong length"};
    }
    if (count == 0) return {};
    // A piece over padding alone is not the zero hash but the root of a tree of zero leaves.
    MerkleHash padding = merkle_root(
        std::vector<MerkleHash>(pack_piece_size(info.length) / kMerkleBlockSize, MerkleHash{}));
    std::vector<MerkleHash> pieces(std::bit_ceil(count), padding);
    for (std::size_t i = 0; i < count; ++i) {
        pieces[i] = MerkleHash::from(layers.subspan(i * MerkleHash::kSize, MerkleHash::kSize));
    }
    if (merkle_root(std::move(pieces)).bytes != info.id.bytes) {
        return Error{ErrorKind::Corrupt, "piece layers of another pack"};
    }
    return {};
}

Bytes pack_info_dictionary(const PackInfo& info) {
    std::string name = info.id.to_hex();
    Bytes out;
    append_text(out, "d9:file treed");
    append_string(out, as_bytes(name));
    append_text(out, fmt::format("d0:d6:lengthi{}e11:pieces root", info.length));
    append_string(out, info.id.view());
    append_text(out, "eee12:meta versioni2e4:name");
    append_string(out, as_bytes(name));
    append_text(out, fmt::format("12:piece lengthi{}ee", pack_piece_size(info.length)));
    return out;
}

InfoHash pack_info_hash(const PackInfo& info) {
    return InfoHash::from(sha256(pack_info_dictionary(info)).view());
}

Bytes pack_torrent_file(const PackInfo& info, ByteView piece_layers) {
    Bytes out;
    append_text(out, "d4:info");
    append(out, pack_info_dictionary(info));
    append_text(out, "12:piece layersd");
    if (!piece_layers.empty()) {
        append_string(out, info.id.view());
        append_string(out, piece_layers);
    }
    append_text(out, "ee");
    return out;
}

}  // namespace lockstep
