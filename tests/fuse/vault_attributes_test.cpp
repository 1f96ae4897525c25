// Modes, owners, times, extended attributes and space of a mounted vault.
#include <functional>

#include <grp.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "tests/fuse/mounted_vault_test.h"

namespace lockstep {
namespace {

using VaultAttributesTest = MountedVaultTest;

constexpr uid_t kStranger = 12345;
constexpr uid_t kOther = 23456;

int error_of(int result) {
    return result < 0 ? errno : 0;
}

MountOptions with_ownership() {
    MountOptions options;
    options.ownership = true;
    return options;
}

// ---- modes and permissions

TEST_F(VaultAttributesTest, SetuidAndSetgidAreDroppedSilently) {
    write_file("f", "x");
    EXPECT_EQ(error_of(::chmod(path("f").c_str(), 06755)), 0);
    EXPECT_EQ(status_of("f").st_mode & 07777, 0755U);
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    EXPECT_EQ(error_of(::chmod(path("d").c_str(), 03777)), 0);
    EXPECT_EQ(status_of("d").st_mode & 07777, 01777U);
    const UniqueFd made = open("g", O_CREAT | O_WRONLY, 04711);
    EXPECT_EQ(status_of("g").st_mode & 07777, 0711U);
}

TEST_F(VaultAttributesTest, ModesAreKeptForEveryType) {
    const mode_t before = ::umask(0);
    ASSERT_EQ(::mkdir(path("d").c_str(), 0751), 0);
    ASSERT_EQ(::mkfifo(path("p").c_str(), 0612), 0);
    open("f", O_CREAT | O_WRONLY, 0421);
    ::umask(before);
    remount();
    EXPECT_EQ(status_of("d").st_mode, S_IFDIR | 0751U);
    EXPECT_EQ(status_of("p").st_mode, S_IFIFO | 0612U);
    EXPECT_EQ(status_of("f").st_mode, S_IFREG | 0421U);
    for (mode_t mode : {0000U, 0777U, 0004U}) {
        ASSERT_EQ(::chmod(path("f").c_str(), mode), 0);
        EXPECT_EQ(status_of("f").st_mode & 07777, mode);
    }
}

// Other users may look and touch only as modes, owners and the sticky bit let them.
TEST_F(VaultAttributesTest, StrangersAreCheckedByModeAndOwner) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    MountOptions options = with_ownership();
    options.allow_other = true;
    remount(options);
    const auto as = [&](uid_t user, const std::function<int()>& call) {
        int error = -1;
        int ends[2];
        if (::pipe(ends) != 0) return -1;
        in_child([&] {
            if (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0)
                return false;
            const int found = error_of(call());
            return ::write(ends[1], &found, sizeof(found)) == sizeof(found);
        });
        ::close(ends[1]);
        if (::read(ends[0], &error, sizeof(error)) != sizeof(error)) error = -1;
        ::close(ends[0]);
        return error;
    };
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    ASSERT_EQ(::mkdir(path("open").c_str(), 0777), 0);
    ASSERT_EQ(::chmod(path("open").c_str(), 0777), 0);
    ASSERT_EQ(::mkdir(path("sticky").c_str(), 0777), 0);
    ASSERT_EQ(::chmod(path("sticky").c_str(), 01777), 0);
    ASSERT_EQ(::mkdir(path("closed").c_str(), 0755), 0);
    ASSERT_EQ(::mkdir(path("unseen").c_str(), 0700), 0);
    for (const char* name : {"open/f", "sticky/f", "closed/f", "unseen/f"}) write_file(name, "x");
    ASSERT_EQ(::chmod(path("closed/f").c_str(), 0644), 0);
    write_file("closed/secret", "x");
    ASSERT_EQ(::chmod(path("closed/secret").c_str(), 0600), 0);
    const std::string p[] = {path("open/f"),   path("sticky/f"),      path("closed/f"),
                             path("unseen/f"), path("closed/secret"), path("closed/new"),
                             path("open/own"), path("sticky/own")};
    const auto open_close = [](const std::string& name, int flags) {
        const int fd = ::open(name.c_str(), flags, 0644);
        if (fd >= 0) ::close(fd);
        return fd < 0 ? -1 : 0;
    };
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[2], O_RDONLY); }), 0);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[2], O_RDWR); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[4], O_RDONLY); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[3], O_RDONLY); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[5], O_CREAT | O_RDWR); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return ::unlink(p[2].c_str()); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return ::chmod(p[2].c_str(), 0777); }), EPERM);
    EXPECT_EQ(as(kStranger, [&] { return ::chown(p[2].c_str(), kStranger, kStranger); }), EPERM);
    EXPECT_EQ(as(kStranger, [&] { return ::utimensat(AT_FDCWD, p[2].c_str(), nullptr, 0); }),
              EACCES);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[6], O_CREAT | O_EXCL | O_RDWR); }), 0);
    EXPECT_EQ(status_of("open/own").st_uid, kStranger);
    EXPECT_EQ(status_of("open/own").st_gid, kStranger);
    EXPECT_EQ(as(kStranger, [&] { return ::chmod(p[6].c_str(), 0600); }), 0);
    EXPECT_EQ(as(kOther, [&] { return open_close(p[6], O_RDONLY); }), EACCES);
    EXPECT_EQ(as(kStranger, [&] { return open_close(p[7], O_CREAT | O_EXCL | O_RDWR); }), 0);
    EXPECT_EQ(as(kStranger, [&] { return ::unlink(p[1].c_str()); }), EPERM);
    EXPECT_EQ(as(kOther, [&] { return ::unlink(p[7].c_str()); }), EPERM);
    EXPECT_EQ(as(kOther, [&] { return ::rename(p[7].c_str(), p[0].c_str()); }), EPERM);
    EXPECT_EQ(as(kStranger, [&] { return ::unlink(p[7].c_str()); }), 0);
    EXPECT_EQ(as(kStranger, [&] { return ::unlink(p[0].c_str()); }), 0);
}

