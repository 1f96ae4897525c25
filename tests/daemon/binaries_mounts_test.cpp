// Mounts through the CLI and the daemon: several of one vault, folders of it, who holds them, and
// what becomes of them when the daemon stops, is killed or locks.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

// A process that does something in a mount, says so, and waits to be ended.
class Holder {
  public:
    explicit Holder(const std::function<bool()>& begin) {
        int ready[2];
        if (::pipe2(ready, O_CLOEXEC) != 0) return;
        process_ = ::fork();
        if (process_ == 0) {
            const char answer = begin() ? 'y' : 'n';
            if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
            for (;;) ::pause();
        }
        ::close(ready[1]);
        char answer = 0;
        holds_ = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
        ::close(ready[0]);
    }
    ~Holder() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    bool holds() const { return holds_; }
    std::string number() const { return "(" + std::to_string(process_) + ")"; }

  private:
    pid_t process_ = -1;
    bool holds_ = false;
};

class MountBinariesTest : public testing::Test {
  protected:
    void SetUp() override {
        if (!can_mount()) GTEST_SKIP();
        ASSERT_TRUE(home_.start());
        home_.create("papers", mount());
    }

    std::string mount() const { return home_ / "mnt"; }
    std::string letters() const { return home_ / "letters"; }
    std::string reading() const { return home_ / "reading"; }
    // The whole vault, a folder of it, and the whole again, read-only.
    void make_mounts() {
        ASSERT_EQ(::mkdir((mount() + "/post").c_str(), 0755), 0);
        ASSERT_EQ(::mkdir((mount() + "/post/letters").c_str(), 0755), 0);
        home_.must({"mount", "papers:post/letters", letters()});
        home_.must({"mount", "papers", reading(), "--read-only"});
    }
    nlohmann::json shown() const {
        return home_.must({"vault", "show", "papers", "--json"}).json();
    }
    void unlock() const {
        home_.must({"vault", "unlock", "papers", "--passphrase-file", home_.password_file()});
    }
    static bool is_mount_point(const std::string& path) {
        struct stat own {
        }, parent{};
        return ::stat(path.c_str(), &own) == 0 &&
               ::stat(fs::path(path).parent_path().c_str(), &parent) == 0 &&
               own.st_dev != parent.st_dev;
    }
    static unsigned mode_of(const std::string& path) {
        struct stat found {};
        EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
        return found.st_mode & 07777U;
    }
    // A change reaches the other kernel caches through a thread of the daemon.
    static bool soon(const std::function<bool()>& holds) {
        for (int i = 0; i < 4000; ++i) {
            if (holds()) return true;
            ::poll(nullptr, 0, 5);
        }
        return false;
    }

    LockstepHome home_;
};

