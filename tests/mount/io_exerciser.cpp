// IoExerciser: the loop, the choices and the comparisons. Operations: io_exerciser_operations.cpp.
#include "tests/mount/io_exerciser.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/xattr.h>

namespace lockstep {
namespace {

constexpr std::size_t kPoolSize = 24;
constexpr std::uint64_t kPoolBlockSize = 200000;
constexpr std::size_t kTraceSizeMax = 20000;  // operations

}  // namespace

IoExerciser::IoExerciser(ExerciserOptions options)
    : options_(std::move(options)), random_(options_.seed) {
    directories_ = {"", "sub", "sub/deep"};
    names_ = {"a", "b", "c", "d", "e", "f", "sub/a", "sub/b", "sub/deep/a", "sub/deep/b"};
    names_.push_back("name of 255 bytes" + std::string(238, 'n'));
    names_.push_back("odd \xff\x01\n name");
    for (std::size_t i = 0; i < kPoolSize; ++i) pool_.push_back(random_.bytes(kPoolBlockSize));
}

IoExerciser::~IoExerciser() {
    while (!mappings_.empty()) unmap(mappings_.size() - 1);
}

void IoExerciser::run() {
    for (const std::string& directory : directories_) {
        if (!directory.empty() && ::mkdir(path(directory).c_str(), 0755) != 0) fail_call("mkdir");
    }
    unsigned total = 0;
    for (const Operation& operation : operations()) total += operation.weight;
    for (count_ = 1; count_ <= options_.operations; ++count_) {
        std::uint64_t at = below(total);
        auto chosen = operations().begin();
        while (at >= chosen->weight) at -= (chosen++)->weight;
        operation_ = chosen->name;
        (this->*chosen->run)();
        if (count_ % options_.check_every == 0) compare_everything();
        if (options_.sync_point_every != 0 && count_ % options_.sync_point_every == 0)
            sync_point(++sync_points_ % 2 == 1 ? "kill" : "remount");
    }
    compare_everything();
    for (const auto& [name, times] : skipped_)
        std::printf("not supported: %s (%llu times)\n", name.c_str(),
                    static_cast<unsigned long long>(times));
}

// ---- choices

const std::string& IoExerciser::any_name() {
    return names_[below(names_.size())];
}

const std::string* IoExerciser::existing_name() {
    if (files_.empty()) return nullptr;
    auto at = files_.begin();
    std::advance(at, below(files_.size()));
    return &at->first;
}

IoExerciser::Handle* IoExerciser::handle_for(bool reading, bool writing) {
    std::vector<Handle*> fitting;
    for (Handle& handle : handles_)
        if ((handle.may_read || !reading) && (handle.may_write || !writing))
            fitting.push_back(&handle);
    return fitting.empty() ? nullptr : fitting[below(fitting.size())];
}

std::uint64_t IoExerciser::some_offset(const ModelFile& file) {
    std::uint64_t size = file.content.size();
    switch (below(8)) {
        case 0:
            return size;
        case 1:  // a hole comes into being
            return below(file.size_max + 1);
        case 2:
            return below(size + 1) & ~std::uint64_t{4095};
        case 3:
            return 0;
        default:
            return below(size + 1);
    }
}

std::uint64_t IoExerciser::some_length(std::uint64_t max) {
    static constexpr std::uint64_t kLimits[] = {16, 512, 4096, 4096, 20000, 70000, 300000, ~0ULL};
    return 1 + below(std::max<std::uint64_t>(1, std::min(max, kLimits[below(std::size(kLimits))])));
}

Bytes IoExerciser::some_data(std::uint64_t size) {
    Bytes data(size);
    switch (below(5)) {
        case 0:
            break;  // zeros that are written are no hole
        case 1: {
            const Bytes& block = pool_[below(pool_.size())];
            for (std::uint64_t at = 0; at < size; at += block.size())
                std::memcpy(data.data() + at, block.data(),
                            std::min<std::uint64_t>(block.size(), size - at));
            break;
        }
        case 2: {
            std::string text = fmt::format("operation {} ", count_);
            for (std::uint64_t at = 0; at < size; ++at)
                data[at] = static_cast<std::byte>(text[at % text.size()]);
            break;
        }
        default:
            random_.fill(data);
    }
    return data;
}

// ---- the model

IoExerciser::FilePtr IoExerciser::make_file() {
    static constexpr std::uint64_t kLimits[] = {1800, 3000, 16000, 17000, 60000, 300000, 2 << 20};
    auto file = std::make_shared<ModelFile>();
    file->number = ++files_made_;
    std::uint64_t choice = below(std::size(kLimits) + 1);
    file->size_max = choice < std::size(kLimits) ? kLimits[choice] : options_.file_size_max;
    file->size_max = std::min(file->size_max, options_.file_size_max);
    return file;
}

void IoExerciser::take_name(const std::string& name) {
    auto at = files_.find(name);
    if (at == files_.end()) return;
    --at->second->links;
    files_.erase(at);
}

void IoExerciser::put(ModelFile& file, std::uint64_t offset, ByteView data) {
    if (data.empty()) return;
    if (file.content.size() < offset + data.size()) file.content.resize(offset + data.size());
    std::memcpy(file.content.data() + offset, data.data(), data.size());
    touch(file);
}

void IoExerciser::zero(ModelFile& file, std::uint64_t offset, std::uint64_t end) {
    end = std::min<std::uint64_t>(end, file.content.size());
    if (offset < end)
        std::fill(file.content.begin() + static_cast<std::ptrdiff_t>(offset),
                  file.content.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
    touch(file);
}

// ---- comparing

void IoExerciser::compare(const ModelFile& file, std::uint64_t offset, ByteView got,
                          const char* how) {
    std::uint64_t rest = file.content.size() - std::min<std::uint64_t>(offset, file.content.size());
    if (got.size() > rest)
        fail(fmt::format("{}: file {}: {} bytes at {}, but it is {} long", how, file.number,
                         got.size(), offset, file.content.size()));
    if (got.empty() || std::memcmp(got.data(), file.content.data() + offset, got.size()) == 0)
        return;
    std::uint64_t first = 0, wrong = 0, last = 0;
    for (std::uint64_t i = 0; i < got.size(); ++i) {
        if (got[i] == file.content[offset + i]) continue;
        if (wrong++ == 0) first = i;
        last = i;
    }
    ByteView expected = ByteView(file.content).subspan(offset + first);
    fail(fmt::format(
        "{}: file {} (size {}): {} of {} bytes read at {} are wrong, from {:#x} to {:#x}\n"
        "  expected {}\n  got      {}",
        how, file.number, file.content.size(), wrong, got.size(), offset, offset + first,
        offset + last, hex(expected.first(std::min<std::size_t>(24, got.size() - first))),
        hex(got.subspan(first, std::min<std::size_t>(24, got.size() - first)))));
}

void IoExerciser::compare_status(ModelFile& file, const struct stat& status, const char* how) {
    auto differ = [&](const char* what, auto expected, auto got) {
        fail(fmt::format("{}: file {}: {} is {}, expected {}", how, file.number, what, got,
                         expected));
    };
    if (!S_ISREG(status.st_mode)) differ("type", S_IFREG, status.st_mode & S_IFMT);
    if (static_cast<std::uint64_t>(status.st_size) != file.content.size())
        differ("size", file.content.size(), status.st_size);
    if (status.st_nlink != file.links) differ("link count", file.links, status.st_nlink);
    if ((status.st_mode & 07777) != file.mode) differ("mode", file.mode, status.st_mode & 07777);
    if (!file.inode) file.inode = status.st_ino;
    bool may_change = file.has_replaced && !options_.is_strict_on_inodes && !is_held(file);
    if (may_change) file.inode = status.st_ino;
    if (status.st_ino != *file.inode) differ("inode number", *file.inode, status.st_ino);
    std::int64_t modified = status.st_mtim.tv_sec * 1'000'000'000L + status.st_mtim.tv_nsec;
    if (file.modified_ns && modified != *file.modified_ns)
        differ("modification time", *file.modified_ns, modified);
}

bool IoExerciser::is_held(const ModelFile& file) const {
    auto is_its = [&](const auto& holder) { return holder.file.get() == &file; };
    return std::any_of(handles_.begin(), handles_.end(), is_its) ||
           std::any_of(mappings_.begin(), mappings_.end(), is_its);
}

void IoExerciser::compare_xattr(const ModelFile& file, const std::string& at) {
    char value[64] = {};
    ssize_t size = ::getxattr(at.c_str(), "user.exerciser", value, sizeof(value));
    if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP) fail_call("getxattr");
    std::string got(value, size < 0 ? 0 : static_cast<std::size_t>(size));
    if (got != file.xattr.value_or(""))
        fail(fmt::format("file {}: xattr is '{}', expected '{}'", file.number, got,
                         file.xattr.value_or("")));
}

void IoExerciser::compare_whole(int fd, ModelFile& file, const char* how) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail_call("fstat");
    compare_status(file, status, how);
    constexpr std::size_t kReadSize = 1 << 20;
    Bytes buffer(kReadSize);
    std::uint64_t at = 0;
    for (;;) {
        ssize_t length = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
        if (length < 0) fail_call(how);
        if (length == 0) break;
        compare(file, at, ByteView(buffer).first(static_cast<std::size_t>(length)), how);
        at += static_cast<std::uint64_t>(length);
    }
    if (at != file.content.size())
        fail(fmt::format("{}: file {} ends after {} bytes of {}", how, file.number, at,
                         file.content.size()));
}

