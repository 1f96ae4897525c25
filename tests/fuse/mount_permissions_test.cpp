// What modes let the mounting user do. Goal: it makes no difference who checks them, the kernel
// (default_permissions) or the mount itself. Method: one list of system calls, each with the errno
// that Linux gives on a local disk, made by an ordinary user on a mount of his own, of both kinds.
#include <functional>

#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

constexpr uid_t kUser = 12345;

bool set_capabilities(std::uint32_t effective) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    data[0].effective = data[0].permitted = effective;
    return ::syscall(SYS_capset, &header, data) == 0;
}

// As somebody who mounts with fusermount3, which has no access to /dev/fuse in every container.
bool become_user_who_may_mount() {
    return ::prctl(PR_SET_KEEPCAPS, 1) == 0 && ::setgroups(0, nullptr) == 0 &&
           ::setresgid(kUser, kUser, kUser) == 0 && ::setresuid(kUser, kUser, kUser) == 0 &&
           set_capabilities(1U << CAP_SYS_ADMIN | 1U << CAP_DAC_OVERRIDE);
}

struct Step {
    std::string what;
    int expected = 0;  // errno; 0: it works
    std::function<int()> call;
};

int error_of(long result) {
    return result < 0 ? errno : 0;
}

// In the mount as working directory.
class Steps {
  public:
    std::vector<Step> all() {
        prepare();
        directories();
        files();
        programs();
        return std::move(steps_);
    }

  private:
    void add(const std::string& what, int expected, std::function<long()> call) {
        steps_.push_back({what, expected, [call = std::move(call)] { return error_of(call()); }});
    }
    // The kernel may have to be told first that a name it knows cannot be reached any more.
    void add_soon(const std::string& what, int expected, std::function<long()> call) {
        steps_.push_back({what, expected, [call = std::move(call), expected] {
                              int found = -1;
                              for (int i = 0; i < 5000 && found != expected; ++i) {
                                  if (found != -1) ::usleep(1000);
                                  found = error_of(call());
                              }
                              return found;
                          }});
    }
    void mode(const char* name, mode_t bits) {
        add(std::string("chmod ") + name, 0, [=] { return ::chmod(name, bits); });
    }
    static long open_close(const char* name, int flags, mode_t bits = 0644) {
        const int fd = ::open(name, flags | O_CLOEXEC, bits);
        return fd < 0 ? -1 : ::close(fd);
    }
    void opens(const char* name, int flags, int expected) {
        add("open " + std::string(name) + " " + std::to_string(flags), expected,
            [=] { return open_close(name, flags); });
    }
    static long list(const char* name) {
        DIR* directory = ::opendir(name);
        if (directory == nullptr) return -1;
        errno = 0;
        while (::readdir(directory) != nullptr) continue;
        return ::closedir(directory) != 0 || errno != 0 ? -1 : 0;
    }

    void prepare() {
        for (const char* name : {"d", "d/sub", "e", "still"})
            add(std::string("mkdir ") + name, 0, [=] { return ::mkdir(name, 0755); });
        for (const char* name : {"d/f", "d/g", "e/f", "f"}) opens(name, O_CREAT | O_WRONLY, 0);
        add("setxattr", 0, [] { return ::setxattr("f", "user.a", "1", 1, 0); });
    }