TEST_F(MountBinariesTest, SeveralMountsShowOneVaultAndEachOthersChanges) {
    make_mounts();
    write_text(letters() + "/may", "dear Ana");
    EXPECT_TRUE(soon([&] { return read_text(mount() + "/post/letters/may") == "dear Ana"; }));
    EXPECT_TRUE(soon([&] { return read_text(reading() + "/post/letters/may") == "dear Ana"; }));

    // Bytes of a file that stays open, into one that is open for reading already.
    UniqueFd writer(::open((mount() + "/post/letters/may").c_str(), O_WRONLY | O_CLOEXEC));
    UniqueFd reader(::open((letters() + "/may").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(writer.ok() && reader.ok());
    char text[16] = {};
    ASSERT_EQ(::pread(reader.get(), text, sizeof(text), 0), 8);
    ASSERT_EQ(::pwrite(writer.get(), "Bo, and Cy", 10, 5), 10);
    EXPECT_TRUE(soon([&] {
        return ::pread(reader.get(), text, sizeof(text), 0) == 15 &&
               std::string(text, 15) == "dear Bo, and Cy";
    }));
    writer.reset();
    reader.reset();

    // Attributes and entries, each cached before it changes.
    EXPECT_EQ(mode_of(letters() + "/may"), 0644U);
    ASSERT_EQ(::chmod((mount() + "/post/letters/may").c_str(), 0600), 0);
    EXPECT_TRUE(soon([&] { return mode_of(letters() + "/may") == 0600U; }));
    EXPECT_FALSE(fs::exists(reading() + "/post/letters/june"));
    ASSERT_EQ(::rename((letters() + "/may").c_str(), (letters() + "/june").c_str()), 0);
    EXPECT_TRUE(soon([&] { return fs::exists(reading() + "/post/letters/june"); }));
    EXPECT_TRUE(soon([&] { return !fs::exists(mount() + "/post/letters/may"); }));
    ASSERT_EQ(::unlink((mount() + "/post/letters/june").c_str()), 0);
    EXPECT_TRUE(soon([&] { return fs::is_empty(letters()); }));

    EXPECT_EQ(::open((reading() + "/no").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
    EXPECT_EQ(errno, EROFS);
}

TEST_F(MountBinariesTest, AFolderIsFollowedWhenItIsRenamed) {
    make_mounts();
    ASSERT_EQ(::rename((mount() + "/post").c_str(), (mount() + "/mail").c_str()), 0);
    write_text(letters() + "/may", "after the rename");
    EXPECT_TRUE(
        soon([&] { return read_text(mount() + "/mail/letters/may") == "after the rename"; }));
}

TEST_F(MountBinariesTest, AllMountsAreListedAndComeBack) {
    make_mounts();
    const nlohmann::json before = shown();
    ASSERT_EQ(before["mounts"].size(), 3U);
    EXPECT_EQ(before["mount"], mount());
    EXPECT_EQ(before["mounts"][1]["directory"], letters());
    EXPECT_EQ(before["mounts"][1]["path"], "post/letters");
    EXPECT_EQ(before["mounts"][1]["mounted"], true);
    EXPECT_EQ(before["mounts"][2]["readOnly"], true);
    EXPECT_EQ(home_.must({"status", "--json"}).json()["vaults"][0]["mounts"], before["mounts"]);
    write_text(letters() + "/may", "kept");

    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    EXPECT_EQ(shown()["mounts"][1]["mounted"], false);
    for (const std::string& point : {mount(), letters(), reading()}) {
        EXPECT_FALSE(is_mount_point(point));
        EXPECT_EQ(mode_of(point), 0500U) << point << " is guarded while it is not mounted";
    }
    unlock();
    EXPECT_EQ(shown()["mounts"], before["mounts"]);
    EXPECT_EQ(read_text(reading() + "/post/letters/may"), "kept");
    EXPECT_EQ(::access((reading() + "/post").c_str(), W_OK), -1);
}

TEST_F(MountBinariesTest, OwnersAreKeptWhereAMountAsksForThem) {
    make_mounts();
    const std::string owned = home_ / "owned";
    home_.must({"mount", "papers", owned, "--ownership"});
    write_text(owned + "/file", "text");
    const auto owner_in = [](const std::string& folder) {
        struct stat status {};
        EXPECT_EQ(::stat((folder + "/file").c_str(), &status), 0);
        return status.st_uid;
    };
    const bool may_give_away = ::geteuid() == 0;
    const uid_t owner = may_give_away ? 12345 : ::geteuid();
    EXPECT_EQ(::chown((mount() + "/file").c_str(), 54321, 54321), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::chown((owned + "/file").c_str(), owner, static_cast<gid_t>(-1)), 0);
    EXPECT_EQ(owner_in(owned), owner);
    EXPECT_EQ(owner_in(mount()), ::geteuid());

    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    unlock();
    EXPECT_EQ(shown()["mounts"][3]["ownership"], true);
    EXPECT_EQ(shown()["mounts"][0]["ownership"], false);
    EXPECT_EQ(owner_in(owned), owner);
    EXPECT_EQ(owner_in(mount()), ::geteuid());
}

TEST_F(MountBinariesTest, OneMountIsTakenAwayAndOnlyForgottenWhenAsked) {
    make_mounts();
    home_.must({"unmount", letters()});
    EXPECT_FALSE(is_mount_point(letters()));
    EXPECT_TRUE(is_mount_point(mount()));
    EXPECT_EQ(home_.run({"unmount", letters()}).exit_code, 10);
    home_.must({"mount", "papers:post/letters"});
    EXPECT_TRUE(is_mount_point(letters()));
    home_.must({"unmount", letters(), "--forget"});
    EXPECT_EQ(shown()["mounts"].size(), 2U);
    EXPECT_EQ(mode_of(letters()), 0700U) << "an ordinary directory again";
    EXPECT_EQ(home_.run({"mount", "papers:post/letters"}).exit_code, 2);
    home_.must({"unmount", "papers"});
    EXPECT_FALSE(is_mount_point(mount()));
    EXPECT_FALSE(is_mount_point(reading()));
    home_.must({"mount", "papers"});
    EXPECT_TRUE(is_mount_point(mount()));
    EXPECT_EQ(::access((reading() + "/post").c_str(), W_OK), -1) << "as it was remembered";
}

TEST_F(MountBinariesTest, MountsThatCannotBeAreRefused) {
    make_mounts();
    EXPECT_EQ(home_.run({"mount", "papers:post", letters()}).exit_code, 11);
    home_.must({"mount", "papers:/post//letters", letters()});  // it is there already
    EXPECT_EQ(home_.run({"mount", "papers:missing", home_ / "m4"}).exit_code, 10);
    write_text(mount() + "/file", "x");
    EXPECT_EQ(home_.run({"mount", "papers:file", home_ / "m4"}).exit_code, 1);
    EXPECT_EQ(home_.run({"mount", "papers:../x", home_ / "m4"}).exit_code, 2);
    // In another mount, or over one: its guard would be synced, or the other hidden.
    EXPECT_EQ(home_.run({"mount", "papers:post", mount() + "/post"}).exit_code, 2);
    home_.must({"unmount", mount()});
    EXPECT_EQ(home_.run({"mount", "papers:post", mount() + "/post"}).exit_code, 2);
    home_.create("photos");
    EXPECT_EQ(home_.run({"mount", "photos", letters()}).exit_code, 1);
    EXPECT_EQ(home_.run({"mount", "photos", home_.path()}).exit_code, 2);
    EXPECT_EQ(shown()["mounts"].size(), 3U);
}

TEST_F(MountBinariesTest, WhoHoldsAMountIsNamedAndNoMountIsLost) {
    make_mounts();
    write_text(letters() + "/may", std::string(4096, 'x'));
    const auto refused_for = [&](const Holder& holder, const std::string& what) {
        ASSERT_TRUE(holder.holds());
        const Ran ran = home_.run({"vault", "lock", "papers"});
        EXPECT_EQ(ran.exit_code, 11);
        EXPECT_NE(ran.errors.find(holder.number()), std::string::npos) << ran.errors;
        EXPECT_NE(ran.errors.find("daemon_binaries"), std::string::npos) << ran.errors;
        EXPECT_NE(ran.errors.find(what), std::string::npos) << ran.errors;
        for (const std::string& point : {mount(), letters(), reading()})
            EXPECT_TRUE(is_mount_point(point)) << point;
    };
    refused_for(Holder([&] { return ::open((letters() + "/may").c_str(), O_RDONLY) >= 0; }),
                letters() + "/may open");
    refused_for(Holder([&] { return ::chdir((mount() + "/post").c_str()) == 0; }),
                "works in " + mount() + "/post");
    refused_for(Holder([&] {
                    const int fd = ::open((reading() + "/post/letters/may").c_str(), O_RDONLY);
                    void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
                    return map != MAP_FAILED && ::close(fd) == 0;
                }),
                reading() + "/post/letters/may open");
    if (::geteuid() == 0) {
        ASSERT_EQ(::mount("tmpfs", (mount() + "/post").c_str(), "tmpfs", 0, "size=1m"), 0);
        const Ran ran = home_.run({"vault", "lock", "papers"});
        ASSERT_EQ(::umount2((mount() + "/post").c_str(), 0), 0);
        EXPECT_EQ(ran.exit_code, 11);
        EXPECT_NE(ran.errors.find("something is mounted at " + mount() + "/post"),
                  std::string::npos)
            << ran.errors;
    }
    home_.must({"vault", "lock", "papers"});
}

TEST_F(MountBinariesTest, AForcedLockLeavesOpenFilesWithEio) {
    make_mounts();
    write_text(letters() + "/may", "secret");
    UniqueFd reader(::open((letters() + "/may").c_str(), O_RDONLY | O_CLOEXEC));
    UniqueFd writer(::open((mount() + "/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(reader.ok() && writer.ok());
    char c = 0;
    ASSERT_EQ(::pread(reader.get(), &c, 1, 0), 1);
    ASSERT_EQ(::write(writer.get(), "written before", 14), 14);
    EXPECT_EQ(home_.run({"unmount", "papers"}).exit_code, 11);
    home_.must({"vault", "lock", "papers", "--force"});
    EXPECT_EQ(::pread(reader.get(), &c, 1, 0), -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(::write(writer.get(), "after", 5), -1);
    EXPECT_EQ(errno, EIO);
    for (const std::string& point : {mount(), letters(), reading()})
        EXPECT_FALSE(is_mount_point(point)) << point;
    // The vault comes back while the old files are still held, and those stay cut off.
    unlock();
    EXPECT_EQ(read_text(mount() + "/new"), "written before");
    EXPECT_EQ(::pread(reader.get(), &c, 1, 0), -1);
    reader.reset();
    writer.reset();
    EXPECT_EQ(read_text(letters() + "/may"), "secret");
    home_.must({"vault", "lock", "papers"});
}

TEST_F(MountBinariesTest, AStopDoesNotWaitForOpenFilesAndKeepsWhatTheyWrote) {
    make_mounts();
    const Holder worker([&] { return ::chdir(letters().c_str()) == 0; });
    UniqueFd writer(::open((mount() + "/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(writer.get(), "written before", 14), 14);
    EXPECT_EQ(home_.stop(), 0);
    for (const std::string& point : {mount(), letters(), reading()}) {
        EXPECT_FALSE(is_mount_point(point)) << point;
        EXPECT_EQ(mode_of(point), 0500U) << point;
    }
    ASSERT_TRUE(home_.start());
    unlock();
    EXPECT_EQ(read_text(mount() + "/new"), "written before");
}

TEST_F(MountBinariesTest, WhatAKilledDaemonLeavesIsTakenAwayAtTheStart) {
    make_mounts();
    write_text(letters() + "/may", "kept");
    home_.must({"wait", "papers", "--published"});
    const Holder worker([&] { return ::chdir(letters().c_str()) == 0; });
    const Holder reader([&] { return ::open((mount() + "/post").c_str(), O_RDONLY) >= 0; });
    ASSERT_TRUE(worker.holds() && reader.holds());
    home_.kill();
    ASSERT_TRUE(home_.start());
    for (const std::string& point : {mount(), letters(), reading()}) {
        EXPECT_FALSE(is_mount_point(point)) << point;
        EXPECT_EQ(mode_of(point), 0500U) << point;
    }
    unlock();
    EXPECT_EQ(read_text(letters() + "/may"), "kept");
    EXPECT_EQ(home_.stop(), 0);
}

TEST_F(MountBinariesTest, MountsOfAVaultThatIsGoneAreTakenAwayToo) {
    make_mounts();
    home_.kill();
    EXPECT_EQ(::open(mount().c_str(), O_RDONLY | O_CLOEXEC), -1);
    EXPECT_EQ(errno, ENOTCONN) << "a dead mount is still there";
    write_text(home_ / "config" / "config.toml", "");
    fs::remove_all(home_ / "data" / "papers.vault");
    ASSERT_TRUE(home_.start());
    for (const std::string& point : {mount(), letters(), reading()}) {
        EXPECT_TRUE(fs::is_directory(point)) << point;
        EXPECT_FALSE(is_mount_point(point)) << point;
    }
}

TEST_F(MountBinariesTest, ARemovedVaultLeavesOrdinaryDirectories) {
    make_mounts();
    home_.must({"vault", "remove", "papers"});
    for (const std::string& point : {mount(), letters(), reading()}) {
        EXPECT_FALSE(is_mount_point(point)) << point;
        EXPECT_EQ(mode_of(point), 0700U) << point;
    }
}

TEST_F(MountBinariesTest, AMountThatCannotComeBackIsToldAndTheOthersDo) {
    make_mounts();
    ASSERT_EQ(::rmdir((mount() + "/post/letters").c_str()), 0);
    EXPECT_TRUE(soon([&] { return fs::is_empty(letters()); }));
    EXPECT_EQ(::mkdir((letters() + "/x").c_str(), 0700), -1) << "nothing is written into nowhere";
    home_.must({"vault", "lock", "papers"});
    const Ran unlocked =
        home_.run({"vault", "unlock", "papers", "--passphrase-file", home_.password_file()});
    EXPECT_EQ(unlocked.exit_code, 3);
    const nlohmann::json mounts = shown()["mounts"];
    EXPECT_EQ(mounts[0]["mounted"], true);
    EXPECT_EQ(mounts[1]["mounted"], false);
    EXPECT_NE(mounts[1]["problem"].get<std::string>().find("letters"), std::string::npos);
    EXPECT_EQ(mounts[2]["mounted"], true);
    EXPECT_EQ(mode_of(letters()), 0500U);
    ASSERT_EQ(::mkdir((mount() + "/post/letters").c_str(), 0755), 0);
    home_.must({"mount", "papers:post/letters"});
    EXPECT_EQ(shown()["mounts"][1]["problem"], "");
}

// `lockstep` on a terminal of its own, which is given `typed` once it asks.
int run_on_a_terminal(const fs::path& home, const std::vector<std::string>& arguments,
                      const std::string& typed) {
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
        ::setenv("LOCKSTEP_HOME", home.c_str(), 1);
        std::vector<std::string> words = arguments;
        words.insert(words.begin(), LOCKSTEP_BIN_DIR "/lockstep");
        std::vector<char*> values;
        for (std::string& word : words) values.push_back(word.data());
        values.push_back(nullptr);
        ::execv(values[0], values.data());
        ::_exit(127);
    }
    std::string seen;
    bool is_answered = false;
    char text[256];
    for (ssize_t size = 0; (size = ::read(terminal, text, sizeof(text))) > 0;) {
        seen.append(text, static_cast<std::size_t>(size));
        if (is_answered || seen.find("Passphrase") == std::string::npos) continue;
        is_answered = ::write(terminal, typed.data(), typed.size()) > 0;
    }
    ::close(terminal);
    int state = 0;
    ::waitpid(child, &state, 0);
    EXPECT_TRUE(is_answered) << seen;
    EXPECT_EQ(seen.find("correct horse"), std::string::npos) << "what is typed is not shown";
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

TEST_F(MountBinariesTest, MountingALockedVaultAsksOnATerminalAndElseExits11) {
    make_mounts();
    home_.must({"vault", "lock", "papers"});
    EXPECT_EQ(home_.run({"mount", "papers:post", home_ / "m4"}).exit_code, 11);
    EXPECT_EQ(run_on_a_terminal(home_.path(), {"mount", "papers:post", home_ / "m4"}, "wrong\n"),
              12);
    EXPECT_EQ(
        run_on_a_terminal(home_.path(), {"mount", "papers:post", home_ / "m4"}, "correct horse\n"),
        0);
    EXPECT_TRUE(fs::is_directory(home_ / "m4" / "letters"));
    EXPECT_TRUE(is_mount_point(mount())) << "unlocking brings the others back";
}

// The most memory that the daemon has had, in KiB; 0 under a sanitizer, which has its own.
std::size_t peak_kib(pid_t process) {
    std::size_t peak = 0;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) peak = std::stoul(line.substr(6));
    }
    EXPECT_GT(peak, 0U);
#endif
    static_cast<void>(process);
    return peak;
}

// A tebibyte of holes costs neither memory nor time, copying it included.
TEST_F(MountBinariesTest, ATebibyteOfHolesTakesLittleMemory) {
    constexpr off_t kSize = off_t{1} << 40;
    const std::string file = mount() + "/sparse", copy = mount() + "/copy";
    {
        UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        ASSERT_TRUE(fd.ok());
        ASSERT_EQ(::ftruncate(fd.get(), kSize), 0);
        ASSERT_EQ(::pwrite(fd.get(), "start", 5, 0), 5);
        ASSERT_EQ(::pwrite(fd.get(), "middle", 6, kSize / 2), 6);
        ASSERT_EQ(::pwrite(fd.get(), "end", 3, kSize - 3), 3);
        ASSERT_EQ(::fsync(fd.get()), 0);
    }
    const std::string command = "cp --sparse=always '" + file + "' '" + copy + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);
    home_.must({"vault", "lock", "papers"});
    unlock();
    for (const std::string& path : {file, copy}) {
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_size, kSize);
        UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        char text[8] = {};
        EXPECT_EQ(::pread(fd.get(), text, 5, 0), 5);
        EXPECT_STREQ(text, "start");
        EXPECT_EQ(::pread(fd.get(), text, 6, kSize / 2), 6);
        EXPECT_STREQ(text, "middle");
        std::fill(std::begin(text), std::end(text), '\0');
        EXPECT_EQ(::pread(fd.get(), text, 8, kSize - 3), 3);
        EXPECT_STREQ(text, "end");
    }
    EXPECT_LT(peak_kib(home_.daemon()), 100U * 1024);
}

// The 256 MiB of the default key derivation are a child's.
TEST_F(MountBinariesTest, UnlockingDoesNotGrowTheDaemon) {
    home_.must({"vault", "create", "dear", "--passphrase-file", home_.password_file()});
    home_.must({"vault", "lock", "dear"});
    home_.must({"vault", "unlock", "dear", "--passphrase-file", home_.password_file()});
    EXPECT_LT(peak_kib(home_.daemon()), 200U * 1024);
}

}  // namespace
}  // namespace lockstep
