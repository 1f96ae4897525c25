// Goal: the tree shows what the reference model shows, whatever happens in whatever order.
// Method: seeded schedules of operations on few names by two to four devices; publishes and
// deliveries at random; after every step tree and model are compared, at the end all devices,
// restarted and rebuilt trees.
//
// LOCKSTEP_TREE_SCHEDULES=N runs more of them, LOCKSTEP_TREE_SEED=S only that one, with its trace.

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/vault/tree_world.h"

namespace lockstep {
namespace {

class Schedule {
  public:
    explicit Schedule(std::uint64_t seed) : random_(seed) {
        const std::size_t count = 2 + random_.below(3);
        for (std::size_t at = 0; at < count; ++at) {
            devices_.push_back(std::make_unique<TreeDevice>(
                std::string(1, static_cast<char>('A' + at)), seed * 8 + at));
            delivered_.emplace_back();
        }
        with_open_files_ = random_.chance(40);
        exchange_percent_ = 5 + random_.below(40);
    }

    // Returns what went wrong, or nothing.
    std::string run() {
        const std::uint64_t steps = 10 + random_.below(50);
        for (std::uint64_t step = 0; step < steps; ++step) {
            const std::size_t at = random_.below(devices_.size());
            act(at);
            if (std::string text = devices_[at]->difference(); !text.empty()) return text;
        }
        return finish();
    }

    std::string trace() const {
        std::string out;
        for (const std::string& line : trace_) out += line + "\n";
        return out;
    }

  private:
    void act(std::size_t at) {
        TreeDevice& device = *devices_[at];
        const std::size_t before = device.trace.size();
        const std::uint64_t what = random_.below(100);
        if (what < 2) {
            device.restart();
        } else if (what < 2 + exchange_percent_) {
            random_.chance(40) ? publish(at) : deliver(at);
        } else {
            operate(device);
        }
        trace_.insert(trace_.end(), device.trace.begin() + static_cast<std::ptrdiff_t>(before),
                      device.trace.end());
    }

    void operate(TreeDevice& device) {
        const std::uint64_t what = random_.below(with_open_files_ ? 100 : 86);
        if (what < 12) {
            device.create(new_path(device), text());
        } else if (what < 20) {
            device.mkdir(new_path(device));
        } else if (what < 34) {
            device.write(file_path(device), text());
        } else if (what < 42) {
            device.unlink(file_path(device));
        } else if (what < 47) {
            device.rmdir(directory_path(device));
        } else if (what < 65) {
            const RenameMode modes[] = {RenameMode::Replace, RenameMode::Replace,
                                        RenameMode::Replace, RenameMode::NoReplace,
                                        RenameMode::Exchange};
            device.rename(any_path(device),
                          random_.chance(50) ? any_path(device) : new_path(device),
                          modes[random_.below(5)]);
        } else if (what < 71) {
            device.link(file_path(device), new_path(device));
        } else if (what < 77) {
            device.chmod(any_path(device), static_cast<std::uint32_t>(random_.below(3)));
        } else if (what < 79) {
            device.resolve(file_path(device));
        } else if (what < 83) {
            restore(device);
        } else if (what < 86) {
            device.create(new_path(device), text(), FileType::Symlink);
        } else if (what < 93) {
            const int handle = static_cast<int>(random_.below(3));
            if (!device.has_open(handle)) device.open(handle, file_path(device));
        } else {
            const int handle = static_cast<int>(random_.below(3));
            if (device.has_open(handle)) device.close(handle, text());
        }
    }

    void restore(TreeDevice& device) {
        const auto trash = device.tree().trash();
        if (!trash.empty()) device.restore(trash[random_.below(trash.size())].link);
    }

    void publish(std::size_t at) {
        if (auto segment = devices_[at]->publish()) {
            segments_.push_back(*segment);
            delivered_[at].insert(segments_.size() - 1);
        }
    }

    void deliver(std::size_t at) {
        for (std::size_t tries = 0; tries < 4 && !segments_.empty(); ++tries) {
            const std::size_t which = random_.below(segments_.size());
            if (delivered_[at].contains(which)) continue;
            if (devices_[at]->deliver(segments_[which])) {
                delivered_[at].insert(which);
                return;
            }
        }
    }

    std::string finish() {
        for (std::size_t at = 0; at < devices_.size(); ++at) {
            publish(at);
            if (std::string text = devices_[at]->difference(); !text.empty()) return text;
        }
        for (std::size_t at = 0; at < devices_.size(); ++at) {
            for (bool again = true; again;) {
                again = false;
                for (std::size_t which = 0; which < segments_.size(); ++which) {
                    if (delivered_[at].contains(which) || !devices_[at]->deliver(segments_[which]))
                        continue;
                    delivered_[at].insert(which);
                    trace_.push_back(devices_[at]->trace.back());
                    again = true;
                    if (std::string text = devices_[at]->difference(); !text.empty()) return text;
                }
            }
        }
        const VisibleTree wanted = devices_[0]->seen();
        for (const auto& device : devices_) {
            if (device->seen() != wanted) return device->label() + " did not converge";
        }
        std::vector<std::vector<Record>> records;
        for (const TreeSegment& segment : segments_) records.push_back(segment.records);
        if (TreeDevice::rebuilt(records) != wanted) return "a rebuilt tree is another";
        return "";
    }

    std::string new_path(TreeDevice& device) {
        const std::string name(1, static_cast<char>('a' + random_.below(3)));
        std::vector<std::string> directories{""};
        for (const auto& [path, text] : device.seen()) {
            if (text.rfind("directory", 0) == 0 && std::count(path.begin(), path.end(), '/') < 4) {
                directories.push_back(path);
            }
        }
        return directories[random_.below(directories.size())] + "/" + name;
    }

    std::string any_path(TreeDevice& device) { return path_of(device, ""); }
    std::string file_path(TreeDevice& device) { return path_of(device, "file"); }
    std::string directory_path(TreeDevice& device) { return path_of(device, "directory"); }

    // Mostly one whose description begins so.
    std::string path_of(TreeDevice& device, const std::string& kind) {
        std::vector<std::string> paths;
        for (const auto& [path, what] : device.seen()) {
            if (what.rfind(kind, 0) == 0) paths.push_back(path);
        }
        if (paths.empty() || random_.chance(5)) return new_path(device);
        return paths[random_.below(paths.size())];
    }

    std::string text() { return std::string(1, static_cast<char>('0' + random_.below(4))); }

    SeededRandom random_;
    bool with_open_files_ = false;
    std::uint64_t exchange_percent_ = 0;
    std::vector<std::unique_ptr<TreeDevice>> devices_;
    std::vector<std::set<std::size_t>> delivered_;
    std::vector<TreeSegment> segments_;
    std::vector<std::string> trace_;
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(TreeRandomTest, ShowsWhatTheModelShows) {
    const std::uint64_t only = number_from_environment("LOCKSTEP_TREE_SEED", 0);
    const std::uint64_t count = number_from_environment("LOCKSTEP_TREE_SCHEDULES", 300);
    const std::uint64_t first = only != 0 ? only : 1;
    for (std::uint64_t seed = first; seed < (only != 0 ? only + 1 : first + count); ++seed) {
        Schedule schedule(seed);
        std::string wrong;
        try {
            wrong = schedule.run();
        } catch (const std::exception& exception) {
            wrong = exception.what();
        }
        ASSERT_EQ(wrong, "") << "seed " << seed << "\n" << schedule.trace();
    }
}

}  // namespace
}  // namespace lockstep
