#include "tests/support/vault_device.h"

#include <algorithm>

#include "vault/core/vault_replica.h"
#include "vault/crypto/hash.h"
#include "vault/log/segment.h"

namespace lockstep {
namespace {

const fs::path& kVaultDirectory = kTestVaultDirectory;
const fs::path kStateDirectory = "/home/state";

}  // namespace

VaultDevice::VaultDevice(std::string label, std::uint64_t seed, FakeClock& clock,
                         PassphraseStretcher& stretcher)
    : label_(std::move(label)),
      clock_(clock),
      stretcher_(stretcher),
      random_(seed),
      identity_(DeviceIdentity::generate(random_)) {
    CHECK(disk_->make_directories(kStateDirectory).ok());
}

VaultDevice::~VaultDevice() = default;

VaultEnvironment VaultDevice::environment() {
    VaultEnvironment out{.disk = *disk_,
                         .clock = clock_,
                         .random = random_,
                         .workers = workers_,
                         .device = identity_,
                         .device_label = label_,
                         .state_directory = kStateDirectory,
                         .content_wait = content_wait_,
                         .stretcher = stretcher_};
    out.retention = retention_;
    out.on_demand_cache_size = on_demand_cache_;
    out.passphrase_cost_min = passphrase_cost_min_;
    return out;
}

Status VaultDevice::found(std::string* recovery_code, bool passphrase_stays_here) {
    TRY(vault_, Vault::create(environment(), kVaultDirectory, as_bytes(kTestPassphrase),
                              {.cost = kTestCost,
                               .unlock_at_start = true,
                               .passphrase_stays_here = passphrase_stays_here},
                              recovery_code));
    return {};
}

Status VaultDevice::open_copy(VaultDevice& source, std::string_view secret) {
    disk_ = source.disk_->clone();
    const fs::path state = kStateDirectory / source.vault().id().to_hex();
    TRY(auto items, disk_->list(state));
    for (const DirectoryItem& item : items)
        if (!item.is_directory) TRY_OK(disk_->remove(state / item.name));
    TRY(vault_, Vault::open(environment(), kVaultDirectory));
    return vault_->unlock(as_bytes(secret));
}

std::unique_ptr<VaultDevice> VaultDevice::clone(std::uint64_t seed, FakeClock& clock) {
    auto out = std::make_unique<VaultDevice>(label_, seed, clock, stretcher_);
    out->disk_ = disk_->clone();
    out->retention_ = retention_;
    out->identity_ = *DeviceIdentity::decode(identity_.encode());
    CHECK(out->reopen().ok(), "a cloned device can be opened");
    return out;
}

Status VaultDevice::restore(const MemoryDisk& backup) {
    vault_.reset();
    disk_ = backup.clone();
    return reopen();
}

namespace {
// The files below `directory`, with their paths.
Result<std::vector<fs::path>> files_below(Disk& disk, const fs::path& directory) {
    std::vector<fs::path> out;
    TRY(auto items, disk.list(directory));
    for (const DirectoryItem& item : items) {
        if (!item.is_directory) {
            out.push_back(directory / item.name);
            continue;
        }
        TRY(auto inner, files_below(disk, directory / item.name));
        out.insert(out.end(), inner.begin(), inner.end());
    }
    return out;
}
}  // namespace

Status VaultDevice::put_directory_back(const MemoryDisk& backup) {
    vault_.reset();
    const auto old = backup.clone();
    TRY(auto files, files_below(*disk_, kVaultDirectory));
    for (const fs::path& path : files) {
        TRY_OK(disk_->remove(path));
        TRY_OK(disk_->sync_directory(path.parent_path()));
    }
    TRY(auto old_files, files_below(*old, kVaultDirectory));
    for (const fs::path& path : old_files) disk_->put(path, *old->contents(path));
    return reopen();
}

Status VaultDevice::join(VaultDevice& host, MemberRole role) {
    TRY(Bytes offer, host.vault().make_offer("test"));
    TRY(auto pending, PendingJoin::begin(environment(), offer));
    TRY(Bytes admission, host.vault().admit(pending->request(), role));
    TRY(vault_, pending->finish(kVaultDirectory, admission, true));
    return {};
}

Status VaultDevice::reopen() {
    TRY(vault_, Vault::open(environment(), kVaultDirectory));
    return vault_->unlock_with_stored_key();
}

Status VaultDevice::crash_and_reopen(std::uint64_t seed) {
    vault_.reset();
    disk_->crash(seed);
    return reopen();
}

Status VaultDevice::lose_power() {
    vault_.reset();
    disk_->crash();
    return reopen();
}

Status VaultDevice::kill_and_reopen() {
    vault_.reset();
    return reopen();
}

Result<NodeId> VaultDevice::node(const std::string& path) {
    NodeId at = kRootNode;
    for (std::size_t start = 0; start < path.size();) {
        std::size_t end = std::min(path.find('/', start), path.size());
        TRY(Attributes found, vault_->files().lookup(at, path.substr(start, end - start)));
        at = found.node;
        start = end + 1;
    }
    return at;
}

Result<NodeId> VaultDevice::make_parents(const std::string& path, std::string* name) {
    NodeId at = kRootNode;
    std::size_t start = 0;
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', start)) {
        std::string part = path.substr(start, end - start);
        auto found = vault_->files().lookup(at, part);
        if (!found.ok()) found = vault_->files().make_directory(at, part, 0755);
        if (!found.ok()) return std::move(found).error();
        at = found->node;
        start = end + 1;
    }
    *name = path.substr(start);
    return at;
}

