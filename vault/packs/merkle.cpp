#include "vault/packs/merkle.h"

#include <algorithm>

#include <openssl/evp.h>

namespace lockstep {
namespace {

// Fetched once: looking the algorithm up costs more than hashing a pair of nodes.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    CHECK(algorithm != nullptr, "OpenSSL has SHA-256");
    return algorithm;
}

MerkleHash parent_of(const MerkleHash& left, const MerkleHash& right) {
    std::array<std::byte, 2 * MerkleHash::kSize> pair;
    std::copy(left.bytes.begin(), left.bytes.end(), pair.begin());
    std::copy(right.bytes.begin(), right.bytes.end(), pair.begin() + MerkleHash::kSize);
    return merkle_leaf(pair);
}

// Replaces a layer by the one above it and `padding`, the root of a subtree of padding alone, by
// the next.
void climb(std::vector<MerkleHash>& layer, MerkleHash& padding) {
    if (layer.size() % 2 != 0) layer.push_back(padding);
    for (std::size_t i = 0; i < layer.size(); i += 2) {
        layer[i / 2] = parent_of(layer[i], layer[i + 1]);
    }
    layer.resize(layer.size() / 2);
    padding = parent_of(padding, padding);
}

}  // namespace

MerkleHash merkle_leaf(ByteView data) {
    MerkleHash out;
    unsigned size = 0;
    int done = EVP_Digest(data.data(), data.size(), u8(MutableByteView(out.bytes)), &size,
                          sha256_algorithm(), nullptr);
    CHECK(done == 1 && size == MerkleHash::kSize, "SHA-256 cannot fail");
    return out;
}

void hash_blocks(ByteView part, std::span<MerkleHash> leaves) {
    CHECK(leaves.size() == merkle_block_count(part.size()));
    for (MerkleHash& leaf : leaves) {
        ByteView block = part.first(std::min(part.size(), kMerkleBlockSize));
        leaf = merkle_leaf(block);
        part = part.subspan(block.size());
    }
}

MerkleHash merkle_root(std::vector<MerkleHash> leaves) {
    CHECK(!leaves.empty());
    MerkleHash padding;
    while (leaves.size() > 1) climb(leaves, padding);
    return leaves.front();
}

std::vector<MerkleHash> merkle_layer(std::vector<MerkleHash> leaves, unsigned height) {
    CHECK(!leaves.empty());
    MerkleHash padding;
    for (unsigned i = 0; i < height; ++i) climb(leaves, padding);
    return leaves;
}

void MerkleHasher::update(ByteView data) {
    length_ += data.size();
    if (!partial_.empty()) {
        ByteView taken = data.first(std::min(data.size(), kMerkleBlockSize - partial_.size()));
        append(partial_, taken);
        data = data.subspan(taken.size());
        if (partial_.size() < kMerkleBlockSize) return;
        leaves_.push_back(merkle_leaf(partial_));
        partial_.clear();
    }
    while (data.size() >= kMerkleBlockSize) {
        leaves_.push_back(merkle_leaf(data.first(kMerkleBlockSize)));
        data = data.subspan(kMerkleBlockSize);
    }
    append(partial_, data);
}

std::vector<MerkleHash> MerkleHasher::finish() && {
    if (!partial_.empty()) leaves_.push_back(merkle_leaf(partial_));
    return std::move(leaves_);
}

}  // namespace lockstep
