#include "vault/chunks/content_node.h"

#include "base/codec.h"

namespace lockstep {
namespace {

constexpr std::size_t kEntrySize = ChunkId::kSize + sizeof(std::uint64_t);
constexpr std::uint64_t kCutMask = 511;
constexpr std::uint8_t kNodeVersion = 1;
static_assert(6 + kContentNodeEntriesCutMax * kEntrySize <= kChunkSizeMax);

std::uint64_t low_bits(const ChunkId& id) {
    return Decoder(id.view()).u64();
}

Error damaged(const char* why) {
    return {ErrorKind::Corrupt, std::string("content list node: ") + why};
}

Status check_entry(const ContentNode& node, std::size_t index) {
    const ContentNodeEntry& entry = node.entries[index];
    if (entry.length == 0 || entry.length > kFileSizeMax) return damaged("impossible length");
    if (entry.id.is_zero()) {
        if (node.level != 1) return damaged("hole above the lowest level");
        if (index > 0 && node.entries[index - 1].id.is_zero()) return damaged("holes side by side");
        return {};
    }
    if (node.level == 1 && entry.length > kChunkSizeMax) return damaged("chunk too long");
    return {};
}

}  // namespace

std::uint64_t ContentNode::length() const {
    std::uint64_t sum = 0;
    for (const ContentNodeEntry& entry : entries) sum += entry.length;
    return sum;
}

bool content_node_ends(std::size_t count, const ContentNodeEntry& last) {
    if (count >= kContentNodeEntriesCutMax) return true;
    return count >= kContentNodeEntriesCutMin && !last.id.is_zero() &&
           (low_bits(last.id) & kCutMask) == 0;
}

Bytes encode_content_node(const ContentNode& node) {
    CHECK(!node.entries.empty() && node.entries.size() <= kContentNodeEntriesCutMax);
    Encoder out;
    out.u8(kNodeVersion).u8(node.level).u32(static_cast<std::uint32_t>(node.entries.size()));
    for (const ContentNodeEntry& entry : node.entries) out.id(entry.id).u64(entry.length);
    return std::move(out).take();
}

Result<ContentNode> decode_content_node(ByteView bytes) {
    Decoder in(bytes);
    std::uint8_t version = in.u8();
    if (!in.failed() && version != kNodeVersion) {
        return Error{ErrorKind::Unsupported, "content list node of an unknown version"};
    }
    ContentNode node;
    node.level = in.u8();
    std::uint32_t count = in.count(kContentNodeEntriesCutMax, kEntrySize);
    TRY_OK(in.status());
    if (node.level < 1 || node.level > kContentDepthMax) return damaged("impossible level");
    if (count == 0) return damaged("no entries");
    node.entries.reserve(count);
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        ContentNodeEntry entry;
        entry.id = in.id<ChunkId>();
        entry.length = in.u64();
        node.entries.push_back(entry);
        TRY_OK(check_entry(node, i));
        sum += entry.length;
        if (sum > kFileSizeMax) return damaged("content beyond the largest file");
        if (i + 1 < count && content_node_ends(i + 1, entry))
            return damaged("cut in the wrong place");
    }
    TRY_OK(in.finish());
    return node;
}

}  // namespace lockstep
