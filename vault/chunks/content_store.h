// Content in records and content lists in packs: how the one becomes the other.
//
// A list is stored as a tree of nodes that are cut by content, so that a small change of a large
// file makes a path of new nodes and leaves the others as they are. Nodes are named by keyed hash
// and lie in packs like chunks do. Format: vault/FORMAT.md, "Content lists".
//
// Equal root and size mean equal content. One list has one root: cuts are a function of the
// entries, and a reader refuses any other.
#pragma once

#include <optional>

#include "vault/chunks/chunk_kind.h"
#include "vault/chunks/content_ids.h"
#include "vault/chunks/content_list.h"
#include "vault/log/record.h"

namespace lockstep {

// Where list nodes go.
class ChunkSink {
  public:
    virtual ~ChunkSink() = default;
    // Whether the object is stored already and may be referred to.
    virtual bool has(ChunkKind kind, const ChunkId& id) = 0;
    virtual Status put(ChunkKind kind, const ChunkId& id, ByteView plaintext) = 0;
};

// Where list nodes come from.
class ChunkSource {
  public:
    virtual ~ChunkSource() = default;
    // The plaintext. Its id need not have been verified: load_content does.
    virtual Result<Bytes> get(ChunkKind kind, const ChunkId& id) = 0;
};

// REQUIRES: bytes.size() <= kInlineContentSizeMax, or kSymlinkSizeMax for a symlink's target
Content inline_content(const ContentIds& ids, ByteView bytes);

// Puts the nodes that the sink does not have and returns what the version record says. An empty
// list becomes empty inline content, a single chunk needs no node.
Result<Content> store_content(const ContentIds& ids, const ContentList& list, ChunkSink& sink);

// The list that a record names; every node's id, size, level and cut is verified. Corrupt when
// anything is not as store_content would have written it. Inline content has no list (Invalid)
// unless it is empty.
Result<ContentList> load_content(const ContentIds& ids, const Content& content,
                                 ChunkSource& source);

// Of a content that is damaged: what can be had of it.
struct LostPart {
    ChunkId object;  // the chunk or list node that is missing or damaged
    Error why;
};
struct SalvagedPart {
    Extent extent;
    std::optional<LostPart> loss;  // then nothing is known of the extent but its length
};
// The list that a record names; parts whose list nodes are missing or damaged are lost, the rest is
// as load_content() gives it. Their lengths add up to the content's size. Every node that is used
// is verified by its id. REQUIRES: not inline
std::vector<SalvagedPart> salvage_content(const ContentIds& ids, const Content& content,
                                          ChunkSource& source);

// Calls `visit` with every object that the content needs, list nodes first, an object as often as
// it occurs. What is missing or damaged is an error; `visit` has seen what came before.
class ContentVisitor {
  public:
    virtual ~ContentVisitor() = default;
    virtual void visit(ChunkKind kind, const ChunkId& id) = 0;
};
Status visit_content(const ContentIds& ids, const Content& content, ChunkSource& source,
                     ContentVisitor& visitor);

// Corrupt unless the record's fields fit each other: sizes, depth, and the root of inline bytes.
Status check_content(const ContentIds& ids, const Content& content);

}  // namespace lockstep
