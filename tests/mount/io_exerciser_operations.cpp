// IoExerciser: the operations.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "tests/mount/io_exerciser.h"

namespace lockstep {
namespace {

constexpr std::size_t kHandlesMax = 20;
constexpr std::size_t kMappingsMax = 6;
constexpr std::uint64_t kPage = 4096;

// Memory as O_DIRECT wants it.
class AlignedBuffer {
  public:
    explicit AlignedBuffer(std::uint64_t size)
        : bytes_(static_cast<std::byte*>(std::aligned_alloc(kPage, size))), size_(size) {}
    ~AlignedBuffer() { std::free(bytes_); }
    AlignedBuffer(const AlignedBuffer&) = delete;
    AlignedBuffer& operator=(const AlignedBuffer&) = delete;

    MutableByteView view() { return {bytes_, size_}; }

  private:
    std::byte* bytes_;
    std::uint64_t size_;
};

off_t off(std::uint64_t offset) {
    return static_cast<off_t>(offset);
}

}  // namespace

const std::vector<IoExerciser::Operation>& IoExerciser::operations() {
    using E = IoExerciser;
    static const std::vector<Operation> all{
        {"open", 60, &E::open_file},
        {"close", 40, &E::close_handle},
        {"dup", 6, &E::duplicate},
        {"pread", 110, &E::read_at},
        {"read", 25, &E::read_on},
        {"pwrite", 130, &E::write_at},
        {"write", 30, &E::write_on},
        {"stream", 2, &E::write_stream},
        {"ftruncate", 30, &E::resize},
        {"truncate", 10, &E::resize_by_name},
        {"mmap", 14, &E::map},
        {"load", 30, &E::read_mapping},
        {"store", 40, &E::write_mapping},
        {"private", 3, &E::write_private_mapping},
        {"msync", 8, &E::sync_mapping},
        {"munmap", 10, &E::unmap},
        {"fsync", 12, &E::sync_file},
        {"fadvise", 25, &E::drop_pages},
        {"direct read", 20, &E::read_direct},
        {"direct write", 10, &E::write_direct},
        {"fallocate", 25, &E::allocate},
        {"copy_file_range", 14, &E::copy_range},
        {"lseek", 15, &E::seek},
        {"rename", 16, &E::rename_name},
        {"renameat2", 4, &E::rename_specially},
        {"link", 6, &E::link_name},
        {"unlink", 12, &E::unlink_name},
        {"fchmod", 4, &E::change_mode},
        {"futimens", 8, &E::set_times},
        {"setxattr", 4, &E::set_xattr},
        {"stat", 30, &E::check_status},
        {"save", 6, &E::save_by_rename},
    };
    return all;
}

// ---- opening and closing

void IoExerciser::open_file() {
    if (handles_.size() >= kHandlesMax) return close_handle();
    const std::string& name = any_name();
    auto at = files_.find(name);
    static constexpr int kAccess[] = {O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY};
    int flags = kAccess[below(std::size(kAccess))];
    bool creates = at == files_.end() ? below(10) != 0 : below(3) == 0;
    if (creates) flags |= O_CREAT;
    if (creates && below(8) == 0) flags |= O_EXCL;
    bool may_write = flags != O_RDONLY && (flags & O_ACCMODE) != O_RDONLY;
    if (may_write && below(5) == 0) flags |= O_TRUNC;
    if (may_write && below(5) == 0) flags |= O_APPEND;
    if (may_write && below(12) == 0) flags |= below(2) == 0 ? O_SYNC : O_DSYNC;
    int expected = 0;
    if (at == files_.end() && !creates) expected = ENOENT;
    if (at != files_.end() && (flags & O_EXCL)) expected = EEXIST;
    FilePtr file = at != files_.end() ? at->second : make_file();
    note("open {} file {} flags {:#o}", shown(name), file->number, flags);
    UniqueFd fd(::open(path(name).c_str(), flags | O_CLOEXEC, 0644));
    if (!expect(fd.ok() ? 0 : -1, expected, "open")) return;
    if (at == files_.end()) files_[name] = file;
    if ((flags & O_TRUNC) && may_write && at != files_.end()) {
        file->content.clear();
        touch(*file);
    }
    if (file->has_replaced && !options_.is_strict_on_inodes && !is_held(*file)) file->inode.reset();
    handles_.push_back({.fd = std::move(fd),
                        .file = std::move(file),
                        .may_read = (flags & O_ACCMODE) != O_WRONLY,
                        .may_write = may_write,
                        .is_append = (flags & O_APPEND) != 0,
                        .position = std::make_shared<std::uint64_t>(0)});
}

void IoExerciser::close_handle() {
    if (handles_.empty()) return;
    std::size_t index = below(handles_.size());
    note("close file {}", handles_[index].file->number);
    expect(::close(handles_[index].fd.release()), 0, "close");
    handles_.erase(handles_.begin() + static_cast<std::ptrdiff_t>(index));
}

void IoExerciser::duplicate() {
    if (handles_.empty() || handles_.size() >= kHandlesMax) return;
    const Handle& handle = handles_[below(handles_.size())];
    note("dup file {}", handle.file->number);
    UniqueFd fd(::fcntl(handle.fd.get(), F_DUPFD_CLOEXEC, 0));
    expect(fd.ok() ? 0 : -1, 0, "dup");
    handles_.push_back({.fd = std::move(fd),
                        .file = handle.file,
                        .may_read = handle.may_read,
                        .may_write = handle.may_write,
                        .is_append = handle.is_append,
                        .position = handle.position});
}

// ---- reading and writing

void IoExerciser::read_at() {
    Handle* handle = handle_for(true, false);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    std::uint64_t offset = some_offset(file), length = some_length(file.size_max + 1000);
    note("pread file {} offset {} length {}", file.number, offset, length);
    Bytes buffer(length);
    ssize_t got = ::pread(handle->fd.get(), buffer.data(), length, off(offset));
    expect(got, 0, "pread");
    std::uint64_t size = file.content.size();
    std::uint64_t expected = offset < size ? std::min(length, size - offset) : 0;
    if (static_cast<std::uint64_t>(got) != expected)
        fail(fmt::format("pread: file {}: {} bytes, expected {}", file.number, got, expected));
    compare(file, offset, ByteView(buffer).first(expected), "pread");
}

void IoExerciser::read_on() {
    Handle* handle = handle_for(true, false);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    std::uint64_t offset = *handle->position, length = some_length(file.size_max);
    note("read file {} at {} length {}", file.number, offset, length);
    Bytes buffer(length);
    ssize_t got = ::read(handle->fd.get(), buffer.data(), length);
    expect(got, 0, "read");
    std::uint64_t size = file.content.size();
    std::uint64_t expected = offset < size ? std::min(length, size - offset) : 0;
    if (static_cast<std::uint64_t>(got) != expected)
        fail(fmt::format("read: file {}: {} bytes, expected {}", file.number, got, expected));
    compare(file, offset, ByteView(buffer).first(expected), "read");
    *handle->position += expected;
}

void IoExerciser::write_at() {
    Handle* handle = handle_for(false, true);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    // With O_APPEND Linux appends whatever the offset says.
    std::uint64_t offset = handle->is_append ? file.content.size() : some_offset(file);
    if (offset >= file.size_max) return;
    Bytes data = some_data(some_length(file.size_max - offset));
    note("pwrite file {} offset {} length {}{}", file.number, offset, data.size(),
         handle->is_append ? " (append)" : "");
    ssize_t put_bytes = ::pwrite(handle->fd.get(), data.data(), data.size(), off(offset));
    expect(put_bytes, 0, "pwrite");
    if (static_cast<std::size_t>(put_bytes) != data.size()) fail("pwrite: fewer bytes than asked");
    put(file, offset, data);
}

void IoExerciser::write_on() {
    Handle* handle = handle_for(false, true);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    std::uint64_t offset = handle->is_append ? file.content.size() : *handle->position;
    if (offset >= file.size_max) return;
    Bytes data = some_data(some_length(file.size_max - offset));
    note("write file {} at {} length {}", file.number, offset, data.size());
    ssize_t put_bytes = ::write(handle->fd.get(), data.data(), data.size());
    expect(put_bytes, 0, "write");
    if (static_cast<std::size_t>(put_bytes) != data.size()) fail("write: fewer bytes than asked");
    put(file, offset, data);
    *handle->position = offset + data.size();
}

// A sequential stream over the whole of the file, in equal pieces.
void IoExerciser::write_stream() {
    Handle* handle = handle_for(false, true);
    if (handle == nullptr || handle->is_append) return;
    ModelFile& file = *handle->file;
    std::uint64_t piece = 1 + below(1 << 18), offset = 0;
    std::uint64_t end = below(file.size_max + 1);
    note("stream file {} to {} in pieces of {}", file.number, end, piece);
    while (offset < end) {
        Bytes data = some_data(std::min(piece, end - offset));
        ssize_t put_bytes = ::pwrite(handle->fd.get(), data.data(), data.size(), off(offset));
        expect(put_bytes, 0, "pwrite");
        put(file, offset, data);
        offset += data.size();
    }
}

void IoExerciser::read_direct() {
    const std::string* name = existing_name();
    if (name == nullptr) return;
    ModelFile& file = *files_[*name];
    std::uint64_t offset = some_offset(file) / kPage * kPage;
    AlignedBuffer buffer((some_length(file.size_max) + kPage - 1) / kPage * kPage);
    note("direct read file {} offset {} length {}", file.number, offset, buffer.view().size());
    UniqueFd fd(::open(path(*name).c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (!fd.ok() && errno == EINVAL) return note_skipped();
    expect(fd.ok() ? 0 : -1, 0, "open with O_DIRECT");
    ssize_t got = ::pread(fd.get(), buffer.view().data(), buffer.view().size(), off(offset));
    expect(got, 0, "direct read");
    std::uint64_t size = file.content.size();
    std::uint64_t expected =
        offset < size ? std::min<std::uint64_t>(buffer.view().size(), size - offset) : 0;
    if (static_cast<std::uint64_t>(got) != expected)
        fail(
            fmt::format("direct read: file {}: {} bytes, expected {}", file.number, got, expected));
    compare(file, offset, ByteView(buffer.view()).first(expected), "direct read");
}

void IoExerciser::write_direct() {
    const std::string* name = existing_name();
    if (name == nullptr) return;
    ModelFile& file = *files_[*name];
    std::uint64_t offset = some_offset(file) / kPage * kPage;
    if (offset + kPage > file.size_max) return;
    AlignedBuffer buffer(kPage * (1 + below((file.size_max - offset) / kPage)));
    Bytes data = some_data(buffer.view().size());
    std::copy(data.begin(), data.end(), buffer.view().begin());
    note("direct write file {} offset {} length {}", file.number, offset, data.size());
    UniqueFd fd(::open(path(*name).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    if (!fd.ok() && errno == EINVAL) return note_skipped();
    expect(fd.ok() ? 0 : -1, 0, "open with O_DIRECT");
    ssize_t put_bytes = ::pwrite(fd.get(), buffer.view().data(), buffer.view().size(), off(offset));
    expect(put_bytes, 0, "direct write");
    if (static_cast<std::size_t>(put_bytes) != data.size())
        fail("direct write: fewer bytes than asked");
    put(file, offset, data);
}

// ---- sizes

void IoExerciser::resize() {
    Handle* handle = handle_for(false, true);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    std::uint64_t size = below(3) == 0 ? below(file.size_max + 1) : below(file.content.size() + 1);
    if (below(6) == 0) size = 0;
    note("ftruncate file {} from {} to {}", file.number, file.content.size(), size);
    expect(::ftruncate(handle->fd.get(), off(size)), 0, "ftruncate");
    file.content.resize(size);
    touch(file);
}

void IoExerciser::resize_by_name() {
    const std::string* name = existing_name();
    if (name == nullptr) return;
    ModelFile& file = *files_[*name];
    std::uint64_t size = below(2) == 0 ? below(file.size_max + 1) : below(file.content.size() + 1);
    note("truncate file {} from {} to {}", file.number, file.content.size(), size);
    expect(::truncate(path(*name).c_str(), off(size)), 0, "truncate");
    file.content.resize(size);
    touch(file);
}

void IoExerciser::allocate() {
    Handle* handle = handle_for(false, true);
    if (handle == nullptr) return;
    ModelFile& file = *handle->file;
    static constexpr int kModes[] = {0,
                                     FALLOC_FL_KEEP_SIZE,
                                     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                     FALLOC_FL_ZERO_RANGE,
                                     FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                                     FALLOC_FL_COLLAPSE_RANGE,
                                     FALLOC_FL_INSERT_RANGE};
    int mode = kModes[below(std::size(kModes))];
    std::uint64_t offset = some_offset(file), size = file.content.size();
    bool shifts = mode == FALLOC_FL_COLLAPSE_RANGE || mode == FALLOC_FL_INSERT_RANGE;
    if (offset >= file.size_max) return;
    std::uint64_t length = some_length(file.size_max - offset);
    if (shifts) {
        offset = offset / kPage * kPage;
        length = (length + kPage - 1) / kPage * kPage;
        bool collapses = mode == FALLOC_FL_COLLAPSE_RANGE;
        if (offset >= size || (collapses && offset + length >= size)) return;
        if (!collapses && size + length > file.size_max) return;
    }
    std::uint64_t end = offset + length;
    note("fallocate file {} mode {:#x} offset {} length {}", file.number, mode, offset, length);
    if (::fallocate(handle->fd.get(), mode, off(offset), off(length)) != 0) {
        if (errno == EOPNOTSUPP || (shifts && errno == EINVAL)) return note_skipped();
        fail_call("fallocate");
    }
    auto at = file.content.begin() + static_cast<std::ptrdiff_t>(std::min(offset, size));
    if (mode == FALLOC_FL_COLLAPSE_RANGE) {
        file.content.erase(at, at + static_cast<std::ptrdiff_t>(length));
    } else if (mode == FALLOC_FL_INSERT_RANGE) {
        file.content.insert(at, length, std::byte{0});
    } else {
        if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) zero(file, offset, end);
        if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size) file.content.resize(end);
    }
    touch(file);
}

void IoExerciser::copy_range() {
    Handle* from = handle_for(true, false);
    Handle* to = handle_for(false, true);
    if (from == nullptr || to == nullptr || to->is_append) return;
    ModelFile &source = *from->file, &target = *to->file;
    std::uint64_t in = some_offset(source), out = some_offset(target);
    if (out >= target.size_max || in >= source.content.size()) return;
    std::uint64_t length =
        std::min<std::uint64_t>(some_length(target.size_max - out), source.content.size() - in);
    if (&source == &target && in < out + length && out < in + length) return;
    note("copy_file_range file {} offset {} to file {} offset {} length {}", source.number, in,
         target.number, out, length);
    auto in_offset = static_cast<off64_t>(in), out_offset = static_cast<off64_t>(out);
    ssize_t copied =
        ::copy_file_range(from->fd.get(), &in_offset, to->fd.get(), &out_offset, length, 0);
    if (copied < 0 && (errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL))
        return note_skipped();
    expect(copied, 0, "copy_file_range");
    auto bytes = static_cast<std::uint64_t>(copied);
    if (bytes == 0 || bytes > length)
        fail(fmt::format("copy_file_range: {} bytes of {} copied", bytes, length));
    Bytes data = to_bytes(ByteView(source.content).subspan(in, bytes));
    put(target, out, data);
}

// SEEK_DATA and SEEK_HOLE may call anything data, but what they call a hole reads as zeros.
void IoExerciser::seek() {
    if (handles_.empty()) return;
    Handle& handle = handles_[below(handles_.size())];
    ModelFile& file = *handle.file;
    std::uint64_t from = some_offset(file), size = file.content.size();
    note("lseek file {} from {}", file.number, from);
    // The kernel asks a FUSE file system without writing mapped pages back first.
    if (std::exchange(file.has_stores, false)) drop_pages_of(handle.fd.get());
    off_t data = ::lseek(handle.fd.get(), off(from), SEEK_DATA);
    if (data < 0 && errno == EINVAL) return note_skipped();
    if (data < 0 && errno != ENXIO) fail_call("lseek SEEK_DATA");
    std::uint64_t data_start = data < 0 ? size : static_cast<std::uint64_t>(data);
    if (from >= size && data >= 0)
        fail(fmt::format("file {}: SEEK_DATA finds data behind the end", file.number));
    if (data >= 0 && (data_start < from || data_start >= size))
        fail(fmt::format("file {}: SEEK_DATA from {}: {}, the size is {}", file.number, from,
                         data_start, size));
    for (std::uint64_t at = from; at < data_start; ++at)
        if (file.content[at] != std::byte{0})
            fail(fmt::format("file {}: SEEK_DATA from {} skips data at {}", file.number, from, at));
    off_t hole = ::lseek(handle.fd.get(), off(from), SEEK_HOLE);
    if (from >= size) {
        expect(hole, ENXIO, "lseek SEEK_HOLE behind the end");
    } else {
        expect(hole, 0, "lseek SEEK_HOLE");
        auto start = static_cast<std::uint64_t>(hole);
        if (start < from || start > size || (start < size && file.content[start] != std::byte{0}))
            fail(fmt::format("file {}: SEEK_HOLE from {}: {}, the size is {}", file.number, from,
                             start, size));
    }
    off_t back = ::lseek(handle.fd.get(), off(*handle.position), SEEK_SET);
    if (back != off(*handle.position)) fail_call("lseek SEEK_SET");
}

// ---- mappings

void IoExerciser::map() {
    Handle* handle = handle_for(true, false);
    if (handle == nullptr || mappings_.size() >= kMappingsMax) return;
    ModelFile& file = *handle->file;
    if (file.content.empty()) return;
    std::uint64_t offset = below(file.content.size()) / kPage * kPage;
    std::uint64_t length = some_length(file.size_max);
    bool may_write = handle->may_write && !handle->is_append && below(4) != 0;
    note("mmap file {} offset {} length {}{}", file.number, offset, length,
         may_write ? " writable" : "");
    void* address = ::mmap(nullptr, length, may_write ? PROT_READ | PROT_WRITE : PROT_READ,
                           MAP_SHARED, handle->fd.get(), off(offset));
    if (address == MAP_FAILED) fail_call("mmap");
    mappings_.push_back(
        {static_cast<std::byte*>(address), offset, length, may_write, handle->file});
}

void IoExerciser::read_mapping() {
    if (mappings_.empty()) return;
    const Mapping& mapping = mappings_[below(mappings_.size())];
    std::uint64_t size = mapping.file->content.size();
    if (size <= mapping.offset) return;
    std::uint64_t here = std::min(mapping.size, size - mapping.offset), from = below(here);
    std::uint64_t length = std::min(some_length(here), here - from);
    note("load file {} offset {} length {}", mapping.file->number, mapping.offset + from, length);
    compare(*mapping.file, mapping.offset + from, ByteView(mapping.address + from, length), "mmap");
}

void IoExerciser::write_mapping() {
    if (mappings_.empty()) return;
    const Mapping& mapping = mappings_[below(mappings_.size())];
    std::uint64_t size = mapping.file->content.size();
    if (!mapping.may_write || size <= mapping.offset) return;
    std::uint64_t here = std::min(mapping.size, size - mapping.offset), from = below(here);
    Bytes data = some_data(std::min(some_length(here), here - from));
    note("store file {} offset {} length {}", mapping.file->number, mapping.offset + from,
         data.size());
    std::memcpy(mapping.address + from, data.data(), data.size());
    put(*mapping.file, mapping.offset + from, data);
    mapping.file->has_stores = true;
}

// What is written through a private mapping stays in this process.
void IoExerciser::write_private_mapping() {
    Handle* handle = handle_for(true, false);
    if (handle == nullptr || handle->file->content.empty()) return;
    ModelFile& file = *handle->file;
    std::uint64_t size = file.content.size();
    note("private mapping file {} length {}", file.number, size);
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, handle->fd.get(), 0);
    if (address == MAP_FAILED) fail_call("mmap");
    std::byte* bytes = static_cast<std::byte*>(address);
    compare(file, 0, ByteView(bytes, size), "private mmap");
    bytes[below(size)] ^= std::byte{0xff};
    expect(::munmap(address, size), 0, "munmap");
}

void IoExerciser::sync_mapping() {
    if (mappings_.empty()) return;
    const Mapping& mapping = mappings_[below(mappings_.size())];
    note("msync file {}", mapping.file->number);
    expect(::msync(mapping.address, mapping.size, below(2) == 0 ? MS_SYNC : MS_ASYNC), 0, "msync");
}

void IoExerciser::unmap() {
    if (mappings_.empty()) return;
    std::size_t index = below(mappings_.size());
    note("munmap file {}", mappings_[index].file->number);
    unmap(index);
}

void IoExerciser::unmap(std::size_t index) {
    ::munmap(mappings_[index].address, mappings_[index].size);
    mappings_.erase(mappings_.begin() + static_cast<std::ptrdiff_t>(index));
}

// ---- durability and the page cache

void IoExerciser::sync_file() {
    if (handles_.empty()) return;
    const Handle& handle = handles_[below(handles_.size())];
    bool data_only = below(2) == 0;
    note("{} file {}", data_only ? "fdatasync" : "fsync", handle.file->number);
    expect(data_only ? ::fdatasync(handle.fd.get()) : ::fsync(handle.fd.get()), 0, "fsync");
}

// Without this the page cache would answer most reads. Written back, but not fsynced.
void IoExerciser::drop_pages_of(int fd) {
    ::sync_file_range(
        fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

void IoExerciser::drop_pages() {
    if (handles_.empty()) return;
    const Handle& handle = handles_[below(handles_.size())];
    note("drop pages of file {}", handle.file->number);
    drop_pages_of(handle.fd.get());
}

// ---- names and attributes

void IoExerciser::rename_name() {
    const std::string* from = existing_name();
    if (from == nullptr) return;
    std::string source = *from, target = any_name();
    FilePtr file = files_[source];
    bool is_same = files_.contains(target) && files_[target] == file;
    note("rename {} to {} file {}{}", shown(source), shown(target), file->number,
         files_.contains(target) ? fmt::format(" over file {}", files_[target]->number) : "");
    expect(::rename(path(source).c_str(), path(target).c_str()), 0, "rename");
    if (is_same) return;  // two names of one file: nothing happens
    if (files_.contains(target)) file->has_replaced = true;
    take_name(target);
    files_.erase(source);
    files_[target] = file;
}

void IoExerciser::rename_specially() {
    const std::string* from = existing_name();
    if (from == nullptr) return;
    std::string source = *from, target = any_name();
    bool exchanges = below(2) == 0, is_there = files_.contains(target);
    note("renameat2 {} to {} file {}{} {}", shown(source), shown(target), files_[source]->number,
         is_there ? fmt::format(" and file {}", files_[target]->number) : "",
         exchanges ? "exchange" : "noreplace");
    int result = ::renameat2(AT_FDCWD, path(source).c_str(), AT_FDCWD, path(target).c_str(),
                             exchanges ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    if (result != 0 && errno == EINVAL) return note_skipped();
    int expected = exchanges ? (is_there ? 0 : ENOENT) : (is_there ? EEXIST : 0);
    if (!expect(result, expected, "renameat2")) return;
    if (exchanges) {
        std::swap(files_[source], files_[target]);
    } else {
        files_[target] = files_[source];
        files_.erase(source);
    }
}

void IoExerciser::link_name() {
    const std::string* from = existing_name();
    if (from == nullptr) return;
    std::string source = *from, target = any_name();
    note("link {} to {} file {}", shown(source), shown(target), files_[source]->number);
    int expected = files_.contains(target) ? EEXIST : 0;
    if (!expect(::link(path(source).c_str(), path(target).c_str()), expected, "link")) return;
    files_[target] = files_[source];
    ++files_[target]->links;
}

void IoExerciser::unlink_name() {
    const std::string* from = existing_name();
    if (from == nullptr) return;
    std::string name = *from;
    note("unlink {} file {}", shown(name), files_[name]->number);
    expect(::unlink(path(name).c_str()), 0, "unlink");
    take_name(name);
}

void IoExerciser::change_mode() {
    if (handles_.empty()) return;
    const Handle& handle = handles_[below(handles_.size())];
    static constexpr std::uint32_t kModes[] = {0644, 0600, 0755, 0666, 0711};
    std::uint32_t mode = kModes[below(std::size(kModes))];
    note("fchmod file {} {:#o}", handle.file->number, mode);
    expect(::fchmod(handle.fd.get(), mode), 0, "fchmod");
    handle.file->mode = mode;
}

void IoExerciser::set_times() {
    if (handles_.empty()) return;
    const Handle& handle = handles_[below(handles_.size())];
    auto seconds = static_cast<time_t>(below(4'000'000'000));
    auto nanoseconds = static_cast<long>(below(1'000'000'000));
    note("futimens file {} {}.{:09}", handle.file->number, seconds, nanoseconds);
    // Without the writeback cache FUSE counts a store as a write of the moment at which it is
    // written back: that must not come after the times that are set here.
    if (std::exchange(handle.file->has_stores, false)) drop_pages_of(handle.fd.get());
    const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    expect(::futimens(handle.fd.get(), times), 0, "futimens");
    handle.file->modified_ns = seconds * 1'000'000'000L + nanoseconds;
}

void IoExerciser::set_xattr() {
    const std::string* name = existing_name();
    if (name == nullptr) return;
    ModelFile& file = *files_[*name];
    std::string value = fmt::format("operation {}", count_);
    note("setxattr file {}", file.number);
    if (::setxattr(path(*name).c_str(), "user.exerciser", value.data(), value.size(), 0) != 0) {
        if (errno == EOPNOTSUPP) return note_skipped();
        fail_call("setxattr");
    }
    file.xattr = value;
}

void IoExerciser::check_status() {
    struct stat status {};
    if (below(2) == 0 && !handles_.empty()) {
        const Handle& handle = handles_[below(handles_.size())];
        note("fstat file {}", handle.file->number);
        expect(::fstat(handle.fd.get(), &status), 0, "fstat");
        compare_status(*handle.file, status, "fstat");
        return;
    }
    const std::string& name = any_name();
    auto at = files_.find(name);
    note("lstat {}", shown(name));
    if (expect(::lstat(path(name).c_str(), &status), at == files_.end() ? ENOENT : 0, "lstat"))
        compare_status(*at->second, status, "lstat");
}

// As editors do: beside, fsynced, renamed over.
void IoExerciser::save_by_rename() {
    const std::string& name = any_name();
    FilePtr file = make_file();
    Bytes data = some_data(some_length(file->size_max));
    note("save {} as file {} length {}{}", shown(name), file->number, data.size(),
         files_.contains(name) ? fmt::format(" over file {}", files_[name]->number) : "");
    std::string temporary = path("saving.tmp");
    {
        UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        expect(fd.ok() ? 0 : -1, 0, "open");
        ssize_t put_bytes = ::write(fd.get(), data.data(), data.size());
        expect(put_bytes, 0, "write");
        if (below(2) == 0) expect(::fsync(fd.get()), 0, "fsync");
    }
    expect(::rename(temporary.c_str(), path(name).c_str()), 0, "rename");
    put(*file, 0, data);
    file->has_replaced = files_.contains(name);
    take_name(name);
    files_[name] = std::move(file);
}

}  // namespace lockstep
