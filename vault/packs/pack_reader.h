// Opens packs. Nothing of a pack is believed before its tag has been checked.
// Format: vault/FORMAT.md, "Packs".
#pragma once

#include <memory>

#include "vault/packs/pack_bytes.h"
#include "vault/packs/pack_format.h"

namespace lockstep {

// Which epoch a pack belongs to: tells the key to open it with.
Result<PackPrefix> read_pack_prefix(const PackBytes& bytes);

// What check() found. Errors name the chunk, or the part of the pack, and what is wrong.
struct PackCheck {
    std::vector<PackEntry> intact;
    std::vector<Error> errors;
};

// THREADS: any.
class PackReader {
  public:
    // Reads the prefix only; `pack_base` is EpochKeys::pack_base of the epoch that it names.
    // WrongKey when the key is of another epoch or vault, or the prefix is damaged.
    static Result<PackReader> open(std::unique_ptr<PackBytes> bytes, const AnySecretKey& pack_base,
                                   const VaultId& vault);

    const EpochId& epoch() const { return context_.epoch; }
    // With it, open_chunk() opens sealed bytes of this pack that came another way.
    const PackContext& context() const { return context_; }
    std::uint64_t size() const { return bytes_->size(); }

    // Trailer and index, verified.
    Result<std::vector<PackEntry>> read_index() const;

    // A chunk at a place that the index told, now or long ago. As open_chunk(); in addition Corrupt
    // when the place is not within the pack.
    Result<Bytes> read_chunk(const PackEntry& entry, const ContentIds* verify) const;

    // Opens everything: trailer, index, padding and every chunk with its id.
    PackCheck check(const ContentIds& ids) const;

  private:
    PackReader(std::unique_ptr<PackBytes> bytes, PackContext context)
        : bytes_(std::move(bytes)), context_(std::move(context)) {}
    Result<PackTrailer> read_trailer() const;
    Result<std::vector<PackEntry>> read_index(const PackTrailer& trailer) const;
    Status check_padding(const PackTrailer& trailer) const;
    Result<Bytes> open_part(std::uint64_t offset, std::uint64_t length, ByteView aad) const;

    std::unique_ptr<PackBytes> bytes_;
    PackContext context_;
};

}  // namespace lockstep
