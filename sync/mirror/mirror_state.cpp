#include "sync/mirror/mirror_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "base/log.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA locking_mode=EXCLUSIVE;"
    "CREATE TABLE IF NOT EXISTS identity(text TEXT NOT NULL, format INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS entry(row INTEGER PRIMARY KEY, parent INTEGER NOT NULL,"
    " name BLOB NOT NULL, type INTEGER NOT NULL, size INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, born INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " mode INTEGER NOT NULL, node INTEGER NOT NULL, version BLOB NOT NULL,"
    " vault_mode INTEGER NOT NULL, vault_modified INTEGER NOT NULL, leftover INTEGER NOT NULL,"
    " xattrs INTEGER NOT NULL, vault_xattrs INTEGER NOT NULL);";
constexpr int kFormat = 2;
constexpr const char* kStepsEnd = "-steps";

class Statement {
  public:
    Statement(sqlite3* database, const char* sql) {
        is_ok_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) == SQLITE_OK;
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    void bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }
    void bind(std::uint64_t value) { bind(static_cast<std::int64_t>(value)); }
    void bind_bytes(ByteView value) {
        sqlite3_bind_blob(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                          SQLITE_STATIC);
    }
    bool step() { return is_ok_ && sqlite3_step(statement_) == SQLITE_ROW; }
    bool run() {
        const bool is_done = is_ok_ && sqlite3_step(statement_) == SQLITE_DONE;
        sqlite3_reset(statement_);
        bound_ = 0;
        return is_done;
    }
    std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
    std::uint64_t number(int column) { return static_cast<std::uint64_t>(integer(column)); }
    ByteView bytes(int column) {
        const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
        return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }

  private:
    sqlite3_stmt* statement_ = nullptr;
    bool is_ok_ = false;
    int bound_ = 0;
};

bool is_directory(const MirrorEntry& entry) {
    return entry.folder.type == FileType::Directory;
}

}  // namespace

// ---- the file

Error MirrorState::failure(std::string_view doing) const {
    const int code = database_ == nullptr ? SQLITE_CANTOPEN : sqlite3_errcode(database_);
    const ErrorKind kind = code == SQLITE_FULL                               ? ErrorKind::NoSpace
                           : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorKind::Corrupt
                                                                             : ErrorKind::Io;
    return {kind, fmt::format("{}: {}", doing, sqlite3_errstr(code))};
}

void MirrorState::remove_files(const fs::path& file) {
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm", "-journal", kStepsEnd})
        fs::remove(file.native() + end, ignored);
}

Result<std::unique_ptr<MirrorState>> MirrorState::open(const fs::path& file,
                                                       std::string_view identity) {
    for (const bool is_last : {false, true}) {
        std::unique_ptr<MirrorState> state(new MirrorState);
        state->root_.folder.type = state->root_.vault.type = FileType::Directory;
        Status opened = state->open_database(file, identity);
        if (opened.ok()) opened = state->load();
        if (opened.ok()) {
            TRY(state->steps_, StepLog::open(file.native() + kStepsEnd));
            return state;
        }
        if (is_last || opened.error().kind != ErrorKind::Corrupt)
            return std::move(opened).error().in("state of the mirror");
        log_warning("mirror", "the state of a mirror is damaged: both sides are compared anew");
        state.reset();
        remove_files(file);
    }
    return Error{ErrorKind::Corrupt, "state of the mirror"};
}

Status MirrorState::open_database(const fs::path& file, std::string_view identity) {
    // SQLite gives what it makes beside the mode of the database.
    const UniqueFd made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK)
        return failure("open");
    TRY_OK(execute(kSchema));
    Statement known(database_, "SELECT text, format FROM identity");
    if (known.step()) {
        if (as_text(known.bytes(0)) != identity)
            return Error{ErrorKind::Conflict, "it is another mirror's"};
        if (known.integer(1) != kFormat) return Error{ErrorKind::Corrupt, "another format"};
        return {};
    }
    Statement note(database_, "INSERT INTO identity VALUES(CAST(? AS TEXT), ?)");
    note.bind_bytes(as_bytes(identity));
    note.bind(std::int64_t{kFormat});
    if (!note.run()) return failure("write");
    return {};
}

