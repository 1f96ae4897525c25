// How mounts begin and end.
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/mutex.h"
#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

class MountLifecycleTest : public MountedTest {
  protected:
    void SetUp() override { SKIP_WITHOUT_FUSE(); }

    std::optional<ErrorKind> mount_error(const std::filesystem::path& directory,
                                         MountOptions options = {}) {
        const auto mounted = Mount::mount(fs_, directory, std::move(options));
        if (mounted.ok()) return std::nullopt;
        EXPECT_FALSE(mounted.error().message.empty());
        return mounted.error().kind;
    }
};

TEST_F(MountLifecycleTest, MountAndUnmount) {
    mount();
    EXPECT_TRUE(mount_->is_mounted());
    write_file("f", "x");
    ASSERT_TRUE(mount_->unmount().ok());
    EXPECT_FALSE(mount_->is_mounted());
    EXPECT_FALSE(exists("f"));
    EXPECT_TRUE(mount_->unmount().ok());
    expect_all_given_back();
    mount();
    EXPECT_EQ(read_file("f"), "x");
}

TEST_F(MountLifecycleTest, TheDirectoryIsGuardedWhileUnmounted) {
    mount();
    ASSERT_TRUE(mount_->unmount().ok());
    EXPECT_EQ(status_of(".").st_mode & 07777, 0500U);
    ASSERT_TRUE(remove_mount_point_guard(directory_.path()).ok());
    EXPECT_EQ(status_of(".").st_mode & 07777, 0700U);
}

TEST_F(MountLifecycleTest, UnsuitableDirectoriesAreRefused) {
    EXPECT_EQ(mount_error(directory_ / "missing"), ErrorKind::NotFound);
    EXPECT_EQ(mount_error(directory_ / "missing" / "below"), ErrorKind::NotFound);
    std::ofstream(path("file")) << "x";
    EXPECT_EQ(mount_error(directory_ / "file"), ErrorKind::NotDirectory);
    EXPECT_EQ(mount_error(directory_.path()), ErrorKind::NotEmpty);
    std::filesystem::create_directory_symlink(side_.path(), directory_ / "link");
    EXPECT_EQ(mount_error(directory_ / "link"), ErrorKind::NotDirectory);
    EXPECT_EQ(mount_error("/"), ErrorKind::Refused);
}

TEST_F(MountLifecycleTest, MountedDirectoriesAreBusy) {
    mount();
    EXPECT_EQ(mount_error(directory_.path()), ErrorKind::Busy);
    write_file("f", "still works");
}

TEST_F(MountLifecycleTest, OptionsAreChecked) {
    MountOptions none, many, nameless;
    none.threads = 0;
    many.threads = kMountThreadsMax + 1;
    nameless.name.clear();
    EXPECT_EQ(mount_error(directory_.path(), none), ErrorKind::Invalid);
    EXPECT_EQ(mount_error(directory_.path(), many), ErrorKind::Invalid);
    EXPECT_EQ(mount_error(directory_.path(), nameless), ErrorKind::Invalid);
}

TEST_F(MountLifecycleTest, OptionsShow) {
    MountOptions options;
    options.name = "my, vault";
    options.read_only = true;
    options.uid = 1234;
    options.threads = 1;
    const auto made = fs_.make_node(kRootNode, "f", {});
    ASSERT_TRUE(made.ok());
    fs_.forget(made->node, 1);
    mount(options);
    EXPECT_EQ(status_of("f").st_uid, 1234U);
    EXPECT_EQ(::open(path("g").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644), -1);
    EXPECT_EQ(errno, EROFS);
    std::ifstream mounts("/proc/self/mounts");
    bool found = false;
    for (std::string line; std::getline(mounts, line);) {
        if (line.find(directory_.path().string()) == std::string::npos) continue;
        found = true;
        EXPECT_TRUE(line.starts_with("my_\\040vault ")) << line;
        EXPECT_NE(line.find(" fuse.lockstep "), std::string::npos) << line;
        // Who gets in does not own what is shown: the kernel checks modes.
        EXPECT_NE(line.find("default_permissions"), std::string::npos) << line;
        EXPECT_EQ(line.find("allow_other"), std::string::npos) << line;
    }
    EXPECT_TRUE(found);
}

TEST_F(MountLifecycleTest, UnmountOfABusyMountChangesNothing) {
    mount();
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    const Status unmounted = mount_->unmount();
    ASSERT_FALSE(unmounted.ok());
    EXPECT_EQ(unmounted.error().kind, ErrorKind::Busy);
    EXPECT_EQ(::write(fd.get(), "x", 1), 1);
    write_file("g", "works");
    fd.reset();
    EXPECT_TRUE(mount_->unmount().ok());
}

TEST_F(MountLifecycleTest, LazyUnmountCutsOpenFilesOff) {
    mount();
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    ASSERT_EQ(::write(fd.get(), "x", 1), 1);
    ASSERT_TRUE(mount_->unmount_lazily().ok());
    EXPECT_FALSE(mount_->is_mounted());
    EXPECT_FALSE(exists("f"));
    EXPECT_EQ(::write(fd.get(), "y", 1), -1);
    char c = 0;
    EXPECT_EQ(::pread(fd.get(), &c, 1, 4096), -1);
    expect_all_given_back();
}

// Waits for MountOptions::on_finished.
class Finished {
  public:
    std::function<void()> listener() {
        return [this] {
            MutexLock lock(mutex_);
            is_finished_ = true;
            told_.notify_all();
        };
    }
    bool wait() {
        MutexLock lock(mutex_);
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!is_finished_ && told_.wait_until(mutex_, deadline)) {
        }
        return is_finished_;
    }

  private:
    Mutex mutex_;
    CondVar told_;
    bool is_finished_ GUARDED_BY(mutex_) = false;
};

