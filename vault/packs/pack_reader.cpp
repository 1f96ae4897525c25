#include "vault/packs/pack_reader.h"

#include <algorithm>

namespace lockstep {

Result<PackPrefix> read_pack_prefix(const PackBytes& bytes) {
    if (bytes.size() < kPackSizeMin || bytes.size() > kPackSizeMax) {
        return Error{ErrorKind::Corrupt, "pack: impossible length"};
    }
    Bytes prefix(kPackPrefixSize);
    TRY_OK(bytes.read(0, prefix));
    auto decoded = decode_pack_prefix(prefix);
    if (!decoded.ok()) return std::move(decoded).error().in("pack prefix");
    return decoded;
}

Result<PackReader> PackReader::open(std::unique_ptr<PackBytes> bytes, const AnySecretKey& pack_base,
                                    const VaultId& vault) {
    TRY(PackPrefix prefix, read_pack_prefix(*bytes));
    PackContext context = PackContext::derive(pack_base, vault, prefix.epoch, prefix.salt);
    // An AEAD alone may open under two keys; the commitment holds the pack to one.
    if (context.commitment != prefix.commitment) {
        return Error{ErrorKind::WrongKey, "pack prefix: sealed with another key, or damaged"};
    }
    return PackReader(std::move(bytes), std::move(context));
}

Result<std::vector<PackEntry>> PackReader::read_index() const {
    TRY(PackTrailer trailer, read_trailer());
    return read_index(trailer);
}

Result<Bytes> PackReader::read_chunk(const PackEntry& entry, const ContentIds* verify) const {
    TRY_OK(check_chunk_lengths(entry.header, entry.sealed_length));
    // Ciphertext, so it may lie about; memory that was just used takes the bytes at twice the
    // speed.
    thread_local Bytes buffer;
    if (buffer.size() < entry.sealed_length) buffer.resize(entry.sealed_length);
    const MutableByteView sealed = MutableByteView(buffer).first(entry.sealed_length);
    if (auto got = bytes_->read(entry.offset, sealed); !got.ok()) {
        return std::move(got).error().in("chunk " + entry.header.id.to_hex());
    }
    return open_chunk(context_, entry.header, sealed, verify);
}

PackCheck PackReader::check(const ContentIds& ids) const {
    PackCheck out;
    auto trailer = read_trailer();
    if (!trailer.ok()) {
        out.errors.push_back(std::move(trailer).error());
        return out;
    }
    if (auto padding = check_padding(*trailer); !padding.ok()) {
        out.errors.push_back(std::move(padding).error());
    }
    auto entries = read_index(*trailer);
    if (!entries.ok()) {
        out.errors.push_back(std::move(entries).error());
        return out;
    }
    for (const PackEntry& entry : *entries) {
        auto chunk = read_chunk(entry, &ids);
        if (chunk.ok()) {
            wipe(*chunk);
            out.intact.push_back(entry);
        } else {
            out.errors.push_back(std::move(chunk).error());
        }
    }
    return out;
}

Result<PackTrailer> PackReader::read_trailer() const {
    Bytes prefix(kPackPrefixSize);
    TRY_OK(bytes_->read(0, prefix));
    auto opened =
        open_part(size() - kPackTrailerSize, kPackTrailerSize, pack_trailer_aad(context_, prefix));
    if (!opened.ok()) return std::move(opened).error().in("pack trailer");
    return decode_pack_trailer(*opened, size());
}

Result<std::vector<PackEntry>> PackReader::read_index(const PackTrailer& trailer) const {
    std::uint64_t length = size() - kPackTrailerSize - trailer.index_offset;
    auto opened = open_part(trailer.index_offset, length, pack_index_aad(context_));
    if (!opened.ok()) return std::move(opened).error().in("pack index");
    return decode_pack_index(*opened, trailer.padding_offset);
}

Status PackReader::check_padding(const PackTrailer& trailer) const {
    auto opened = open_part(trailer.padding_offset, trailer.index_offset - trailer.padding_offset,
                            pack_padding_aad(context_));
    if (!opened.ok()) return std::move(opened).error().in("pack padding");
    bool is_zero =
        std::all_of(opened->begin(), opened->end(), [](std::byte b) { return b == std::byte{0}; });
    if (!is_zero) return Error{ErrorKind::Corrupt, "pack padding: not zero"};
    return {};
}

Result<Bytes> PackReader::open_part(std::uint64_t offset, std::uint64_t length,
                                    ByteView aad) const {
    Bytes sealed(static_cast<std::size_t>(length));
    TRY_OK(bytes_->read(offset, sealed));
    return lockstep::open(context_.key, aad, sealed);
}

}  // namespace lockstep