MirrorState::~MirrorState() {
    sqlite3_close(database_);
}

Status MirrorState::execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return failure("database");
    return {};
}

// Rows may come before the one of their parent.
Status MirrorState::load() {
    struct Row {
        std::uint64_t parent;
        std::unique_ptr<MirrorEntry> entry;
    };
    std::unordered_map<std::uint64_t, std::vector<std::unique_ptr<MirrorEntry>>> by_parent;
    Statement rows(database_, "SELECT * FROM entry");
    while (rows.step()) {
        auto entry = std::make_unique<MirrorEntry>();
        entry->row = rows.number(0);
        entry->name = as_text(rows.bytes(2));
        entry->folder.type = entry->vault.type = static_cast<FileType>(rows.integer(3));
        entry->folder.size = rows.number(4);
        entry->folder.modified_ns = rows.integer(5);
        entry->folder.born_ns = rows.integer(6);
        entry->folder.inode = rows.number(7);
        entry->folder.mode = static_cast<std::uint32_t>(rows.integer(8));
        entry->vault.node = rows.number(9);
        if (rows.bytes(10).size() != VersionId::kSize || entry->name.empty())
            return Error{ErrorKind::Corrupt, "a row makes no sense"};
        entry->vault.version = VersionId::from(rows.bytes(10));
        entry->vault.mode = static_cast<std::uint32_t>(rows.integer(11));
        entry->vault.modified_ns = rows.integer(12);
        entry->is_leftover = rows.integer(13) != 0;
        entry->folder.xattrs = rows.number(14);
        entry->vault.xattrs = rows.number(15);
        next_row_ = std::max(next_row_, entry->row + 1);
        by_parent[rows.number(1)].push_back(std::move(entry));
    }
    if (sqlite3_errcode(database_) != SQLITE_DONE && sqlite3_errcode(database_) != SQLITE_OK)
        return failure("read");
    std::vector<MirrorEntry*> parents{&root_};
    while (!parents.empty()) {
        MirrorEntry* const parent = parents.back();
        parents.pop_back();
        for (auto& child : by_parent[parent->row]) {
            child->parent = parent;
            MirrorEntry* const at = child.get();
            if (!parent->children.emplace(at->name, std::move(child)).second) continue;
            index(*at);
            parents.push_back(at);
        }
    }
    return {};
}

