// VaultFiles: open files, their content, and how it becomes versions.
#include <algorithm>

#include "vault/files/vault_files.h"

namespace lockstep {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kSealStreamAt = 2 * kMiB;     // a stream is handed to a worker
constexpr std::uint64_t kStreamAheadMax = 12 * kMiB;  // and waits for it
constexpr std::uint64_t kDirtyTotalMax = 96 * kMiB;   // of all files of a vault

constexpr auto kRoomBelieved = std::chrono::milliseconds(100);
constexpr std::uint64_t kRoomKept = kMiB;  // for the journal and the log

constexpr std::uint64_t kJournaledAtOnce = 4 * kMiB;  // in one entry of the journal

constexpr std::size_t kReadAheadChunks = 8;  // one task for a worker

Error bad_handle() {
    return {ErrorKind::Invalid, "the file is not open"};
}

}  // namespace

// ---- handles

std::shared_ptr<OpenFile> VaultFiles::open_file(NodeId id) {
    NodeRecord* record = nodes_.find(id);
    if (record == nullptr) return nullptr;
    if (!record->open) {
        record->open = std::make_shared<OpenFile>(content_, chunker_, dirty_total_);
        record->open->id = id;
        record->open->is_orphan = record->orphan.has_value();
    }
    return record->open;
}

HandleId VaultFiles::add_handle(std::shared_ptr<OpenFile> file, bool may_write) {
    // Numbers are never used again, so a handle of before a lock is not taken for one of after.
    static std::atomic<HandleId> next{1};
    HandleId id = next++;
    ++file->handles;
    MutexLock lock(handles_mutex_);
    handles_[id] = {std::move(file), may_write};
    return id;
}

Result<VaultFiles::Handle> VaultFiles::handle_of(HandleId id) {
    MutexLock lock(handles_mutex_);
    auto at = handles_.find(id);
    if (at == handles_.end()) return bad_handle();
    return at->second;
}

Result<HandleId> VaultFiles::open(NodeId id, const OpenRequest& request) {
    HandleId handle = 0;
    {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        switch (host_.tree.type(record->node.file).value_or(FileType::Regular)) {
            case FileType::Directory:
                return Error{ErrorKind::IsDirectory, "is a directory"};
            case FileType::Symlink:
                return Error{ErrorKind::Loop, "is a symbolic link"};
            case FileType::Fifo:
            case FileType::Socket:
                return Error{ErrorKind::Unsupported, "has no content"};
            case FileType::Regular:
                break;
        }
        handle = add_handle(open_file(id), request.write);
    }
    if (request.truncate && request.write) {
        if (Status resized = resize(id, 0); !resized.ok()) {
            release(handle);
            return std::move(resized).error();
        }
    }
    return handle;
}

void VaultFiles::release(HandleId id) {
    auto handle = handle_of(id);
    if (!handle.ok()) return;
    OpenFile& file = *handle->file;
    bool is_last = false;
    {
        MutexLock lock(host_.mutex);
        MutexLock handles_lock(handles_mutex_);
        if (handles_.erase(id) == 0) return;
        is_last = --file.handles == 0;
    }
    if (!is_last) return;
    // An error has nobody to go to any more: what could not become a version stays in memory and is
    // tried again by commit_written().
    if (file.is_modified) static_cast<void>(commit_version(file).ok());
    let_go(file);
}

// Forgets the file when nobody has it open and nothing of it is in memory only.
void VaultFiles::let_go(OpenFile& file) {
    if (file.is_unnamed) return;
    MutexLock file_lock(file.mutex);
    MutexLock lock(host_.mutex);
    if (file.handles > 0 || (file.is_modified && !file.is_orphan)) return;
    end_journaled(file);
    if (file.ticket) {
        host_.tree.end_write(*file.ticket);
        file.ticket.reset();
    }
    if (NodeRecord* record = nodes_.find(file.id); record != nullptr && record->open.get() == &file)
        record->open.reset();
    nodes_.release(file.id);
}

std::size_t VaultFiles::open_handles() {
    MutexLock lock(handles_mutex_);
    return handles_.size();
}