TEST_F(MountLifecycleTest, CutOffFilesFailWithEioUntilTheyAreClosed) {
    auto file_system = std::make_unique<MemoryFileSystem>();
    Finished finished;
    MountOptions options;
    options.on_finished = finished.listener();
    auto mounted = Mount::mount(*file_system, directory_.path(), options);
    ASSERT_TRUE(mounted.ok());
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    UniqueFd directory = open(".", O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(::write(fd.get(), "cached", 6), 6);
    char c = 0;
    ASSERT_EQ(::pread(fd.get(), &c, 1, 0), 1);
    ASSERT_TRUE((*mounted)->cut_off().ok());
    EXPECT_FALSE(exists("f"));
    EXPECT_EQ(file_system->open_handles(), 0U);
    EXPECT_EQ(file_system->references(), 0U);
    file_system.reset();

    EXPECT_TRUE((*mounted)->is_mounted());
    EXPECT_EQ(::pread(fd.get(), &c, 1, 0), -1);
    EXPECT_EQ(errno, EIO) << "also what the kernel had cached";
    EXPECT_EQ(::write(fd.get(), "y", 1), -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(::fsync(fd.get()), -1);
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(::openat(directory.get(), "g", O_CREAT | O_WRONLY | O_CLOEXEC, 0644), -1);
    EXPECT_EQ(errno, EIO);
    fd.reset();
    directory.reset();
    EXPECT_TRUE(finished.wait());
    EXPECT_FALSE((*mounted)->is_mounted());
}

// What a program changed through mmap and nobody has written back yet is not lost.
TEST_F(MountLifecycleTest, CutOffKeepsWhatWasChangedThroughMmap) {
    mount();
    write_file("f", std::string(8192, 'a'));
    int ready[2], go[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
    const std::string file = path("f");
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
        void* map = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) ::_exit(1);
        auto* bytes = static_cast<volatile char*>(map);
        bytes[4096] = 'b';
        char c = 'r';
        if (::write(ready[1], &c, 1) != 1 || ::read(go[0], &c, 1) != 1) ::_exit(1);
        // The page was taken out of memory and does not come back: SIGBUS.
        ::_exit(bytes[4096] == 'b' ? 2 : 3);
    }
    char c = 0;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    ASSERT_TRUE(mount_->cut_off().ok());
    ASSERT_EQ(::write(go[1], "g", 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
    for (int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
    mount_.reset();
    mount();
    EXPECT_EQ(read_file("f"), std::string(4096, 'a') + 'b' + std::string(4095, 'a'));
}

// The kernel gives the device number of a mount that is gone to the next one.
TEST_F(MountLifecycleTest, TheEndOfACutOffMountLeavesItsSuccessorAlone) {
    Finished finished;
    MountOptions options;
    options.on_finished = finished.listener();
    mount(options);
    UniqueFd fd = open("f", O_CREAT | O_RDWR);
    ASSERT_TRUE(mount_->cut_off().ok());
    fd.reset();
    ASSERT_TRUE(finished.wait());
    std::unique_ptr<Mount> before = std::move(mount_);
    mount();
    before.reset();
    write_file("g", "still mounted");
}

TEST_F(MountLifecycleTest, AMountThatNobodyUsesIsGoneWhenCutOff) {
    Finished finished;
    MountOptions options;
    options.on_finished = finished.listener();
    mount(options);
    write_file("f", "x");
    ASSERT_TRUE(mount_->cut_off().ok());
    EXPECT_TRUE(finished.wait());
    EXPECT_FALSE(mount_->is_mounted());
    EXPECT_TRUE(mount_->cut_off().ok());
    expect_all_given_back();
}

TEST_F(MountLifecycleTest, SomebodyElseUnmounts) {
    Finished finished;
    MountOptions options;
    options.on_finished = finished.listener();
    mount(options);
    write_file("f", "x");
    ASSERT_EQ(std::system(("umount '" + directory_.path().string() +
                           "' 2>/dev/null || fusermount3 -u '" + directory_.path().string() + "'")
                              .c_str()),
              0);
    EXPECT_TRUE(finished.wait());
    EXPECT_FALSE(mount_->is_mounted());
    EXPECT_TRUE(mount_->unmount().ok());
}

// The child mounts and is killed; its mount answers ENOTCONN until the next mount() clears it away.
TEST_F(MountLifecycleTest, DeadMountsAreRemoved) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        MemoryFileSystem file_system;
        const auto mounted = Mount::mount(file_system, directory_.path());
        const char answer = mounted.ok() ? 'y' : 'n';
        if (::write(ends[1], &answer, 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char answer = 0;
    ASSERT_EQ(::read(ends[0], &answer, 1), 1);
    ::close(ends[0]);
    ::close(ends[1]);
    ASSERT_EQ(answer, 'y');
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(::open(directory_.path().c_str(), O_RDONLY | O_CLOEXEC), -1);
    EXPECT_EQ(errno, ENOTCONN);
    mount();
    write_file("f", "alive");
}

TEST_F(MountLifecycleTest, ReferencesComeBack) {
    mount();
    run("mkdir -p a/b && for i in 1 2 3 4 5; do echo $i > a/b/f$i; done && ls -lR >/dev/null && rm "
        "-r a");
    ASSERT_TRUE(mount_->unmount().ok());
    expect_all_given_back();
}

}  // namespace
}  // namespace lockstep