Status VaultDevice::write(const std::string& path, std::string_view text) {
    std::string name;
    TRY(NodeId parent, make_parents(path, &name));
    FileSystem& files = vault_->files();
    HandleId handle = 0;
    auto found = files.lookup(parent, name);
    if (found.ok()) {
        TRY(handle, files.open(found->node, {.read = true, .write = true, .truncate = true}));
    } else {
        TRY(auto created, files.create(parent, name, 0644));
        handle = created.handle;
    }
    Status written = files.write(handle, 0, as_bytes(text));
    if (written.ok()) written = files.flush(handle);
    files.release(handle);
    return written;
}

Status VaultDevice::append(const std::string& path, std::string_view text) {
    TRY(NodeId id, node(path));
    FileSystem& files = vault_->files();
    TRY(Attributes attributes, files.attributes(id));
    TRY(HandleId handle, files.open(id, {.read = true, .write = true}));
    Status written = files.write(handle, attributes.size, as_bytes(text));
    if (written.ok()) written = files.flush(handle);
    files.release(handle);
    return written;
}

Status VaultDevice::sync(const std::string& path) {
    TRY(NodeId id, node(path));
    TRY(HandleId handle, vault_->files().open(id, {.read = true, .write = true}));
    Status synced = vault_->files().sync(handle);
    vault_->files().release(handle);
    return synced;
}

Status VaultDevice::make_directory(const std::string& path) {
    std::string name;
    TRY(NodeId parent, make_parents(path, &name));
    TRY(Attributes made, vault_->files().make_directory(parent, name, 0755));
    static_cast<void>(made);
    return {};
}

Status VaultDevice::remove(const std::string& path) {
    std::string name;
    TRY(NodeId parent, make_parents(path, &name));
    TRY(Attributes found, vault_->files().lookup(parent, name));
    if (found.type == FileType::Directory) return vault_->files().remove_directory(parent, name);
    return vault_->files().remove_file(parent, name);
}

Status VaultDevice::rename(const std::string& from, const std::string& to) {
    std::string name, new_name;
    TRY(NodeId parent, make_parents(from, &name));
    TRY(NodeId new_parent, make_parents(to, &new_name));
    return vault_->files().rename(parent, name, new_parent, new_name, RenameMode::Replace);
}

