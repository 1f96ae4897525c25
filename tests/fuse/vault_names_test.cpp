// Names, links and directories of a mounted vault: the errnos, counts and numbers that programs
// rely on.
#include <functional>
#include <set>

#include <dirent.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "tests/fuse/mounted_vault_test.h"

namespace lockstep {
namespace {

using VaultNamesTest = MountedVaultTest;

int error_of(int result) {
    return result < 0 ? errno : 0;
}

bool is_later(const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

// Times of changes are those of stamps: a millisecond apart they are sure to differ.
void await_next_millisecond() {
    const std::int64_t now = system_clock().wall_ms();
    while (system_clock().wall_ms() <= now) {
    }
}

std::vector<std::string> names_of(DIR* directory) {
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    return names;
}

// What fails, and how: each row is a call that must fail with exactly this errno.
TEST_F(VaultNamesTest, ErrorsAreExactly) {
    write_file("file", "content");
    ASSERT_EQ(::mkdir(path("full").c_str(), 0755), 0);
    write_file("full/inside", "x");
    ASSERT_EQ(::mkdir(path("empty").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("loop", path("loop").c_str()), 0);
    ASSERT_EQ(::symlink("nowhere", path("dangling").c_str()), 0);
    ASSERT_EQ(::symlink("full", path("to-full").c_str()), 0);
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mknod(path("socket").c_str(), S_IFSOCK | 0600, 0), 0);
    const std::string long_name(256, 'n'), long_target(4096, 't');
    const auto p = [&](const std::string& name) { return path(name); };
    const auto try_open = [&](const std::string& name, int flags) {
        const UniqueFd fd(::open(p(name).c_str(), flags | O_NONBLOCK, 0644));
        return fd.ok() ? 0 : -1;
    };
    const auto move = [&](const std::string& from, const std::string& to, unsigned flags = 0) {
        return ::renameat2(AT_FDCWD, p(from).c_str(), AT_FDCWD, p(to).c_str(), flags);
    };

    struct Row {
        const char* call;
        int expected;
        std::function<int()> run;
    };
    const Row rows[] = {
        {"open missing", ENOENT, [&] { return try_open("no", O_RDONLY); }},
        {"open below a file", ENOTDIR, [&] { return try_open("file/x", O_RDONLY); }},
        {"open below a missing directory", ENOENT, [&] { return try_open("no/x", O_RDONLY); }},
        {"open directory to write", EISDIR, [&] { return try_open("full", O_WRONLY); }},
        {"create a directory's name", EISDIR, [&] { return try_open("full", O_CREAT | O_RDWR); }},
        {"O_EXCL on a file", EEXIST, [&] { return try_open("file", O_CREAT | O_EXCL | O_RDWR); }},
        {"O_EXCL on a dangling link", EEXIST,
         [&] { return try_open("dangling", O_CREAT | O_EXCL | O_RDWR); }},
        {"O_DIRECTORY on a file", ENOTDIR, [&] { return try_open("file", O_DIRECTORY); }},
        {"O_NOFOLLOW on a link", ELOOP, [&] { return try_open("to-full", O_NOFOLLOW); }},
        {"open a loop", ELOOP, [&] { return try_open("loop", O_RDONLY); }},
        {"open a socket", ENXIO, [&] { return try_open("socket", O_RDWR); }},
        {"write to a FIFO nobody reads", ENXIO, [&] { return try_open("fifo", O_WRONLY); }},
        {"create a long name", ENAMETOOLONG, [&] { return try_open(long_name, O_CREAT | O_RDWR); }},
        {"look up a long name", ENAMETOOLONG, [&] { return try_open(long_name, O_RDONLY); }},
        {"mkdir existing", EEXIST, [&] { return ::mkdir(p("file").c_str(), 0755); }},
        {"mkdir over a link", EEXIST, [&] { return ::mkdir(p("dangling").c_str(), 0755); }},
        {"mkdir below a file", ENOTDIR, [&] { return ::mkdir(p("file/x").c_str(), 0755); }},
        {"mkdir long", ENAMETOOLONG, [&] { return ::mkdir(p(long_name).c_str(), 0755); }},
        {"rmdir missing", ENOENT, [&] { return ::rmdir(p("no").c_str()); }},
        {"rmdir a file", ENOTDIR, [&] { return ::rmdir(p("file").c_str()); }},
        {"rmdir a link", ENOTDIR, [&] { return ::rmdir(p("to-full").c_str()); }},
        {"rmdir full", ENOTEMPTY, [&] { return ::rmdir(p("full").c_str()); }},
        {"rmdir .", EINVAL, [&] { return ::rmdir(p("empty/.").c_str()); }},
        {"unlink missing", ENOENT, [&] { return ::unlink(p("no").c_str()); }},
        {"unlink a directory", EISDIR, [&] { return ::unlink(p("empty").c_str()); }},
        {"unlink below a file", ENOTDIR, [&] { return ::unlink(p("file/x").c_str()); }},
        {"unlink long", ENAMETOOLONG, [&] { return ::unlink(p(long_name).c_str()); }},
        {"link a directory", EPERM, [&] { return ::link(p("full").c_str(), p("x").c_str()); }},
        {"link over", EEXIST, [&] { return ::link(p("file").c_str(), p("fifo").c_str()); }},
        {"link missing", ENOENT, [&] { return ::link(p("no").c_str(), p("x").c_str()); }},
        {"link long", ENAMETOOLONG,
         [&] { return ::link(p("file").c_str(), p(long_name).c_str()); }},
        {"symlink over", EEXIST, [&] { return ::symlink("t", p("file").c_str()); }},
        {"symlink to nothing", ENOENT, [&] { return ::symlink("", p("x").c_str()); }},
        {"symlink too far", ENAMETOOLONG,
         [&] { return ::symlink(long_target.c_str(), p("x").c_str()); }},
        {"readlink a file", EINVAL,
         [&] {
             char out[8];
             return static_cast<int>(::readlink(p("file").c_str(), out, sizeof(out)));
         }},
        {"mknod a device", EPERM,
         [&] { return ::mknod(p("x").c_str(), S_IFCHR | 0600, makedev(1, 3)); }},
        {"mkfifo over", EEXIST, [&] { return ::mkfifo(p("file").c_str(), 0600); }},
        {"rename missing", ENOENT, [&] { return move("no", "x"); }},
        {"rename a file over a directory", EISDIR, [&] { return move("file", "empty"); }},
        {"rename a directory over a file", ENOTDIR, [&] { return move("empty", "file"); }},
        {"rename over a full directory", ENOTEMPTY, [&] { return move("empty", "full"); }},
        {"rename into itself", EINVAL, [&] { return move("full", "full/below"); }},
        {"rename to a long name", ENAMETOOLONG, [&] { return move("file", long_name); }},
        {"rename from .", EBUSY, [&] { return move("empty/.", "x"); }},
        {"NOREPLACE a taken name", EEXIST, [&] { return move("file", "fifo", RENAME_NOREPLACE); }},
        {"EXCHANGE with nothing", ENOENT, [&] { return move("file", "no", RENAME_EXCHANGE); }},
        {"EXCHANGE with what is inside", EINVAL,
         [&] { return move("full", "full/inside", RENAME_EXCHANGE); }},
        {"EXCHANGE and NOREPLACE", EINVAL,
         [&] { return move("file", "fifo", RENAME_EXCHANGE | RENAME_NOREPLACE); }},
        {"WHITEOUT", EINVAL, [&] { return move("file", "x", RENAME_WHITEOUT); }},
        {"truncate a directory", EISDIR, [&] { return ::truncate(p("full").c_str(), 0); }},
        {"truncate missing", ENOENT, [&] { return ::truncate(p("no").c_str(), 0); }},
        {"truncate to less than nothing", EINVAL,
         [&] { return ::truncate(p("file").c_str(), -1); }},
        {"truncate beyond the largest", EFBIG,
         [&] { return ::truncate(p("file").c_str(), off_t{1} << 60); }},
        {"rename across mounts", EXDEV,
         [&] { return ::rename(p("file").c_str(), (side_ / "x").c_str()); }},
    };
    for (const Row& row : rows) EXPECT_EQ(error_of(row.run()), row.expected) << row.call;
    EXPECT_EQ(read_file("file"), "content");
    EXPECT_EQ(read_file("full/inside"), "x");
}

TEST_F(VaultNamesTest, LinksAreCountedAndChangeTheirFilesCtime) {
    write_file("a", "x");
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    struct stat before = status_of("a");
    const auto expect_changed = [&](const std::string& name, const char* what) {
        const struct stat now = status_of(name);
        EXPECT_TRUE(is_later(now.st_ctim, before.st_ctim)) << what;
        EXPECT_EQ(now.st_mtim.tv_sec, before.st_mtim.tv_sec) << what;
        EXPECT_EQ(now.st_mtim.tv_nsec, before.st_mtim.tv_nsec) << what;
        EXPECT_EQ(now.st_ino, before.st_ino) << what;
        before = now;
        await_next_millisecond();
    };
    await_next_millisecond();
    ASSERT_EQ(::link(path("a").c_str(), path("d/b").c_str()), 0);
    EXPECT_EQ(status_of("a").st_nlink, 2U);
    expect_changed("a", "link");
    ASSERT_EQ(::rename(path("a").c_str(), path("c").c_str()), 0);
    expect_changed("c", "rename");
    ASSERT_EQ(::unlink(path("d/b").c_str()), 0);
    EXPECT_EQ(status_of("c").st_nlink, 1U);
    expect_changed("c", "unlink of the other name");
    ASSERT_EQ(::chmod(path("c").c_str(), 0600), 0);
    expect_changed("c", "chmod");
    ASSERT_EQ(::setxattr(path("c").c_str(), "user.a", "v", 1, 0), 0);
    expect_changed("c", "setxattr");
}

TEST_F(VaultNamesTest, FailedCallsChangeNoTimes) {
    write_file("f", "x");
    write_file("g", "y");
    const struct stat before = status_of("f"), directory = status_of(".");
    EXPECT_EQ(::link(path("f").c_str(), path("g").c_str()), -1);
    EXPECT_EQ(
        ::renameat2(AT_FDCWD, path("f").c_str(), AT_FDCWD, path("g").c_str(), RENAME_NOREPLACE),
        -1);
    EXPECT_EQ(::mkdir(path("g").c_str(), 0700), -1);
    const struct stat after = status_of("f"), after_directory = status_of(".");
    EXPECT_FALSE(is_later(after.st_ctim, before.st_ctim));
    EXPECT_FALSE(is_later(after_directory.st_mtim, directory.st_mtim));
    EXPECT_FALSE(is_later(after_directory.st_ctim, directory.st_ctim));
}

TEST_F(VaultNamesTest, DirectoriesCountSubdirectoriesAndTakeTheTimeOfTheirEntries) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    EXPECT_EQ(status_of("d").st_nlink, 2U);
    struct stat before = status_of("d");
    const auto expect_touched = [&](const char* what) {
        const struct stat now = status_of("d");
        EXPECT_TRUE(is_later(now.st_mtim, before.st_mtim)) << what;
        EXPECT_TRUE(is_later(now.st_ctim, before.st_ctim)) << what;
        before = now;
        await_next_millisecond();
    };
    await_next_millisecond();
    ASSERT_EQ(::mkdir(path("d/e").c_str(), 0755), 0);
    expect_touched("mkdir");
    ASSERT_EQ(::mkdir(path("d/f").c_str(), 0755), 0);
    EXPECT_EQ(status_of("d").st_nlink, 4U);
    before = status_of("d");
    write_file("d/g", "x");
    expect_touched("create");
    ASSERT_EQ(::symlink("g", path("d/s").c_str()), 0);
    expect_touched("symlink");
    ASSERT_EQ(::rename(path("d/g").c_str(), path("d/h").c_str()), 0);
    expect_touched("rename");
    ASSERT_EQ(::unlink(path("d/h").c_str()), 0);
    expect_touched("unlink");
    ASSERT_EQ(::rename(path("d/e").c_str(), path("e").c_str()), 0);
    expect_touched("rename of a directory out of it");
    EXPECT_EQ(status_of("d").st_nlink, 3U);
    ASSERT_EQ(::rmdir(path("d/f").c_str()), 0);
    expect_touched("rmdir");
    EXPECT_EQ(status_of("d").st_nlink, 2U);
}

TEST_F(VaultNamesTest, ExchangeSwapsAlsoDirectories) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    write_file("d/inside", "in d");
    write_file("f", "file");
    const ino_t d = status_of("d").st_ino, f = status_of("f").st_ino;
    ASSERT_EQ(
        ::renameat2(AT_FDCWD, path("d").c_str(), AT_FDCWD, path("f").c_str(), RENAME_EXCHANGE), 0);
    EXPECT_EQ(read_file("f/inside"), "in d");
    EXPECT_EQ(read_file("d"), "file");
    EXPECT_EQ(status_of("f").st_ino, d);
    EXPECT_EQ(status_of("d").st_ino, f);
    ASSERT_EQ(::mkdir(path("new").c_str(), 0755), 0);
    EXPECT_EQ(
        ::renameat2(AT_FDCWD, path("f").c_str(), AT_FDCWD, path("new").c_str(), RENAME_NOREPLACE),
        -1);
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(::rename(path("f").c_str(), path("new").c_str()), 0);  // over an empty one
    EXPECT_EQ(read_file("new/inside"), "in d");
}

TEST_F(VaultNamesTest, UnlinkedOpenFilesLiveOn) {
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    ASSERT_EQ(::write(fd.get(), "before", 6), 6);
    struct stat named {};
    ASSERT_EQ(::fstat(fd.get(), &named), 0);
    await_next_millisecond();
    ASSERT_EQ(::unlink(path("f").c_str()), 0);
    struct stat now {};
    ASSERT_EQ(::fstat(fd.get(), &now), 0);
    EXPECT_EQ(now.st_nlink, 0U);
    EXPECT_EQ(now.st_size, 6);
    EXPECT_EQ(now.st_ino, named.st_ino);
    EXPECT_TRUE(is_later(now.st_ctim, named.st_ctim));
    ASSERT_EQ(::ftruncate(fd.get(), 3), 0);
    ASSERT_EQ(::fchmod(fd.get(), 0612), 0);
    const timespec times[2] = {{.tv_sec = 11, .tv_nsec = 1}, {.tv_sec = 12, .tv_nsec = 2}};
    ASSERT_EQ(::futimens(fd.get(), times), 0);
    ASSERT_EQ(::fstat(fd.get(), &now), 0);
    EXPECT_EQ(now.st_size, 3);
    EXPECT_EQ(now.st_mode & 07777, 0612U);
    EXPECT_EQ(now.st_mtim.tv_sec, 12);
    EXPECT_EQ(now.st_atim.tv_sec, 11);
    ASSERT_EQ(::pwrite(fd.get(), "more", 4, 3), 4);
    ASSERT_EQ(::fsync(fd.get()), 0);
    ASSERT_EQ(::fstat(fd.get(), &now), 0);
    EXPECT_EQ(now.st_size, 7);
    EXPECT_GT(now.st_mtim.tv_sec, 12);
    char back[16] = {};
    EXPECT_EQ(::pread(fd.get(), back, sizeof(back), 0), 7);
    EXPECT_EQ(std::string(back), "befmore");
    EXPECT_EQ(error_of(::fsetxattr(fd.get(), "user.a", "v", 1, 0)), 0);
    EXPECT_EQ(::fgetxattr(fd.get(), "user.a", back, sizeof(back)), 1);
    // Nothing can be linked to a file without a name.
    EXPECT_EQ(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd.get())).c_str(), AT_FDCWD,
                       path("again").c_str(), AT_SYMLINK_FOLLOW),
              -1);
    EXPECT_EQ(errno, ENOENT);
    fd.reset();
    EXPECT_FALSE(exists("f"));
}