    void directories() {
        mode("d", 0500);
        opens("d/f", O_WRONLY, 0);
        opens("d/new", O_CREAT | O_WRONLY, EACCES);
        opens("d/f", O_CREAT | O_WRONLY, 0);
        opens("d/f", O_CREAT | O_EXCL | O_WRONLY, EEXIST);
        opens("d/none", O_RDONLY, ENOENT);
        add("mkdir", EACCES, [] { return ::mkdir("d/new", 0755); });
        add("mkfifo", EACCES, [] { return ::mkfifo("d/new", 0644); });
        add("symlink", EACCES, [] { return ::symlink("x", "d/new"); });
        add("link into", EACCES, [] { return ::link("f", "d/new"); });
        add("link out of", 0, [] { return ::link("d/f", "linked"); });
        add("unlink", EACCES, [] { return ::unlink("d/f"); });
        add("rmdir", EACCES, [] { return ::rmdir("d/sub"); });
        add("rename out of", EACCES, [] { return ::rename("d/f", "e/new"); });
        add("rename into", EACCES, [] { return ::rename("e/f", "d/new"); });
        add("rename within", EACCES, [] { return ::rename("d/f", "d/new"); });
        mode("d", 0300);
        add("list", EACCES, [] { return list("d"); });
        opens("d/f", O_RDONLY, 0);
        opens("d/new", O_CREAT | O_WRONLY, 0);
        mode("d", 0200);
        add_soon("open what is known", EACCES, [] { return open_close("d/f", O_RDONLY); });
        mode("d", 0600);
        add("list without search", 0, [] { return list("d"); });
        add_soon("stat what is listed", EACCES, [] {
            struct stat status {};
            return ::stat("d/f", &status);
        });
        add_soon("stat below a directory", EACCES, [] {
            struct stat status {};
            return ::stat("d/sub/none", &status);
        });
        add("look for what is not there", EACCES, [] { return ::access("d/other", F_OK); });
        add("chdir", EACCES, [] { return ::chdir("d"); });
        mode("d", 0100);
        add("chdir", 0, [] { return ::chdir("d") != 0 ? -1 : ::chdir(".."); });
        opens("d/f", O_RDONLY, 0);
        mode("d", 0700);
        add("unlink", 0, [] { return ::unlink("d/new"); });
        mode("still", 0500);
        add("move a directory that stays", EACCES, [] { return ::rename("still", "e/still"); });
        add("rename it where it is", 0, [] { return ::rename("still", "other"); });
    }

    void files() {
        mode("f", 0000);
        opens("f", O_RDONLY, EACCES);
        opens("f", O_WRONLY, EACCES);
        add("truncate", EACCES, [] { return ::truncate("f", 1); });
        add("stat", 0, [] {
            struct stat status {};
            return ::stat("f", &status);
        });
        add("touch", 0, [] { return ::utimensat(AT_FDCWD, "f", nullptr, 0); });
        char byte = 0;
        add("getxattr", EACCES, [byte]() mutable { return ::getxattr("f", "user.a", &byte, 1); });
        add("setxattr", EACCES, [] { return ::setxattr("f", "user.b", "1", 1, 0); });
        add("removexattr", EACCES, [] { return ::removexattr("f", "user.a"); });
        for (const int wanted : {R_OK, W_OK, X_OK})
            add("access", EACCES, [=] { return ::access("f", wanted); });
        add("access", 0, [] { return ::access("f", F_OK); });
        mode("f", 0400);
        opens("f", O_RDONLY, 0);
        opens("f", O_RDWR, EACCES);
        opens("f", O_RDONLY | O_TRUNC, EACCES);
        opens("f", O_CREAT | O_WRONLY, EACCES);
        add("truncate", EACCES, [] { return ::truncate("f", 1); });
        add("getxattr", 0, [byte]() mutable { return ::getxattr("f", "user.a", &byte, 1); });
        add("access", 0, [] { return ::access("f", R_OK); });
        add("access", EACCES, [] { return ::access("f", R_OK | W_OK); });
        mode("f", 0266);
        opens("f", O_RDONLY, EACCES);
        opens("f", O_WRONLY | O_TRUNC, 0);
        add("truncate", 0, [] { return ::truncate("f", 1); });
        add("write what is made without a bit", 0, [] {
            const int fd = ::open("bare", O_CREAT | O_RDWR | O_CLOEXEC, 0000);
            if (fd < 0 || ::write(fd, "x", 1) != 1 || ::ftruncate(fd, 5) != 0) return -1;
            return ::close(fd);
        });
        opens("bare", O_RDONLY, EACCES);
        add("resize what was opened before", 0, [] {
            const int fd = ::open("e/f", O_WRONLY | O_CLOEXEC);
            if (fd < 0 || ::chmod("e/f", 0400) != 0 || ::ftruncate(fd, 7) != 0) return -1;
            return ::close(fd);
        });
        add("give away", EPERM, [] { return ::chown("f", kUser + 1, kUser); });
    }

