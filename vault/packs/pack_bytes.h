// The bytes of a pack, wherever they lie.
#pragma once

#include "base/disk.h"

namespace lockstep {

// THREADS: any.
class PackBytes {
  public:
    virtual ~PackBytes() = default;
    virtual std::uint64_t size() const = 0;
    // Fills `out`. Corrupt when the pack ends before.
    virtual Status read(std::uint64_t offset, MutableByteView out) const = 0;
};

// A pack in memory that outlives this.
class MemoryPackBytes final : public PackBytes {
  public:
    explicit MemoryPackBytes(ByteView bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Status read(std::uint64_t offset, MutableByteView out) const override;

  private:
    ByteView bytes_;
};

// An open file.
class FilePackBytes final : public PackBytes {
  public:
    static Result<std::unique_ptr<PackBytes>> open(Disk& disk, const fs::path& path);
    std::uint64_t size() const override { return size_; }
    Status read(std::uint64_t offset, MutableByteView out) const override;

  private:
    FilePackBytes(std::unique_ptr<DiskFile> file, std::uint64_t size)
        : file_(std::move(file)), size_(size) {}
    std::unique_ptr<DiskFile> file_;
    std::uint64_t size_;
};

}  // namespace lockstep
