// Devices in one process, each with the tree under test and the reference model beside it; both do
// every operation and must agree on what is seen.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/reference_model.h"
#include "tests/support/seeded_random.h"
#include "vault/tree/tree.h"

namespace lockstep {

// Unkeyed and quick: good enough to tell ids apart.
class TestDerivedIds final : public DerivedIds {
  public:
    FileId file(const FileId& file, const VersionId& version) const override;
    LinkId link(const LinkId& link, const VersionId& version) const override;
    VersionId version(const FileId& fork, const VersionId& version) const override;
};

Content inline_content(const std::string& text);
AttributeSetting mode_setting(std::uint32_t mode);

// What a device shows: path → kind, content, attributes, inode. Comparable and printable.
using VisibleTree = std::map<std::string, std::string>;

VisibleTree visible(const Tree& tree);
VisibleTree visible(const reference::View& view);

struct TreeSegment {
    reference::Segment reference;
    std::vector<Record> records;  // of the tree under test
};

// A device. Paths are "/a/b". An operation returns whether it succeeded, and expects that both
// agree.
class TreeDevice {
  public:
    TreeDevice(const std::string& label, std::uint64_t seed);

    bool create(const std::string& path, const std::string& text,
                FileType type = FileType::Regular);
    bool mkdir(const std::string& path);
    bool write(const std::string& path, const std::string& text);
    bool unlink(const std::string& path);
    bool rmdir(const std::string& path);
    bool link(const std::string& source, const std::string& path);
    bool chmod(const std::string& path, std::uint32_t mode);
    bool rename(const std::string& source, const std::string& path,
                RenameMode mode = RenameMode::Replace);
    bool resolve(const std::string& path);
    bool restore(const LinkId& link);
    bool open(int handle, const std::string& path);
    // Ends the handle; whether what was written is kept.
    bool close(int handle, const std::string& text);

    std::optional<TreeSegment> publish();
    bool deliver(const TreeSegment& segment);

    // A tree that restarts: what was published comes from the log, what is pending from the
    // journal.
    void restart();
    // A fresh tree from the published records, in the order given.
    static VisibleTree rebuilt(const std::vector<std::vector<Record>>& segments);

    Tree& tree() { return *tree_; }
    reference::Device& model() { return *model_; }
    const std::string& label() const { return label_; }
    VisibleTree seen() const { return visible(*tree_); }
    // Text of the file at `path`, or nothing.
    std::optional<std::string> read(const std::string& path) const;
    std::vector<std::string> paths() const;
    bool has_open(int handle) const { return tickets_.contains(handle); }

    // Compares tree and model; the text says how they differ, empty when they do not.
    std::string difference();
    std::uint64_t time = 0;
    std::vector<std::string> trace;

  private:
    struct Place {
        FileId directory;
        std::string name;
    };
    Stamp tick();
    std::optional<Place> place(const std::string& path) const;
    std::optional<TreeEntry> entry(const std::string& path) const;
    bool agree(const std::string& what, bool tree, bool model);

    std::string label_;
    LogId log_;
    TestDerivedIds ids_;
    SeededRandom tree_random_, model_random_;
    std::unique_ptr<Tree> tree_;
    std::unique_ptr<reference::Device> model_;
    std::map<int, WriteTicket> tickets_;
    std::vector<std::vector<Record>> applied_;  // segments, own ones too
    std::vector<Record> journal_;
    std::string disagreement_;
};

}  // namespace lockstep