Result<std::string> VaultDevice::read(const std::string& path) {
    TRY(NodeId id, node(path));
    FileSystem& files = vault_->files();
    TRY(Attributes attributes, files.attributes(id));
    if (attributes.type == FileType::Symlink) return files.read_symlink(id);
    TRY(HandleId handle, files.open(id, {.read = true}));
    Bytes out(attributes.size);
    auto got = files.read(handle, 0, out);
    files.release(handle);
    if (!got.ok()) return std::move(got).error();
    out.resize(*got);
    return std::string(as_text(out));
}

std::map<std::string, std::string> VaultDevice::tree() {
    std::map<std::string, std::string> out;
    list_into(kRootNode, "", out);
    return out;
}

void VaultDevice::list_into(NodeId directory, const std::string& path,
                            std::map<std::string, std::string>& out) {
    auto listing = vault_->files().list(directory);
    CHECK(listing.ok(), "a directory can be listed");
    for (const DirectoryEntry& entry : **listing) {
        std::string entry_path = path + entry.name;
        if (entry.type == FileType::Directory) {
            out[entry_path + "/"];
            auto found = vault_->files().lookup(directory, entry.name);
            CHECK(found.ok(), "a listed directory can be looked up");
            list_into(found->node, entry_path + "/", out);
            continue;
        }
        auto text = read(entry_path);
        out[entry_path] = text.ok() ? *text : "unreadable: " + text.error().message;
    }
}

Result<std::uint64_t> VaultDevice::pull(VaultDevice& from, std::uint64_t objects_max) {
    auto& mine = dynamic_cast<VaultReplica&>(*vault_->replica());
    auto& theirs = dynamic_cast<VaultReplica&>(*from.vault().replica());
    std::uint64_t taken = 0;
    auto known = mine.key_objects();
    for (const KeyObjectId& id : theirs.key_objects()) {
        if (std::binary_search(known.begin(), known.end(), id)) continue;
        TRY(Bytes bytes, theirs.read_key_object(id));
        // One that leaves this device out is refused: another will stand for it.
        auto added = mine.add_key_object(bytes);
        if (!added.ok() && added.error().kind != ErrorKind::Refused)
            return std::move(added).error();
    }
    // From where on the two differ: behind our last one, or where a log was forked.
    const auto first_unknown = [&](const LogId& log, const LogPosition& last) {
        const Frontier have = mine.frontier();
        const auto at = have.find(log);
        std::uint64_t number = at == have.end() ? 0 : std::min(at->second.number, last.number);
        while (number > 0) {
            auto ours = mine.hash_of({log, number});
            auto other = theirs.hash_of({log, number});
            if (ours.ok() && other.ok() && *ours == *other) break;
            --number;
        }
        return number + 1;
    };
    for (const auto& [log, last] : theirs.frontier()) {
        for (std::uint64_t number = first_unknown(log, last);
             number <= last.number && taken < objects_max; ++number) {
            TRY(Bytes bytes, theirs.read_segment({log, number}));
            auto added = mine.add_segment(bytes);
            // The object that tells its epoch may come later.
            if (!added.ok() && added.error().kind == ErrorKind::WrongKey) break;
            if (!added.ok()) return std::move(added).error();
            taken += *added == Added::Stored;
        }
    }
    for (const PackInfo& pack : mine.missing_packs()) {
        if (taken >= objects_max || !theirs.has_pack(pack.id)) continue;
        TRY(Bytes bytes, theirs.read_pack(pack.id, 0, pack.length));
        TRY_OK(mine.add_pack(pack, bytes));
        ++taken;
    }
    TRY(std::uint64_t merged, vault_->merge());
    static_cast<void>(merged);
    return taken;
}

PassphraseStretcher& quick_stretcher() {
    class Quick final : public PassphraseStretcher {
        Result<StretchedPassphrase> stretch(const SecretBytes& passphrase,
                                            const PassphraseSalt& salt,
                                            const PassphraseCost&) override {
            Bytes both = to_bytes(salt.view());
            const ByteView typed = passphrase.reveal();
            both.insert(both.end(), typed.begin(), typed.end());
            return StretchedPassphrase::from(blake2b(both).view());
        }
    };
    static Quick stretcher;
    return stretcher;
}

}  // namespace lockstep