void IoExerciser::compare_listing(const std::string& directory) {
    std::set<std::string> expected, got;
    std::string prefix = directory.empty() ? "" : directory + "/";
    for (const auto& [name, file] : files_)
        if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos)
            expected.insert(name.substr(prefix.size()));
    for (const std::string& other : directories_)
        if (other != directory && other.starts_with(prefix) &&
            other.find('/', prefix.size()) == std::string::npos)
            expected.insert(other.substr(prefix.size()));
    DIR* open = ::opendir(path(directory).c_str());
    if (open == nullptr) fail_call("opendir");
    while (const dirent* entry = ::readdir(open)) {
        std::string name = entry->d_name;
        if (name != "." && name != ".." && !got.insert(name).second)
            fail("readdir: " + name + " twice");
    }
    ::closedir(open);
    for (const std::string& name : expected)
        if (!got.contains(name)) fail("readdir of '" + directory + "': " + name + " is missing");
    for (const std::string& name : got)
        if (!expected.contains(name))
            fail("readdir of '" + directory + "': " + name + " should not be there");
}

void IoExerciser::compare_everything() {
    for (const std::string& directory : directories_) compare_listing(directory);
    for (const auto& [name, file] : files_) {
        struct stat status {};
        if (::lstat(path(name).c_str(), &status) != 0) fail_call(("lstat " + name).c_str());
        compare_status(*file, status, name.c_str());
        UniqueFd fd(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd.ok()) fail_call(("open " + name).c_str());
        if (below(2) == 0) drop_pages_of(fd.get());
        compare_whole(fd.get(), *file, name.c_str());
        compare_xattr(*file, path(name));
    }
    for (const Handle& handle : handles_)
        if (handle.may_read && handle.file->links == 0)
            compare_whole(handle.fd.get(), *handle.file, "an unlinked file");
}

