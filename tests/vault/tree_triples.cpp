#include "tests/vault/tree_triples.h"

#include <algorithm>
#include <functional>

#include "tests/vault/tree_world.h"

namespace lockstep {
namespace {

constexpr const char* kNames[] = {"a", "b"};

// ---- trees

struct SmallTree {
    std::vector<std::pair<std::string, bool>> nodes;  // path, whether a directory; parents first
    std::string text() const {
        std::string out;
        for (const auto& [path, is_directory] : nodes)
            out += " " + path + (is_directory ? "/" : "");
        return out;
    }
};

// A directory's content as text: "(" a's part, b's part ")"; a part is "-", "f" or a directory.
// The order of the two does not matter: the smaller text first.
void shapes(std::size_t nodes, const std::function<void(const std::string&)>& take) {
    const std::function<void(std::size_t,
                             const std::function<void(const std::string&, std::size_t)>&)>
        part = [&](std::size_t left, const auto& then) {
            then("-", left);
            if (left == 0) return;
            then("f", left - 1);
            part(left - 1, [&](const std::string& first, std::size_t rest) {
                part(rest, [&](const std::string& second, std::size_t behind) {
                    if (first <= second) then("(" + first + second + ")", behind);
                });
            });
        };
    part(nodes, [&](const std::string& first, std::size_t rest) {
        part(rest, [&](const std::string& second, std::size_t behind) {
            if (first <= second && behind == 0) take(first + second);
        });
    });
}

std::vector<SmallTree> small_trees(std::size_t nodes_max) {
    std::vector<SmallTree> out;
    for (std::size_t nodes = 0; nodes <= nodes_max; ++nodes) {
        std::set<std::string> seen;
        shapes(nodes, [&](const std::string& shape) {
            if (!seen.insert(shape).second) return;
            SmallTree tree;
            std::size_t at = 0;
            const std::function<void(const std::string&)> directory = [&](const std::string& path) {
                for (const char* name : kNames) {
                    const std::string here = path + "/" + name;
                    const char kind = shape[at++];
                    if (kind == '-') continue;
                    tree.nodes.emplace_back(here, kind == '(');
                    if (kind != '(') continue;
                    directory(here);
                    ++at;
                }
            };
            directory("");
            out.push_back(std::move(tree));
        });
    }
    return out;
}

// ---- edits

struct SmallEdit {
    enum class Kind { Create, Write, Rename, Delete, MakeDirectory, Link };
    Kind kind = Kind::Create;
    std::string path, to;

    std::string text() const {
        static const char* const kKinds[] = {"create", "write", "rename",
                                             "delete", "mkdir", "link"};
        return std::string(kKinds[static_cast<int>(kind)]) + " " + path + (to.empty() ? "" : " ") +
               to;
    }
};

bool is_below(const std::string& path, const std::string& directory) {
    return path.starts_with(directory + "/");
}

// Every edit of what is seen. Derived names may be acted upon, but are no targets.
std::vector<SmallEdit> edits_of(const VisibleTree& seen) {
    using Kind = SmallEdit::Kind;
    std::vector<SmallEdit> out;
    std::vector<std::string> directories{""};
    for (const auto& [path, what] : seen)
        if (what.starts_with("directory")) directories.push_back(path);
    for (const std::string& directory : directories) {
        for (const char* name : kNames) {
            const std::string at = directory + "/" + name;
            if (!seen.contains(at)) {
                out.push_back({Kind::Create, at, ""});
                out.push_back({Kind::MakeDirectory, at, ""});
            }
            for (const auto& [path, what] : seen) {
                if (path == at || is_below(at, path)) continue;
                const std::string parent = path.substr(0, path.rfind('/'));
                // A rename within the directory, or a move that keeps the name.
                if (parent == directory || path.substr(path.rfind('/') + 1) == name)
                    out.push_back({Kind::Rename, path, at});
                if (what.starts_with("file") && !seen.contains(at))
                    out.push_back({Kind::Link, path, at});
            }
        }
    }
    for (const auto& [path, what] : seen) {
        if (what.starts_with("file")) out.push_back({Kind::Write, path, ""});
        out.push_back({Kind::Delete, path, ""});
    }
    return out;
}

bool apply(TreeDevice& device, const SmallEdit& edit, const std::string& content) {
    using Kind = SmallEdit::Kind;
    switch (edit.kind) {
        case Kind::Create:
            return device.create(edit.path, content);
        case Kind::Write:
            return device.write(edit.path, content);
        case Kind::Rename:
            return device.rename(edit.path, edit.to);
        case Kind::MakeDirectory:
            return device.mkdir(edit.path);
        case Kind::Link:
            return device.link(edit.path, edit.to);
        case Kind::Delete: {
            // With all that is in it, the deepest first.
            const VisibleTree seen = device.seen();
            for (auto each = seen.rbegin(); each != seen.rend(); ++each) {
                if (each->first != edit.path && !is_below(each->first, edit.path)) continue;
                const bool done = each->second.starts_with("directory")
                                      ? device.rmdir(each->first)
                                      : device.unlink(each->first);
                if (!done) return false;
            }
            return true;
        }
    }
    return false;
}

// ---- runs

class TripleRun {
  public:
    TripleRun(const TriplesOptions& options, const SmallTree& tree, TriplesReport& report)
        : options_(options), tree_(tree), report_(report), random_(options.seed) {
        TreeDevice founder("founder", 1);
        for (const auto& [path, is_directory] : tree.nodes)
            is_directory ? founder.mkdir(path) : founder.create(path, "old" + path);
        base_ = founder.publish();
        base_time_ = founder.time;
        edits_ = edits_of(founder.seen());
    }

