#include "vault/chunks/content_store.h"

#include "vault/chunks/content_node.h"

namespace lockstep {
namespace {

Error damaged(std::string_view why) {
    return {ErrorKind::Corrupt, "content: " + std::string(why)};
}

// Writes one level and returns the entries of the level above.
Result<std::vector<ContentNodeEntry>> store_level(const ContentIds& ids, std::uint8_t level,
                                                  const std::vector<ContentNodeEntry>& entries,
                                                  ChunkSink& sink) {
    std::vector<ContentNodeEntry> above;
    ContentNode node{.level = level, .entries = {}};
    for (std::size_t i = 0; i < entries.size(); ++i) {
        node.entries.push_back(entries[i]);
        bool is_last = i + 1 == entries.size();
        if (!is_last && !content_node_ends(node.entries.size(), entries[i])) continue;
        Bytes bytes = encode_content_node(node);
        ChunkId id = ids.list_node_id(bytes);
        if (!sink.has(ChunkKind::ListNode, id)) TRY_OK(sink.put(ChunkKind::ListNode, id, bytes));
        above.push_back({.id = id, .length = node.length()});
        node.entries.clear();
    }
    return above;
}

Result<ContentNode> load_node(const ContentIds& ids, const ContentNodeEntry& expected,
                              std::uint8_t level, ChunkSource& source) {
    TRY(Bytes bytes, source.get(ChunkKind::ListNode, expected.id));
    if (ids.list_node_id(bytes) != expected.id) return damaged("list node of another id");
    TRY(ContentNode node, decode_content_node(bytes));
    if (node.level != level) return damaged("list node of another level");
    if (node.length() != expected.length) return damaged("sizes do not add up");
    return node;
}

// Reads the nodes that `entries` name and returns what those hold. `is_top`: of the top node alone.
Result<std::vector<ContentNodeEntry>> load_level(const ContentIds& ids, std::uint8_t level,
                                                 bool is_top,
                                                 const std::vector<ContentNodeEntry>& entries,
                                                 ChunkSource& source) {
    std::vector<ContentNodeEntry> below;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        TRY(ContentNode node, load_node(ids, entries[i], level, source));
        bool is_last = i + 1 == entries.size();
        if (!is_last && !content_node_ends(node.entries.size(), node.entries.back())) {
            return damaged("list is cut in the wrong place");
        }
        if (!below.empty() && below.back().id.is_zero() && node.entries.front().id.is_zero()) {
            return damaged("holes side by side");
        }
        if (below.size() + node.entries.size() > kContentExtentsMax) {
            return damaged("too many extents");
        }
        below.insert(below.end(), node.entries.begin(), node.entries.end());
    }
    // What fits a smaller form is never written in a larger one.
    bool is_lone = below.size() == 1 && !below.front().id.is_zero();
    if (is_top && is_lone) return damaged("list that needs no top node");
    return below;
}

Result<std::vector<ContentNodeEntry>> load_entries(const ContentIds& ids, const Content& content,
                                                   ChunkSource& source, ContentVisitor* visitor) {
    std::vector<ContentNodeEntry> entries{
        {.id = ChunkId::from(content.root.view()), .length = content.size}};
    for (std::uint8_t level = content.depth; level >= 1; --level) {
        if (visitor != nullptr) {
            for (const ContentNodeEntry& entry : entries)
                visitor->visit(ChunkKind::ListNode, entry.id);
        }
        TRY(entries, load_level(ids, level, level == content.depth, entries, source));
    }
    return entries;
}

}  // namespace

Content inline_content(const ContentIds& ids, ByteView bytes) {
    CHECK(bytes.size() <= kSymlinkSizeMax);
    return {.kind = Content::Kind::Inline,
            .size = bytes.size(),
            .root = ids.inline_root(bytes),
            .depth = 0,
            .inline_bytes = to_bytes(bytes)};
}

Result<Content> store_content(const ContentIds& ids, const ContentList& list, ChunkSink& sink) {
    const std::vector<Extent>& extents = list.extents();
    if (extents.empty()) return inline_content(ids, {});
    Content out{.kind = Content::Kind::Chunk,
                .size = list.size(),
                .root = {},
                .depth = 0,
                .inline_bytes = {}};
    if (extents.size() == 1 && !extents.front().is_hole()) {
        out.root = ContentRoot::from(extents.front().chunk.view());
        return out;
    }
    std::vector<ContentNodeEntry> entries;
    entries.reserve(extents.size());
    for (const Extent& extent : extents) {
        entries.push_back({.id = extent.chunk, .length = extent.length});
    }
    out.kind = Content::Kind::List;
    do {
        if (out.depth == kContentDepthMax)
            return Error{ErrorKind::TooLarge, "content list too deep"};
        ++out.depth;
        TRY(entries, store_level(ids, out.depth, entries, sink));
    } while (entries.size() > 1);
    out.root = ContentRoot::from(entries.front().id.view());
    return out;
}

