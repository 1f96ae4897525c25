#include "tests/sync/mirror_world.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace lockstep {

namespace fs = std::filesystem;

MirroredDevice::MirroredDevice(std::string label, std::uint64_t seed, FakeClock& clock)
    : clock_(clock), device_(std::move(label), seed, clock), random_(seed + 1000) {
    folder_path_ = root_.path() / "folder";
    fs::create_directories(folder_path_);
}

MirroredDevice::~MirroredDevice() {
    stop();
}

void MirroredDevice::start(ReconcilerOptions options) {
    stop();
    auto folder = Folder::open(folder_path_.native());
    ASSERT_TRUE(folder.ok()) << folder.error().message;
    folder_ = std::move(*folder);
    auto state = MirrorState::open(root_.path() / "state.db", device_.label());
    ASSERT_TRUE(state.ok()) << state.error().message;
    state_ = std::move(*state);
    options.device_label = device_.label();
    reconciler_ = std::make_unique<Reconciler>(*folder_, files(), kRootNode, *state_, clock_,
                                               random_, std::move(options));
    files().add_observer(*this);
}

void MirroredDevice::stop() {
    if (!reconciler_) return;
    files().remove_observer(*this);
    reconciler_.reset();
    state_.reset();
    folder_.reset();
}

void MirroredDevice::node_changed(NodeId node) {
    if (!ChangeOrigin::is_own_news(*this)) reconciler_->note_vault_node(node);
}

void MirroredDevice::entry_changed(NodeId directory, const std::string& name) {
    if (!ChangeOrigin::is_own_news(*this)) reconciler_->note_vault_entry(directory, name);
}

void MirroredDevice::work() {
    ChangeOrigin::set_consumer(this);
    for (int round = 0; round < 100'000; ++round) {
        const Status worked = reconciler_->work(std::chrono::seconds(10));
        EXPECT_TRUE(worked.ok()) << worked.error().message;
        const auto due = reconciler_->next_due();
        if (!worked.ok() || !due || reconciler_->is_idle()) break;
        clock_.advance(std::max<std::chrono::nanoseconds>(*due - clock_.steady(),
                                                          std::chrono::milliseconds(1)));
    }
    ChangeOrigin::set_consumer(nullptr);
}

void MirroredDevice::settle() {
    const Status scanned = reconciler_->scan();
    ASSERT_TRUE(scanned.ok()) << scanned.error().message;
    work();
}

void MirroredDevice::write(const std::string& name, std::string_view text) {
    fs::create_directories(path(name).parent_path());
    std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
    out << text;
}

void MirroredDevice::make_link(const std::string& name, const std::string& target) {
    fs::create_symlink(target, path(name));
}

void MirroredDevice::remove(const std::string& name) {
    fs::remove_all(path(name));
}

void MirroredDevice::rename(const std::string& from, const std::string& to) {
    fs::rename(path(from), path(to));
}

std::string MirroredDevice::read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::map<std::string, std::string> MirroredDevice::tree() const {
    std::map<std::string, std::string> tree;
    for (const auto& entry : fs::recursive_directory_iterator(folder_path_)) {
        const std::string name = entry.path().lexically_relative(folder_path_).native();
        if (is_reserved_path(name)) continue;
        if (entry.is_symlink()) {
            tree[name] = "-> " + fs::read_symlink(entry.path()).native();
        } else if (entry.is_directory()) {
            tree[name + "/"];
        } else {
            tree[name] = read(name);
        }
    }
    return tree;
}

std::vector<std::string> MirroredDevice::names_with(std::string_view part) const {
    std::vector<std::string> names;
    for (const auto& [name, content] : tree())
        if (name.find(part) != std::string::npos) names.push_back(name);
    return names;
}

Attributes MirroredDevice::attributes(const std::string& path) {
    const auto node = device_.node(path);
    EXPECT_TRUE(node.ok()) << path;
    return node.ok() ? files().attributes(*node).value_or({}) : Attributes{};
}

void MirroredDevice::check_equal() {
    std::map<std::string, std::string> plain = tree();
    std::erase_if(plain, [](const auto& each) { return each.second.starts_with("-> "); });
    std::map<std::string, std::string> vault = vault_tree();
    std::erase_if(vault, [](const auto& each) { return each.second.starts_with("-> "); });
    EXPECT_EQ(plain, vault);
}

// ---- several

MirroredDevice& MirrorWorld::found(const std::string& label) {
    devices_.push_back(std::make_unique<MirroredDevice>(label, devices_.size() + 1, clock_));
    EXPECT_TRUE(devices_.back()->device().found().ok());
    devices_.back()->start();
    return *devices_.back();
}

MirroredDevice& MirrorWorld::join(const std::string& label) {
    devices_.push_back(std::make_unique<MirroredDevice>(label, devices_.size() + 1, clock_));
    const Status joined = devices_.back()->device().join(devices_.front()->device());
    EXPECT_TRUE(joined.ok()) << joined.error().message;
    devices_.back()->start();
    return *devices_.back();
}

void MirrorWorld::exchange() {
    for (auto& each : devices_) {
        clock_.advance(std::chrono::seconds(1));
        EXPECT_TRUE(each->device().publish().ok());
    }
    for (auto& to : devices_) {
        for (auto& from : devices_) {
            if (to == from) continue;
            const auto pulled = to->device().pull(from->device());
            EXPECT_TRUE(pulled.ok()) << pulled.error().message;
        }
    }
}

void MirrorWorld::settle() {
    for (int round = 0; round < 4; ++round) {
        for (auto& each : devices_) each->settle();
        exchange();
        for (auto& each : devices_) each->work();
    }
}

}  // namespace lockstep
