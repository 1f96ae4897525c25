#include "tests/sim/archive.h"

#include <algorithm>

#include "base/codec.h"
#include "vault/log/record_codec.h"
#include "vault/packs/pack_reader.h"

namespace lockstep::sim {

Result<std::unique_ptr<Archive>> Archive::of(SimDevice& device, const KeyState& keys) {
    std::unique_ptr<Archive> out(new Archive(VaultKeys::derive(keys.root(), keys.vault())));
    auto store = PackStore::open_read_only(device.vault->disk(), kTestVaultDirectory);
    TRY(PackStore::Listing listing, store->list());
    for (const PackInfo& pack : listing.packs) {
        TRY(auto bytes, store->open_pack(pack.id));
        TRY(PackPrefix prefix, read_pack_prefix(*bytes));
        const EpochSecret* secret = keys.epoch_secret(prefix.epoch);
        if (secret == nullptr) continue;
        const EpochKeys epoch = EpochKeys::derive(*secret, keys.vault(), prefix.epoch);
        TRY(PackReader reader, PackReader::open(std::move(bytes), epoch.pack_base, keys.vault()));
        TRY(std::vector<PackEntry> entries, reader.read_index());
        for (const PackEntry& entry : entries) {
            if (out->chunks_.contains(entry.header.id)) continue;
            TRY(Bytes plaintext, reader.read_chunk(entry, &out->ids_));
            out->chunks_.emplace(entry.header.id, std::move(plaintext));
        }
    }
    return out;
}

Result<Bytes> Archive::get(ChunkKind, const ChunkId& id) {
    const auto at = chunks_.find(id);
    if (at == chunks_.end()) return Error{ErrorKind::NotFound, "a chunk is in no pack"};
    return at->second;
}

Result<std::string> Archive::read(const Content& content) {
    if (content.kind == Content::Kind::Inline) return std::string(as_text(content.inline_bytes));
    TRY(ContentList list, load_content(ids_, content, *this));
    std::string out;
    for (const Extent& extent : list.extents()) {
        if (extent.is_hole()) {
            out.append(extent.length, '\0');
            continue;
        }
        TRY(Bytes bytes, get(ChunkKind::Data, extent.chunk));
        out += as_text(bytes);
    }
    return out;
}

std::vector<VersionRecord> versions_to_keep(const Witness& witness, std::int64_t now_ms,
                                            std::int64_t retention_ms) {
    const reference::View& view = witness.view();
    std::int64_t since = now_ms - retention_ms;
    std::vector<std::int64_t> moments;
    for (const auto& [key, value] : view.attributes_of(kRootFile)) {
        if (!value || key.first != AttributeKey::Xattr) continue;
        if (key.second.starts_with("lockstep.snapshot."))
            moments.push_back(static_cast<std::int64_t>(Decoder(*value).u64()));
        for (const SimPolicy& policy : kSimPolicies) {
            if (key.second != "lockstep.retention" || as_text(*value) != policy.text) continue;
            since = now_ms - policy.all_ms;
            for (std::int64_t moment = policy.step_ms == 0 ? -1 : since - since % policy.step_ms;
                 moment >= 0 && moment >= now_ms - policy.span_ms; moment -= policy.step_ms)
                moments.push_back(moment);
        }
    }
    const auto is_kept_until = [&](std::int64_t begin, std::int64_t end) {
        return end >= since ||
               std::any_of(moments.begin(), moments.end(),
                           [&](std::int64_t moment) { return begin <= moment && moment < end; });
    };
    std::map<VersionId, std::int64_t> replaced;  // when first
    std::map<FileId, std::int64_t> changed;
    const auto note = [](auto& times, const auto& id, const Stamp& stamp) {
        auto [at, is_new] = times.emplace(id, stamp.wall_ms());
        return std::pair(at, is_new);
    };
    const auto note_change = [&](const FileId& file, const Stamp& stamp) {
        auto [at, is_new] = note(changed, file, stamp);
        at->second = std::max(at->second, stamp.wall_ms());
    };
    for (const auto& [id, version] : view.versions)
        for (const VersionId& gone : version.replaces) {
            auto [at, is_new] = note(replaced, gone, version.stamp);
            at->second = std::min(at->second, version.stamp.wall_ms());
        }
    for (const auto& [file, heads] : view.heads)
        if (!heads.empty()) note_change(file, heads.front().stamp);
    for (const WitnessedSegment& segment : witness.segments())
        for (const Record& record : segment.records)
            if (const auto* removed = std::get_if<DeleteRecord>(&record))
                note_change(view.links.at(removed->link).file, removed->stamp);
    std::vector<VersionRecord> out;
    for (const auto& [id, version] : view.versions) {
        const auto links = view.links_of.find(version.file);
        const bool is_live = links != view.links_of.end() &&
                             std::any_of(links->second.begin(), links->second.end(),
                                         [&](const LinkId& link) { return view.is_alive(link); });
        const auto at = replaced.find(id);
        const std::int64_t begin = version.stamp.wall_ms();
        const bool is_kept = at != replaced.end()
                                 ? is_kept_until(begin, at->second)
                                 : is_live || is_kept_until(begin, changed[version.file]);
        if (is_kept) out.push_back(version);
    }
    return out;
}

}  // namespace lockstep::sim