    void run() {
        for (std::size_t first = 0; first < edits_.size(); ++first) {
            const auto device = fresh("A", 1);
            if (!apply(*device, edits_[first], "A1")) continue;
            three_devices(first);
            two_devices(first, edits_of(device->seen()));
            two_devices_merged(first);
            if (!report_.wrong.empty()) return;
        }
    }

  private:
    using Segments = std::vector<TreeSegment>;

    bool is_chosen() { return options_.one_in <= 1 || random_.below(options_.one_in) == 0; }

    std::unique_ptr<TreeDevice> fresh(const std::string& label, std::uint64_t turn) {
        auto out = std::make_unique<TreeDevice>(label, 10 + static_cast<std::uint64_t>(label[0]));
        if (base_) out->deliver(*base_);
        out->time = base_time_ + 80 * turn;
        return out;
    }

    void fail(const std::vector<std::string>& what, const std::string& why) {
        if (!report_.wrong.empty()) return;
        report_.wrong = "tree:" + tree_.text() + "\n";
        for (const std::string& line : what) report_.wrong += line + "\n";
        report_.wrong += why;
    }

    // What one edit by that device at that turn says; nothing when it is refused.
    const std::optional<TreeSegment>& segment_of(std::size_t edit, const std::string& label,
                                                 std::uint64_t turn) {
        const auto [at, is_new] = known_.try_emplace({edit, label, turn});
        if (!is_new) return at->second;
        const auto device = fresh(label, turn);
        if (apply(*device, edits_[edit], label + "1")) at->second = device->publish();
        if (std::string text = device->difference(); !text.empty())
            fail({label + ": " + edits_[edit].text()}, text);
        return at->second;
    }

    // `chains`: segments of one device each, which keep their order; every interleaving is
    // delivered to somebody new.
    void deliver(const std::vector<Segments>& chains, const std::vector<std::string>& what) {
        ++report_.cases;
        reference::Records all;
        if (base_) all.insert(base_->records.begin(), base_->records.end());
        for (const Segments& chain : chains)
            for (const TreeSegment& segment : chain)
                all.insert(segment.records.begin(), segment.records.end());
        const VisibleTree wanted = visible(reference::View(all, ids_));
        std::vector<std::vector<Record>> order;
        if (base_) order.push_back(base_->records);
        std::vector<std::size_t> next(chains.size());
        interleave(chains, next, order, [&] {
            ++report_.orders;
            if (TreeDevice::rebuilt(order) != wanted) fail(what, "the tree shows something else");
        });
    }

    void interleave(const std::vector<Segments>& chains, std::vector<std::size_t>& next,
                    std::vector<std::vector<Record>>& order, const std::function<void()>& check) {
        bool is_done = true;
        for (std::size_t chain = 0; chain < chains.size(); ++chain) {
            if (next[chain] == chains[chain].size()) continue;
            is_done = false;
            order.push_back(chains[chain][next[chain]++].records);
            interleave(chains, next, order, check);
            order.pop_back();
            --next[chain];
        }
        if (is_done) check();
    }

