#include "vault/files/content_pool.h"

#include <algorithm>

#include "base/log.h"
#include "vault/file_system.h"

namespace lockstep {
namespace {

constexpr std::chrono::milliseconds kPatience{500}, kLongPatience{5'000};

std::shared_ptr<const Bytes> share_wiped(Bytes bytes) {
    return {new Bytes(std::move(bytes)), [](const Bytes* held) {
                Bytes* mine = const_cast<Bytes*>(held);
                wipe(*mine);
                delete mine;
            }};
}

std::vector<ChunkEntry> index_entries(const std::vector<PackEntry>& entries) {
    std::vector<ChunkEntry> out;
    out.reserve(entries.size());
    for (const PackEntry& entry : entries)
        out.push_back({.id = entry.header.id,
                       .kind = static_cast<std::uint8_t>(entry.header.kind),
                       .compression = static_cast<std::uint8_t>(entry.header.compression),
                       .offset = entry.offset,
                       .sealed_length = entry.sealed_length,
                       .raw_length = entry.header.raw_length});
    return out;
}

PackEntry pack_entry(const ChunkId& id, const ChunkLocation& at) {
    return {.header = {.id = id,
                       .kind = static_cast<ChunkKind>(at.kind),
                       .compression = static_cast<Compression>(at.compression),
                       .raw_length = at.raw_length},
            .offset = at.offset,
            .sealed_length = at.sealed_length};
}

}  // namespace

ContentPool::ContentPool(ContentPoolEnvironment environment)
    : environment_(std::move(environment)),
      pack_writers_(std::min(environment_.workers.thread_count(), kPackWritesMax), "ls-pack"),
      write_epoch_(environment_.write_epoch) {}

ContentPool::~ContentPool() {
    MutexLock lock(mutex_);
    while (writes_ > 0) changed_.wait(mutex_);
}

// ---- writing

Result<ChunkId> ContentPool::write_chunk(ByteView plaintext) {
    ChunkId id = environment_.ids.chunk_id(plaintext);
    TRY_OK(add_chunk(ChunkKind::Data, id, plaintext, false));
    return id;
}

Result<std::vector<ChunkId>> ContentPool::write_chunks(const std::vector<ByteView>& plaintexts) {
    std::vector<ChunkId> ids = environment_.ids.chunk_ids(plaintexts);
    for (std::size_t i = 0; i < ids.size(); ++i)
        TRY_OK(add_chunk(ChunkKind::Data, ids[i], plaintexts[i], false));
    return ids;
}

Status ContentPool::put(ChunkKind kind, const ChunkId& id, ByteView plaintext) {
    return add_chunk(kind, id, plaintext, false);
}

bool ContentPool::has(ChunkKind, const ChunkId& id) {
    return is_known(id);
}

// Whether content may refer to the chunk without writing it: pending here, or in a pack of this
// directory whose bytes this device has written or verified and nobody has condemned.
bool ContentPool::is_known(const ChunkId& id) {
    {
        MutexLock lock(mutex_);
        if (pending_.contains(id)) return true;
    }
    auto at = environment_.index.chunks().find(id);
    return at.ok() && at->has_value() && (*at)->is_verified && (*at)->is_present &&
           !(*at)->is_condemned;
}

std::shared_ptr<ContentPool::PackInMemory> ContentPool::filling_pack() {
    if (!filling_) {
        const AnySecretKey* base = environment_.pack_base_of(write_epoch_);
        CHECK(base != nullptr, "the epoch to write with is known");
        Bytes buffer;
        if (!spare_buffers_.empty()) {
            buffer = std::move(spare_buffers_.back());
            spare_buffers_.pop_back();
        }
        filling_ = std::make_shared<PackInMemory>(PackBuilder(
            *base, environment_.vault, write_epoch_, environment_.random, std::move(buffer)));
    }
    return filling_;
}

void ContentPool::set_write_epoch(const EpochId& epoch) {
    MutexLock lock(mutex_);
    if (write_epoch_ == epoch) return;
    write_epoch_ = epoch;
    // make_durable() finishes it: whoever tells of a new epoch does not wait for the disk.
    if (filling_ && !filling_->builder.empty()) closed_.push_back(std::move(filling_));
    filling_.reset();
}

// The pack being filled, if there is one, to be finished by the caller.
std::shared_ptr<ContentPool::PackInMemory> ContentPool::take_filling_pack() {
    if (!filling_ || filling_->builder.empty()) return nullptr;
    filling_->is_finishing = true;
    ++writes_;
    return std::exchange(filling_, nullptr);
}

Status ContentPool::add_chunk(ChunkKind kind, const ChunkId& id, ByteView plaintext,
                              bool is_journaled) {
    if (is_known(id)) return {};
    for (;;) {
        std::shared_ptr<PackInMemory> pack, failed;
        {
            MutexLock lock(mutex_);
            while (writes_ >= kPackWritesMax) changed_.wait(mutex_);
            if (failed_.size() >= kPackWritesMax) {
                failed = failed_.front();
                failed_.erase(failed_.begin());
                ++writes_;
            } else {
                pack = filling_pack();
            }
        }
        if (failed) {
            // A full disk stops the writer here instead of filling memory; it may have room again.
            write_pack(failed);
            MutexLock lock(mutex_);
            if (failed_.size() >= kPackWritesMax) return *write_error_;
            continue;
        }
        // Whoever finishes the pack meanwhile leaves alone what sealing needs.
        SealedChunk sealed = pack->builder.seal(kind, id, plaintext);
        std::shared_ptr<PackInMemory> full;
        {
            MutexLock lock(mutex_);
            if (pending_.contains(id)) return {};
            if (filling_ != pack) continue;
            if (pack->builder.fits(sealed.sealed.size())) {
                pack->builder.append(std::move(sealed));
                pending_[id] = {pack, pack->builder.last_entry(), is_journaled};
                pending_bytes_ += plaintext.size();
                return {};
            }
            full = take_filling_pack();
        }
        pack_writers_.submit([this, full] { finish_pack(full); });
    }
}

Status ContentPool::rescue(ChunkKind kind, const ChunkId& id) {
    {
        MutexLock lock(mutex_);
        if (pending_.contains(id)) return {};
    }
    TRY(auto places, environment_.index.chunks().find_all(id));
    for (const ChunkLocation& at : places) {
        if (!at.is_present || at.is_condemned || at.kind != static_cast<std::uint8_t>(kind))
            continue;
        if (at.is_verified || read_from(id, at).ok()) return {};
    }
    TRY(auto bytes, find_here(kind, id));
    if (bytes == nullptr)
        return Error{ErrorKind::Unavailable, "a chunk of a condemned pack is not here"};
    return add_chunk(kind, id, *bytes, false);
}

void ContentPool::forget_pack(const PackId& pack) {
    MutexLock lock(mutex_);
    readers_.erase(pack);
}

// REQUIRES: take_filling_pack() gave it
void ContentPool::finish_pack(const std::shared_ptr<PackInMemory>& pack) {
    auto finished = std::make_shared<FinishedPack>(std::move(pack->builder).finish());
    {
        MutexLock lock(mutex_);
        pack->finished = std::move(finished);
        changed_.notify_all();
    }
    write_pack(pack);
}

// REQUIRES: it is finished, and counted by writes_
void ContentPool::write_pack(const std::shared_ptr<PackInMemory>& pack) {
    const FinishedPack& finished = *pack->finished;
    Status written = environment_.packs.put(finished);
    if (written.ok())
        written = environment_.index.chunks().add_pack(finished.info(), finished.epoch,
                                                       index_entries(finished.entries), true);
    {
        MutexLock lock(mutex_);
        if (written.ok()) {
            for (const PackEntry& entry : finished.entries) {
                auto at = pending_.find(entry.header.id);
                if (at == pending_.end()) continue;
                pending_bytes_ -= entry.header.raw_length;
                pending_.erase(at);
            }
            unintroduced_[finished.info().id] = finished.info();
        } else {
            write_error_ = written.error();
            failed_.push_back(pack);
        }
    }
    if (written.ok()) environment_.pack_written(finished.info());
    MutexLock lock(mutex_);
    --writes_;
    changed_.notify_all();
    // A reader may still look at the bytes of this one.
    constexpr std::size_t kSpareBuffersMax = 2;
    if (written.ok() && pack->finished.use_count() == 1 &&
        finished.bytes.capacity() >= kPackSizeMax && spare_buffers_.size() < kSpareBuffersMax)
        spare_buffers_.push_back(std::move(pack->finished->bytes));
}

Status ContentPool::make_durable() {
    std::vector<std::shared_ptr<PackInMemory>> again, open;
    {
        MutexLock lock(mutex_);
        again = std::exchange(failed_, {});
        write_error_.reset();
        writes_ += again.size();
        open = std::exchange(closed_, {});
        for (auto& pack : open) pack->is_finishing = true;
        writes_ += open.size();
        if (auto filling = take_filling_pack()) open.push_back(std::move(filling));
    }
    for (auto& pack : again) write_pack(pack);
    // Here, not on a writer: whoever asks waits anyway.
    for (auto& pack : open) finish_pack(pack);
    MutexLock lock(mutex_);
    while (writes_ > 0) changed_.wait(mutex_);
    if (!failed_.empty()) return *write_error_;
    return {};
}

std::uint64_t ContentPool::volatile_bytes() {
    MutexLock lock(mutex_);
    return pending_bytes_;
}

Result<std::vector<JournalContent>> ContentPool::take_unjournaled() {
    MutexLock lock(mutex_);
    std::vector<ChunkId> ids;
    for (auto& [id, pending] : pending_)
        if (!pending.is_journaled) ids.push_back(id);
    std::vector<JournalContent> out;
    for (const ChunkId& id : ids) {
        auto at = pending_.find(id);
        if (at == pending_.end()) continue;  // durable in a pack meanwhile
        JournalContent content{.form = JournalContent::Form::Plain,
                               .kind = static_cast<std::uint8_t>(at->second.entry.header.kind),
                               .id = id,
                               .bytes = {}};
        TRY(content.bytes, open_pending(id, at->second));
        out.push_back(std::move(content));
        if (at = pending_.find(id); at != pending_.end()) at->second.is_journaled = true;
    }
    return out;
}

void ContentPool::journal_failed() {
    MutexLock lock(mutex_);
    for (auto& [id, pending] : pending_) pending.is_journaled = false;
}

Status ContentPool::restore(const JournalContent& content) {
    auto kind = static_cast<ChunkKind>(content.kind);
    if (content.form != JournalContent::Form::Plain ||
        (kind != ChunkKind::Data && kind != ChunkKind::ListNode))
        return Error{ErrorKind::Corrupt, "the journal holds content of an unknown kind"};
    if (environment_.ids.id_of(kind, content.bytes) != content.id)
        return Error{ErrorKind::Corrupt, "the journal holds content under another id"};
    return add_chunk(kind, content.id, content.bytes, true);
}

// Opens a chunk of a pack in memory; leaves the mutex meanwhile.
Result<Bytes> ContentPool::open_pending(const ChunkId& id, Pending pending) {
    // While the pack is being finished its bytes are not ours to look at.
    while (pending.pack->is_finishing && !pending.pack->finished) changed_.wait(mutex_);
    const PackInMemory& pack = *pending.pack;
    std::shared_ptr<const FinishedPack> finished = pack.finished;
    Bytes copy;
    ByteView sealed;
    if (!finished) {
        copy = to_bytes(pack.builder.sealed(pending.entry));
        sealed = copy;
    } else if (!finished->bytes.empty()) {
        sealed =
            ByteView(finished->bytes).subspan(pending.entry.offset, pending.entry.sealed_length);
    }
    mutex_.unlock();
    Result<Bytes> out = sealed.empty()
                            ? environment_.packs.read(finished->info().id, pending.entry.offset,
                                                      pending.entry.sealed_length)
                            : Result<Bytes>(Bytes());
    if (out.ok()) {
        if (sealed.empty()) copy = std::move(*out), sealed = copy;
        out = pack.builder.open(pending.entry, sealed);
    }
    mutex_.lock();
    if (!out.ok()) return std::move(std::move(out).error()).in("chunk " + id.to_hex());
    return out;
}

// ---- introducing

std::vector<PackInfo> ContentPool::unintroduced() {
    MutexLock lock(mutex_);
    std::vector<PackInfo> out;
    for (const auto& [id, info] : unintroduced_) out.push_back(info);
    return out;
}

void ContentPool::add_unintroduced(const PackInfo& pack) {
    MutexLock lock(mutex_);
    unintroduced_[pack.id] = pack;
}

void ContentPool::mark_introduced(const std::vector<PackInfo>& packs) {
    MutexLock lock(mutex_);
    for (const PackInfo& pack : packs) unintroduced_.erase(pack.id);
}

// ---- reading

Result<std::shared_ptr<const Bytes>> ContentPool::read_chunk(const ChunkId& id) {
    return find(ChunkKind::Data, id);
}

Result<Bytes> ContentPool::get(ChunkKind kind, const ChunkId& id) {
    TRY(auto bytes, find(kind, id));
    return Bytes(*bytes);
}

// Ok when something has come since `arrivals`.
Status ContentPool::wait_for_arrival(std::uint64_t arrivals,
                                     std::chrono::steady_clock::time_point until) {
    constexpr auto kInterruptionLook = std::chrono::milliseconds(100);
    while (arrivals == arrivals_ && !is_closing_) {
        if (!may_wait_) return Error{ErrorKind::Locked, "the vault is being locked"};
        if (WaitInterruption::is_interrupted())
            return Error{ErrorKind::Cancelled, "its reader does not wait any more"};
        const auto now = std::chrono::steady_clock::now();
        if (now >= until)
            return Error{ErrorKind::Unavailable, "this content has not arrived from any device"};
        changed_.wait_until(mutex_, WaitInterruption::is_possible()
                                        ? std::min(until, now + kInterruptionLook)
                                        : until);
    }
    return {};
}

Result<std::shared_ptr<const Bytes>> ContentPool::find(ChunkKind kind, const ChunkId& id) {
    bool is_asked = false;
    const std::chrono::milliseconds patience = PatientReading::is_on() ? kLongPatience : kPatience;
    std::uint64_t arrivals_before = 0;
    auto until = std::chrono::steady_clock::now() + environment_.content_wait;
    // What comes anyway is mostly on its way already: asked for as well it would come twice.
    std::optional<std::chrono::steady_clock::time_point> patient_until;
    for (;;) {
        std::uint64_t arrivals = 0;
        // Asked before it is looked for: what has come meanwhile is found.
        const bool may_arrive = environment_.may_arrive();
        {
            MutexLock lock(mutex_);
            while (!cached_.contains(id) && opening_.contains(id)) changed_.wait(mutex_);
            if (is_closing_) return Error{ErrorKind::Locked, "the vault is being locked"};
            if (auto at = cached_.find(id); at != cached_.end()) {
                cache_.splice(cache_.begin(), cache_, at->second);
                return at->second->plaintext;
            }
            opening_.insert(id);
            arrivals = arrivals_;
        }
        if (PatientReading::is_on() && std::exchange(arrivals_before, arrivals) != arrivals)
            patient_until.reset();
        std::optional<Error> damage;  // of a pack that may come again
        auto found = find_here(kind, id, &damage);
        {
            MutexLock lock(mutex_);
            opening_.erase(id);
            if (found.ok() && *found != nullptr) remember(id, *found);
            changed_.notify_all();
            if (found.ok() && *found != nullptr) return found;
            if (arrivals != arrivals_) continue;
        }
        if (!found.ok()) return found;
        if (!may_arrive && !environment_.may_arrive())
            return Error{ErrorKind::Unavailable,
                         "this content is in no pack of the vault directory"};
        if (absent_ != nullptr && !patient_until)
            patient_until = std::chrono::steady_clock::now() +
                            (absent_->comes_anyway() ? patience : std::chrono::milliseconds(0));
        const bool is_patient = patient_until && std::chrono::steady_clock::now() < *patient_until;
        if (absent_ != nullptr && !is_patient) {
            if (is_asked && absent_->has_failed(id))
                return Error{ErrorKind::Unavailable,
                             "no device that is connected has this content"};
            absent_->want({id});
            is_asked = true;
        }
        MutexLock lock(mutex_);
        Status arrived =
            wait_for_arrival(arrivals, is_patient ? std::min(until, *patient_until) : until);
        if (!arrived.ok() && arrived.error().kind == ErrorKind::Unavailable && is_patient &&
            *patient_until < until)
            continue;
        if (!arrived.ok() && arrived.error().kind == ErrorKind::Unavailable && damage)
            return *damage;
        TRY_OK(std::move(arrived));
    }
}

void ContentPool::expect(const std::vector<ChunkId>& ids) {
    if (absent_ == nullptr || !environment_.may_arrive()) return;
    std::vector<ChunkId> absent;
    for (const ChunkId& id : ids) {
        {
            MutexLock lock(mutex_);
            if (cached_.contains(id)) continue;
        }
        if (!is_here(id)) absent.push_back(id);
    }
    if (!absent.empty() && !absent_->comes_anyway()) absent_->want(absent);
}

void ContentPool::chunk_arrived(const ChunkId& id, Bytes plaintext) {
    auto shared = share_wiped(std::move(plaintext));
    MutexLock lock(mutex_);
    remember(id, std::move(shared));
    ++arrivals_;
    changed_.notify_all();
}

void ContentPool::content_changed() {
    MutexLock lock(mutex_);
    ++arrivals_;
    changed_.notify_all();
}

void ContentPool::set_waiting(bool may_wait) {
    MutexLock lock(mutex_);
    may_wait_ = may_wait;
    changed_.notify_all();
}

std::map<PackId, std::uint64_t> ContentPool::last_uses() {
    MutexLock lock(mutex_);
    return last_uses_;
}

Result<std::shared_ptr<const Bytes>> ContentPool::find_here(ChunkKind kind, const ChunkId& id,
                                                            std::optional<Error>* damage_found) {
    {
        MutexLock lock(mutex_);
        if (auto at = pending_.find(id); at != pending_.end()) {
            TRY(Bytes bytes, open_pending(id, at->second));
            return share_wiped(std::move(bytes));
        }
    }
    TRY(auto places, environment_.index.chunks().find_all(id));
    std::optional<Error> damage;
    bool may_come_again = false;
    for (const ChunkLocation& at : places) {
        if (!at.is_present || at.kind != static_cast<std::uint8_t>(kind)) continue;
        auto bytes = read_from(id, at);
        if (bytes.ok()) return bytes;
        const ErrorKind kind_of_error = bytes.error().kind;
        if (kind_of_error == ErrorKind::Corrupt || kind_of_error == ErrorKind::NotFound)
            may_come_again = environment_.fetch_again(at.pack) || may_come_again;
        if (kind_of_error == ErrorKind::Corrupt) {
            environment_.alarm(at.pack, bytes.error().message);
            if (!at.is_verified) TRY_OK(environment_.index.chunks().drop_entry(id, at.pack));
        }
        damage = bytes.error();
    }
    if (absent_ != nullptr) {
        for (const ChunkLocation& at : places) {
            if (at.is_present || at.kind != static_cast<std::uint8_t>(kind)) continue;
            TRY(auto bytes, absent_->read(id, at));
            if (bytes) return share_wiped(std::move(*bytes));
        }
    }
    if (damage && !may_come_again) return *damage;
    if (damage && damage_found != nullptr) *damage_found = std::move(damage);
    return std::shared_ptr<const Bytes>();
}

Result<Bytes> ContentPool::get_now(ChunkKind kind, const ChunkId& id) {
    {
        MutexLock lock(mutex_);
        if (auto at = cached_.find(id); at != cached_.end()) return Bytes(*at->second->plaintext);
    }
    TRY(auto bytes, find_here(kind, id));
    if (bytes != nullptr) return Bytes(*bytes);
    if (absent_ != nullptr) absent_->want({id});
    return Error{ErrorKind::Unavailable, "a part of a file's list of content is not here"};
}

Result<Bytes> ContentPool::get_if_here(ChunkKind kind, const ChunkId& id) {
    TRY(auto bytes, find_here(kind, id));
    if (bytes != nullptr) return Bytes(*bytes);
    return Error{ErrorKind::Unavailable, "it is not here"};
}

Status ContentPool::visit_now(const Content& content, ContentVisitor& visitor) {
    struct Now final : ChunkSource {
        explicit Now(ContentPool& the_pool) : pool(the_pool) {}
        Result<Bytes> get(ChunkKind kind, const ChunkId& id) override {
            return pool.get_now(kind, id);
        }
        ContentPool& pool;
    };
    Now now(*this);
    return visit_content(environment_.ids, content, now, visitor);
}

std::uint64_t ContentPool::absent_bytes(const Content& content) {
    struct ListsHere final : ChunkSource {
        explicit ListsHere(ContentPool& the_pool) : pool(the_pool) {}
        Result<Bytes> get(ChunkKind kind, const ChunkId& id) override {
            TRY(auto bytes, pool.find_here(kind, id));
            if (bytes == nullptr) return Error{ErrorKind::Unavailable, "it is not here"};
            return Bytes(*bytes);
        }
        ContentPool& pool;
    };
    if (content.kind == Content::Kind::Inline) return 0;
    ListsHere lists(*this);
    auto list = load_content(environment_.ids, content, lists);
    if (!list.ok()) return content.size;
    std::uint64_t out = 0;
    for (const Extent& extent : list->extents())
        if (!extent.is_hole() && !is_here(extent.chunk)) out += extent.length;
    return out;
}

std::uint64_t ContentPool::bytes_to_come(const Content& content) {
    const bool comes = absent_ != nullptr && absent_->comes_anyway() && environment_.may_arrive();
    return comes ? absent_bytes(content) : 0;
}

bool ContentPool::is_here(const ChunkId& id) {
    {
        MutexLock lock(mutex_);
        if (pending_.contains(id)) return true;
    }
    auto places = environment_.index.chunks().find_all(id);
    return places.ok() && std::any_of(places->begin(), places->end(), [&](const auto& at) {
               return at.is_present || (absent_ != nullptr && absent_->is_cached(at));
           });
}

void ContentPool::prefetch(const std::vector<ChunkId>& ids) {
    expect(ids);
    for (const ChunkId& id : ids) {
        {
            MutexLock lock(mutex_);
            if (is_closing_) return;
            if (cached_.contains(id) || opening_.contains(id)) continue;
            opening_.insert(id);
        }
        auto found = find_here(ChunkKind::Data, id);
        MutexLock lock(mutex_);
        opening_.erase(id);
        if (found.ok() && *found != nullptr) remember(id, *found);
        changed_.notify_all();
    }
}

Result<std::shared_ptr<const Bytes>> ContentPool::read_from(const ChunkId& id,
                                                            const ChunkLocation& at) {
    TRY(auto reader, reader_of(at.pack, at.epoch));
    TRY(Bytes bytes,
        reader->read_chunk(pack_entry(id, at), at.is_verified ? nullptr : &environment_.ids));
    if (!at.is_verified) TRY_OK(environment_.index.chunks().mark_verified(id, at.pack));
    return share_wiped(std::move(bytes));
}

Result<std::shared_ptr<PackReader>> ContentPool::reader_of(const PackId& pack,
                                                           const EpochId& epoch) {
    {
        MutexLock lock(mutex_);
        last_uses_[pack] = ++use_;
        if (auto at = readers_.find(pack); at != readers_.end()) return at->second;
    }
    const AnySecretKey* base = environment_.pack_base_of(epoch);
    if (base == nullptr) return Error{ErrorKind::WrongKey, "the pack's epoch is not known"};
    TRY(auto bytes, environment_.packs.open_pack(pack));
    TRY(PackReader opened, PackReader::open(std::move(bytes), *base, environment_.vault));
    auto reader = std::make_shared<PackReader>(std::move(opened));
    MutexLock lock(mutex_);
    if (readers_.size() >= kOpenPacksMax) readers_.erase(readers_.begin());
    readers_[pack] = reader;
    return reader;
}

void ContentPool::remember(const ChunkId& id, std::shared_ptr<const Bytes> plaintext) {
    if (cached_.contains(id)) return;
    cache_bytes_ += plaintext->size();
    cache_.push_front({id, std::move(plaintext)});
    cached_[id] = cache_.begin();
    while (cache_bytes_ > environment_.cache_size) take_cached(std::prev(cache_.end()));
}

std::shared_ptr<const Bytes> ContentPool::take_cached(std::list<CacheEntry>::iterator at) {
    std::shared_ptr<const Bytes> plaintext = std::move(at->plaintext);
    cache_bytes_ -= plaintext->size();
    cached_.erase(at->id);
    cache_.erase(at);
    return plaintext;
}

void ContentPool::done_with(const std::vector<ChunkId>& ids) {
    std::vector<std::shared_ptr<const Bytes>> taken;
    taken.reserve(ids.size());
    MutexLock lock(mutex_);
    for (const ChunkId& id : ids)
        if (const auto at = cached_.find(id); at != cached_.end())
            taken.push_back(take_cached(at->second));
}

std::size_t ContentPool::cached_bytes() {
    MutexLock lock(mutex_);
    return cache_bytes_;
}

Status ContentPool::pack_arrived(const PackInfo& pack) {
    TRY(auto row, environment_.index.chunks().pack(pack.id));
    if (!row || !row->is_present || row->epoch.is_zero()) {
        TRY(auto bytes, environment_.packs.open_pack(pack.id));
        TRY(PackPrefix prefix, read_pack_prefix(*bytes));
        const AnySecretKey* base = environment_.pack_base_of(prefix.epoch);
        if (base == nullptr) return Error{ErrorKind::WrongKey, "the pack's epoch is not known"};
        TRY(PackReader reader, PackReader::open(std::move(bytes), *base, environment_.vault));
        TRY(auto entries, reader.read_index());
        // What a peer said before the pack was here does not count any more.
        if (row && !row->is_present) TRY_OK(environment_.index.chunks().forget_claims(pack.id));
        TRY_OK(environment_.index.chunks().add_pack(pack, prefix.epoch, index_entries(entries),
                                                    false));
    }
    MutexLock lock(mutex_);
    readers_.erase(pack.id);  // it may have been replaced: a reader holds the file that was
    ++arrivals_;
    changed_.notify_all();
    return {};
}

void ContentPool::close() {
    MutexLock lock(mutex_);
    is_closing_ = true;
    changed_.notify_all();
}

}  // namespace lockstep