TEST_F(VaultNamesTest, AnUnlinkedFileIsNotInTheNextOneOfItsName) {
    const UniqueFd old = open("f", O_CREAT | O_RDWR);
    ASSERT_EQ(::write(old.get(), "old", 3), 3);
    ASSERT_EQ(::unlink(path("f").c_str()), 0);
    write_file("f", "new!");
    ASSERT_EQ(::pwrite(old.get(), "OLD", 3, 0), 3);
    EXPECT_EQ(read_file("f"), "new!");
    struct stat status {};
    ASSERT_EQ(::fstat(old.get(), &status), 0);
    EXPECT_NE(status.st_ino, status_of("f").st_ino);
}

TEST_F(VaultNamesTest, FilesRenamedOverLiveOnInTheirHandles) {
    write_file("target", "old");
    const UniqueFd old = open("target", O_RDWR);
    UniqueFd source = open("source", O_CREAT | O_RDWR);
    ASSERT_EQ(::write(source.get(), "new", 3), 3);
    struct stat source_status {};
    ASSERT_EQ(::fstat(source.get(), &source_status), 0);
    ASSERT_EQ(::rename(path("source").c_str(), path("target").c_str()), 0);
    struct stat status {};
    ASSERT_EQ(::fstat(old.get(), &status), 0);
    EXPECT_EQ(status.st_nlink, 0U);
    EXPECT_EQ(status_of("target").st_ino, source_status.st_ino);
    ASSERT_EQ(::pwrite(old.get(), "OLD", 3, 0), 3);
    ASSERT_EQ(::pwrite(source.get(), "er", 2, 3), 2);
    source.reset();
    EXPECT_EQ(read_file("target"), "newer");
    char back[8] = {};
    EXPECT_EQ(::pread(old.get(), back, sizeof(back), 0), 3);
    EXPECT_EQ(std::string(back), "OLD");
}

