#include "vault/presence/absent_content.h"

#include <algorithm>

#include "base/log.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

// Bytes between two chunks that are fetched rather than asked around.
constexpr std::uint32_t kGapMax = 8 * kKiB;
constexpr std::uint32_t kRequestBytes = 512 * kKiB;  // of chunks in one request, about
// Where the index of most packs begins.
constexpr std::uint32_t kTailGuess = 24 * kKiB;
constexpr int kWrongAnswersMax = 2;
constexpr std::size_t kIndexesAtOnce = 16;

std::uint32_t length_of(const RangeRequest& request) {
    std::uint32_t out = 0;
    for (const PackSpan& span : request.spans) out += span.length;
    return out;
}

// Adds a span behind the others, or lets the last one reach to its end. False: no room.
bool append(RangeRequest& request, const PackSpan& span) {
    const std::uint32_t end = span.offset + span.length;
    if (!request.spans.empty()) {
        PackSpan& last = request.spans.back();
        const std::uint32_t last_end = last.offset + last.length;
        if (span.offset <= last_end + kGapMax) {
            if (end <= last_end) return true;
            if (length_of(request) + (end - last_end) > kRangeBytesMax) return false;
            last.length = end - last.offset;
            return true;
        }
        if (request.spans.size() >= kRangeSpansMax || length_of(request) > kRequestBytes)
            return false;
    }
    if (length_of(request) + span.length > kRangeBytesMax) return false;
    request.spans.push_back(span);
    return true;
}

PackEntry entry_of(const ChunkId& id, const ChunkLocation& at) {
    return {.header = {.id = id,
                       .kind = static_cast<ChunkKind>(at.kind),
                       .compression = static_cast<Compression>(at.compression),
                       .raw_length = at.raw_length},
            .offset = at.offset,
            .sealed_length = at.sealed_length};
}

}  // namespace

Result<PackReader> AbsentContent::reader(const PackInfo& pack, const RangeRequest* request,
                                         ByteView bytes) {
    auto sparse = std::make_unique<SparsePackBytes>(environment_.cache, pack, request, bytes);
    TRY(PackPrefix prefix, read_pack_prefix(*sparse));
    const AnySecretKey* base = environment_.pack_base_of(prefix.epoch);
    if (base == nullptr)
        return Error{ErrorKind::Unavailable, "the pack's epoch is not known here yet"};
    auto opened = PackReader::open(std::move(sparse), *base, environment_.vault);
    if (!opened.ok() && opened.error().kind == ErrorKind::WrongKey)
        return Error{ErrorKind::Corrupt, opened.error().message};
    return opened;
}

Result<std::optional<Bytes>> AbsentContent::read(const ChunkId& id, const ChunkLocation& at) {
    const PackInfo pack{at.pack, at.pack_length};
    if (environment_.cache.bytes_of(pack.id) == 0) return std::optional<Bytes>();
    auto read_it = [&]() -> Result<Bytes> {
        TRY(PackReader opened, reader(pack, nullptr, {}));
        return opened.read_chunk(entry_of(id, at), &environment_.ids);
    };
    auto bytes = read_it();
    if (bytes.ok()) return std::optional(std::move(*bytes));
    if (bytes.error().kind == ErrorKind::Corrupt) {
        log_info("vault", "cached bytes of pack {} are dropped: {}", pack.id.to_hex(),
                 bytes.error().message);
        environment_.cache.drop(pack.id);
    }
    return std::optional<Bytes>();
}

bool AbsentContent::is_cached(const ChunkLocation& at) {
    return environment_.cache.covers(at.pack, at.offset, at.sealed_length) &&
           environment_.cache.covers(at.pack, 0, kPackPrefixSize);
}

// ---- asking