VaultFiles::InUse VaultFiles::content_in_use() {
    InUse out;
    std::set<std::shared_ptr<OpenFile>> files;
    {
        MutexLock lock(host_.mutex);
        nodes_.for_each([&](const NodeRecord& record) {
            if (!record.open) return;
            files.insert(record.open);
            if (record.orphan) out.contents.push_back(record.orphan->content);
        });
        // Files without a name are no nodes.
        MutexLock handles_lock(handles_mutex_);
        for (const auto& [id, handle] : handles_) files.insert(handle.file);
    }
    for (const auto& file : files) {
        MutexLock lock(file->mutex);
        out.contents.push_back(file->base);
        for (const ChunkId& chunk : file->content.chunks()) out.chunks.push_back(chunk);
    }
    return out;
}

std::vector<std::string> VaultFiles::open_paths() {
    MutexLock lock(host_.mutex);
    MutexLock handles_lock(handles_mutex_);
    std::set<std::string> out;
    for (const auto& [id, handle] : handles_) {
        NodeRecord* record = nodes_.find(handle.file->id);
        if (record == nullptr || record->orphan) continue;
        for (std::string& path : host_.tree.paths(record->node)) out.insert(std::move(path));
    }
    return {out.begin(), out.end()};
}

// ---- reading

// Makes `content` show what the tree shows. A file that is being written keeps the version it began
// with.
Status VaultFiles::load(OpenFile& file) {
    if (!file.is_stale()) return {};
    std::uint64_t change = 0;
    Content content;
    std::optional<VersionId> version;
    {
        MutexLock lock(host_.mutex);
        NodeRecord* record = nodes_.find(file.id);
        if (record == nullptr) return Error{ErrorKind::NotFound, "no such file any more"};
        if (record->orphan) {
            content = record->orphan->content;
        } else {
            content = host_.tree.content(record->node).value_or(inline_content(ids_, {}));
            version = host_.tree.version(record->node);
        }
        change = file.changes;
    }
    if (!version || file.loaded != version) {
        if (content.kind == Content::Kind::Inline) {
            file.content.load_bytes(content.inline_bytes);
        } else {
            TRY(ContentList list, load_content(ids_, content, content_));
            file.content.load(std::move(list));
            note_holes(content, file.content.allocated());
        }
        file.loaded = version;
    }
    file.base = std::move(content);
    // A merge since then has made it stale again.
    file.shown = change;
    return {};
}

Result<std::size_t> VaultFiles::read(HandleId id, std::uint64_t offset, MutableByteView out) {
    TRY(Handle handle, handle_of(id));
    OpenFile& file = *handle.file;
    if (file.is_stale() && !file.is_modified) {
        MutexLock lock(file.mutex);
        if (!file.is_modified) TRY_OK(load(file));
    }
    Result<std::size_t> got = file.content.read(offset, out);
    if (got.ok()) note_read(handle.file, offset, *got);
    return got;
}

// A reader that goes on where it stopped soon wants what follows: workers open it meanwhile. What
// it has passed it has, and whoever mounts keeps pages of it: others need the memory more.
void VaultFiles::note_read(const std::shared_ptr<OpenFile>& file, std::uint64_t offset,
                           std::size_t size) {
    const ReadStream::Advice advice = file->reads.note(offset, size, file->content.size());
    if (advice.done_from < advice.done_to)
        content_.done_with(file->content.chunks_within(advice.done_from, advice.done_to));
    if (!advice.fetch_from) return;
    std::vector<ChunkId> chunks = file->content.chunks_from(*advice.fetch_from, kReadAheadChunks);
    if (chunks.size() < 2) return;
    file->reads.fetching(*advice.fetch_from + chunks.size() * kChunkSizeAverage);
    in_background([this, chunks = std::move(chunks)] { content_.prefetch(chunks); });
}

void VaultFiles::in_background(std::function<void()> task) {
    {
        MutexLock lock(background_mutex_);
        ++background_;
    }
    workers_.submit([this, task = std::move(task)] {
        task();
        MutexLock lock(background_mutex_);
        --background_;
        background_ended_.notify_all();
    });
}

// ---- writing