TEST_F(VaultNamesTest, InodeNumbersStayOverARemount) {
    write_file("f", "x");
    ASSERT_EQ(::link(path("f").c_str(), path("hard").c_str()), 0);
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    write_file("saved", "old");
    write_file("saved.new", "new");
    const ino_t source = status_of("saved.new").st_ino;
    ASSERT_EQ(::rename(path("saved.new").c_str(), path("saved").c_str()), 0);
    write_file("moved", "m");
    ASSERT_EQ(::rename(path("moved").c_str(), path("d/moved").c_str()), 0);
    std::map<std::string, ino_t> numbers;
    for (const char* name : {"f", "hard", "d", "saved", "d/moved", "."})
        numbers[name] = status_of(name).st_ino;
    EXPECT_EQ(numbers["f"], numbers["hard"]);
    EXPECT_EQ(numbers["saved"], source);
    remount();
    for (const auto& [name, number] : numbers) EXPECT_EQ(status_of(name).st_ino, number) << name;
    DIR* directory = ::opendir(directory_.path().c_str());
    ASSERT_NE(directory, nullptr);
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (numbers.contains(name)) {
            EXPECT_EQ(entry->d_ino, numbers[name]) << name;
        }
    }
    ::closedir(directory);
}

TEST_F(VaultNamesTest, ListingsStayWhileTheDirectoryChanges) {
    constexpr int kFiles = 500;
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    for (int i = 0; i < kFiles; ++i) open("d/file-" + std::to_string(i), O_CREAT | O_WRONLY);
    DIR* directory = ::opendir(path("d").c_str());
    ASSERT_NE(directory, nullptr);
    // Removing what was just read, as rm does, meets every name once.
    std::set<std::string> seen;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        EXPECT_TRUE(seen.insert(name).second) << name;
        EXPECT_EQ(::unlink(path("d/" + name).c_str()), 0) << name;
        open("d/new-" + name, O_CREAT | O_WRONLY);
    }
    for (int i = 0; i < kFiles; ++i) EXPECT_TRUE(seen.contains("file-" + std::to_string(i)));
    ::rewinddir(directory);
    for (const std::string& name : names_of(directory)) EXPECT_TRUE(name.starts_with("new-"));
    ::closedir(directory);
}

