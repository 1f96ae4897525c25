// Reconciler: large files that only become longer, in the vault, grow in the folder.
//
// What a crash leaves of that is a file that begins as it did and goes on with some of what was to
// come, or zeros. The step, which is durable before the first byte, says so; without it such a file
// would be somebody's change.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/mirror/reconciler.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// Below that, writing it anew is no work to speak of.
constexpr std::uint64_t kGrownSizeMin = 16 * kMiB;
// Held in memory, and written while whoever opens the file waits.
constexpr std::uint64_t kGrownBytesMax = 16 * kMiB;
// Of what was there, at its end, as much may be compared byte by byte.
constexpr std::uint64_t kComparedMax = 2 * kMiB;

Error system_error(std::string_view doing) {
    return {errno == ENOSPC || errno == EDQUOT ? ErrorKind::NoSpace : ErrorKind::Io,
            fmt::format("{}: {}", doing, std::strerror(errno))};
}

Result<Bytes> read_exactly(int from, std::uint64_t at, std::size_t size) {
    Bytes out(size);
    for (std::size_t done = 0; done < size;) {
        const ssize_t got =
            ::pread(from, out.data() + done, size - done, static_cast<off_t>(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return Error{ErrorKind::Busy, "it is shorter than it was"};
        done += static_cast<std::size_t>(got);
    }
    return out;
}

}  // namespace

// False: it is to be written anew, as any other.
Result<bool> Reconciler::grow(Look& look) {
    const bool may_grow = look.agreed->folder.type == FileType::Regular &&
                          look.vault->type == FileType::Regular &&
                          look.vault->node == look.agreed->vault.node &&
                          look.vault->xattrs == look.agreed->vault.xattrs &&
                          look.agreed->folder.size >= kGrownSizeMin;
    if (!may_grow || shares_blocks(look.path)) return false;
    std::uint64_t from = 0;
    TRY(const std::optional<Bytes> end, new_end(look, &from));
    if (!end) return false;
    TRY(const bool is_written, write_end(look, from, *end));
    return is_written;
}

// What the version that was looked at holds from the first byte on that is not known to be in the
// folder's file (`from`). Nullopt: it is no longer, or much longer, or something else.
Result<std::optional<Bytes>> Reconciler::new_end(const Look& look, std::uint64_t* from) {
    const std::optional<Bytes> none;
    const std::uint64_t size = look.agreed->folder.size;
    TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
    struct Forget {
        FileSystem& files;
        NodeId node;
        ~Forget() { files.forget(node, 1); }
    } const forget{files_, shown.node};
    if (shown.node != look.vault->node || shown.size <= size || shown.size - size > kGrownBytesMax)
        return none;
    const Result<std::vector<SharedRange>> ranges =
        files_.shared_ranges(shown.node, look.agreed->vault.version);
    if (!ranges.ok() || ranges->empty()) return none;
    const SharedRange& first = ranges->front();
    if (first.offset != 0 || first.earlier_offset != 0) return none;
    *from = std::min(first.length, size);
    if (size - *from > kComparedMax) return none;
    Bytes end(static_cast<std::size_t>(shown.size - *from));
    TRY(const HandleId handle, files_.open(shown.node, {.read = true}));
    const Result<std::size_t> got = files_.read(handle, *from, end);
    files_.release(handle);
    if (!got.ok()) return got.error();
    const Result<VersionId> version = files_.version(shown.node);
    if (*got != end.size() || !version.ok() || *version != look.vault->version) return none;
    return std::optional(std::move(end));
}

// False: somebody has it open, or it is not what was agreed on.
Result<bool> Reconciler::write_end(const Look& look, std::uint64_t from, ByteView end) {
    const FileFacts before = look.agreed->folder;
    const Result<UniqueFd> file = folder_.open_alone(look.path);
    if (!file.ok()) return false;
    const Result<FileFacts> opened = Folder::facts_of(file->get());
    const Result<FileFacts> named = folder_.facts(look.path);
    const bool is_agreed =
        opened.ok() && named.ok() && opened->has_content_of(before) && opened->is_same_file(*named);
    if (!is_agreed) return false;
    const auto known = static_cast<std::size_t>(before.size - from);
    TRY(const Bytes there, read_exactly(file->get(), from, known));
    if (!equal(there, end.first(known))) return false;

    TRY_OK(sync_vault());
    FileFacts after = before;
    after.size = from + end.size();
    after.modified_ns = look.vault->modified_ns;
    after.mode = look.vault->mode;
    const MirrorStep step{.folder = after,
                          .type = FileType::Regular,
                          .version = look.vault->version,
                          .grown_from = before.size,
                          .is_export = true};
    TRY_OK(state_.steps().note_durably(look.path, step));
    if (Status done = append_in_place(file->get(), before, after, end.subspan(known)); !done.ok()) {
        // Whatever could not be taken back is known again by it.
        state_.steps().leave(look.path, step);
        return std::move(done).error();
    }
    TRY(const FileFacts written, Folder::facts_of(file->get()));
    Folder::let_others_in(file->get());
    if (::fsync(file->get()) != 0) return system_error("fsync");
    ++counts_.exported;
    ++counts_.grown;
    counts_.copied_bytes += before.size;
    batch_bytes_ += end.size();
    state_.steps().forget(look.path);
    state_.put(*look.parent, name_of(look.path), written, *look.vault);
    return true;
}

// All of it, or nothing; Busy when somebody waits for the file meanwhile.
Status Reconciler::append_in_place(int file, const FileFacts& before, const FileFacts& after,
                                   ByteView end) {
    Status done = [&]() -> Status {
        for (std::uint64_t at = before.size; !end.empty();) {
            if (!Folder::is_alone(file)) return Error{ErrorKind::Busy, "somebody opens it"};
            const ssize_t put = ::pwrite(file, end.data(), std::min<std::size_t>(end.size(), kMiB),
                                         static_cast<off_t>(at));
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) return system_error("write");
            at += static_cast<std::uint64_t>(put);
            end = end.subspan(static_cast<std::size_t>(put));
        }
        if (after.mode != before.mode && ::fchmod(file, after.mode) != 0)
            return system_error("chmod");
        return Folder::set_modified_of(file, after.modified_ns);
    }();
    if (done.ok()) return {};
    const bool is_back = ::ftruncate(file, static_cast<off_t>(before.size)) == 0 &&
                         Folder::set_modified_of(file, before.modified_ns).ok();
    if (!is_back) return std::move(done).error().in("a file that was to grow cannot go back");
    return done;
}

