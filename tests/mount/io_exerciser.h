// Random file operations on a directory, compared with a model in memory: what fsx does, for
// several files with names that come, go, are linked and renamed over each other.
//
// A run is a function of its seed and of what the file system supports. The first difference ends
// the process: it prints the last operations, the seed and how to replay them.
//
// The process must not be the one that serves the mount: it maps files into its memory, and a page
// fault that waits for its own process waits for ever.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "tests/support/seeded_random.h"

namespace lockstep {

struct ExerciserOptions {
    std::string directory;
    std::uint64_t seed = 1;
    std::uint64_t operations = 10000;
    std::uint64_t check_every = 500;     // operations between comparisons of everything
    std::uint64_t sync_point_every = 0;  // operations between sync points; 0: none
    std::uint64_t file_size_max = 9U << 20;
    std::uint64_t operations_shown = 40;  // when it fails
    // Whether a file keeps its inode number when it was renamed over another one, too, and nobody
    // has it open.
    bool is_strict_on_inodes = false;
    bool is_verbose = false;
};

// A file as it has to be, whatever it is called.
struct ModelFile {
    std::uint64_t number = 0;  // for the trace
    Bytes content;
    std::uint64_t size_max = 0;  // this file is not made larger
    std::uint32_t links = 1;
    std::uint32_t mode = 0644;
    std::optional<ino_t> inode;
    bool has_replaced = false;                // it was renamed over another file
    std::optional<std::int64_t> modified_ns;  // as it was set, if nothing was written since
    std::optional<std::string> xattr;
    bool has_stores = false;  // through a mapping; the kernel may not have written them yet
};

class IoExerciser {
  public:
    explicit IoExerciser(ExerciserOptions options);
    ~IoExerciser();

    // Returns when all operations are done and everything was as it has to be.
    void run();

  private:
    using FilePtr = std::shared_ptr<ModelFile>;
    struct Handle {
        UniqueFd fd;
        FilePtr file;
        bool may_read = false, may_write = false, is_append = false;
        std::shared_ptr<std::uint64_t> position;  // shared by duplicates
    };
    // A shared mapping. What lies behind the end of the file is not touched: SIGBUS.
    struct Mapping {
        std::byte* address = nullptr;
        std::uint64_t offset = 0, size = 0;
        bool may_write = false;
        FilePtr file;
    };
    struct Operation {
        const char* name;
        unsigned weight;
        void (IoExerciser::*run)();
    };
    static const std::vector<Operation>& operations();

    // Operations; each does nothing when there is no file or handle that it could use.
    void open_file();
    void close_handle();
    void duplicate();
    void read_at();
    void read_on();
    void write_at();
    void write_on();
    void write_stream();
    void resize();
    void resize_by_name();
    void map();
    void read_mapping();
    void write_mapping();
    void write_private_mapping();
    void sync_mapping();
    void unmap();
    void sync_file();
    void drop_pages();
    void read_direct();
    void write_direct();
    void allocate();
    void copy_range();
    void seek();
    void rename_name();
    void rename_specially();
    void link_name();
    void unlink_name();
    void change_mode();
    void set_times();
    void set_xattr();
    void check_status();
    void save_by_rename();

    // The model's side of an operation.
    void put(ModelFile& file, std::uint64_t offset, ByteView data);
    static void zero(ModelFile& file, std::uint64_t offset, std::uint64_t end);
    static void touch(ModelFile& file) { file.modified_ns.reset(); }
    FilePtr make_file();
    void take_name(const std::string& name);

    // Choices.
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    const std::string& any_name();
    const std::string* existing_name();
    Handle* handle_for(bool reading, bool writing);
    std::uint64_t some_offset(const ModelFile& file);
    std::uint64_t some_length(std::uint64_t max);
    Bytes some_data(std::uint64_t size);

    // Comparisons.
    void compare(const ModelFile& file, std::uint64_t offset, ByteView got, const char* how);
    void compare_status(ModelFile& file, const struct stat& status, const char* how);
    bool is_held(const ModelFile& file) const;
    void compare_xattr(const ModelFile& file, const std::string& path);
    void compare_everything();
    void compare_whole(int fd, ModelFile& file, const char* how);
    void compare_listing(const std::string& directory);

    void drop_pages_of(int fd);
    void unmap(std::size_t index);
    // Everything is closed (`kind` remount) or fsynced (`kind` kill); whoever drives this process
    // is told on standard output and answers with a line when the file system is there again.
    void sync_point(const char* kind);

    static std::string shown(const std::string& name);
    std::string path(const std::string& name) const { return options_.directory + "/" + name; }
    // What is being done, for the trace.
    template <typename... Arguments>
    void note(const char* format, const Arguments&... arguments) {
        note_text(fmt::format(fmt::runtime(format), arguments...));
    }
    void note_text(std::string text);
    void note_skipped();
    void print_trace(const std::string& what) const;
    [[noreturn]] void fail(const std::string& what);
    [[noreturn]] void fail_call(const char* what);
    // Fails unless the call did what the model expects: `expected` is an errno, or 0.
    bool expect(long result, int expected, const char* what);

    const ExerciserOptions options_;
    SeededRandom random_;
    std::vector<std::string> names_;  // that may be used
    std::vector<std::string> directories_;
    std::map<std::string, FilePtr> files_;
    std::vector<Handle> handles_;
    std::vector<Mapping> mappings_;
    std::vector<Bytes> pool_;  // contents that come again and again
    std::uint64_t count_ = 0, files_made_ = 0, sync_points_ = 0;
    std::deque<std::string> trace_;
    std::map<std::string, std::uint64_t> skipped_;
    const char* operation_ = "";
};

}  // namespace lockstep
