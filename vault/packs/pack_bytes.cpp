#include "vault/packs/pack_bytes.h"

namespace lockstep {
namespace {
Error ends_early() {
    return {ErrorKind::Corrupt, "pack ends early"};
}
}  // namespace

Status MemoryPackBytes::read(std::uint64_t offset, MutableByteView out) const {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return ends_early();
    ByteView from = bytes_.subspan(static_cast<std::size_t>(offset), out.size());
    if (!out.empty()) std::memcpy(out.data(), from.data(), out.size());
    return {};
}

Result<std::unique_ptr<PackBytes>> FilePackBytes::open(Disk& disk, const fs::path& path) {
    TRY(auto file, disk.open(path, OpenMode::Read));
    TRY(std::uint64_t size, file->size());
    return std::unique_ptr<PackBytes>(new FilePackBytes(std::move(file), size));
}

Status FilePackBytes::read(std::uint64_t offset, MutableByteView out) const {
    TRY(std::size_t got, file_->read(offset, out));
    if (got != out.size()) return ends_early();
    return {};
}

}  // namespace lockstep