    void three_devices(std::size_t first) {
        for (std::size_t second = 0; second < edits_.size(); ++second) {
            if (!is_chosen()) continue;
            const auto a = segment_of(first, "A", 1), b = segment_of(second, "B", 2);
            if (!a || !b) continue;
            for (std::size_t third = 0; third < edits_.size(); ++third) {
                const auto& c = segment_of(third, "C", 3);
                if (!c) continue;
                deliver({{*a}, {*b}, {*c}},
                        {"A: " + edits_[first].text(), "B: " + edits_[second].text(),
                         "C: " + edits_[third].text()});
                if (!report_.wrong.empty()) return;
            }
        }
    }

    void two_devices(std::size_t first, const std::vector<SmallEdit>& seconds) {
        for (const SmallEdit& second : seconds) {
            for (const bool in_two : {false, true}) {
                if (!is_chosen()) continue;
                const auto device = fresh("A", 2);
                Segments chain;
                const auto publish = [&] {
                    if (auto segment = device->publish()) chain.push_back(*std::move(segment));
                };
                if (!apply(*device, edits_[first], "A1")) continue;
                if (in_two) publish();
                device->time = base_time_ + 80 * 4;
                if (!apply(*device, second, "A2")) continue;
                publish();
                std::vector<std::string> what{"A: " + edits_[first].text(),
                                              (in_two ? "A, published: " : "A: ") + second.text(),
                                              ""};
                if (std::string text = device->difference(); !text.empty()) return fail(what, text);
                for (std::size_t third = 0; third < edits_.size(); ++third) {
                    for (const std::uint64_t turn : {1u, 3u, 5u}) {
                        const auto& b = segment_of(third, "B", turn);
                        if (!b) continue;
                        what[2] = "B at " + std::to_string(turn) + ": " + edits_[third].text();
                        deliver({chain, {*b}}, what);
                        if (!report_.wrong.empty()) return;
                    }
                }
            }
        }
    }

    // A acts on what it sees after it heard of B: derived names and merged directories among it.
    void two_devices_merged(std::size_t first) {
        for (std::size_t second = 0; second < edits_.size(); ++second) {
            if (!is_chosen()) continue;
            for (const std::uint64_t turn : {1u, 3u}) {
                const auto a = segment_of(first, "A", 2), b = segment_of(second, "B", turn);
                if (!a || !b) continue;
                const auto merged = [&] {
                    auto device = fresh("A", 2);
                    apply(*device, edits_[first], "A1");
                    device->publish();
                    device->deliver(*b);
                    return device;
                };
                for (const SmallEdit& third : edits_of(merged()->seen())) {
                    const auto device = merged();
                    const std::vector<std::string> what{
                        "A: " + edits_[first].text(),
                        "B at " + std::to_string(turn) + ": " + edits_[second].text(),
                        "A, having heard: " + third.text()};
                    apply(*device, third, "A3");
                    const auto last = device->publish();
                    if (std::string text = device->difference(); !text.empty())
                        return fail(what, text);
                    if (!last) continue;
                    ++report_.cases;
                    for (const bool a_first : {true, false}) {
                        ++report_.orders;
                        std::vector<std::vector<Record>> order;
                        if (base_) order.push_back(base_->records);
                        order.push_back(a_first ? a->records : b->records);
                        order.push_back(a_first ? b->records : a->records);
                        order.push_back(last->records);
                        if (TreeDevice::rebuilt(order) != device->seen())
                            return fail(what, "who heard of it sees something else");
                    }
                }
            }
        }
    }

    const TriplesOptions& options_;
    const SmallTree& tree_;
    TriplesReport& report_;
    SeededRandom random_;
    const TestDerivedIds ids_;
    std::optional<TreeSegment> base_;
    std::uint64_t base_time_ = 0;
    std::vector<SmallEdit> edits_;
    std::map<std::tuple<std::size_t, std::string, std::uint64_t>, std::optional<TreeSegment>>
        known_;
};

}  // namespace

TriplesReport run_triples(const TriplesOptions& options) {
    TriplesReport report;
    const std::vector<SmallTree> trees = small_trees(options.nodes_max);
    for (std::size_t at = options.share; at < trees.size() && report.wrong.empty();
         at += options.shares) {
        ++report.trees;
        TriplesOptions of_tree = options;
        of_tree.seed = options.seed * 1000 + at;
        TripleRun(of_tree, trees[at], report).run();
    }
    return report;
}

}  // namespace lockstep