    void programs() {
        add("copy a program", 0, [] {
            std::ifstream in("/bin/true", std::ios::binary);
            std::ofstream out("true", std::ios::binary);
            out << in.rdbuf();
            out.close();
            return out ? 0 : -1;
        });
        const auto run = [] {
            const pid_t child = ::fork();
            if (child == 0) {
                ::execl("true", "true", nullptr);
                ::_exit(errno == EACCES ? 2 : 1);
            }
            int status = -1;
            if (::waitpid(child, &status, 0) != child) return -1;
            errno = status == 0 ? 0 : WEXITSTATUS(status) == 2 ? EACCES : EIO;
            return status == 0 ? 0 : -1;
        };
        mode("true", 0644);
        add("run", EACCES, run);
        add("access", EACCES, [] { return ::access("true", X_OK); });
        mode("true", 0655);
        add("run what only others may", EACCES, run);
        mode("true", 0111);
        add("run without reading", 0, run);
        opens("true", O_RDONLY, EACCES);
        add("access", 0, [] { return ::access("true", X_OK); });
    }

    std::vector<Step> steps_;
};

class MountPermissionsTest : public MountPointTest {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_FUSE();
        if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
        ASSERT_EQ(::chown(directory_.path().c_str(), kUser, kUser), 0);
        report_ = (side_.path() / "report").string();
    }

    // Makes the calls in a process of their own, on a mount of another one's.
    std::string differences(const MountOptions& options) {
        const auto work = [&] {
            const UniqueFd report(::open(report_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
            const auto say = [&](const std::string& text) {
                return ::write(report.get(), text.data(), text.size()) >= 0;
            };
            ::umask(0);
            if (!report.ok() || !become_user_who_may_mount()) return false;
            MemoryFileSystem files;
            auto mounted = Mount::mount(files, directory_.path(), options);
            if (!mounted.ok()) return say(mounted.error().message) && false;
            return in_child([&] {
                if (!set_capabilities(0) || ::chdir(directory_.path().c_str()) != 0) return false;
                bool is_as_expected = true;
                for (const Step& step : Steps().all()) {
                    const int found = step.call();
                    if (found == step.expected) continue;
                    is_as_expected = false;
                    say(step.what + ": " + std::strerror(found) + " instead of " +
                        std::strerror(step.expected) + "\n");
                }
                return is_as_expected;
            });
        };
        const bool is_as_expected = in_child(work);
        std::ifstream in(report_);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        if (!is_as_expected && text.empty()) text = "the calls could not be made";
        return text;
    }

    std::string report_;
};

TEST_F(MountPermissionsTest, TheMountChecksModesAsTheKernelDoes) {
    EXPECT_EQ(differences({}), "");
}

TEST_F(MountPermissionsTest, TheKernelChecksModesWhereOthersAreLetIn) {
    MountOptions options;
    options.allow_other = true;
    EXPECT_EQ(differences(options), "");
}

// A change that comes from elsewhere.
TEST_F(MountPermissionsTest, NamesInADirectoryThatIsClosedElsewhereAreForgotten) {
    const bool is_refused = in_child([&] {
        ::umask(0);
        if (!become_user_who_may_mount()) return false;
        MemoryFileSystem files;
        auto mounted = Mount::mount(files, directory_.path());
        if (!mounted.ok()) return false;
        const std::string known = path("d/f");
        const bool is_known = in_child([&] {
            return set_capabilities(0) && ::mkdir(path("d").c_str(), 0755) == 0 &&
                   ::close(::creat(known.c_str(), 0644)) == 0;
        });
        const auto directory = files.lookup(kRootNode, "d");
        if (!is_known || !directory.ok()) return false;
        AttributeChange change;
        change.mode = 0600;
        if (!files.set_attributes(directory->node, change, {}).ok()) return false;
        files.report_node(directory->node);
        (*mounted)->wait_for_invalidations();
        files.forget(directory->node, 1);
        return in_child([&] {
            return set_capabilities(0) && ::open(known.c_str(), O_RDONLY | O_CLOEXEC) == -1 &&
                   errno == EACCES;
        });
    });
    EXPECT_TRUE(is_refused);
}

}  // namespace
}  // namespace lockstep