// ---- owners

TEST_F(VaultAttributesTest, FilesBelongToTheMountingUser) {
    write_file("f", "x");
    EXPECT_EQ(status_of("f").st_uid, ::geteuid());
    EXPECT_EQ(status_of("f").st_gid, ::getegid());
    const uid_t none = static_cast<uid_t>(-1);
    EXPECT_EQ(error_of(::chown(path("f").c_str(), ::geteuid(), ::getegid())), 0);
    EXPECT_EQ(error_of(::chown(path("f").c_str(), none, none)), 0);
    EXPECT_EQ(error_of(::chown(path("f").c_str(), kStranger, none)), EPERM);
    EXPECT_EQ(error_of(::chown(path("f").c_str(), none, kStranger)), EPERM);
    EXPECT_EQ(status_of("f").st_uid, ::geteuid());
}

TEST_F(VaultAttributesTest, OwnersAreKeptWhereOwnershipIsAskedFor) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    write_file("before", "x");
    remount(with_ownership());
    write_file("f", "x");
    ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("f", path("l").c_str()), 0);
    ASSERT_EQ(::chown(path("f").c_str(), kStranger, kOther), 0);
    ASSERT_EQ(::chown(path("d").c_str(), kOther, static_cast<gid_t>(-1)), 0);
    ASSERT_EQ(::lchown(path("l").c_str(), kStranger, kStranger), 0);
    const auto expect_owners = [&] {
        EXPECT_EQ(status_of("f").st_uid, kStranger);
        EXPECT_EQ(status_of("f").st_gid, kOther);
        EXPECT_EQ(status_of("d").st_uid, kOther);
        EXPECT_EQ(status_of("d").st_gid, ::getegid());
        EXPECT_EQ(status_of("l").st_uid, kStranger);
        EXPECT_EQ(status_of("before").st_uid, ::geteuid());
    };
    expect_owners();
    remount(with_ownership());
    expect_owners();
    // A mount that does not ask for owners shows its own user, and forgets none.
    remount();
    EXPECT_EQ(status_of("f").st_uid, ::geteuid());
    EXPECT_EQ(error_of(::chown(path("f").c_str(), kOther, kOther)), EPERM);
    remount(with_ownership());
    expect_owners();
}

// ---- times