Status VaultFiles::begin_write(OpenFile& file) {
    if (file.is_modified || file.is_unnamed) return {};
    News news;
    // What was written to a file without a name is nowhere but in `content`: that stays.
    bool is_orphan = false;
    {
        MutexLock lock(host_.mutex);
        NodeRecord* record = nodes_.find(file.id);
        if (record == nullptr) return Error{ErrorKind::NotFound, "no such file any more"};
        is_orphan = record->orphan.has_value();
        if (!is_orphan && !file.ticket) {
            const Stamp begun = host_.tick();
            auto ticket = host_.tree.begin_write(record->node, begun);
            if (!ticket.ok()) return std::move(ticket).error();
            file.ticket = *ticket;
            file.begun = begun;
            news = finish_operation({});  // a sibling that is opened for writing becomes a file of
                                          // its own
        }
    }
    tell(news);
    // What the ticket captured and what `content` shows are one version: a merge in between makes
    // it stale.
    if (!is_orphan) file.set_stale();
    return load(file);
}

void VaultFiles::mark_modified(OpenFile& file) {
    file.modified_ns = file.changed_ns = now_ns();
    file.last_write = host_.clock().steady().time_since_epoch().count();
    const bool is_first = !file.is_modified.exchange(true);
    const ChangeObserver* consumer = ChangeOrigin::consumer();
    file.writer = is_first || file.writer == consumer ? consumer : nullptr;
    if (!is_first || file.is_unnamed) return;
    bool is_alone = false;
    {
        MutexLock lock(modified_mutex_);
        is_alone = modified_.empty();
        modified_[&file] = file.shared_from_this();
    }
    // Beside other files whoever makes versions looks again in time.
    if (is_alone) host_.write_begun();
}

std::vector<std::shared_ptr<OpenFile>> VaultFiles::modified_files() {
    MutexLock lock(modified_mutex_);
    std::vector<std::shared_ptr<OpenFile>> out;
    for (auto at = modified_.begin(); at != modified_.end();) {
        if (at->second->is_modified && !at->second->is_orphan) {
            out.push_back(at->second);
            ++at;
        } else {
            at = modified_.erase(at);
        }
    }
    return out;
}

// What is sealed later has to find room on the disk then: who writes is told now.
Status VaultFiles::check_room(std::size_t size) {
    const steady_clock::time_point now = host_.clock().steady();
    if (now.time_since_epoch().count() >= room_until_) {
        TRY(FileSystemSpace space, host_.space());
        room_ = space.blocks_available * space.block_size;
        room_until_ = (now + kRoomBelieved).time_since_epoch().count();
    }
    if (dirty_total_ + size + kRoomKept <= room_ || size == 0) return {};
    return Error{ErrorKind::NoSpace, "the disk is full"};
}

Status VaultFiles::write(HandleId id, std::uint64_t offset, ByteView data) {
    TRY(Handle handle, handle_of(id));
    if (!handle.may_write) return Error{ErrorKind::Invalid, "the file is open for reading only"};
    OpenFile& file = *handle.file;
    TRY_OK(check_room(data.size()));
    MutexLock lock(file.mutex);
    TRY_OK(begin_write(file));
    TRY_OK(file.content.write(offset, data));
    mark_modified(file);
    return limit_dirty(file);
}

// What streams is sealed by a worker while the writer goes on, but not further ahead than memory
// allows; scattered writes stay until the file is quiet, as long as there is room for them.
Status VaultFiles::limit_dirty(OpenFile& file) {
    FileContent& content = file.content;
    if (content.streamed_bytes() >= kSealStreamAt && !file.is_streaming.exchange(true)) {
        in_background([held = file.shared_from_this()] {
            held->content.seal_stream();
            held->is_streaming = false;
        });
    }
    if (content.streamed_bytes() >= kStreamAheadMax) {
        content.wait_until_sealed();
        TRY_OK(content.take_stream_error());
    }
    if (dirty_total_ >= kDirtyTotalMax && content.dirty_bytes() >= kMiB) TRY_OK(content.seal_all());
    return {};
}

Status VaultFiles::resize(NodeId id, std::uint64_t size) {
    std::shared_ptr<OpenFile> file;
    HandleId handle = 0;
    bool is_alone = false;  // an operation of its own: its version is made at once
    {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        FileType type = host_.tree.type(record->node.file).value_or(FileType::Regular);
        if (type == FileType::Directory) return Error{ErrorKind::IsDirectory, "is a directory"};
        if (type != FileType::Regular)
            return Error{ErrorKind::Invalid, "only files have a size to set"};
        file = open_file(id);
        is_alone = file->handles == 0;
        // Held like any open file: a release of the last handle may be on its way, and forget it.
        handle = add_handle(file, true);
    }
    Status out = [&]() -> Status {
        MutexLock lock(file->mutex);
        if (file->is_stale() && !file->is_modified) TRY_OK(load(*file));
        if (file->content.size() == size) return {};
        TRY_OK(begin_write(*file));
        TRY_OK(file->content.truncate(size));
        mark_modified(*file);
        return {};
    }();
    if (is_alone && out.ok()) out = commit_version(*file);
    release(handle);
    return out;
}

