#include "vault/presence/pack_rebuilder.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::uint64_t kRebuiltMin = 256 * kKiB;  // below that a pack is as quickly fetched
constexpr std::size_t kAtOnceMax = 3;              // packs, each held in memory
constexpr std::size_t kKnownMax = 4'000'000;       // chunks of plain files: about 250 GiB, 96 MB
constexpr std::uint32_t kRequestMax = 512 * kKiB;  // of all spans of a request

std::uint64_t key_of(const ChunkId& id) {
    std::uint64_t key = 0;
    std::memcpy(&key, id.bytes.data(), sizeof(key));
    return key;
}

// Gives the nonce of a message that exists, so that sealing its plaintext gives that message again.
// That nothing else is ever sealed with it is safe: unless all of the pack comes out as it was, its
// id is another, and it is thrown away unseen.
class KnownNonce final : public Random {
  public:
    explicit KnownNonce(ByteView nonce) : nonce_(nonce) {}
    void fill(MutableByteView out) override {
        CHECK(out.size() == nonce_.size());
        std::ranges::copy(nonce_, out.begin());
    }

  private:
    ByteView nonce_;
};

// Bytes of a pack as requests for ranges, in ascending order; what adjoins is one span.
class Requests {
  public:
    explicit Requests(const PackInfo& pack) : pack_(pack) {}
    void add(std::uint32_t offset, std::uint32_t length) {
        while (length > 0) {
            const bool goes_on = !all_.empty() && end_ == offset;
            const bool has_room = !all_.empty() && bytes_ < kRequestMax &&
                                  (goes_on || all_.back().spans.size() < kRangeSpansMax);
            if (!has_room) {
                all_.push_back({pack_, {}});
                bytes_ = 0;
            }
            const std::uint32_t part = std::min(length, kRequestMax - bytes_);
            if (has_room && goes_on)
                all_.back().spans.back().length += part;
            else
                all_.back().spans.push_back({offset, part});
            bytes_ += part;
            offset += part;
            length -= part;
            end_ = offset;
        }
    }
    std::vector<RangeRequest> take() { return std::move(all_); }

  private:
    const PackInfo pack_;
    std::vector<RangeRequest> all_;
    std::uint32_t bytes_ = 0, end_ = 0;  // of the last one
};

}  // namespace

// ---- plain files