TEST_F(VaultAttributesTest, TimesAreSetNowOmittedOrGiven) {
    write_file("f", "x");
    const auto set = [&](timespec accessed, timespec modified) {
        const timespec times[2] = {accessed, modified};
        return ::utimensat(AT_FDCWD, path("f").c_str(), times, 0);
    };
    const timespec now{.tv_sec = 0, .tv_nsec = UTIME_NOW}, omit{.tv_sec = 0, .tv_nsec = UTIME_OMIT};
    ASSERT_EQ(set({.tv_sec = 100, .tv_nsec = 7}, {.tv_sec = 200, .tv_nsec = 999'999'999}), 0);
    struct stat status = status_of("f");
    EXPECT_EQ(status.st_atim.tv_sec, 100);
    EXPECT_EQ(status.st_atim.tv_nsec, 7);
    EXPECT_EQ(status.st_mtim.tv_sec, 200);
    EXPECT_EQ(status.st_mtim.tv_nsec, 999'999'999);
    ASSERT_EQ(set(omit, {.tv_sec = 300, .tv_nsec = 0}), 0);
    EXPECT_EQ(status_of("f").st_atim.tv_sec, 100);
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, 300);
    ASSERT_EQ(set({.tv_sec = 50, .tv_nsec = 0}, omit), 0);
    EXPECT_EQ(status_of("f").st_atim.tv_sec, 50);
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, 300);
    ASSERT_EQ(set(omit, omit), 0);
    EXPECT_EQ(status_of("f").st_mtim.tv_sec, 300);
    const std::int64_t began = ::time(nullptr);
    ASSERT_EQ(set(omit, now), 0);
    EXPECT_EQ(status_of("f").st_atim.tv_sec, 50);
    EXPECT_GE(status_of("f").st_mtim.tv_sec, began - 1);
    ASSERT_EQ(::utimensat(AT_FDCWD, path("f").c_str(), nullptr, 0), 0);
    EXPECT_GE(status_of("f").st_atim.tv_sec, began - 1);
    EXPECT_EQ(error_of(set({.tv_sec = 0, .tv_nsec = 1'000'000'000}, now)), EINVAL);
}

// 64 bits of nanoseconds end in 1677 and 2262: what lies beyond becomes the nearest second within.
TEST_F(VaultAttributesTest, FarAwayTimesDoNotWrap) {
    constexpr std::int64_t kYear2200 = 7'258'118'400, kYear2300 = 10'413'792'000,
                           kYear3000 = 32'503'680'000, kYear1500 = -14'831'769'600;
    constexpr std::int64_t kLast = 9'223'372'035;  // 2262-04-11
    struct Row {
        std::int64_t given, kept;
    };
    for (const Row& row :
         {Row{0, 0}, Row{-1, -1}, Row{-2'000'000'000, -2'000'000'000}, Row{1LL << 31, 1LL << 31},
          Row{1LL << 32, 1LL << 32}, Row{kYear2200, kYear2200}, Row{kYear2300, kLast},
          Row{kYear3000, kLast}, Row{kYear1500, -kLast}}) {
        write_file("f", "x");
        const timespec times[2] = {{.tv_sec = row.given, .tv_nsec = 0},
                                   {.tv_sec = row.given, .tv_nsec = 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path("f").c_str(), times, 0), 0) << row.given;
        EXPECT_EQ(status_of("f").st_mtim.tv_sec, row.kept);
        EXPECT_EQ(status_of("f").st_atim.tv_sec, row.kept);
        remount();
        EXPECT_EQ(status_of("f").st_mtim.tv_sec, row.kept);
    }
}

TEST_F(VaultAttributesTest, ReadingChangesNoTimes) {
    write_file("f", "content");
    const struct stat before = status_of("f");
    EXPECT_EQ(read_file("f"), "content");
    const struct stat after = status_of("f");
    EXPECT_EQ(after.st_atim.tv_sec, before.st_atim.tv_sec);
    EXPECT_EQ(after.st_atim.tv_nsec, before.st_atim.tv_nsec);
    EXPECT_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

TEST_F(VaultAttributesTest, WritingSetsBothTimesAndClosingNone) {
    write_file("f", "x");
    const timespec old[2] = {{.tv_sec = 5, .tv_nsec = 0}, {.tv_sec = 5, .tv_nsec = 0}};
    UniqueFd fd = open("f", O_WRONLY);
    ASSERT_EQ(::futimens(fd.get(), old), 0);
    const struct stat before = status_of("f");
    ASSERT_EQ(::write(fd.get(), "y", 1), 1);
    const struct stat written = status_of("f");
    EXPECT_GT(written.st_mtim.tv_sec, 5);
    EXPECT_TRUE(written.st_ctim.tv_sec > before.st_ctim.tv_sec ||
                written.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
    fd.reset();
    const struct stat closed = status_of("f");
    EXPECT_EQ(closed.st_mtim.tv_sec, written.st_mtim.tv_sec);
    EXPECT_EQ(closed.st_mtim.tv_nsec, written.st_mtim.tv_nsec);
    remount();
    EXPECT_EQ(status_of("f").st_mtim.tv_nsec, written.st_mtim.tv_nsec);
}

// ---- extended attributes

TEST_F(VaultAttributesTest, XattrErrorsAreExactly) {
    write_file("f", "x");
    const std::string f = path("f");
    char out[16];
    const std::string long_name = "user." + std::string(251, 'n');  // 256 bytes
    const std::string big(64 * 1024 + 1, 'v');
    const auto set = [&](const std::string& name, const std::string& value, int flags) {
        return error_of(::setxattr(f.c_str(), name.c_str(), value.data(), value.size(), flags));
    };
    const auto get = [&](const char* name, std::size_t size) {
        return error_of(static_cast<int>(::getxattr(f.c_str(), name, out, size)));
    };
    EXPECT_EQ(get("user.no", sizeof(out)), ENODATA);
    EXPECT_EQ(error_of(::removexattr(f.c_str(), "user.no")), ENODATA);
    EXPECT_EQ(set("user.a", "v", XATTR_REPLACE), ENODATA);
    EXPECT_EQ(set("user.a", "value", XATTR_CREATE), 0);
    EXPECT_EQ(set("user.a", "value", XATTR_CREATE), EEXIST);
    EXPECT_EQ(set("user.a", "other", XATTR_REPLACE), 0);
    EXPECT_EQ(get("user.a", 4), ERANGE);
    EXPECT_EQ(::getxattr(f.c_str(), "user.a", out, 0), 5);
    EXPECT_EQ(::listxattr(f.c_str(), out, 3), -1);
    EXPECT_EQ(errno, ERANGE);
    EXPECT_EQ(set(long_name, "v", 0), ERANGE);
    EXPECT_EQ(set("user.big", big, 0), E2BIG);
    EXPECT_EQ(set("user.", "v", 0), EINVAL);
    EXPECT_EQ(set("system.x", "v", 0), EOPNOTSUPP);
    EXPECT_EQ(set("trusted.x", "v", 0), ::geteuid() == 0 ? EOPNOTSUPP : EPERM);
    EXPECT_EQ(set("noprefix", "v", 0), EOPNOTSUPP);
    EXPECT_EQ(set("user.empty", "", 0), 0);
    EXPECT_EQ(::getxattr(f.c_str(), "user.empty", out, sizeof(out)), 0);
    ASSERT_EQ(::symlink("f", path("l").c_str()), 0);
    EXPECT_EQ(error_of(::lsetxattr(path("l").c_str(), "user.a", "v", 1, 0)), EPERM);
    remount();
    EXPECT_EQ(::getxattr(f.c_str(), "user.a", out, sizeof(out)), 5);
    EXPECT_EQ(std::string(out, 5), "other");
    EXPECT_EQ(::getxattr(f.c_str(), "user.empty", out, sizeof(out)), 0);
}

// Far more fits than fits in one record of the log, less than 64 KiB each.
TEST_F(VaultAttributesTest, LargeXattrsAreKept) {
    write_file("f", "x");
    const std::string value(60'000, 'v');
    ASSERT_EQ(::setxattr(path("f").c_str(), "user.large", value.data(), value.size(), 0), 0);
    remount();
    std::string back(65536, '?');
    ASSERT_EQ(::getxattr(path("f").c_str(), "user.large", back.data(), back.size()), 60'000);
    EXPECT_EQ(back.substr(0, 60'000), value);
}

// ---- space

TEST_F(VaultAttributesTest, SpaceIsThatOfTheBackingDisk) {
    struct statvfs mount {
    }, disk{};
    ASSERT_EQ(::statvfs(directory_.path().c_str(), &mount), 0);
    ASSERT_EQ(::statvfs(stored_.path().c_str(), &disk), 0);
    EXPECT_EQ(mount.f_namemax, 255U);
    EXPECT_EQ(mount.f_blocks * mount.f_frsize, disk.f_blocks * disk.f_frsize);
    const auto bytes = [](const struct statvfs& s) {
        return static_cast<double>(s.f_bavail) * static_cast<double>(s.f_frsize);
    };
    EXPECT_NEAR(bytes(mount), bytes(disk), 2e9);  // others write meanwhile
    EXPECT_LE(mount.f_bavail, mount.f_bfree);
    EXPECT_LE(mount.f_bfree, mount.f_blocks);
    EXPECT_TRUE(mount.f_flag & ST_NOSUID);
    EXPECT_TRUE(mount.f_flag & ST_NODEV);
}

}  // namespace
}  // namespace lockstep