Status MirrorState::commit() {
    if (!has_changes()) return steps_->clear();
    TRY_OK(execute("BEGIN"));
    Statement drop(database_, "DELETE FROM entry WHERE row=?");
    Statement keep(database_,
                   "INSERT OR REPLACE INTO entry VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    bool is_ok = true;
    for (const std::uint64_t row : removed_) {
        drop.bind(row);
        is_ok = is_ok && drop.run();
    }
    for (const MirrorEntry* entry : changed_) {
        keep.bind(entry->row);
        keep.bind(entry->parent->row);
        keep.bind_bytes(as_bytes(entry->name));
        keep.bind(static_cast<std::int64_t>(entry->folder.type));
        keep.bind(entry->folder.size);
        keep.bind(entry->folder.modified_ns);
        keep.bind(entry->folder.born_ns);
        keep.bind(entry->folder.inode);
        keep.bind(std::uint64_t{entry->folder.mode});
        keep.bind(entry->vault.node);
        keep.bind_bytes(entry->vault.version.view());
        keep.bind(std::uint64_t{entry->vault.mode});
        keep.bind(entry->vault.modified_ns);
        keep.bind(std::int64_t{entry->is_leftover});
        keep.bind(entry->folder.xattrs);
        keep.bind(entry->vault.xattrs);
        is_ok = is_ok && keep.run();
    }
    if (!is_ok) {
        Error broken = failure("write");
        static_cast<void>(execute("ROLLBACK").ok());
        return broken;
    }
    TRY_OK(execute("COMMIT"));
    removed_.clear();
    changed_.clear();
    return steps_->clear();
}

// ---- the tree

void MirrorState::index(MirrorEntry& entry) {
    by_inode_.emplace(entry.folder.inode, &entry);
    by_node_.emplace(entry.vault.node, &entry);
    ++by_row_;
    if (!is_directory(entry)) ++files_;
}

void MirrorState::unindex(MirrorEntry& entry) {
    const auto drop = [&](Index& index, std::uint64_t key) {
        const auto [first, last] = index.equal_range(key);
        for (auto at = first; at != last; ++at) {
            if (at->second != &entry) continue;
            index.erase(at);
            return;
        }
    };
    drop(by_inode_, entry.folder.inode);
    drop(by_node_, entry.vault.node);
    --by_row_;
    if (!is_directory(entry)) --files_;
}

MirrorEntry* MirrorState::find(std::string_view path) {
    MirrorEntry* at = &root_;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const auto child = at->children.find(path.substr(0, slash));
        if (child == at->children.end()) return nullptr;
        at = child->second.get();
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return at;
}

std::string MirrorState::path_of(const MirrorEntry& entry) {
    if (entry.parent == nullptr) return {};
    return join_path(path_of(*entry.parent), entry.name);
}

std::vector<MirrorEntry*> MirrorState::with_inode(std::uint64_t inode) const {
    std::vector<MirrorEntry*> found;
    const auto [first, last] = by_inode_.equal_range(inode);
    for (auto at = first; at != last; ++at) found.push_back(at->second);
    return found;
}

std::vector<MirrorEntry*> MirrorState::with_node(NodeId node) const {
    std::vector<MirrorEntry*> found;
    const auto [first, last] = by_node_.equal_range(node);
    for (auto at = first; at != last; ++at) found.push_back(at->second);
    return found;
}

MirrorEntry& MirrorState::put(MirrorEntry& parent, std::string_view name, const FileFacts& folder,
                              const VaultFacts& vault) {
    auto& place = parent.children[std::string(name)];
    if (place) {
        set(*place, folder, vault);
        return *place;
    }
    place = std::make_unique<MirrorEntry>();
    place->parent = &parent;
    place->name = name;
    place->row = next_row_++;
    place->folder = folder;
    place->vault = vault;
    index(*place);
    changed_.insert(place.get());
    return *place;
}

void MirrorState::set(MirrorEntry& entry, const FileFacts& folder, const VaultFacts& vault) {
    if (entry.folder == folder && entry.vault == vault && !entry.is_leftover) return;
    unindex(entry);
    entry.folder = folder;
    entry.vault = vault;
    entry.is_leftover = false;
    index(entry);
    changed_.insert(&entry);
}

void MirrorState::set_leftover(MirrorEntry& entry) {
    entry.is_leftover = true;
    changed_.insert(&entry);
}

void MirrorState::move(MirrorEntry& entry, MirrorEntry& parent, std::string_view name) {
    auto held = entry.parent->children.extract(entry.name);
    CHECK(held && !parent.children.contains(name));
    entry.parent = &parent;
    entry.name = name;
    held.key() = entry.name;
    parent.children.insert(std::move(held));
    changed_.insert(&entry);
}

void MirrorState::forget_below(MirrorEntry& entry) {
    for (const auto& [name, child] : entry.children) forget_below(*child);
    unindex(entry);
    changed_.erase(&entry);
    removed_.push_back(entry.row);
}

void MirrorState::remove(MirrorEntry& entry) {
    forget_below(entry);
    entry.parent->children.erase(std::string(entry.name));
}

std::uint64_t MirrorState::files_below(const MirrorEntry& entry) {
    if (!is_directory(entry)) return 1;
    std::uint64_t files = 0;
    for (const auto& [name, child] : entry.children) files += files_below(*child);
    return files;
}

}  // namespace lockstep