std::uint32_t PackRebuilder::add_file(std::shared_ptr<const PlainFile> file) {
    MutexLock lock(mutex_);
    files_.push_back(std::move(file));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void PackRebuilder::learn(std::uint32_t file, std::uint64_t offset, const ChunkId& id,
                          std::uint32_t length) {
    MutexLock lock(mutex_);
    if (known_.size() >= kKnownMax) return;
    known_.push_back({key_of(id), offset, file, length});
    is_learnt_ = false;
}

void PackRebuilder::all_learnt() {
    MutexLock lock(mutex_);
    std::ranges::sort(known_, {}, &Known::key);
    is_learnt_ = true;
    refused_.clear();
}

void PackRebuilder::look_again() {
    MutexLock lock(mutex_);
    refused_.clear();
}

void PackRebuilder::forget_files() {
    MutexLock lock(mutex_);
    files_ = {};
    known_ = {};
    failed_.clear();
    refused_.clear();
}

std::optional<PackRebuilder::Known> PackRebuilder::find_in_files(const ChunkId& id,
                                                                 std::uint32_t length) {
    MutexLock lock(mutex_);
    if (!is_learnt_) return std::nullopt;
    const auto key = key_of(id);
    auto at = std::ranges::lower_bound(known_, key, {}, &Known::key);
    while (at != known_.end() && at->key == key && at->length != length) ++at;
    return at == known_.end() || at->key != key ? std::nullopt : std::optional(*at);
}

Result<Bytes> PackRebuilder::read_from_files(const ChunkId& id, std::uint32_t length) {
    const std::optional<Known> at = find_in_files(id, length);
    if (!at) return Error{ErrorKind::NotFound, "in no file"};
    std::shared_ptr<const PlainFile> file;
    {
        MutexLock lock(mutex_);
        if (at->file >= files_.size()) return Error{ErrorKind::NotFound, "in no file"};
        file = files_[at->file];
    }
    Bytes out(length);
    TRY_OK(file->read(at->offset, out));
    if (environment_.ids.chunk_id(out) != id) return Error{ErrorKind::Busy, "the file has changed"};
    return out;
}

// ---- what can be put together

bool PackRebuilder::is_known(const ChunkEntry& chunk) {
    return environment_.is_here(chunk.id) ||
           (chunk.kind == static_cast<std::uint8_t>(ChunkKind::Data) &&
            find_in_files(chunk.id, chunk.raw_length));
}

bool PackRebuilder::take_on(const PackInfo& pack) {
    if (pack.length < kRebuiltMin) return false;
    {
        MutexLock lock(mutex_);
        if (failed_.contains(pack.id) || refused_.contains(pack.id)) return false;
        if (at_work_.contains(pack.id)) return true;
    }
    auto planned = plan(pack);
    {
        MutexLock lock(mutex_);
        if (!planned.ok() || *planned == nullptr) {
            refused_.insert(pack.id);
            return false;
        }
        if (!at_work_.emplace(pack.id, *planned).second) return true;
        waiting_.push_back(*planned);
    }
    begin_next();
    return is_at(pack.id);
}

bool PackRebuilder::is_at(const PackId& pack) {
    MutexLock lock(mutex_);
    return at_work_.contains(pack);
}

bool PackRebuilder::is_idle() {
    MutexLock lock(mutex_);
    return at_work_.empty();
}

// Null: it is not worth it.
Result<std::shared_ptr<PackRebuilder::Work>> PackRebuilder::plan(const PackInfo& pack) {
    TRY(std::vector<ChunkEntry> chunks, environment_.index.chunks().chunks_of(pack.id));
    std::ranges::sort(chunks, {}, &ChunkEntry::offset);
    auto work = std::make_shared<Work>();
    work->pack = pack;
    std::uint64_t known_bytes = 0, end = kPackPrefixSize;
    for (const ChunkEntry& chunk : chunks) {
        const bool is_next = chunk.offset == end;
        if (!is_next) return Error{ErrorKind::Corrupt, "not all of the pack's index is known"};
        end += chunk.sealed_length;
        const bool known = is_known(chunk);
        if (known) known_bytes += chunk.sealed_length;
        work->pieces.push_back(
            {{.header = {.id = chunk.id,
                         .kind = static_cast<ChunkKind>(chunk.kind),
                         .compression = static_cast<Compression>(chunk.compression),
                         .raw_length = chunk.raw_length},
              .offset = chunk.offset,
              .sealed_length = chunk.sealed_length},
             known});
    }
    const std::uint64_t index_size = 4 + chunks.size() * kPackIndexEntrySize + kSealOverhead;
    const bool is_possible = pack.length <= kPackSizeMax &&
                             end + kSealOverhead + index_size + kPackTrailerSize <= pack.length;
    if (!is_possible) return Error{ErrorKind::Corrupt, "no pack has such an index"};
    if (known_bytes * 2 < end) return std::shared_ptr<Work>();
    work->padding_offset = static_cast<std::uint32_t>(end);
    work->index_offset = static_cast<std::uint32_t>(pack.length - kPackTrailerSize - index_size);
    return work;
}

void PackRebuilder::begin_next() {
    for (;;) {
        std::shared_ptr<Work> next;
        {
            MutexLock lock(mutex_);
            if (waiting_.empty() || running_ >= kAtOnceMax) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
            ++running_;
        }
        begin(next);
    }
}

void PackRebuilder::begin(const std::shared_ptr<Work>& work) {
    Requests wanted(work->pack);
    wanted.add(0, kPackPrefixSize);
    for (const Piece& piece : work->pieces)
        wanted.add(piece.entry.offset, piece.is_known ? kSealNonceSize : piece.entry.sealed_length);
    wanted.add(work->padding_offset, kSealNonceSize);
    wanted.add(work->index_offset,
               static_cast<std::uint32_t>(work->pack.length) - work->index_offset);
    const std::vector<RangeRequest> requests = wanted.take();
    work->bytes.resize(static_cast<std::size_t>(work->pack.length));
    {
        MutexLock lock(mutex_);
        work->missing_requests = requests.size();
        for (const RangeRequest& request : requests) asked_[request] = work;
    }
    for (const RangeRequest& request : requests) environment_.presence.request_ranges(request);
}

// ---- what comes

Status PackRebuilder::take_ranges(const RangeRequest& request, ByteView bytes) {
    std::shared_ptr<Work> work;
    {
        MutexLock lock(mutex_);
        auto at = asked_.find(request);
        if (at != asked_.end()) work = at->second;
    }
    if (work == nullptr) return environment_.others.take_ranges(request, bytes);
    std::uint64_t length = 0;
    for (const PackSpan& span : request.spans) length += span.length;
    if (bytes.size() != length)
        return Error{ErrorKind::Corrupt, "not as many bytes as were asked for"};
    bool is_last = false;
    {
        MutexLock lock(mutex_);
        if (asked_.erase(request) == 0) return {};
        for (const PackSpan& span : request.spans) {
            std::ranges::copy(bytes.first(span.length), work->bytes.begin() + span.offset);
            bytes = bytes.subspan(span.length);
        }
        is_last = --work->missing_requests == 0;
    }
    if (!is_last) return {};
    Status done = put_together(*work);
    if (!done.ok())
        log_info("vault", "pack {} is fetched whole: {}", work->pack.id.to_hex(),
                 done.error().message);
    end(work->pack.id, done.ok());
    return {};
}

Status PackRebuilder::put_together(Work& work) {
    Bytes& bytes = work.bytes;
    TRY(const PackPrefix prefix, decode_pack_prefix(ByteView(bytes).first(kPackPrefixSize)));
    const AnySecretKey* base = environment_.pack_base_of(prefix.epoch);
    if (base == nullptr) return Error{ErrorKind::Unavailable, "its epoch is not known here"};
    const PackContext context =
        PackContext::derive(*base, environment_.vault, prefix.epoch, prefix.salt);
    for (const Piece& piece : work.pieces) {
        if (!piece.is_known) continue;
        const PackEntry& entry = piece.entry;
        Result<Bytes> plaintext = read_from_files(entry.header.id, entry.header.raw_length);
        if (!plaintext.ok()) plaintext = environment_.read_here(entry.header.kind, entry.header.id);
        if (!plaintext.ok()) return std::move(plaintext).error();
        if (plaintext->size() != entry.header.raw_length || plaintext->empty())
            return Error{ErrorKind::Corrupt, "a chunk has another length"};
        const MutableByteView place =
            MutableByteView(bytes).subspan(entry.offset, entry.sealed_length);
        const Bytes nonce = to_bytes(place.first(kSealNonceSize));
        KnownNonce known(nonce);
        const SealedChunk sealed =
            seal_chunk(context, entry.header.kind, entry.header.id, *plaintext, known);
        wipe(*plaintext);
        if (sealed.header != entry.header || sealed.sealed.size() != entry.sealed_length)
            return Error{ErrorKind::Unsupported, "it was compressed otherwise"};
        std::ranges::copy(sealed.sealed, place.begin());
    }
    const std::size_t padding_size = work.index_offset - work.padding_offset;
    const Bytes nonce = to_bytes(ByteView(bytes).subspan(work.padding_offset, kSealNonceSize));
    KnownNonce known(nonce);
    Bytes padding;
    append_sealed(padding, context.key, pack_padding_aad(context),
                  Bytes(padding_size - kSealOverhead), known);
    std::ranges::copy(padding, bytes.begin() + work.padding_offset);
    return environment_.store(work.pack, bytes);
}

void PackRebuilder::ranges_failed(const RangeRequest& request) {
    std::shared_ptr<Work> work;
    {
        MutexLock lock(mutex_);
        auto at = asked_.find(request);
        if (at != asked_.end()) work = at->second;
    }
    if (work == nullptr) return environment_.others.ranges_failed(request);
    end(work->pack.id, false);
}

void PackRebuilder::end(const PackId& pack, bool is_there) {
    {
        MutexLock lock(mutex_);
        if (at_work_.erase(pack) == 0) return;
        --running_;
        std::erase_if(asked_, [&](const auto& asked) { return asked.second->pack.id == pack; });
        if (!is_there) failed_.insert(pack);
    }
    begin_next();
    environment_.changed();
}

}  // namespace lockstep
