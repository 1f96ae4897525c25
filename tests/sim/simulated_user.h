// Somebody at a device of the simulation who edits files as programs do, on few names, so that
// devices collide. Tells the ledger what was promised and what was given up, and checks what is
// read.
#pragma once

#include <optional>

#include "tests/sim/sim_device.h"

namespace lockstep::sim {

class SimulatedUser {
  public:
    struct World {
        SeededRandom& random;
        ContentLedger& ledger;
        Counters& counters;
        std::function<void(std::string)> note;  // into the trace
        std::function<void(std::string)> fail;  // an oracle does not hold
        bool writes_packs = false;              // little of what is written lies in the records
    };

    SimulatedUser(World world, SimDevice& device) : world_(std::move(world)), device_(device) {}

    // One edit, by weight.
    void edit();
    void close_handles();

  private:
    struct Edit {
        const char* name;
        std::uint64_t weight;
        Status (SimulatedUser::*run)();
    };
    static const std::vector<Edit>& edits();

    Status write_file();
    Status write_large_file();
    Status create_empty();
    Status append();
    Status overwrite_part();
    Status truncate();
    Status copy_file();
    Status rename_replace() { return rename(RenameMode::Replace); }
    Status rename_no_replace() { return rename(RenameMode::NoReplace); }
    Status rename_exchange() { return rename(RenameMode::Exchange); }
    Status make_link();
    Status unlink();
    Status make_directory();
    Status remove_directory();
    Status remove_recursively();
    Status make_symlink();
    Status set_xattr();
    Status remove_xattr();
    Status change_mode();
    Status save_by_rename();
    Status save_with_backup();
    Status sync_file();
    Status sync_directory();
    Status open_handle();
    Status write_handle();
    Status sync_handle();
    Status close_handle();
    Status read_file();

    struct Place {
        NodeId directory = kRootNode;
        std::string name, path;
    };
    struct Found {
        Place place;
        Attributes attributes;
    };
    Status rename(RenameMode mode);
    Status rename_entry(const Place& from, const Place& to, RenameMode mode);
    Status write_whole(const Place& place, const std::string& content, bool with_sync);
    Status write_through(OpenHandle& handle, std::uint64_t offset, std::string_view data);
    Status resize(const Found& file, std::uint64_t size);
    Status with_open(const Found& file, const std::function<Status(OpenHandle&)>& work);
    Status remove_below(const Place& place);
    Status remove_file(const Place& place);

    SeededRandom& random() { return world_.random; }
    FileSystem& files() { return device_.files(); }
    std::vector<Found> walk();
    std::optional<Found> pick(FileType type);
    std::optional<Found> pick_any();
    Place new_place();
    Place place_beside(const Place& place, const std::string& name);
    std::string new_content(std::uint64_t size_max);
    Result<std::string> read(NodeId node);
    Result<std::string> read(const OpenHandle& handle);
    void check_read(std::string_view bytes, const std::string& where);
    // What the entry shows is replaced or deleted by somebody who has seen it. Fails when that
    // cannot be told now: then the edit is left out.
    Status give_up(const Place& place);
    Status give_up(NodeId node);
    void promise(OpenHandle& handle);
    // Runs `remove`, which may take the last names of files that are open.
    Status severing(const std::function<Status()>& remove);

    World world_;
    SimDevice& device_;
    std::string trace_;
    std::uint64_t contents_ = 0;
};

}  // namespace lockstep::sim