void AbsentContent::want(const std::vector<ChunkId>& chunks) {
    std::map<PackId, std::vector<std::pair<ChunkId, ChunkLocation>>> by_pack;
    bool is_any_unknown = false;
    for (const ChunkId& id : chunks) {
        {
            MutexLock lock(mutex_);
            if (chunks_asked_.contains(id)) continue;
        }
        auto places = environment_.index.chunks().find_all(id);
        if (!places.ok()) continue;
        const ChunkLocation* best = nullptr;
        for (const ChunkLocation& at : *places) {
            if (at.is_present) continue;
            if (best == nullptr || (best->is_condemned && !at.is_condemned)) best = &at;
        }
        is_any_unknown |= places->empty();
        if (best == nullptr) continue;
        if (environment_.takes_whole({best->pack, best->pack_length})) continue;
        MutexLock lock(mutex_);
        if (!chunks_asked_.insert(id).second) continue;
        chunks_failed_.erase(id);
        by_pack[best->pack].emplace_back(id, *best);
    }
    if (is_any_unknown && !environment_.presence.rules().is_selective()) {
        want_indexes();
    } else if (is_any_unknown) {
        std::map<PackId, PackInfo> again;
        {
            MutexLock lock(mutex_);
            again.swap(indexes_failed_);
        }
        for (const auto& [id, pack] : again) want_index(pack);
    }
    for (auto& [pack, wanted] : by_pack) {
        std::sort(wanted.begin(), wanted.end(),
                  [](const auto& a, const auto& b) { return a.second.offset < b.second.offset; });
        const PackInfo info{pack, wanted.front().second.pack_length};
        Bytes prefix(kPackPrefixSize);
        const bool has_prefix = environment_.cache.read(pack, 0, prefix);
        const auto fresh = [&] {
            RangeRequest request{info, {}};
            if (!has_prefix) append(request, {0, kPackPrefixSize});
            return request;
        };
        RangeRequest request = fresh();
        Asked asked;
        for (const auto& chunk : wanted) {
            const PackSpan span{chunk.second.offset, chunk.second.sealed_length};
            if (!asked.chunks.empty() &&
                (length_of(request) >= kRequestBytes || !append(request, span))) {
                send(std::move(request), std::exchange(asked, {}));
                request = fresh();
            }
            // What was refused by a full request, or is the first of one.
            append(request, span);
            asked.chunks.push_back(chunk);
        }
        send(std::move(request), std::move(asked));
    }
}

void AbsentContent::want_index(const PackInfo& pack) {
    {
        MutexLock lock(mutex_);
        if (!indexes_asked_.insert(pack.id).second) return;
        indexes_failed_.erase(pack.id);
    }
    RangeRequest request{pack, {}};
    const auto length = static_cast<std::uint32_t>(pack.length);
    append(request, {0, kPackPrefixSize});
    const std::uint32_t tail = std::min(length, kTailGuess);
    append(request, {length - tail, tail});
    send(std::move(request), {.chunks = {}, .is_index = true});
}

// Everything is to be here: what a reader waits for may be far behind in the queue of packs.
void AbsentContent::want_indexes() {
    for (const PackInfo& pack : environment_.absent_packs()) {
        {
            MutexLock lock(mutex_);
            if (indexes_asked_.size() >= kIndexesAtOnce) return;
            if (indexes_asked_.contains(pack.id) || indexes_failed_.contains(pack.id)) continue;
        }
        auto row = environment_.index.chunks().pack(pack.id);
        if (row.ok() && *row && !(*row)->epoch.is_zero()) continue;
        want_index(pack);
    }
}

void AbsentContent::send(RangeRequest request, Asked asked) {
    {
        MutexLock lock(mutex_);
        if (!asked_.emplace(request, std::move(asked)).second) return;
    }
    environment_.presence.request_ranges(request);
}

bool AbsentContent::has_failed(const ChunkId& chunk) {
    {
        MutexLock lock(mutex_);
        if (chunks_failed_.contains(chunk)) return true;
        if (indexes_failed_.empty()) return false;
    }
    if (!environment_.presence.rules().is_selective()) return false;
    auto places = environment_.index.chunks().find_all(chunk);
    return !places.ok() || places->empty();
}

// ---- what comes

Status AbsentContent::take_ranges(const RangeRequest& request, ByteView bytes) {
    Asked asked;
    {
        MutexLock lock(mutex_);
        auto at = asked_.find(request);
        if (at == asked_.end()) return {};
        asked = at->second;
    }
    if (bytes.size() != length_of(request))
        return Error{ErrorKind::Corrupt, "not as many bytes as were asked for"};
    Status taken = asked.is_index ? take_index(request, bytes) : take_chunks(request, asked, bytes);
    if (taken.ok()) {
        {
            MutexLock lock(mutex_);
            asked_.erase(request);
            for (const auto& [id, at] : asked.chunks) chunks_asked_.erase(id);
        }
        environment_.changed();
        return {};
    }
    if (taken.error().kind != ErrorKind::Corrupt) {
        ranges_failed(request);
        return {};
    }
    bool is_hopeless = false;
    {
        MutexLock lock(mutex_);
        auto at = asked_.find(request);
        is_hopeless = at != asked_.end() && ++at->second.wrong >= kWrongAnswersMax;
    }
    if (is_hopeless) {
        environment_.want_whole(request.pack);
        ranges_failed(request);
    }
    return taken;
}

