// Requests as FUSE makes them, to a vault and to a file system in memory: both do or refuse the
// same, byte for byte, and the vault shows the same once more when it has published.
#include <map>
#include <memory>

#include "base/codec.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/vault_device.h"

using namespace lockstep;

namespace {

constexpr std::size_t kStepsMax = 64;
constexpr std::size_t kNodesMax = 8, kHandlesMax = 4;
constexpr std::uint64_t kSizeMax = 200'000;

// One for all inputs: each has a directory of its own, for a fresh vault takes longer than a
// hundred inputs.
VaultDevice& shared_vault() {
    static FakeClock clock;
    static VaultDevice device("laptop", 1, clock, quick_stretcher());
    static const bool is_made = device.found().ok();
    CHECK(is_made);
    return device;
}

// The same request to both, whose nodes and handles have other numbers.
class Pair {
  public:
    explicit Pair(ByteView input) : in_(input), device_(shared_vault()) {
        static std::uint64_t count = 0;
        top_ = std::to_string(++count);
        auto made = vault().make_directory(kRootNode, top_, 0755);
        CHECK(made.ok());
        nodes_[0] = {made->node, kRootNode};
    }

    void run() {
        for (std::size_t step = 0; step < kStepsMax && in_.remaining() > 0; ++step) request();
        for (auto& [slot, handles] : handles_) release(handles);
        handles_.clear();
        compare_trees(nodes_[0].vault, nodes_[0].memory, 0);
        CHECK(device_.publish().ok());
        compare_trees(nodes_[0].vault, nodes_[0].memory, 0);
        remove(kRootNode, top_);
    }

  private:
    struct Two {
        std::uint64_t vault = 0, memory = 0;
    };
    FileSystem& vault() { return device_.vault().files(); }

    std::string name() { return std::string(1, static_cast<char>('a' + in_.u8() % 5)); }
    Two node() {
        const auto at = nodes_.find(in_.u8() % kNodesMax);
        return at == nodes_.end() ? nodes_.at(0) : at->second;
    }
    static std::string said(const Status& status) {
        return status.ok() ? "ok" : std::to_string(static_cast<int>(status.error().kind));
    }
    template <typename T>
    static std::string said(const Result<T>& result) {
        return result.ok() ? "ok" : said(Status(result.error()));
    }
    // Both do it or both refuse. Which of several reasons is said is for the conformance suite.
    template <typename T>
    static void agree(const Result<T>& one, const Result<T>& other, const char* what) {
        CHECK(one.ok() == other.ok(),
              std::string(what) + ": vault " + said(one) + ", memory " + said(other));
    }
    void agree(const Result<Attributes>& one, const Result<Attributes>& other, const char* what,
               bool keeps) {
        agree(one, other, what);
        if (!one.ok()) return;
        const bool is_directory = one->type == FileType::Directory;
        CHECK(one->type == other->type && one->mode == other->mode && one->links == other->links,
              what);
        CHECK(is_directory || one->size == other->size,
              std::string(what) + ": sizes " + std::to_string(one->size) + ", " +
                  std::to_string(other->size) + " type " +
                  std::to_string(static_cast<int>(one->type)));
        if (keeps) nodes_[1 + in_.u8() % (kNodesMax - 1)] = {one->node, other->node};
    }

    void request() {
        switch (in_.u8() % 17) {
            case 0:
                return make_directory();
            case 1:
                return create();
            case 2:
                return open();
            case 3:
            case 4:
                return write();
            case 5:
                return read();
            case 6:
                return resize();
            case 7:
                return rename();
            case 8:
                return remove_file();
            case 9:
                return remove_directory();
            case 10:
                return link();
            case 11:
                return symlink();
            case 12:
                return change_range();
            case 13:
                return seek();
            case 14:
                return xattr();
            case 15:
                return lookup();
            default:
                return flush();
        }
    }
    void lookup() {
        const Two parent = node();
        const std::string text = name();
        agree(vault().lookup(parent.vault, text), memory_.lookup(parent.memory, text), "lookup",
              true);
    }
    void make_directory() {
        const Two parent = node();
        const std::string text = name();
        agree(vault().make_directory(parent.vault, text, 0755),
              memory_.make_directory(parent.memory, text, 0755), "mkdir", true);
    }
    void create() {
        const Two parent = node();
        const std::string text = name();
        auto one = vault().create(parent.vault, text, 0640);
        auto other = memory_.create(parent.memory, text, 0640);
        agree(one, other, "create");
        if (!one.ok()) return;
        nodes_[1 + in_.u8() % (kNodesMax - 1)] = {one->attributes.node, other->attributes.node};
        keep({one->handle, other->handle});
    }
    void open() {
        const Two at = node();
        const OpenRequest wish{.read = true, .write = true, .truncate = in_.u8() % 4 == 0};
        auto one = vault().open(at.vault, wish);
        auto other = memory_.open(at.memory, wish);
        agree(one, other, "open");
        if (one.ok()) keep({*one, *other});
    }
    void keep(const Two& handles) {
        const std::size_t slot = in_.u8() % kHandlesMax;
        if (handles_.contains(slot)) release(handles_[slot]);
        handles_[slot] = handles;
    }
    void release(const Two& handles) {
        vault().release(handles.vault);
        memory_.release(handles.memory);
    }
    const Two* handle() {
        const auto at = handles_.find(in_.u8() % kHandlesMax);
        return at == handles_.end() ? nullptr : &at->second;
    }
    std::uint64_t place() { return in_.u32() % kSizeMax; }

