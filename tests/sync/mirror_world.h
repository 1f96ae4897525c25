// Devices whose vault is mirrored to a plain folder, without threads: real vaults on a disk in
// memory, real folders on the disk.
//
//     MirrorWorld world;
//     auto& laptop = world.found("laptop");
//     auto& desk = world.join("desk");
//     laptop.write("a/b", "text"); world.settle(); EXPECT_EQ(desk.read("a/b"), "text");
//
// Nothing watches the folders: settle() scans them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sync/mirror/reconciler.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vault_device.h"

namespace lockstep {

class MirroredDevice final : private ChangeObserver {
  public:
    MirroredDevice(std::string label, std::uint64_t seed, FakeClock& clock);
    ~MirroredDevice() override;

    VaultDevice& device() { return device_; }
    FileSystem& files() { return device_.vault().files(); }
    Reconciler& reconciler() { return *reconciler_; }
    MirrorState& state() { return *state_; }
    std::filesystem::path path(const std::string& name) const { return folder_path_ / name; }

    // The mirror begins, or begins anew as after a restart.
    void start(ReconcilerOptions options = {});
    // As a crash: what was not committed to the state is forgotten.
    void stop();
    // Scans and works until nothing is left to do.
    void settle();
    // Works on hints alone.
    void work();

    // ---- the folder
    void write(const std::string& name, std::string_view text);
    void make_link(const std::string& name, const std::string& target);
    void remove(const std::string& name);  // recursively
    void rename(const std::string& from, const std::string& to);
    std::string read(const std::string& name) const;
    // path -> content; directories end in '/', links are "-> target"; names of ours are left out.
    std::map<std::string, std::string> tree() const;
    // Of its folder.
    std::vector<std::string> names_with(std::string_view part) const;
    // ---- the vault
    Attributes attributes(const std::string& path);
    std::map<std::string, std::string> vault_tree() { return device_.tree(); }
    void check_equal();

  private:
    void node_changed(NodeId node) override;
    void entry_changed(NodeId directory, const std::string& name) override;

    FakeClock& clock_;
    VaultDevice device_;
    SeededRandom random_;
    TempDir root_;
    std::filesystem::path folder_path_;
    std::unique_ptr<Folder> folder_;
    std::unique_ptr<MirrorState> state_;
    std::unique_ptr<Reconciler> reconciler_;
};

class MirrorWorld {
  public:
    MirroredDevice& found(const std::string& label);
    MirroredDevice& join(const std::string& label);
    // All folders and all vaults take over from each other until nothing changes any more.
    void settle();
    // Publishes here and merges everywhere.
    void exchange();
    FakeClock& clock() { return clock_; }

  private:
    FakeClock clock_;
    std::vector<std::unique_ptr<MirroredDevice>> devices_;
};

}  // namespace lockstep
