#include "vault/packs/pack_store.h"

#include <algorithm>
#include <optional>
#include <string>

namespace lockstep {
namespace {

constexpr std::string_view kPackEnding = ".pack";
constexpr std::string_view kTemporaryEnding = ".tmp";
constexpr std::size_t kPieceLayersKeptMax = 1024;
constexpr std::size_t kReadStep = kMiB;
constexpr std::size_t kUncachedSizeMin = kMiB;

Result<std::vector<MerkleHash>> hash_pack(const PackBytes& bytes) {
    MerkleHasher hasher;
    Bytes buffer;
    for (std::uint64_t offset = 0; offset < bytes.size(); offset += buffer.size()) {
        buffer.resize(
            static_cast<std::size_t>(std::min<std::uint64_t>(kReadStep, bytes.size() - offset)));
        TRY_OK(bytes.read(offset, buffer));
        hasher.update(buffer);
    }
    return std::move(hasher).finish();
}

// Corrupt unless the bytes are that pack; else what they say about themselves.
Result<PackIdentity> identify(const PackBytes& bytes, const PackInfo& info) {
    if (bytes.size() == info.length && info.length >= kPackSizeMin && info.length <= kPackSizeMax) {
        TRY(std::vector<MerkleHash> leaves, hash_pack(bytes));
        PackIdentity identity = identify_pack(std::move(leaves), info.length);
        if (identity.info == info) return identity;
    }
    return Error{ErrorKind::Corrupt,
                 "pack " + info.id.to_hex() + ": its bytes are not what its name says"};
}

}  // namespace

std::optional<PackId> PackStore::parse_name(std::string_view folder, std::string_view name) {
    if (!name.ends_with(kPackEnding) || !name.starts_with(folder) || folder.size() != 2) return {};
    name.remove_suffix(kPackEnding.size());
    auto id = PackId::parse_hex(name);
    // Only the one spelling in lower case is a name of ours.
    if (!id.ok() || id->to_hex() != name) return {};
    return *id;
}

Result<std::unique_ptr<PackStore>> PackStore::open(Disk& disk, const fs::path& vault_directory,
                                                   std::string temporary_ending) {
    std::unique_ptr<PackStore> store(
        new PackStore(disk, vault_directory / "packs", std::move(temporary_ending)));
    TRY_OK(disk.make_directories(store->directory_));
    // A run that was cut off may have made the name without making it durable.
    TRY_OK(disk.sync_directory(vault_directory));
    TRY_OK(store->remove_leftovers());
    return store;
}

std::unique_ptr<PackStore> PackStore::open_read_only(Disk& disk, const fs::path& vault_directory) {
    return std::unique_ptr<PackStore>(
        new PackStore(disk, vault_directory / "packs", std::string(kTemporaryEnding)));
}

Status PackStore::remove_leftovers() {
    TRY(auto folders, disk_.list(directory_));
    for (const DirectoryItem& folder : folders) {
        if (!folder.is_directory || folder.name.size() != 2) continue;
        TRY(auto files, disk_.list(directory_ / folder.name));
        for (const DirectoryItem& file : files) {
            if (file.is_directory || !file.name.ends_with(temporary_ending_)) continue;
            TRY_OK(disk_.remove(directory_ / folder.name / file.name));
        }
    }
    return {};
}

Status PackStore::put(const FinishedPack& pack) {
    TRY_OK(write(pack.info(), pack.bytes));
    remember(pack.identity);
    return {};
}

Status PackStore::put_received(const PackInfo& info, ByteView bytes) {
    TRY(const PackIdentity identity, identify(MemoryPackBytes(bytes), info));
    TRY_OK(write(info, bytes));
    remember(identity);
    return {};
}

Status PackStore::adopt_file(const PackInfo& info, const fs::path& file) {
    PackIdentity identity;
    {
        TRY(auto bytes, FilePackBytes::open(disk_, file));
        TRY(identity, identify(*bytes, info));
    }
    {
        TRY(auto opened, disk_.open(file, OpenMode::ReadWrite));
        TRY_OK(opened->sync());
    }
    fs::path path = path_of(info.id);
    TRY_OK(prepare_folder(path.parent_path()));
    TRY_OK(disk_.rename(file, path));
    TRY_OK(disk_.sync_directory(path.parent_path()));
    remember(identity);
    return disk_.sync_directory(file.parent_path());
}

Status PackStore::take_in_place(const PackInfo& info) {
    const fs::path path = path_of(info.id);
    {
        TRY(auto bytes, FilePackBytes::open(disk_, path));
        TRY_OK(identify(*bytes, info));
    }
    {
        TRY(auto opened, disk_.open(path, OpenMode::Read));
        TRY_OK(opened->sync());
    }
    TRY_OK(prepare_folder(path.parent_path()));
    return disk_.sync_directory(path.parent_path());
}

Status PackStore::write(const PackInfo& info, ByteView bytes) {
    fs::path path = path_of(info.id);
    TRY_OK(prepare_folder(path.parent_path()));
    // What others put there may be unfinished or damaged: then it is replaced.
    if (disk_.exists(path) && take_in_place(info).ok()) return {};
    fs::path temporary = temporary_path(info.id);
    auto put_in_place = [&]() -> Status {
        {
            TRY(auto file, disk_.open(temporary, OpenMode::CreateNew));
            TRY_OK(bytes.size() >= kUncachedSizeMin ? file->write_uncached(0, bytes)
                                                    : file->write(0, bytes));
            TRY_OK(file->sync());
        }
        return disk_.rename(temporary, path);
    };
    if (auto done = put_in_place(); !done.ok()) {
        // What cannot be removed now goes at the next open().
        static_cast<void>(disk_.remove(temporary).ok());
        return std::move(done).error().in("put pack " + info.id.to_hex());
    }
    return disk_.sync_directory(path.parent_path());
}

Status PackStore::prepare_folder(const fs::path& folder) {
    {
        MutexLock lock(mutex_);
        if (durable_folders_.contains(folder)) return {};
    }
    TRY_OK(disk_.make_directories(folder));
    // The folder may be left from a run that was cut off before its name was durable.
    TRY_OK(disk_.sync_directory(directory_));
    MutexLock lock(mutex_);
    durable_folders_.insert(folder);
    return {};
}

bool PackStore::has(const PackId& id) const {
    return disk_.exists(path_of(id));
}

Result<std::unique_ptr<PackBytes>> PackStore::open_pack(const PackId& id) const {
    return FilePackBytes::open(disk_, path_of(id));
}

Result<Bytes> PackStore::read(const PackId& id, std::uint64_t offset, std::size_t length) const {
    TRY(auto bytes, open_pack(id));
    if (offset > bytes->size() || length > bytes->size() - offset) {
        return Error{ErrorKind::Invalid, "pack " + id.to_hex() + ": range outside the pack"};
    }
    Bytes out(length);
    TRY_OK(bytes->read(offset, out));
    return out;
}

Result<Bytes> PackStore::read_verified(const PackInfo& info) const {
    TRY(auto bytes, open_pack(info.id));
    if (bytes->size() != info.length || info.length > kPackSizeMax) {
        return Error{ErrorKind::Corrupt, "pack " + info.id.to_hex() + ": has another length"};
    }
    Bytes out(static_cast<std::size_t>(info.length));
    TRY_OK(bytes->read(0, out));
    TRY_OK(verify_pack(out, info));
    return out;
}

Status PackStore::verify(const PackInfo& info) const {
    TRY(auto bytes, open_pack(info.id));
    TRY_OK(identify(*bytes, info));
    return {};
}

Result<Bytes> PackStore::piece_layers(const PackInfo& info) {
    {
        MutexLock lock(mutex_);
        if (auto found = piece_layers_.find(info.id); found != piece_layers_.end()) {
            return found->second;
        }
    }
    TRY(auto bytes, open_pack(info.id));
    TRY(PackIdentity identity, identify(*bytes, info));
    remember(identity);
    return std::move(identity.piece_layers);
}

void PackStore::remember(const PackIdentity& identity) {
    MutexLock lock(mutex_);
    if (piece_layers_.size() >= kPieceLayersKeptMax) piece_layers_.erase(piece_layers_.begin());
    piece_layers_[identity.info.id] = identity.piece_layers;
}

Result<PackStore::Listing> PackStore::list() const {
    Listing out;
    if (!disk_.exists(directory_)) return out;
    TRY(auto folders, disk_.list(directory_));
    for (const DirectoryItem& folder : folders) {
        if (!folder.is_directory) {
            out.strangers.emplace_back(folder.name);
            continue;
        }
        TRY(auto files, disk_.list(directory_ / folder.name));
        for (const DirectoryItem& file : files) {
            auto id = file.is_directory ? std::nullopt : parse_name(folder.name, file.name);
            if (id) {
                out.packs.push_back({.id = *id, .length = file.size});
            } else if (!file.name.ends_with(kTemporaryEnding)) {
                out.strangers.push_back(fs::path(folder.name) / file.name);
            }
        }
    }
    std::sort(out.packs.begin(), out.packs.end());
    return out;
}

Status PackStore::remove(const PackId& id) {
    fs::path path = path_of(id);
    TRY_OK(disk_.remove(path));
    {
        MutexLock lock(mutex_);
        piece_layers_.erase(id);
    }
    return disk_.sync_directory(path.parent_path());
}

fs::path PackStore::path_of(const PackId& id) const {
    std::string name = id.to_hex();
    return directory_ / name.substr(0, 2) / (name + std::string(kPackEnding));
}

fs::path PackStore::temporary_path(const PackId& id) {
    MutexLock lock(mutex_);
    fs::path path = path_of(id);
    path += "." + std::to_string(temporary_files_++) + temporary_ending_;
    return path;
}

}  // namespace lockstep
