#include "tests/vault/tree_world.h"

#include <algorithm>

namespace lockstep {
namespace {

// FNV-1a, once per eight bytes of output.
void mix(MutableByteView out, std::initializer_list<ByteView> parts, char domain) {
    for (std::size_t at = 0; at < out.size(); at += 8) {
        std::uint64_t hash =
            0xcbf29ce484222325ULL ^ (at + 1) ^ (static_cast<std::uint64_t>(domain) << 32);
        for (const ByteView part : parts) {
            for (const std::byte byte : part)
                hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3ULL;
            hash ^= hash >> 29;
        }
        hash *= 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 32;
        std::memcpy(out.data() + at, &hash, std::min<std::size_t>(8, out.size() - at));
    }
}

template <typename IdType>
IdType mixed(std::initializer_list<ByteView> parts, char domain) {
    IdType id;
    mix(id.bytes, parts, domain);
    return id;
}

std::string describe(FileType type, const std::optional<Content>& content,
                     const std::string& attributes, const std::string& inode) {
    static const char* const kNames[] = {"?", "file", "directory", "symlink", "fifo", "socket"};
    std::string out = kNames[static_cast<int>(type)];
    if (content) out += " '" + std::string(as_text(content->inline_bytes)) + "'";
    return out + " " + attributes + " " + inode;
}

std::string describe(AttributeKey key, const std::string& xattr,
                     const std::optional<Bytes>& value) {
    return std::to_string(static_cast<int>(key)) + xattr + "=" + hex(*value) + ",";
}

std::string describe(const Node& node) {
    return node.file.to_hex().substr(0, 8) +
           (node.sibling ? ":" + node.sibling->to_hex().substr(0, 8) : "");
}

void add_directory(const Tree& tree, const FileId& directory, const std::string& path,
                   VisibleTree& out) {
    const auto listing = tree.list(directory);
    CHECK(listing.ok());
    for (const TreeListEntry& each : **listing) {
        const auto entry = tree.lookup(directory, each.name);
        CHECK(entry.ok() && entry->node == each.node && entry->type == each.type &&
              entry->name == each.name);
        std::string attributes;
        for (const AttributeSetting& setting : tree.attributes(each.node.file)) {
            attributes += describe(setting.key, setting.xattr, setting.value);
        }
        const std::string at = path + "/" + each.name;
        const auto places = tree.places(each.node);
        CHECK(std::find(places.begin(), places.end(),
                        EntryPlace{tree.primary(directory), each.name}) != places.end());
        const bool added =
            out.emplace(at, describe(each.type,
                                     each.type == FileType::Directory ? std::nullopt
                                                                      : tree.content(each.node),
                                     attributes, describe(each.node)))
                .second;
        CHECK(added, "names are unique");
        if (each.type == FileType::Directory) add_directory(tree, each.node.file, at, out);
    }
}

std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

FileId TestDerivedIds::file(const FileId& file, const VersionId& version) const {
    return mixed<FileId>({file.view(), version.view()}, 'f');
}

LinkId TestDerivedIds::link(const LinkId& link, const VersionId& version) const {
    return mixed<LinkId>({link.view(), version.view()}, 'l');
}

VersionId TestDerivedIds::version(const FileId& fork, const VersionId& version) const {
    return mixed<VersionId>({fork.view(), version.view()}, 'v');
}

Content inline_content(const std::string& text) {
    Content content;
    content.size = text.size();
    content.root = mixed<ContentRoot>({as_bytes(text)}, 'c');
    content.inline_bytes = to_bytes(as_bytes(text));
    return content;
}

AttributeSetting mode_setting(std::uint32_t mode) {
    Bytes value(4);
    std::memcpy(value.data(), &mode, 4);
    return {AttributeKey::Mode, "", value};
}

VisibleTree visible(const Tree& tree) {
    VisibleTree out;
    add_directory(tree, kRootFile, "", out);
    return out;
}

VisibleTree visible(const reference::View& view) {
    VisibleTree out;
    for (const auto& [path, entry] : view.entries) {
        std::string attributes;
        for (const auto& [key, value] : view.attributes_of(entry.files[0]))
            attributes += describe(key.first, key.second, value);
        out[path] =
            describe(entry.type, entry.is_directory() ? std::nullopt : std::optional(entry.content),
                     attributes, describe(entry.node()));
    }
    return out;
}

TreeDevice::TreeDevice(const std::string& label, std::uint64_t seed)
    : label_(label),
      log_(mixed<LogId>({as_bytes(label)}, 'd')),
      tree_random_(seed),
      model_random_(seed) {
    tree_ = std::make_unique<Tree>(TreeEnvironment{tree_random_, ids_, label_});
    model_ = std::make_unique<reference::Device>(label_, model_random_, ids_);
}

// Eight operations a second, so that derived names of one device meet.
Stamp TreeDevice::tick() {
    ++time;
    return {(1'700'000'000'000ULL + time * 125) << 16, log_};
}

std::optional<TreeDevice::Place> TreeDevice::place(const std::string& path) const {
    FileId directory = kRootFile;
    const auto [above, name] = split(path);
    for (std::size_t at = 1; at < above.size();) {
        const std::size_t slash = std::min(above.find('/', at), above.size());
        const auto found = tree_->lookup(directory, above.substr(at, slash - at));
        if (!found.ok() || found->type != FileType::Directory) return std::nullopt;
        directory = found->node.file;
        at = slash + 1;
    }
    return Place{directory, name};
}

std::optional<TreeEntry> TreeDevice::entry(const std::string& path) const {
    const auto at = place(path);
    if (!at) return std::nullopt;
    auto found = tree_->lookup(at->directory, at->name);
    return found.ok() ? std::optional(*std::move(found)) : std::nullopt;
}

bool TreeDevice::agree(const std::string& what, bool tree, bool model) {
    trace.push_back(label_ + "." + what + (tree ? "" : " refused"));
    if (tree != model)
        disagreement_ = what + ": tree says " + (tree ? "yes" : "no") + ", model the opposite";
    const std::vector<Record> fresh = tree_->take_new_records();
    journal_.insert(journal_.end(), fresh.begin(), fresh.end());
    return tree;
}

bool TreeDevice::create(const std::string& path, const std::string& text, FileType type) {
    const Stamp stamp = tick();
    const auto at = place(path);
    const bool done =
        at && tree_->create(at->directory, at->name, {type, inline_content(text), {}}, stamp).ok();
    return agree("create(" + path + ", " + text + ")", done,
                 model_->create(path, type, inline_content(text), stamp));
}

bool TreeDevice::mkdir(const std::string& path) {
    const Stamp stamp = tick();
    const auto at = place(path);
    const bool done = at && tree_->make_directory(at->directory, at->name, {}, stamp).ok();
    return agree("mkdir(" + path + ")", done, model_->make_directory(path, stamp));
}

bool TreeDevice::write(const std::string& path, const std::string& text) {
    const Stamp stamp = tick();
    const auto at = entry(path);
    const bool done = at && tree_->write(at->node, inline_content(text), {}, stamp).ok();
    return agree("write(" + path + ", " + text + ")", done,
                 model_->write(path, inline_content(text), stamp));
}

bool TreeDevice::unlink(const std::string& path) {
    const Stamp stamp = tick();
    const auto at = place(path);
    const bool done = at && tree_->remove_file(at->directory, at->name, stamp).ok();
    return agree("unlink(" + path + ")", done, model_->remove_file(path, stamp));
}

bool TreeDevice::rmdir(const std::string& path) {
    const Stamp stamp = tick();
    const auto at = place(path);
    const bool done = at && tree_->remove_directory(at->directory, at->name, stamp).ok();
    return agree("rmdir(" + path + ")", done, model_->remove_directory(path, stamp));
}

bool TreeDevice::link(const std::string& source, const std::string& path) {
    const Stamp stamp = tick();
    const auto from = entry(source);
    const auto at = place(path);
    const bool done =
        from && at && tree_->make_link(from->node, at->directory, at->name, stamp).ok();
    return agree("link(" + source + ", " + path + ")", done,
                 model_->make_link(source, path, stamp));
}

bool TreeDevice::chmod(const std::string& path, std::uint32_t mode) {
    const Stamp stamp = tick();
    const auto at = entry(path);
    const std::vector<AttributeSetting> settings{mode_setting(mode)};
    const bool done = at && tree_->set_attributes(at->node, settings, stamp).ok();
    return agree("chmod(" + path + ", " + std::to_string(mode) + ")", done,
                 model_->set_attribute(path, settings[0], stamp));
}

bool TreeDevice::rename(const std::string& source, const std::string& path, RenameMode mode) {
    const Stamp stamp = tick();
    const auto from = place(source), to = place(path);
    const bool done =
        from && to &&
        tree_->rename(from->directory, from->name, to->directory, to->name, mode, stamp).ok();
    return agree(
        "rename(" + source + ", " + path + ", " + std::to_string(static_cast<int>(mode)) + ")",
        done, model_->rename(source, path, mode, stamp));
}

bool TreeDevice::resolve(const std::string& path) {
    const Stamp stamp = tick();
    const auto at = entry(path);
    const bool done = at && at->type != FileType::Directory && tree_->resolve(at->node, stamp).ok();
    return agree("resolve(" + path + ")", done, model_->resolve(path, stamp));
}

bool TreeDevice::restore(const LinkId& link) {
    const Stamp stamp = tick();
    const bool done = tree_->restore(link, stamp).ok();
    return agree("restore(" + link.to_hex().substr(0, 8) + ")", done, model_->restore(link, stamp));
}

bool TreeDevice::open(int handle, const std::string& path) {
    const Stamp stamp = tick();
    const auto at = entry(path);
    bool done = false;
    if (at) {
        if (auto ticket = tree_->begin_write(at->node, stamp); ticket.ok()) {
            tickets_[handle] = *ticket;
            done = true;
        }
    }
    return agree("open(" + std::to_string(handle) + ", " + path + ")", done,
                 model_->open(handle, path, stamp));
}

bool TreeDevice::close(int handle, const std::string& text) {
    const Stamp stamp = tick();
    const WriteTicket ticket = tickets_.at(handle);
    const bool attached = tree_->is_attached(ticket);
    const bool kept = tree_->commit_write(ticket, inline_content(text), {}, stamp).kept;
    CHECK(attached == kept);
    tree_->end_write(ticket);
    tickets_.erase(handle);
    return agree("close(" + std::to_string(handle) + ", " + text + ")", kept,
                 model_->close(handle, inline_content(text), stamp));
}

std::optional<TreeSegment> TreeDevice::publish() {
    trace.push_back(label_ + ".publish");
    auto segment = model_->publish();
    const PublishedRecords published = tree_->publish();
    journal_.clear();
    if (!segment) {
        if (!published.records.empty())
            disagreement_ = "the tree publishes what the model does not";
        return std::nullopt;
    }
    const reference::Records a(published.records.begin(), published.records.end());
    const reference::Records b(segment->records.begin(), segment->records.end());
    if (a != b) disagreement_ = "published records differ";
    applied_.push_back(published.records);
    return TreeSegment{*segment, published.records};
}

bool TreeDevice::deliver(const TreeSegment& segment) {
    if (!model_->deliver(segment.reference)) return false;
    trace.push_back(label_ + ".deliver(" + segment.reference.device +
                    std::to_string(segment.reference.number) + ")");
    tree_->apply(segment.records);
    applied_.push_back(segment.records);
    for (const Record& record : segment.records) {
        const Stamp stamp = std::visit([](const auto& each) { return each.stamp; }, record);
        const std::uint64_t ticks = ((stamp.time >> 16) - 1'700'000'000'000ULL) / 125;
        time = std::max(time, ticks);
    }
    return true;
}

void TreeDevice::restart() {
    trace.push_back(label_ + ".restart");
    auto fresh = std::make_unique<Tree>(TreeEnvironment{tree_random_, ids_, label_});
    // As an unlock does: most from the index at once, what is newer segment by segment.
    const std::size_t loaded = applied_.size() - applied_.size() % 3;
    for (std::size_t at = 0; at < loaded; ++at) fresh->load(applied_[at]);
    fresh->finish_loading();
    if (!fresh->take_changes().empty()) disagreement_ = "a loaded tree has changes to tell";
    for (std::size_t at = loaded; at < applied_.size(); ++at) fresh->apply(applied_[at]);
    fresh->restore_pending(journal_);
    if (visible(*fresh) != visible(*tree_)) disagreement_ = "a restarted tree is another";
    if (fresh->pending() != tree_->pending())
        disagreement_ = "a restarted tree has other pending records";
    if (tickets_.empty()) tree_ = std::move(fresh);
}

VisibleTree TreeDevice::rebuilt(const std::vector<std::vector<Record>>& segments) {
    SeededRandom random(1);
    const TestDerivedIds ids;
    Tree tree({random, ids, "rebuilt"});
    for (const std::vector<Record>& segment : segments) tree.apply(segment);
    return visible(tree);
}

std::optional<std::string> TreeDevice::read(const std::string& path) const {
    const auto at = entry(path);
    if (!at || at->type == FileType::Directory) return std::nullopt;
    return std::string(as_text(tree_->content(at->node)->inline_bytes));
}

std::vector<std::string> TreeDevice::paths() const {
    std::vector<std::string> out;
    for (const auto& [path, entry] : seen()) out.push_back(path);
    return out;
}

std::string TreeDevice::difference() {
    if (!disagreement_.empty()) return label_ + ": " + disagreement_;
    const VisibleTree mine = seen(), wanted = visible(model_->view());
    if (mine == wanted) return "";
    std::string out = label_ + ": tree and model differ\n";
    for (const auto& [path, text] : mine) {
        if (!wanted.contains(path) || wanted.at(path) != text)
            out += "  tree:  " + path + " " + text + "\n";
    }
    for (const auto& [path, text] : wanted) {
        if (!mine.contains(path) || mine.at(path) != text)
            out += "  model: " + path + " " + text + "\n";
    }
    return out;
}

}  // namespace lockstep
