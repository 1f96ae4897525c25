#include "tests/sim/witness.h"

#include <algorithm>

#include "vault/core/vault_replica.h"
#include "vault/log/record_codec.h"
#include "vault/log/segment.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t kDepthShownMax = 64;

std::string attribute_text(AttributeKey key, const std::string& xattr, const Bytes& value) {
    return " " + std::to_string(static_cast<int>(key)) + xattr + "=" + hex(value);
}

bool has_holes(FileSystem& files, NodeId node, std::uint64_t size) {
    auto handle = files.open(node, {.read = true});
    if (!handle.ok()) return false;
    auto hole = files.seek(*handle, 0, SeekTarget::Hole);
    files.release(*handle);
    return hole.ok() && *hole && **hole < size;
}

void show_below(SimDevice& device, NodeId directory, const std::string& path, std::size_t depth,
                Witness::Shown& out) {
    FileSystem& files = device.files();
    const auto wrong = [&](const std::string& what) {
        if (out.wrong.empty()) out.wrong = device.label() + ": " + path + ": " + what;
    };
    if (depth > kDepthShownMax) return wrong("a directory lies within itself");
    auto listing = files.list(directory);
    if (!listing.ok()) return wrong(listing.error().message);
    for (const DirectoryEntry& entry : **listing) {
        const std::string at = path + "/" + entry.name;
        auto found = files.lookup(directory, entry.name);
        if (!found.ok()) return wrong("a listed name cannot be looked up: " + entry.name);
        std::string line =
            std::to_string(static_cast<int>(found->type)) + " mode " + std::to_string(found->mode);
        auto xattrs = files.list_xattrs(found->node);
        if (!xattrs.ok()) return wrong(entry.name + ": " + xattrs.error().message);
        for (const std::string& name : *xattrs) {
            auto value = files.get_xattr(found->node, name);
            if (!value.ok()) return wrong(entry.name + ": " + value.error().message);
            line += attribute_text(AttributeKey::Xattr, name, *value);
        }
        if (!out.entries.emplace(at, line).second) return wrong(entry.name + " is there twice");
        if (found->type == FileType::Directory) {
            show_below(device, found->node, at, depth + 1, out);
            continue;
        }
        auto text = found->type == FileType::Symlink ? files.read_symlink(found->node)
                                                     : device.vault->read(at.substr(1));
        if (!text.ok()) return wrong(entry.name + ": " + text.error().message);
        if (found->type == FileType::Regular && has_holes(files, found->node, text->size()))
            out.with_holes.insert(at);
        out.bytes.emplace(at, *std::move(text));
    }
}

}  // namespace

struct Witness::Ids final : DerivedIds {
    explicit Ids(VaultKeys vault_keys) : keys(std::move(vault_keys)) {}
    FileId file(const FileId& file, const VersionId& version) const override {
        return keys.forked_file(file, version);
    }
    LinkId link(const LinkId& link, const VersionId& version) const override {
        return keys.forked_link(link, version);
    }
    VersionId version(const FileId& fork, const VersionId& version) const override {
        return keys.forked_version(fork, version);
    }
    VaultKeys keys;
};

Witness::~Witness() = default;

Result<std::unique_ptr<Witness>> Witness::of(SimDevice& device) {
    std::unique_ptr<Witness> out(new Witness());
    MemoryDisk& disk = device.vault->disk();
    TRY(VaultHeader header, read_vault_header(disk, kTestVaultDirectory));
    TRY(auto objects, read_all_key_objects(disk, kTestVaultDirectory));
    const SecretBytes passphrase = SecretBytes::from_text(kTestPassphrase);
    KeyCredentials credentials{.stretcher = quick_stretcher()};
    credentials.passphrase = &passphrase;
    TRY(KeyState state, KeyState::open(header, objects, credentials));
    out->keys_ = std::make_unique<KeyState>(std::move(state));
    const KeyState& keys = *out->keys_;
    out->ids_ = std::make_unique<Ids>(VaultKeys::derive(keys.root(), keys.vault()));
    std::map<EpochId, EpochKeys> epochs;
    std::map<EpochId, ReplicatorKeys> replicators;
    for (const auto& [epoch, secret] : keys.epoch_secrets())
        epochs.emplace(epoch, EpochKeys::derive(secret, keys.vault(), epoch));
    for (const auto& [epoch, secret] : keys.replicator_secrets())
        replicators.emplace(epoch, ReplicatorKeys::derive(secret, keys.vault(), epoch));
    const SegmentLookup lookup{
        .vault = keys.vault(),
        .outer_key_of = [&](const EpochId& epoch) -> const SegmentOuterKey* {
            const auto at = replicators.find(epoch);
            return at == replicators.end() ? nullptr : &at->second.segment_outer;
        },
        .signer_of = [&](const DeviceId& author) -> std::optional<SigningPublicKey> {
            const RosterMember* member = keys.roster().find(author);
            if (member == nullptr) return std::nullopt;
            return member->certificate.signing;
        }};
    const RecordKeys record_keys = [&](const EpochId& epoch) -> const RecordKey* {
        const auto at = epochs.find(epoch);
        return at == epochs.end() ? nullptr : &at->second.records;
    };
    reference::Records records;
    VaultReplica& replica = device.replica();
    for (const auto& [log, last] : replica.frontier_to_merge()) {
        for (std::uint64_t number = 1; number <= last.number; ++number) {
            TRY(Bytes bytes, replica.read_original({log, number}, record_keys));
            TRY(SegmentOuter outer, open_outer(bytes, lookup));
            TRY(RecordBatch batch,
                open_records(bytes, outer, keys.vault(), epochs.at(outer.header.epoch).records));
            records.insert(batch.records.begin(), batch.records.end());
            out->segments_.push_back({{log, number},
                                      outer.replicator.device,
                                      outer.replicator.frontier,
                                      std::move(batch.records)});
        }
    }
    out->view_ = std::make_unique<reference::View>(records, *out->ids_);
    return out;
}

