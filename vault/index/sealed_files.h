// The two files of an SQLite database, kept sealed on the disk: what SQLite reads and writes is
// plain, what lies on the disk is not.
//
//   database:  page n at n * kIndexPageSize. Each is nonce 24 ‖ ciphertext ‖ tag 16; SQLite leaves
//              the last 40 bytes of its pages alone (reserved bytes), so a page fits where it was.
//   WAL:       the sealed WAL header (72 bytes), then frames: each is nonce ‖ ciphertext of frame
//              header 24 and page ‖ tag, so a frame is as long as SQLite thinks.
//
// Sealed with the index key. The associated data binds the vault, which of the two files it is, and
// the number of the page or frame; so nothing opens in another place, file or vault. Not detected
// here: a page or frame replaced by an older one of the same place, or a file cut short. The honest
// disk does that only to what was not synced, which SQLite's WAL allows for (its frames are chained
// by sums and salts, and synced before the database is touched); what else the index checks is said
// in index.h.
//
// A disk that refuses a write or a sync makes the files temporary: their names are removed, what
// could not be written is kept in memory (at most kUnwrittenBytesMax), and nothing is promised to a
// later open. SQLite never sees the failure, so a full disk does not stop a vault.
//
// THREADS: one at a time.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "base/disk.h"
#include "base/random.h"
#include "vault/crypto/aad.h"
#include "vault/crypto/aead.h"
#include "vault/keys/key_tree.h"
#include "vault/limits.h"

namespace lockstep {

inline constexpr std::size_t kIndexPageSize = 8192;
inline constexpr std::size_t kWalHeaderSize = 32;       // of SQLite
inline constexpr std::size_t kWalFrameHeaderSize = 24;  // of SQLite
inline constexpr std::size_t kUnwrittenBytesMax = 64 * kMiB;

// REQUIRES: disk and random outlive the files.
struct SealedFilesEnvironment {
    Disk& disk;
    fs::path path;  // of the database; the WAL lies beside it, with "-wal" appended
    IndexKey key;
    VaultId vault;
    Random& random;

    fs::path wal_path() const { return path.string() + "-wal"; }
    SealedFilesEnvironment copy() const { return {disk, path, key.copy(), vault, random}; }
};

// What both files of one database share.
class SealedFiles {
  public:
    explicit SealedFiles(SealedFilesEnvironment environment)
        : environment_(std::move(environment)) {}

    const SealedFilesEnvironment& environment() const { return environment_; }
    // From now on nobody opens these files again; they go on being usable.
    void give_up(std::string_view why);
    bool is_given_up() const { return is_given_up_; }
    // Whether writing to the disk can still do no harm.
    bool may_write() const { return !is_given_up_ || is_removed_; }
    bool has_hot_wal() const;
    // Of something that must open and does not: the files are given up.
    Error damaged(const std::string& what);

  private:
    SealedFilesEnvironment environment_;
    bool is_given_up_ = false;
    bool is_removed_ = false;
};

// A file as SQLite sees it. Offsets and sizes are SQLite's.
class SealedFile {
  public:
    virtual ~SealedFile() = default;
    SealedFile(const SealedFile&) = delete;
    SealedFile& operator=(const SealedFile&) = delete;

    // Returns how many bytes are there; the rest of `out` is zeros. Corrupt when what lies there is
    // not what was written.
    virtual Result<std::size_t> read(std::uint64_t offset, MutableByteView out) = 0;
    // Invalid for writes that SQLite does not make: they are not at the bounds of pages and frames.
    virtual Status write(std::uint64_t offset, ByteView data) = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    virtual Status sync() = 0;
    virtual std::uint64_t size() const = 0;

  protected:
    SealedFile(SealedFiles& files, std::unique_ptr<DiskFile> file, std::uint64_t size,
               ObjectType type);

    // The bytes of one slot: sealed, whole, at their place on the disk.
    Status put(std::uint64_t offset, ByteView sealed);
    Result<std::size_t> get(std::uint64_t offset, MutableByteView sealed);
    Status cut(std::uint64_t size);
    Status flush();
    std::uint64_t disk_size() const { return size_; }
    ByteView aad(std::uint64_t number);
    const IndexKey& key() const { return files_.environment().key; }

    SealedFiles& files_;

  private:
    std::unique_ptr<DiskFile> file_;
    std::uint64_t size_;
    Bytes aad_;
    std::map<std::uint64_t, Bytes> unwritten_;  // what the disk refused
    std::size_t unwritten_bytes_ = 0;
};

class SealedDatabase final : public SealedFile {
  public:
    static Result<std::unique_ptr<SealedDatabase>> open(SealedFiles& files);

    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override;
    Status write(std::uint64_t offset, ByteView data) override;
    // Corrupt when any page does not open. REQUIRES: the WAL is empty.
    Status verify();
    Status truncate(std::uint64_t size) override { return cut(size); }
    Status sync() override { return flush(); }
    std::uint64_t size() const override { return disk_size(); }

  private:
    SealedDatabase(SealedFiles& files, std::unique_ptr<DiskFile> file, std::uint64_t size)
        : SealedFile(files, std::move(file), size, ObjectType::IndexPage) {}
    Status read_page(std::uint64_t number, MutableByteView page);

    std::array<std::byte, kIndexPageSize> sealed_, page_;
};

class SealedWal final : public SealedFile {
  public:
    static Result<std::unique_ptr<SealedFile>> open(SealedFiles& files);

    Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override;
    Status write(std::uint64_t offset, ByteView data) override;
    Status truncate(std::uint64_t size) override;
    Status sync() override;
    std::uint64_t size() const override;

  private:
    static constexpr std::size_t kFrameSize = kWalFrameHeaderSize + kIndexPageSize;
    static constexpr std::uint64_t kNoFrame = ~std::uint64_t{0};

    SealedWal(SealedFiles& files, std::unique_ptr<DiskFile> file, std::uint64_t size)
        : SealedFile(files, std::move(file), size, ObjectType::IndexWalFrame) {}
    Status read_header(MutableByteView header);
    Status write_header(ByteView header);
    Status load_frame(std::uint64_t number);
    Status store_frame();
    Status settle();

    // Frames below this were written or read well since the WAL began: they must open. What lies
    // beyond may be what a power cut left, where SQLite's recovery ends.
    std::uint64_t known_frames_ = 0;
    std::uint64_t loaded_ = kNoFrame;  // the frame in frame_
    bool is_changed_ = false;          // frame_ is not on the disk yet
    std::array<std::byte, kFrameSize> frame_, sealed_;
};

}  // namespace lockstep
