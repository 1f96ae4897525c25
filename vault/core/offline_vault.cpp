#include "vault/core/offline_vault.h"

#include <algorithm>
#include <utility>

#include "vault/core/vault_replica.h"

namespace lockstep {

struct OfflineVault::Ids final : DerivedIds {
    explicit Ids(const VaultKeys& vault_keys) : keys(vault_keys) {}
    FileId file(const FileId& file, const VersionId& version) const override {
        return keys.forked_file(file, version);
    }
    LinkId link(const LinkId& link, const VersionId& version) const override {
        return keys.forked_link(link, version);
    }
    VersionId version(const FileId& fork, const VersionId& version) const override {
        return keys.forked_version(fork, version);
    }
    const VaultKeys& keys;
};

Result<std::unique_ptr<OfflineVault>> OfflineVault::open(Disk& disk, WorkerPool& workers,
                                                         Random& random, const fs::path& directory,
                                                         ByteView passphrase) {
    TRY(VaultHeader header, read_vault_header(disk, directory));
    TRY(auto objects, read_all_key_objects(disk, directory));
    SecretBytes secret(passphrase);
    TRY(KeyState state, KeyState::open_with_secret(header, objects, secret, KeyCredentials{}));
    if (!state.is_unlocked()) return Error{ErrorKind::WrongKey, "wrong passphrase"};
    std::unique_ptr<OfflineVault> out(new OfflineVault(std::move(state), random));
    out->key_objects_ = objects.size();
    for (const KeyProblem& problem : out->state_.problems())
        out->problems_.add(CheckFinding::Kind::KeyObject, problem.object.to_hex(), problem.error);
    TRY_OK(out->load(disk, workers, random, directory));
    return out;
}

OfflineVault::OfflineVault(KeyState state, Random& random)
    : state_(std::move(state)),
      vault_keys_(VaultKeys::derive(state_.root(), state_.vault())),
      ids_(vault_keys_),
      derived_(std::make_unique<Ids>(vault_keys_)) {
    for (const auto& [epoch, secret] : state_.epoch_secrets())
        epochs_.emplace(epoch, EpochKeys::derive(secret, state_.vault(), epoch));
    for (const auto& [epoch, secret] : state_.replicator_secrets())
        replicators_.emplace(epoch, ReplicatorKeys::derive(secret, state_.vault(), epoch));
    tree_ = std::make_unique<Tree>(TreeEnvironment{random, *derived_, "offline"});
}

OfflineVault::~OfflineVault() = default;

const AnySecretKey* OfflineVault::pack_base_of(const EpochId& epoch) const {
    auto at = epochs_.find(epoch);
    return at == epochs_.end() ? nullptr : &at->second.pack_base;
}

Status OfflineVault::load(Disk& disk, WorkerPool& workers, Random& random,
                          const fs::path& directory) {
    TRY(index_, Index::open_in_memory());
    packs_ = PackStore::open_read_only(disk, directory);
    TRY(logs_, LogStore::open(disk, directory));
    files_ = std::make_unique<SegmentFiles>(*logs_, lookup());
    content_ = std::make_unique<ContentPool>(ContentPoolEnvironment{
        .index = *index_,
        .packs = *packs_,
        .ids = ids_,
        .random = random,
        .workers = workers,
        .cache_size = 64 * kMiB,
        .vault = state_.vault(),
        .write_epoch = state_.newest_epoch(),
        .pack_base_of = [this](const EpochId& epoch) { return pack_base_of(epoch); },
        .may_arrive = [] { return false; },
        .alarm =
            [this](const PackId& pack, const std::string& why) {
                blamed_.push_back(pack);
                problems_.add(CheckFinding::Kind::Pack, pack.to_hex(), {ErrorKind::Corrupt, why});
            },
        .content_wait = {},
        .pack_written = [](const PackInfo&) {}});
    load_packs();
    load_segments(*logs_);
    return {};
}

void OfflineVault::load_packs() {
    auto listing = packs_->list();
    if (!listing.ok()) {
        problems_.add(CheckFinding::Kind::Other, "", std::move(listing).error().in("packs"));
        return;
    }
    for (const PackInfo& pack : listing->packs) {
        // A damaged pack is named; what is intact in it is used all the same.
        Status intact = packs_->verify(pack);
        Status indexed = content_->pack_arrived(pack);
        if (!intact.ok() || !indexed.ok())
            problems_.add(CheckFinding::Kind::Pack, pack.id.to_hex(),
                          (intact.ok() ? indexed : intact).error());
    }
}

// ---- content

Status OfflineVault::read(const Content& content, const TakeBytes& take, const LoseBytes& lose) {
    if (content.kind == Content::Kind::Inline) return take(0, content.inline_bytes);
    const auto lose_part = [&](const ByteRange& range, const LostPart& part,
                               const std::vector<PackId>& because_of) {
        lost_in_[part.object].insert(because_of.begin(), because_of.end());
        lose(range, part);
    };
    blamed_.clear();
    const std::vector<SalvagedPart> parts = salvage_content(ids_, content, *content_);
    const std::vector<PackId> of_lists = std::exchange(blamed_, {});
    std::uint64_t offset = 0;
    for (const SalvagedPart& part : parts) {
        const ByteRange range{offset, part.extent.length};
        offset += range.length;
        if (part.loss) {
            lose_part(range, *part.loss, of_lists);
            continue;
        }
        if (part.extent.is_hole()) continue;
        blamed_.clear();
        auto bytes = content_->read_chunk(part.extent.chunk);
        if (bytes.ok() && (*bytes)->size() == range.length)
            TRY_OK(take(range.offset, **bytes));
        else
            lose_part(range,
                      {part.extent.chunk,
                       bytes.ok() ? Error{ErrorKind::Corrupt, "a chunk has the wrong length"}
                                  : bytes.error()},
                      blamed_);
    }
    return {};
}

std::set<PackId> OfflineVault::packs_of(const ChunkId& id) const {
    auto at = lost_in_.find(id);
    return at == lost_in_.end() ? std::set<PackId>() : at->second;
}

std::vector<PackInfo> OfflineVault::missing_packs() {
    std::vector<PackInfo> out;
    for (const auto& [id, length] : introduced_)
        if (!collected_.contains(id) && !packs_->has(id)) out.push_back({id, length});
    return out;
}

std::optional<std::uint64_t> OfflineVault::length_of(const PackId& pack) const {
    auto at = introduced_.find(pack);
    return at == introduced_.end() ? std::nullopt : std::optional(at->second);
}

// ---- segments

SegmentLookup OfflineVault::lookup() const {
    return {.vault = state_.vault(),
            .outer_key_of = [this](const EpochId& epoch) -> const SegmentOuterKey* {
                auto at = replicators_.find(epoch);
                return at == replicators_.end() ? nullptr : &at->second.segment_outer;
            },
            .signer_of = [this](const DeviceId& device) -> std::optional<SigningPublicKey> {
                const RosterMember* member = state_.roster().find(device);
                if (member == nullptr) return std::nullopt;
                return member->certificate.signing;
            }};
}

void OfflineVault::accept_log(LogStore& logs, const LogId& log, LogEnds& ends) {
    std::map<LogStore::Name, Error> damaged;
    for (const LogStore::Name& name : logs.names(log)) {
        const auto problem = [&](Error what) { damaged.emplace(name, std::move(what)); };
        if (name.from() > branches_.greatest_of(log) + 1) {
            problem({ErrorKind::Unavailable, "an earlier segment is missing or damaged"});
            break;
        }
        auto opened = files_->open(log, name);
        if (!opened.ok()) {
            problem(opened.error());
            continue;
        }
        for (const SegmentOuter& segment : opened->segments) {
            const auto place = branches_.place_of(segment);
            if (!place) problem({ErrorKind::Corrupt, "it does not follow the segment before it"});
            if (place && !place->is_known && !place->is_name_taken)
                accept_segment(segment, *place, ends);
        }
    }
    for (const auto& [name, what] : damaged)
        problems_.add(CheckFinding::Kind::Segment, log.to_hex() + "/" + std::to_string(name.number),
                      what);
}

void OfflineVault::accept_segment(const SegmentOuter& segment, const LogBranches::Place& place,
                                  LogEnds& ends) {
    const RosterMember& member = *state_.roster().find(segment.replicator.device);
    const bool is_held = accepted_[place.parent].number < place.number ||
                         ends.is_beyond(branches_, state_.roster(), member, place, segment);
    const LogBranches::Added added = branches_.add(segment);
    if (added.split) added.split->rename_in(accepted_);
    writers_[added.segment.log] = segment.replicator.device;
    if (added.split) writers_[added.split->tail] = segment.replicator.device;
    for (const PackInfo& pack : segment.replicator.packs) introduced_[pack.id] = pack.length;
    for (const CondemnedPacks& collected : segment.replicator.collected)
        collected_.insert(collected.packs.begin(), collected.packs.end());
    if (is_held) return;
    ends.note_accepted(segment);
    accepted_[added.segment.log] = {added.segment.number, segment.hash};
}

// The branch's next segment, if more is known by now of where its log ends.
bool OfflineVault::accept_held(const LogId& branch, LogEnds& ends) {
    const SegmentRef next{branch, accepted_[branch].number + 1};
    if (next.number > branches_.last_of(branch).number) return false;
    const auto parent = branches_.parent_of(branch);
    if (parent && accepted_[*parent].number < branches_.last_of(*parent).number) return false;
    const RosterMember& member = *state_.roster().find(writers_.at(branch));
    const SegmentHash& hash = branches_.hash_of(next);
    const auto end = ends.end_of(branches_, state_.roster(), member, branch);
    if (end && (next.number > end->number || (next.number == end->number && hash != end->hash)))
        return false;
    auto outer = files_->outer_of(branches_.header_of(next), hash);
    if (!outer.ok()) return false;
    ends.note_accepted(*outer);
    accepted_[branch] = {next.number, hash};
    return true;
}

// How far each log counts: to its last segment, or to where it was ended.
void OfflineVault::accept_segments(LogStore& logs) {
    LogEnds ends;
    for (const LogId& log : logs.logs()) accept_log(logs, log, ends);
    for (bool progress = true; progress;) {
        progress = false;
        for (const LogId& branch : branches_.all())
            while (accept_held(branch, ends)) progress = true;
    }
}

void OfflineVault::load_segments(LogStore& logs) {
    accept_segments(logs);
    Frontier applied;
    std::set<LogId> ended;
    for (bool progress = true; progress;) {
        progress = false;
        for (const LogId& branch : branches_.all())
            while (!ended.contains(branch) && apply_next(branch, applied, ended)) progress = true;
    }
    for (const LogId& branch : branches_.all()) {
        if (ended.contains(branch) || applied[branch].number >= accepted_[branch].number) continue;
        problems_.add(CheckFinding::Kind::Segment,
                      branch.to_hex() + "/" + std::to_string(applied[branch].number + 1),
                      {ErrorKind::Unavailable, "it depends on segments that are missing"});
    }
}

bool OfflineVault::apply_next(const LogId& branch, Frontier& applied, std::set<LogId>& ended) {
    const SegmentRef ref{branch, applied[branch].number + 1};
    if (ref.number > accepted_[branch].number) return false;
    const auto parent = branches_.parent_of(branch);
    if (parent && applied[*parent].number < branches_.last_of(*parent).number) return false;
    auto apply = [&]() -> Result<bool> {
        const auto records_key = [this](const EpochId& epoch) -> const RecordKey* {
            auto at = epochs_.find(epoch);
            return at == epochs_.end() ? nullptr : &at->second.records;
        };
        TRY(Bytes bytes,
            files_->original(branches_.header_of(ref), branches_.hash_of(ref), records_key));
        TRY(SegmentOuter outer, open_outer(bytes, lookup()));
        for (const auto& [other, position] : outer.replicator.frontier) {
            const auto needed = branches_.find(other, position);
            if (!needed || applied[needed->log].number < needed->number) return false;
        }
        auto keys = epochs_.find(outer.header.epoch);
        if (keys == epochs_.end()) return Error{ErrorKind::WrongKey, "its epoch is not known"};
        TRY(RecordBatch batch, open_records(bytes, outer, state_.vault(), keys->second.records));
        tree_->apply(batch.records);
        applied[branch] = {ref.number, outer.hash};
        ++segments_;
        return true;
    };
    auto result = apply();
    if (result.ok()) return *result;
    problems_.add(CheckFinding::Kind::Segment, branch.to_hex() + "/" + std::to_string(ref.number),
                  result.error());
    ended.insert(branch);
    return false;
}

}  // namespace lockstep