TEST_F(VaultNamesTest, PlacesInAListingAreFoundAgain) {
    constexpr int kFiles = 2000;
    for (int i = 0; i < kFiles; ++i) open("file-" + std::to_string(i), O_CREAT | O_WRONLY);
    DIR* directory = ::opendir(directory_.path().c_str());
    ASSERT_NE(directory, nullptr);
    std::vector<std::pair<long, std::string>> places;
    for (;;) {
        const long place = ::telldir(directory);
        const dirent* entry = ::readdir(directory);
        if (entry == nullptr) break;
        places.emplace_back(place, entry->d_name);
    }
    ASSERT_EQ(places.size(), static_cast<std::size_t>(kFiles + 2));
    EXPECT_EQ(::unlink(path("file-7").c_str()), 0);
    for (std::size_t at : {1999U, 3U, 1000U, 1U, 2001U}) {
        ::seekdir(directory, places[at].first);
        const dirent* entry = ::readdir(directory);
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(std::string(entry->d_name), places[at].second);
    }
    ::closedir(directory);
}

TEST_F(VaultNamesTest, RemovedDirectoriesStayEmpty) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    const UniqueFd fd = open("d", O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(::rmdir(path("d").c_str()), 0);
    struct stat status {};
    ASSERT_EQ(::fstat(fd.get(), &status), 0);
    EXPECT_EQ(status.st_nlink, 0U);
    EXPECT_EQ(error_of(::openat(fd.get(), "x", O_CREAT | O_WRONLY, 0644)), ENOENT);
    EXPECT_EQ(error_of(::mkdirat(fd.get(), "x", 0755)), ENOENT);
}