Result<ContentList> load_content(const ContentIds& ids, const Content& content,
                                 ChunkSource& source) {
    TRY_OK(check_content(ids, content));
    switch (content.kind) {
        case Content::Kind::Inline:
            if (content.size != 0) return Error{ErrorKind::Invalid, "inline content has no list"};
            return ContentList();
        case Content::Kind::Chunk:
            return ContentList::from(
                {{.chunk = ChunkId::from(content.root.view()), .length = content.size}});
        case Content::Kind::List:
            break;
    }
    TRY(std::vector<ContentNodeEntry> entries, load_entries(ids, content, source, nullptr));
    std::vector<Extent> extents;
    extents.reserve(entries.size());
    for (const ContentNodeEntry& entry : entries) {
        extents.push_back({.chunk = entry.id, .length = entry.length});
    }
    return ContentList::from(std::move(extents));
}

namespace {

SalvagedPart lost_part(const ContentNodeEntry& entry, Error why) {
    return {.extent = Extent::hole(entry.length), .loss = LostPart{entry.id, std::move(why)}};
}

// What the entries of one level stand for, a level below; what was lost above stays so.
std::vector<SalvagedPart> salvage_level(const ContentIds& ids, std::uint8_t level,
                                        const std::vector<SalvagedPart>& parts,
                                        ChunkSource& source) {
    std::vector<SalvagedPart> below;
    for (const SalvagedPart& part : parts) {
        if (part.loss) {
            below.push_back(part);
            continue;
        }
        const ContentNodeEntry entry{.id = part.extent.chunk, .length = part.extent.length};
        auto node = load_node(ids, entry, level, source);
        if (node.ok() && below.size() + node->entries.size() > kContentExtentsMax)
            node = damaged("too many extents");
        if (!node.ok()) {
            below.push_back(lost_part(entry, std::move(node).error()));
            continue;
        }
        for (const ContentNodeEntry& each : node->entries)
            below.push_back({.extent = {.chunk = each.id, .length = each.length}, .loss = {}});
    }
    return below;
}

}  // namespace

std::vector<SalvagedPart> salvage_content(const ContentIds& ids, const Content& content,
                                          ChunkSource& source) {
    CHECK(content.kind != Content::Kind::Inline);
    const ContentNodeEntry all{.id = ChunkId::from(content.root.view()), .length = content.size};
    if (Status plausible = check_content(ids, content); !plausible.ok())
        return {lost_part(all, std::move(plausible).error())};
    std::vector<SalvagedPart> parts{
        {.extent = {.chunk = all.id, .length = all.length}, .loss = {}}};
    for (std::uint8_t level = content.depth; level >= 1; --level)
        parts = salvage_level(ids, level, parts, source);
    return parts;
}

Status visit_content(const ContentIds& ids, const Content& content, ChunkSource& source,
                     ContentVisitor& visitor) {
    TRY_OK(check_content(ids, content));
    switch (content.kind) {
        case Content::Kind::Inline:
            return {};
        case Content::Kind::Chunk:
            visitor.visit(ChunkKind::Data, ChunkId::from(content.root.view()));
            return {};
        case Content::Kind::List:
            break;
    }
    TRY(std::vector<ContentNodeEntry> entries, load_entries(ids, content, source, &visitor));
    for (const ContentNodeEntry& entry : entries) {
        if (!entry.id.is_zero()) visitor.visit(ChunkKind::Data, entry.id);
    }
    return {};
}

Status check_content(const ContentIds& ids, const Content& content) {
    bool is_plausible = false;
    switch (content.kind) {
        case Content::Kind::Inline:
            is_plausible = content.size == content.inline_bytes.size() &&
                           content.size <= kSymlinkSizeMax && content.depth == 0 &&
                           content.root == ids.inline_root(content.inline_bytes);
            break;
        case Content::Kind::Chunk:
            is_plausible = content.size >= 1 && content.size <= kChunkSizeMax &&
                           content.depth == 0 && content.inline_bytes.empty();
            break;
        case Content::Kind::List:
            is_plausible = content.size >= 1 && content.size <= kFileSizeMax &&
                           content.depth >= 1 && content.depth <= kContentDepthMax &&
                           content.inline_bytes.empty();
            break;
    }
    if (!is_plausible) return damaged("fields do not fit each other");
    return {};
}

}  // namespace lockstep