Result<Content> VaultFiles::seal_content(OpenFile& file) {
    TRY(FileContent::Sealed sealed, file.content.seal());
    if (sealed.bytes) return inline_content(ids_, *sealed.bytes);
    auto content = store_content(ids_, sealed.list, content_);
    if (content.ok())
        note_holes(*content, file.content.allocated());
    else
        file.content.set_journal_failed();  // what was written stands nowhere yet: see seal()
    return content;
}

void VaultFiles::note_holes(const Content& content, std::uint64_t allocated) {
    constexpr std::size_t kSparseKnownMax = 65536;
    if (allocated == content.size) return;
    MutexLock lock(host_.mutex);
    if (sparse_.size() < kSparseKnownMax) sparse_[content.root] = allocated;
}

Status VaultFiles::commit_version(OpenFile& file) {
    News news;
    const ChangeObserver* writer = nullptr;
    {
        MutexLock lock(file.mutex);
        if (!file.is_modified) return {};
        // Without a name there is no version: what was written stays in `content`, for as long as
        // the file is open, and is not loaded again.
        if (file.is_orphan) {
            end_journaled(file);
            return {};
        }
        const auto began = steady_clock::now();
        TRY(Content content, seal_content(file));
        // Sealing again and again what programs go on writing to may take a part of the time, no
        // more.
        constexpr int kShareOfTime = 10;
        const auto now = steady_clock::now();
        file.version_not_before = (now + kShareOfTime * (now - began)).time_since_epoch().count();
        MutexLock tree_lock(host_.mutex);
        if (!file.ticket) return {};
        std::vector<AttributeSetting> settings{
            {AttributeKey::ModifiedNs, "", encode_time(file.modified_ns)}};
        const std::uint64_t allocated = file.content.allocated();
        if (content.kind != Content::Kind::Inline && allocated < content.size)
            settings.push_back(allocated_setting(content.root, allocated));
        WriteOutcome outcome =
            host_.tree.commit_write(*file.ticket, content, settings, host_.tick());
        host_.tree.end_write(*file.ticket);
        file.ticket.reset();
        file.is_modified = false;
        end_journaled(file);
        if (outcome.kept) {
            file.loaded = outcome.version;
            file.set_stale();  // remote heads may be shown now; load() sees when it is still this
                               // version
        }
        news = finish_operation({});
        // Whoever wrote it has it as it is now, unless something else has come to be shown.
        if (NodeRecord* record = nodes_.find(file.id);
            record != nullptr && !record->orphan &&
            host_.tree.version(record->node) == outcome.version)
            own_what_shows(record->node, file.id, news);
        writer = file.writer;
    }
    tell(news, writer);
    return {};
}

// Takes the node, and the entries that show it as before, for the operation's own news.
void VaultFiles::own_what_shows(const Node& node, NodeId id, News& news) {
    std::vector<std::pair<NodeId, std::string>> entries = std::exchange(news.others.entries, {});
    for (auto& place : entries) {
        NodeRecord* directory = nodes_.find(place.first);
        bool is_own = false;
        if (directory != nullptr) {
            const auto entry = host_.tree.lookup(directory->node.file, place.second);
            is_own = entry.ok() && entry->node == node;
        }
        (is_own ? news.own : news.others).entries.push_back(std::move(place));
    }
    if (std::erase(news.others.nodes, id) > 0) news.own.nodes.push_back(id);
}

Status VaultFiles::flush(HandleId id) {
    TRY(Handle handle, handle_of(id));
    return commit_version(*handle.file);
}

Status VaultFiles::sync(HandleId id) {
    TRY(Handle handle, handle_of(id));
    OpenFile& file = *handle.file;
    bool is_journaled = false;
    {
        MutexLock lock(file.mutex);
        is_journaled =
            file.is_modified && !file.is_orphan && file.ticket && file.content.is_journal_cheaper();
        if (is_journaled) {
            TRY(is_journaled, journal_write(file));
        }
    }
    if (!is_journaled) TRY_OK(commit_version(file));
    return host_.commit();
}

