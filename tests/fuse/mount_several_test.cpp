// Several mounts of one FileSystem, one of a directory of it: what is done through one shows in the
// others at once, although the kernel caches everything for an hour.
#include <array>
#include <atomic>

#include <sys/mman.h>

#include "tests/fuse/mounted_test.h"
#include "vault/file_views.h"

namespace lockstep {
namespace {

class MountSeveralTest : public MountedTest {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_FUSE();
        whole_ = views_.open(kRootNode);
        also_whole_ = views_.open(kRootNode);
        const auto made = fs_.make_directory(kRootNode, "d", 0755);
        ASSERT_TRUE(made.ok());
        part_ = views_.open(made->node);
        mounts_[0] = mounted(*whole_, directory_.path());
        mounts_[1] = mounted(*also_whole_, second_.path());
        mounts_[2] = mounted(*part_, third_.path());
    }
    void TearDown() override {
        for (auto& mount : mounts_) mount.reset();
        whole_.reset();
        also_whole_.reset();
        part_.reset();
        expect_all_given_back();
    }

    static std::unique_ptr<Mount> mounted(FileSystem& view, const std::filesystem::path& path) {
        auto mount = Mount::mount(view, path);
        EXPECT_TRUE(mount.ok()) << mount.error().message;
        return mount.ok() ? std::move(*mount) : nullptr;
    }
    // The same file, seen through each of the mounts.
    std::string first(const std::string& name) const { return directory_ / "d" / name; }
    std::string second(const std::string& name) const { return second_ / "d" / name; }
    std::string third(const std::string& name) const { return third_ / name; }

    static void write_at(const std::string& file, const std::string& text, int flags = O_TRUNC) {
        const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
        ASSERT_TRUE(fd.ok()) << file << ": " << std::strerror(errno);
        EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    static std::string read_at(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static std::string read_fd(int fd) {
        std::string text(4096, '\0');
        const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }
    // Whoever changed something has queued it for the other mounts before the change returned.
    void told() {
        for (const auto& mount : mounts_) mount->wait_for_invalidations();
    }

    TempDir second_, third_;
    FileViews views_{fs_};
    std::unique_ptr<FileView> whole_, also_whole_, part_;
    std::array<std::unique_ptr<Mount>, 3> mounts_;
};

TEST_F(MountSeveralTest, OneTreeUnderThreeRoots) {
    write_at(first("f"), "x");
    told();
    EXPECT_EQ(read_at(second("f")), "x");
    told();
    EXPECT_EQ(read_at(third("f")), "x");
    ASSERT_EQ(::rename(third("f").c_str(), third("g").c_str()), 0);
    EXPECT_EQ(read_at(third("g")), "x");
    EXPECT_EQ(::rename(third("g").c_str(), first("h").c_str()), -1);
    EXPECT_EQ(errno, EXDEV);
    EXPECT_EQ(::link(third("g").c_str(), first("h").c_str()), -1);
    EXPECT_EQ(errno, EXDEV);
    struct stat status {};
    ASSERT_EQ(::stat(third_.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_ino, 1U);
    EXPECT_TRUE(S_ISDIR(status.st_mode));
}

// Nothing has been closed, so for the file system there is no new version yet.
TEST_F(MountSeveralTest, BytesShowInFilesThatAreOpenForReading) {
    write_at(first("f"), "before");
    told();
    ASSERT_EQ(read_at(second("f")), "before");
    ASSERT_EQ(read_at(third("f")), "before");
    const UniqueFd writer(::open(first("f").c_str(), O_WRONLY | O_CLOEXEC));
    const UniqueFd reader(::open(second("f").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd part_reader(::open(third("f").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(writer.ok() && reader.ok() && part_reader.ok());
    EXPECT_EQ(read_fd(reader.get()), "before");
    EXPECT_EQ(read_fd(part_reader.get()), "before");
    for (const std::string text :
         {"after!", "much longer than it was", "and again, longer still"}) {
        ASSERT_EQ(::pwrite(writer.get(), text.data(), text.size(), 0),
                  static_cast<ssize_t>(text.size()));
        told();
        EXPECT_EQ(read_fd(reader.get()), text);
        EXPECT_EQ(read_fd(part_reader.get()), text);
    }
    ASSERT_EQ(::ftruncate(writer.get(), 3), 0);
    told();
    EXPECT_EQ(read_fd(reader.get()), "and");
    struct stat status {};
    ASSERT_EQ(::fstat(part_reader.get(), &status), 0);
    EXPECT_EQ(status.st_size, 3);
}

TEST_F(MountSeveralTest, BytesShowInMappedFiles) {
    write_at(first("f"), std::string(4096, 'a'));
    told();
    ASSERT_EQ(read_at(second("f")).size(), 4096U);
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const std::string file = second("f");
    const pid_t child = ::fork();
    if (child == 0) {
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) ::_exit(1);
        const auto* bytes = static_cast<const volatile char*>(map);
        const char seen = bytes[7];
        if (::write(ready[1], &seen, 1) != 1) ::_exit(1);
        ::alarm(20);
        while (bytes[7] != 'b') ::usleep(100);
        ::_exit(0);
    }
    char seen = 0;
    ASSERT_EQ(::read(ready[0], &seen, 1), 1);
    EXPECT_EQ(seen, 'a');
    const UniqueFd writer(::open(first("f").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(writer.get(), "b", 1, 7), 1);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the mapped reader saw the new byte";
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(MountSeveralTest, TimesShow) {
    write_at(first("f"), "x");
    struct stat status {};
    told();
    ASSERT_EQ(::stat(third("f").c_str(), &status), 0);
    const UniqueFd writer(::open(first("f").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(writer.get(), "y", 1, 0), 1);
    const timespec times[] = {{7, 0}, {7, 0}};
    ASSERT_EQ(::futimens(writer.get(), times), 0);
    told();
    ASSERT_EQ(::stat(third("f").c_str(), &status), 0);
    EXPECT_EQ(status.st_mtime, 7);
}

// Each mount writes and reads while the others invalidate its caches: nobody waits for ever, and in
// the end all see the same.
TEST_F(MountSeveralTest, MountsThatChangeEachOthersCachesDoNotDeadlock) {
    const std::array<std::filesystem::path, 3> roots{directory_ / "d", second_ / "d",
                                                     third_.path()};
    std::vector<std::thread> workers;
    std::atomic<int> mistakes{0};
    for (std::size_t who = 0; who < roots.size(); ++who) {
        workers.emplace_back([&, who] {
            for (int round = 0; round < 150; ++round) {
                const std::string own = roots[who] / ("own" + std::to_string(who));
                const std::string shared = roots[who] / "shared";
                write_at(own, std::to_string(round));
                write_at(shared, std::to_string(round), O_APPEND);
                if (read_at(own) != std::to_string(round)) ++mistakes;
                static_cast<void>(read_at(shared));
                for (const auto& item : std::filesystem::directory_iterator(roots[who]))
                    static_cast<void>(item);
                if (::rename(own.c_str(), (own + "-moved").c_str()) != 0) ++mistakes;
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(mistakes, 0);
    const std::string all = read_at(first("shared"));
    told();
    EXPECT_EQ(read_at(second("shared")), all);
    told();
    EXPECT_EQ(read_at(third("shared")), all);
}

}  // namespace
}  // namespace lockstep