// ---- sync points

void IoExerciser::sync_point(const char* kind) {
    note("sync point: {}", kind);
    bool is_kill = std::string_view(kind) == "kill";
    if (is_kill) {
        for (const auto& [name, file] : files_) {
            UniqueFd fd(::open(path(name).c_str(), O_RDWR | O_CLOEXEC));
            if (!fd.ok()) fail_call(("open " + name).c_str());
            expect(::fsync(fd.get()), 0, "fsync");
        }
        for (const std::string& directory : directories_) {
            UniqueFd fd(::open(path(directory).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (!fd.ok()) fail_call("open a directory");
            expect(::fsync(fd.get()), 0, "fsync of a directory");
        }
    } else {
        while (!mappings_.empty()) unmap(mappings_.size() - 1);
        handles_.clear();
    }
    std::printf("sync-point %s\n", kind);
    std::fflush(stdout);
    std::string answer;
    if (!std::getline(std::cin, answer)) {
        std::fprintf(stderr, "nobody answers at the sync point\n");
        std::exit(2);
    }
    // Of a file system that is gone.
    while (!mappings_.empty()) unmap(mappings_.size() - 1);
    handles_.clear();
    compare_everything();
}

// ---- telling

void IoExerciser::note_text(std::string text) {
    text = fmt::format("{:>7} {}", count_, text);
    if (options_.is_verbose) std::fprintf(stderr, "%s\n", text.c_str());
    trace_.push_back(std::move(text));
    if (trace_.size() > kTraceSizeMax) trace_.pop_front();
}

std::string IoExerciser::shown(const std::string& name) {
    if (name.size() > 100) return "'a long name'";
    if (name.starts_with("odd")) return "'an odd name'";
    return "'" + name + "'";
}

void IoExerciser::note_skipped() {
    ++skipped_[operation_];
    if (!trace_.empty()) trace_.back() += "  (not supported)";
}

bool IoExerciser::expect(long result, int expected, const char* what) {
    int got = result < 0 ? errno : 0;
    if (got == expected) return got == 0;
    fail(fmt::format("{}: {}, expected {}", what, got == 0 ? "it succeeds" : std::strerror(got),
                     expected == 0 ? "success" : std::strerror(expected)));
}

void IoExerciser::fail_call(const char* what) {
    fail(fmt::format("{}: {}", what, std::strerror(errno)));
}

// The last operations, and before them those on the file that is wrong.
void IoExerciser::print_trace(const std::string& what) const {
    std::string file;
    if (std::size_t at = what.find("file "); at != std::string::npos) {
        std::size_t end = what.find_first_not_of("0123456789", at + 5);
        file = what.substr(at, end - at);
    }
    std::fprintf(stderr, "the last operations, and all on %s:\n", file.c_str());
    for (std::size_t i = 0; i < trace_.size(); ++i) {
        const std::string& line = trace_[i];
        std::size_t at = file.empty() ? std::string::npos : line.find(file);
        bool is_about_it = at != std::string::npos && (at + file.size() == line.size() ||
                                                       !std::isdigit(line[at + file.size()]));
        if (is_about_it || i + options_.operations_shown >= trace_.size())
            std::fprintf(stderr, "%s%s\n", line.c_str(), is_about_it ? "   <==" : "");
    }
}

void IoExerciser::fail(const std::string& what) {
    std::fflush(stdout);
    print_trace(what);
    std::fprintf(stderr, "FAILED at operation %llu: %s\n", static_cast<unsigned long long>(count_),
                 what.c_str());
    std::fprintf(stderr,
                 "replay: io_exerciser --seed %llu --operations %llu --check-every %llu "
                 "--sync-point-every %llu --file-size-max %llu --directory EMPTY-DIRECTORY\n",
                 static_cast<unsigned long long>(options_.seed),
                 static_cast<unsigned long long>(count_),
                 static_cast<unsigned long long>(options_.check_every),
                 static_cast<unsigned long long>(options_.sync_point_every),
                 static_cast<unsigned long long>(options_.file_size_max));
    // Mappings stay as they are: the file system may be gone.
    std::fflush(stderr);
    ::_exit(1);
}

}  // namespace lockstep