// Instead of a version, which comes when there is time for it. False: only a version will do.
Result<bool> VaultFiles::journal_write(OpenFile& file) {
    JournalWrite write;
    const auto now = host_.clock().steady().time_since_epoch().count();
    const bool is_first = file.journaled_since == 0;
    {
        MutexLock lock(host_.mutex);
        if (!host_.tree.is_attached(*file.ticket)) return true;
        write.base.file = host_.tree.ticket_node(*file.ticket).file;
        write.base.replaces = host_.tree.replaced_by(*file.ticket);
        if (is_first) {
            // Another consumer has made a version since: replay would take the write for ended.
            const std::set<LogId> own{file.begun.log, host_.tick().log};
            if (host_.tree.has_ended(write.base.file, file.begun, own, {})) return false;
            // Counted before it is in the journal: a publish must not take it for released in
            // between.
            file.journaled_since = now;
            ++journaled_files_;
        }
    }
    write.base.content = file.base;
    write.base.stamp = file.begun;
    write.modified_ns = file.modified_ns;
    for (bool is_all = false; !is_all;) {
        auto written = file.content.take_unjournaled(kJournaledAtOnce);
        Status appended = written.ok() ? Status() : Status(written.error());
        if (appended.ok()) {
            is_all = written->is_all;
            write.size_min = written->size_min;
            write.size = written->size;
            write.ranges.clear();
            for (auto& range : written->ranges)
                write.ranges.push_back({range.offset, std::move(range.bytes)});
            appended = host_.append_write(write);
        }
        if (!appended.ok()) {
            file.content.set_journal_failed();
            return std::move(appended).error();
        }
    }
    file.journaled_last = now;
    if (is_first) host_.write_begun();
    return true;
}

// Open files that show the node and have left to the journal what was written to them.
std::vector<std::shared_ptr<OpenFile>> VaultFiles::left_to_journal(const Node& node) {
    std::vector<std::shared_ptr<OpenFile>> out;
    for (NodeId id : nodes_.numbers_of(node))
        if (const auto& open = nodes_.find(id)->open; open && open->journaled_since != 0)
            out.push_back(open);
    return out;
}

// Before another consumer makes a version of the node: for the journal that is the end of what it
// holds of a write.
Status VaultFiles::commit_journaled(NodeId id) {
    std::vector<std::shared_ptr<OpenFile>> files;
    {
        MutexLock lock(host_.mutex);
        TRY(NodeRecord * record, record_of(id));
        files = left_to_journal(record->node);
    }
    for (const auto& file : files) TRY_OK(commit_version(*file));
    return {};
}

void VaultFiles::end_journaled(OpenFile& file) {
    if (file.journaled_since.exchange(0) != 0) --journaled_files_;
}

Status VaultFiles::sync_metadata() {
    return host_.commit();
}

namespace {

steady_clock::time_point at(steady_clock::duration::rep ticks) {
    return steady_clock::time_point(steady_clock::duration(ticks));
}

// When the file is to become a version: when it has been quiet, soon after an fsync, or after some
// time of steady fsyncs.
steady_clock::time_point version_due(const OpenFile& file) {
    const steady_clock::time_point last_write = at(file.last_write);
    const steady_clock::time_point quiet = last_write + kQuietTime;
    if (file.journaled_since == 0) return quiet;
    steady_clock::time_point due = at(file.journaled_since) + kSyncedTimeMax;
    if (at(file.journaled_last) >= last_write)
        due = std::min(due, at(file.journaled_last) + kSyncedQuietTime);
    return std::min(quiet, std::max(due, at(file.version_not_before)));
}

}  // namespace

Status VaultFiles::commit_written(steady_clock::time_point now, bool all) {
    Status out;
    for (const auto& file : modified_files()) {
        if (!all && version_due(*file) > now) continue;
        if (Status committed = commit_version(*file); !committed.ok() && out.ok())
            out = std::move(committed);
        let_go(*file);
    }
    return out;
}

std::optional<steady_clock::time_point> VaultFiles::next_commit() {
    std::optional<steady_clock::time_point> next;
    for (const auto& file : modified_files()) {
        steady_clock::time_point due = version_due(*file);
        if (!next || due < *next) next = due;
    }
    return next;
}

}  // namespace lockstep