Witness::Shown Witness::shown_by(SimDevice& device) {
    Shown out;
    show_below(device, kRootNode, "", 0, out);
    return out;
}

std::string Witness::first_difference(const Shown& before, const Shown& after) {
    for (const auto* each : {&before.entries, &after.entries})
        for (const auto& entry : *each) {
            const std::string& path = entry.first;
            const auto line_of = [&](const Shown& shown) {
                const auto at = shown.entries.find(path);
                return at == shown.entries.end() ? std::string("nothing") : at->second;
            };
            if (line_of(before) != line_of(after))
                return path + " was " + line_of(before) + ", and is " + line_of(after);
        }
    for (const auto& [path, bytes] : before.bytes)
        if (after.bytes.at(path) != bytes) return path + " has other bytes";
    return "nothing";
}

std::string Witness::difference(const Shown& shown) const {
    std::map<std::string, std::pair<std::uint64_t, ContentRoot>> roots;  // bytes → what names them
    std::map<std::pair<std::uint64_t, ContentRoot>, std::string> named;
    for (const auto& [path, entry] : view_->entries) {
        const auto at = shown.entries.find(path);
        if (at == shown.entries.end()) return "the model alone shows " + path;
        const std::string& line = at->second;
        if (!line.starts_with(std::to_string(static_cast<int>(entry.type)) + " "))
            return path + " has another type in the model";
        std::string xattrs;
        for (const auto& [key, value] : view_->attributes_of(entry.files[0]))
            if (key.first == AttributeKey::Xattr && key.second.starts_with("user."))
                xattrs += attribute_text(key.first, key.second, *value);
        const std::size_t behind_mode = line.find(' ', line.find(" mode ") + 6);
        if (xattrs != (behind_mode == std::string::npos ? "" : line.substr(behind_mode)))
            return path + " has other extended attributes in the model:" + xattrs;
        if (entry.is_directory()) continue;
        const std::string& bytes = shown.bytes.at(path);
        const std::pair name(entry.content.size, entry.content.root);
        if (bytes.size() != entry.content.size) return path + " has another size in the model";
        if (!entry.content.inline_bytes.empty() && as_text(entry.content.inline_bytes) != bytes)
            return path + " has other bytes in the model";
        // A hole and zeros that were written read the same.
        if (!shown.with_holes.contains(path) && !roots.emplace(bytes, name).second &&
            roots.at(bytes) != name)
            return path + ": equal bytes have two names";
        if (!named.emplace(name, bytes).second && named.at(name) != bytes)
            return path + ": the name of its content stands for other bytes, too";
    }
    for (const auto& [path, line] : shown.entries)
        if (!view_->entries.contains(path)) return "the device alone shows " + path;
    return "";
}

std::uint64_t Witness::skipped_moves() const {
    std::uint64_t out = 0;
    for (const WitnessedSegment& segment : segments_) {
        for (const Record& record : segment.records) {
            const auto* move = std::get_if<ParentRecord>(&record);
            if (move == nullptr) continue;
            const auto& [stamp, directory] = view_->parent.at(move->link);
            out += stamp < move->stamp;  // only a skipped one leaves an older one in its place
        }
    }
    return out;
}

}  // namespace lockstep::sim
