// The packs of a vault directory: packs/<first 2 hex digits>/<pack id>.pack. Needs no key.
//
// INVARIANT: a file of a pack's name that this store has made is whole and durable: it was written
// under a temporary name, synced and renamed. Others may put files here, too (another device on the
// same directory, a sync service): take_in_place() verifies those. (The disk may damage a file
// later: verify() tells.) THREADS: any.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/mutex.h"
#include "vault/packs/pack_builder.h"
#include "vault/packs/pack_bytes.h"

namespace lockstep {

class PackStore {
  public:
    // The packs of the vault in `vault_directory`; removes what an interrupted put left behind.
    // `temporary_ending`: of files being written; those who write to one directory have different
    // ones.
    static Result<std::unique_ptr<PackStore>> open(Disk& disk, const fs::path& vault_directory,
                                                   std::string temporary_ending = ".tmp");

    // The same without changing anything: for a copy of a vault that somebody only wants to read.
    static std::unique_ptr<PackStore> open_read_only(Disk& disk, const fs::path& vault_directory);

    // Durable on return. A pack that is there already is left as it is; other bytes in its place
    // are replaced.
    Status put(const FinishedPack& pack);
    // The same for bytes that came from elsewhere: Corrupt unless they are the pack of that id and
    // length.
    Status put_received(const PackInfo& info, ByteView bytes);
    // The same for a file on the same file system, which is moved here. After an error it is where
    // it was.
    Status adopt_file(const PackInfo& info, const fs::path& file);
    // The same for a file that somebody else has put in the pack's place. NotFound: none is there.
    Status take_in_place(const PackInfo& info);

    bool has(const PackId& id) const;
    // NotFound when the pack is not here.
    Result<std::unique_ptr<PackBytes>> open_pack(const PackId& id) const;
    Result<Bytes> read(const PackId& id, std::uint64_t offset, std::size_t length) const;
    // The whole pack, verified.
    Result<Bytes> read_verified(const PackInfo& info) const;
    // Reads the file and compares it with its name. Corrupt when it is not that pack.
    Status verify(const PackInfo& info) const;
    // As BEP 52 stores them; empty for packs of one piece. Remembered of packs that have come
    // lately, or were asked for.
    Result<Bytes> piece_layers(const PackInfo& info);

    // Nothing when no pack in that folder of packs/ has that file name.
    static std::optional<PackId> parse_name(std::string_view folder, std::string_view name);

    struct Listing {
        std::vector<PackInfo> packs;      // sorted by id; lengths are those of the files
        std::vector<fs::path> strangers;  // files that are no packs, relative to packs/
    };
    Result<Listing> list() const;

    // Durable on return. NotFound when the pack is not here.
    Status remove(const PackId& id);

    fs::path path_of(const PackId& id) const;

  private:
    PackStore(Disk& disk, fs::path directory, std::string temporary_ending)
        : disk_(disk),
          directory_(std::move(directory)),
          temporary_ending_(std::move(temporary_ending)) {}
    Status remove_leftovers();
    // Makes the folder that a pack lies in, durably.
    Status prepare_folder(const fs::path& folder);
    Status write(const PackInfo& info, ByteView bytes);
    fs::path temporary_path(const PackId& id);
    void remember(const PackIdentity& identity);

    Disk& disk_;
    const fs::path directory_;
    const std::string temporary_ending_;
    Mutex mutex_;
    std::set<fs::path> durable_folders_ GUARDED_BY(mutex_);
    std::map<PackId, Bytes> piece_layers_ GUARDED_BY(mutex_);  // at most kPieceLayersKeptMax
    std::uint64_t temporary_files_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lockstep