    void write() {
        const Two* at = handle();
        const std::uint64_t offset = place();
        const Bytes data(in_.u8() % 3 == 0 ? place() % 70'000 : in_.u8(), std::byte{in_.u8()});
        if (at == nullptr) return;
        agree(vault().write(at->vault, offset, data), memory_.write(at->memory, offset, data),
              "write");
    }
    void read() {
        const Two* at = handle();
        const std::uint64_t offset = place();
        if (at != nullptr) compare_bytes(*at, offset, place());
    }
    void compare_bytes(const Two& at, std::uint64_t offset, std::uint64_t length) {
        Bytes mine(length), theirs(length);
        auto one = vault().read(at.vault, offset, mine);
        auto other = memory_.read(at.memory, offset, theirs);
        agree(one, other, "read");
        CHECK(!one.ok() || (*one == *other && mine == theirs), "they read other bytes");
    }
    void resize() {
        const Two at = node();
        auto known = memory_.attributes(at.memory);
        if (known.ok() && known->links == 0) return;  // no path leads there
        AttributeChange change;
        change.size = place();
        agree(vault().set_attributes(at.vault, change, std::nullopt),
              memory_.set_attributes(at.memory, change, std::nullopt), "truncate", false);
    }
    void rename() {
        const Two from = node(), to = node();
        const std::string old_name = name(), new_name = name();
        const auto mode = static_cast<RenameMode>(in_.u8() % 3);
        agree(vault().rename(from.vault, old_name, to.vault, new_name, mode),
              memory_.rename(from.memory, old_name, to.memory, new_name, mode), "rename");
    }
    void remove_file() {
        const Two parent = node();
        const std::string text = name();
        agree(vault().remove_file(parent.vault, text), memory_.remove_file(parent.memory, text),
              "unlink");
    }
    void remove_directory() {
        const Two parent = node();
        const std::string text = name();
        agree(vault().remove_directory(parent.vault, text),
              memory_.remove_directory(parent.memory, text), "rmdir");
    }
    void link() {
        const Two at = node(), parent = node();
        const std::string text = name();
        agree(vault().make_link(at.vault, parent.vault, text),
              memory_.make_link(at.memory, parent.memory, text), "link", false);
    }
    void symlink() {
        const Two parent = node();
        const std::string text = name();
        agree(vault().make_symlink(parent.vault, text, "somewhere"),
              memory_.make_symlink(parent.memory, text, "somewhere"), "symlink", true);
    }
    void change_range() {
        const Two* at = handle();
        const RangeChange change{.kind = static_cast<RangeChange::Kind>(in_.u8() % 3),
                                 .offset = place(),
                                 .length = place(),
                                 .keep_size = in_.u8() % 2 == 0};
        if (at == nullptr) return;
        agree(vault().change_range(at->vault, change), memory_.change_range(at->memory, change),
              "fallocate");
    }
    // Where holes begin is each file system's own affair; that it answers is not.
    void seek() {
        const Two* at = handle();
        const std::uint64_t offset = place();
        const auto target = in_.u8() % 2 == 0 ? SeekTarget::Data : SeekTarget::Hole;
        if (at == nullptr) return;
        agree(vault().seek(at->vault, offset, target), memory_.seek(at->memory, offset, target),
              "seek");
    }
    void xattr() {
        const Two at = node();
        const std::string text = "user." + name();
        const Bytes value(in_.u8(), std::byte{in_.u8()});
        if (in_.u8() % 4 == 0)
            return agree(vault().remove_xattr(at.vault, text),
                         memory_.remove_xattr(at.memory, text), "removexattr");
        const auto mode = static_cast<XattrMode>(in_.u8() % 3);
        agree(vault().set_xattr(at.vault, text, value, mode),
              memory_.set_xattr(at.memory, text, value, mode), "setxattr");
        auto one = vault().get_xattr(at.vault, text);
        auto other = memory_.get_xattr(at.memory, text);
        agree(one, other, "getxattr");
        CHECK(!one.ok() || *one == *other, "they keep other attributes");
    }
    void flush() {
        if (const Two* at = handle(); at != nullptr)
            agree(vault().flush(at->vault), memory_.flush(at->memory), "flush");
    }

    void remove(NodeId parent, const std::string& name) {
        auto found = vault().lookup(parent, name);
        CHECK(found.ok());
        if (found->type != FileType::Directory) {
            CHECK(vault().remove_file(parent, name).ok());
            return;
        }
        const auto listing = vault().list(found->node).value();
        for (const DirectoryEntry& entry : *listing) remove(found->node, entry.name);
        CHECK(vault().remove_directory(parent, name).ok());
    }

    void compare_trees(NodeId mine, NodeId theirs, int depth) {
        auto one = vault().list(mine), other = memory_.list(theirs);
        agree(one, other, "list");
        CHECK((*one)->size() == (*other)->size(), "they list other names");
        for (std::size_t i = 0; i < (*one)->size(); ++i) {
            const DirectoryEntry &left = (**one)[i], &right = (**other)[i];
            CHECK(left.name == right.name && left.type == right.type, "they list other names");
            auto found = vault().lookup(mine, left.name);
            auto twin = memory_.lookup(theirs, right.name);
            agree(found, twin, "lookup", false);
            if (left.type == FileType::Directory && depth < 16)
                compare_trees(found->node, twin->node, depth + 1);
            if (left.type != FileType::Regular) continue;
            auto handle = vault().open(found->node, {});
            auto other_handle = memory_.open(twin->node, {});
            agree(handle, other_handle, "open");
            compare_bytes({*handle, *other_handle}, 0, 2 * kSizeMax);
            release({*handle, *other_handle});
        }
    }

    Decoder in_;
    VaultDevice& device_;
    std::string top_;
    MemoryFileSystem memory_;
    std::map<std::size_t, Two> nodes_, handles_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Pair(std::as_bytes(std::span(data, size))).run();
    return 0;
}
