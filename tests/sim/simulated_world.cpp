#include "tests/sim/simulated_world.h"

#include <algorithm>

namespace lockstep {
namespace {

const char* const kLabels[] = {"laptop", "desk", "server", "attic"};
const char* const kNames[] = {"a", "b", "c", "Doc.txt"};
const char* const kDirectories[] = {"", "x/", "y/", "x/z/"};

constexpr std::string_view kUnreadable = "unreadable: ";

// Contents are told apart by their first line; what follows makes some of them need chunks and
// packs.
std::string name_of(std::string_view content) {
    return std::string(content.substr(0, content.find('\n')));
}

}  // namespace

SimulatedWorld::SimulatedWorld(std::uint64_t seed, std::size_t devices)
    : random_(seed), seed_(seed) {
    for (std::size_t i = 0; i < devices; ++i)
        devices_.push_back({std::make_unique<VaultDevice>(kLabels[i], seed * 16 + i, clock_), {}});
}

std::string SimulatedWorld::run(std::size_t steps) {
    if (std::string wrong = found(); !wrong.empty()) return wrong;
    for (std::size_t i = 0; i < steps; ++i)
        if (std::string wrong = step(); !wrong.empty())
            return "step " + std::to_string(i) + ": " + wrong;
    cut_.clear();
    if (std::string wrong = settle(); !wrong.empty()) return wrong;
    if (std::string wrong = check_converged(); !wrong.empty()) return wrong;
    return check_nothing_lost();
}

std::string SimulatedWorld::found() {
    if (Status made = devices_[0].vault->found(); !made.ok())
        return "found: " + made.error().message;
    for (std::size_t i = 1; i < devices_.size(); ++i)
        if (Status joined = devices_[i].vault->join(*devices_[0].vault); !joined.ok())
            return "join: " + joined.error().message;
    return settle();
}

std::string SimulatedWorld::step() {
    clock_.advance(std::chrono::milliseconds(1 + random_.below(400)));
    Device& device = random_device();
    std::uint64_t pick = random_.below(100);
    if (pick < 34) return write(device);
    if (pick < 44) return remove(device);
    if (pick < 58) return rename(device);
    if (pick < 66) return sync(device);
    if (pick < 76) return publish(device);
    if (pick < 90) return pull();
    if (pick < 93) return crash(device);
    if (pick < 96) return kill(device);
    std::size_t a = random_.below(devices_.size()), b = random_.below(devices_.size());
    if (!cut_.erase({std::min(a, b), std::max(a, b)}))
        cut_.insert({std::min(a, b), std::max(a, b)});
    return {};
}

std::string SimulatedWorld::random_path() {
    return std::string(kDirectories[random_.below(std::size(kDirectories))]) +
           kNames[random_.below(std::size(kNames))];
}

bool SimulatedWorld::give_up(Device& device, const std::string& path) {
    auto text = device.vault->read(path);
    if (text.ok()) given_up_.insert(name_of(*text));
    return text.ok() || text.error().kind != ErrorKind::Unavailable;
}

bool SimulatedWorld::give_up_below(Device& device, const std::string& path) {
    for (const auto& [other, text] : device.vault->tree()) {
        if (other != path && !other.starts_with(path + "/")) continue;
        if (text.starts_with(kUnreadable)) return false;
        given_up_.insert(name_of(text));
    }
    return true;
}

std::string SimulatedWorld::write(Device& device) {
    std::string path = random_path();
    std::string content = device.vault->label() + " " + std::to_string(next_content_++) + "\n";
    std::uint64_t size = random_.chance(70) ? random_.below(100) : random_.below(200000);
    content += std::string(as_text(random_.bytes(size)));
    if (!give_up(device, path)) return {};
    Status written = device.vault->write(path, content);
    note(device.vault->label() + " writes " + path +
         (written.ok() ? "" : ": " + written.error().message));
    if (written.ok()) {
        ++counts_.writes;
        written_.insert(name_of(content));
        device.unsafe.insert(name_of(content));
    }
    return {};
}

std::string SimulatedWorld::remove(Device& device) {
    std::string path = random_path();
    if (random_.chance(20)) path = path.substr(0, path.find('/'));
    if (!give_up(device, path)) return {};
    Status removed = device.vault->remove(path);
    counts_.removes += removed.ok();
    note(device.vault->label() + " removes " + path +
         (removed.ok() ? "" : ": " + removed.error().message));
    return {};
}

std::string SimulatedWorld::rename(Device& device) {
    std::string from = random_path(), to = random_path();
    if (random_.chance(30)) from = random_.chance(50) ? "x" : "y";
    if (random_.chance(20)) to = random_.chance(50) ? "y/x" : "x/y";
    // Two names of one content: the moved one may be shown once only, as a version of the other.
    if (!give_up_below(device, to)) return {};
    Status renamed = device.vault->rename(from, to);
    counts_.renames += renamed.ok();
    note(device.vault->label() + " renames " + from + " to " + to +
         (renamed.ok() ? "" : ": " + renamed.error().message));
    return {};
}

std::string SimulatedWorld::sync(Device& device) {
    std::string path = random_path();
    auto text = device.vault->read(path);
    if (!text.ok()) return {};
    Status synced = device.vault->sync(path);
    note(device.vault->label() + " syncs " + path);
    if (!synced.ok()) return "sync: " + synced.error().message;
    ++counts_.syncs;
    device.unsafe.erase(name_of(*text));
    return {};
}

std::string SimulatedWorld::publish(Device& device) {
    Status published = device.vault->publish();
    note(device.vault->label() + " publishes");
    if (!published.ok()) return "publish: " + published.error().message;
    ++counts_.publishes;
    device.unsafe.clear();
    return {};
}

std::string SimulatedWorld::pull() {
    std::size_t to = random_.below(devices_.size()), from = random_.below(devices_.size());
    if (to == from || cut_.contains({std::min(to, from), std::max(to, from)})) return {};
    // A connection that breaks after a few objects.
    std::uint64_t objects_max = random_.chance(60) ? ~std::uint64_t{0} : random_.below(4);
    auto taken = devices_[to].vault->pull(*devices_[from].vault, objects_max);
    if (!taken.ok()) return "pull: " + taken.error().message;
    ++counts_.pulls;
    note(devices_[to].vault->label() + " pulls " + std::to_string(*taken) + " from " +
         devices_[from].vault->label());
    return {};
}

std::string SimulatedWorld::crash(Device& device) {
    Status reopened = device.vault->crash_and_reopen(random_.u64());
    note(device.vault->label() + " loses power");
    if (!reopened.ok()) return "reopen after a power cut: " + reopened.error().message;
    ++counts_.crashes;
    for (const std::string& name : device.unsafe) given_up_.insert(name);
    device.unsafe.clear();
    return {};
}

std::string SimulatedWorld::kill(Device& device) {
    Status reopened = device.vault->kill_and_reopen();
    note(device.vault->label() + " is killed");
    if (!reopened.ok()) return "reopen after a kill: " + reopened.error().message;
    ++counts_.kills;
    for (const std::string& name : device.unsafe) given_up_.insert(name);
    device.unsafe.clear();
    return {};
}

std::string SimulatedWorld::settle() {
    for (std::size_t round = 0; round < 6; ++round) {
        clock_.advance(std::chrono::seconds(3));
        for (Device& device : devices_)
            if (std::string wrong = publish(device); !wrong.empty()) return wrong;
        for (Device& to : devices_) {
            for (Device& from : devices_) {
                if (&to == &from) continue;
                auto taken = to.vault->pull(*from.vault);
                if (!taken.ok()) return "pull: " + taken.error().message;
            }
        }
    }
    return {};
}

std::string SimulatedWorld::check_converged() {
    auto expected = devices_[0].vault->tree();
    for (Device& device : devices_) {
        auto tree = device.vault->tree();
        for (const auto& [path, text] : tree)
            if (text.starts_with(kUnreadable))
                return device.vault->label() + ": " + path + " is " + text;
        if (tree != expected) return device.vault->label() + " shows another tree than laptop";
        counts_.conflicts += device.vault->vault().conflicts().size();
        for (const std::string& alarm : device.vault->vault().status().alarms)
            return device.vault->label() + ": " + alarm;
    }
    return {};
}

std::string SimulatedWorld::check_nothing_lost() {
    std::set<std::string> shown;
    for (const auto& [path, text] : devices_[0].vault->tree()) shown.insert(name_of(text));
    for (const std::string& name : written_)
        if (!given_up_.contains(name) && !shown.contains(name))
            return "lost: what '" + name + "' wrote";
    return {};
}

}  // namespace lockstep