TEST_F(VaultNamesTest, NamesOfAnyBytesSurvive) {
    std::set<std::string> names{std::string(255, 'n'), " ", "\n", "...", "e\xcc\x81", "\xc3\xa9"};
    std::string odd;
    for (int c = 1; c < 256; ++c)
        if (c != '/') odd += static_cast<char>(c);
    names.insert(odd);
    for (const std::string& name : names) write_file(name, name);
    remount();
    DIR* directory = ::opendir(directory_.path().c_str());
    ASSERT_NE(directory, nullptr);
    const auto listed = names_of(directory);
    ::closedir(directory);
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), names);
    for (const std::string& name : names) EXPECT_EQ(read_file(name), name);
}

TEST_F(VaultNamesTest, SymlinksAreUpTo4095Bytes) {
    const std::string target(4095, 't');
    ASSERT_EQ(::symlink(target.c_str(), path("l").c_str()), 0);
    remount();
    std::string back(8192, '?');
    const ssize_t length = ::readlink(path("l").c_str(), back.data(), back.size());
    ASSERT_EQ(length, 4095);
    EXPECT_EQ(back.substr(0, 4095), target);
    EXPECT_EQ(status_of("l").st_size, 4095);
}

TEST_F(VaultNamesTest, FifosAndSocketsConnectProcesses) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    run("(echo through > fifo &) ; test \"$(cat fifo)\" = through");
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path("socket");
    ASSERT_LT(name.size(), sizeof(address.sun_path));
    std::copy(name.begin(), name.end(), address.sun_path);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), raw, sizeof(address)), 0) << std::strerror(errno);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_TRUE(S_ISSOCK(status_of("socket").st_mode));
    EXPECT_TRUE(in_child([&] {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        return ::connect(fd, raw, sizeof(address)) == 0 && ::write(fd, "hi", 2) == 2;
    }));
    const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
    char back[4] = {};
    EXPECT_EQ(::read(accepted.get(), back, sizeof(back)), 2);
    EXPECT_EQ(std::string(back), "hi");
    remount();
    EXPECT_TRUE(S_ISSOCK(status_of("socket").st_mode));
    EXPECT_TRUE(S_ISFIFO(status_of("fifo").st_mode));
}

}  // namespace
}  // namespace lockstep