Status AbsentContent::take_chunks(const RangeRequest& request, const Asked& asked, ByteView bytes) {
    TRY(PackReader opened, reader(request.pack, &request, bytes));
    std::vector<Bytes> plaintexts;
    Status checked;
    for (const auto& [id, at] : asked.chunks) {
        auto plaintext = opened.read_chunk(entry_of(id, at), &environment_.ids);
        if (!plaintext.ok()) {
            checked = std::move(plaintext).error();
            break;
        }
        plaintexts.push_back(std::move(*plaintext));
    }
    if (!checked.ok()) {
        for (Bytes& plaintext : plaintexts) wipe(plaintext);
        if (checked.error().kind == ErrorKind::Unavailable)
            return Error{ErrorKind::Corrupt, "a chunk is not where the pack's index has it"};
        return checked;
    }
    std::size_t before = 0;
    for (const PackSpan& span : request.spans) {
        if (Status kept = environment_.cache.add(request.pack.id, span.offset,
                                                 bytes.subspan(before, span.length));
            !kept.ok())
            log_info("vault", "fetched bytes are not cached: {}", kept.error().message);
        before += span.length;
    }
    for (std::size_t i = 0; i < plaintexts.size(); ++i)
        environment_.chunk_arrived(asked.chunks[i].first, std::move(plaintexts[i]));
    return {};
}

Status AbsentContent::take_index(const RangeRequest& request, ByteView bytes) {
    TRY(PackReader opened, reader(request.pack, &request, bytes));
    auto entries = opened.read_index();
    if (!entries.ok() && entries.error().kind == ErrorKind::Unavailable) {
        // It begins further ahead than was guessed.
        const auto length = static_cast<std::uint32_t>(request.pack.length);
        const std::uint32_t had = request.spans.back().length;
        const std::uint32_t tail =
            std::min<std::uint32_t>({length, had * 8, kRangeBytesMax - kPackPrefixSize});
        if (tail <= had) return Error{ErrorKind::Corrupt, "the index is longer than any can be"};
        RangeRequest further{request.pack, {}};
        append(further, {0, kPackPrefixSize});
        append(further, {length - tail, tail});
        send(std::move(further), {.chunks = {}, .is_index = true});
        return {};
    }
    if (!entries.ok()) return std::move(entries).error();
    std::vector<ChunkEntry> chunks;
    for (const PackEntry& entry : *entries)
        chunks.push_back({.id = entry.header.id,
                          .kind = static_cast<std::uint8_t>(entry.header.kind),
                          .compression = static_cast<std::uint8_t>(entry.header.compression),
                          .offset = entry.offset,
                          .sealed_length = entry.sealed_length,
                          .raw_length = entry.header.raw_length});
    TRY_OK(environment_.index.chunks().add_absent_pack(request.pack, opened.epoch(), chunks));
    static_cast<void>(
        environment_.cache.add(request.pack.id, 0, bytes.first(kPackPrefixSize)).ok());
    {
        MutexLock lock(mutex_);
        indexes_asked_.erase(request.pack.id);
    }
    environment_.index_arrived(request.pack.id);
    return {};
}

void AbsentContent::ranges_failed(const RangeRequest& request) {
    {
        MutexLock lock(mutex_);
        auto at = asked_.find(request);
        if (at == asked_.end()) return;
        for (const auto& [id, place] : at->second.chunks) {
            chunks_asked_.erase(id);
            chunks_failed_.insert(id);
        }
        if (at->second.is_index) {
            indexes_asked_.erase(request.pack.id);
            indexes_failed_.emplace(request.pack.id, request.pack);
        }
        asked_.erase(at);
    }
    environment_.changed();
}

}  // namespace lockstep