// A file that was growing when we were killed: how far it has come is what was agreed on, so that
// it goes on from there. What somebody has made of it since is his.
Result<bool> Reconciler::take_up_growth(Look& look, const MirrorStep& step) {
    const bool may_be_it =
        look.agreed != nullptr && look.folder && look.vault &&
        look.folder->is_same_file(step.folder) && look.folder->size >= step.grown_from &&
        look.folder->size <= step.folder.size && look.vault->type == FileType::Regular &&
        look.vault->version == step.version;
    if (!may_be_it) return false;
    TRY(const bool is_it, is_begun_growth(look, step.grown_from));
    if (is_it) state_.set(*look.agreed, *look.folder, look.agreed->vault);
    return is_it;
}

// Whether the folder's file begins as the vault's, but for zeros behind `sure_size`.
Result<bool> Reconciler::is_begun_growth(const Look& look, std::uint64_t sure_size) {
    TRY(const UniqueFd here, folder_.open_to_read(look.path));
    TRY(const Attributes shown, files_.lookup(look.parent->vault.node, name_of(look.path)));
    Result<HandleId> opened = files_.open(shown.node, {.read = true});
    files_.forget(shown.node, 1);
    TRY(const HandleId there, std::move(opened));
    Result<bool> is_it = [&]() -> Result<bool> {
        for (std::uint64_t at = 0; at < look.folder->size;) {
            TRY_OK(check_going_on());
            const std::uint64_t part_end = at < sure_size ? sure_size : look.folder->size;
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), part_end - at));
            TRY(const std::size_t read, files_.read(there, at, std::span(buffer_).first(size)));
            TRY(const Bytes mine, read_exactly(here.get(), at, size));
            const bool is_equal = read == size && equal(std::span(buffer_).first(size), mine);
            if (!is_equal && at < sure_size) return false;
            // What a power cut took away of it reads as zeros.
            for (std::size_t i = 0; !is_equal && i < size; ++i)
                if (mine[i] != std::byte{} && (i >= read || mine[i] != buffer_[i])) return false;
            at += size;
        }
        TRY(const FileFacts after, Folder::facts_of(here.get()));
        return after == *look.folder;
    }();
    files_.release(there);
    return is_it;
}

// Whether a copy within the folder costs next to nothing, so that nothing need be done in place.
bool Reconciler::shares_blocks(const std::string& path) {
    if (shares_blocks_) return *shares_blocks_;
    const Result<UniqueFd> from = folder_.open_to_read(path);
    const std::string part = own_name(parent_of(path), kPartPrefix);
    if (!from.ok()) return false;
    const Result<UniqueFd> to = folder_.create(part);
    if (!to.ok()) return false;
    shares_blocks_ = ::ioctl(to->get(), FICLONE, from->get()) == 0;
    static_cast<void>(folder_.remove_file(part).ok());
    return *shares_blocks_;
}

}  // namespace lockstep
