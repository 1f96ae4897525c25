// A list node from a member: refused, or in its one encoding; and a content made of it loads or is
// refused.
#include <cstddef>
#include <cstdint>

#include "tests/vault/packs_samples.h"
#include "vault/chunks/content_node.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView input = std::as_bytes(std::span(data, size));
    auto node = decode_content_node(input);
    if (!node.ok()) return 0;
    CHECK(equal(encode_content_node(*node), input));

    MapChunks chunks;
    ChunkId id = sample_ids().list_node_id(input);
    CHECK(chunks.put(ChunkKind::ListNode, id, input).ok());
    Content content{.kind = Content::Kind::List,
                    .size = node->length(),
                    .root = ContentRoot::from(id.view()),
                    .depth = node->level,
                    .inline_bytes = {}};
    auto list = load_content(sample_ids(), content, chunks);
    if (!list.ok()) return 0;
    CHECK(list->size() == content.size);
    auto again = store_content(sample_ids(), *list, chunks);
    CHECK(again.ok() && *again == content, "one list has one root");
    return 0;
}
