// Sealing anew what a removed device has the keys of (DESIGN 5.5, `device revoke --full`): packs
// under epochs that it knows are condemned like packs that nothing needs, and what is needed of
// them is written into new ones. Each step is one published segment; what is left to do follows
// from the index, so a crash costs the step under way.
#include <algorithm>

#include "base/codec.h"
#include "base/log.h"
#include "vault/core/open_vault_secrets.h"
#include "vault/crypto/hash.h"

namespace lockstep {
namespace {

constexpr std::string_view kResealName = "reseal";
constexpr std::size_t kResealSizeMax = 1024;
// Each step looks at the whole tree, and nothing else is published meanwhile.
constexpr std::uint64_t kStepBytesMin = 16 * kMiB, kStepBytesMax = 1024 * kMiB;
constexpr std::uint64_t kSteps = 32;
constexpr std::size_t kStepPacksMax = 4096;

// u8 1 ‖ u8 state ‖ device [32] ‖ u64 files ‖ u64 their bytes ‖ u64 segments ‖ u64 packs ‖ u64
// their bytes ‖ BLAKE2b-256 of that
Bytes encode_reseal(const ResealReport& report) {
    Encoder out;
    out.u8(1).u8(static_cast<std::uint8_t>(report.state)).id(report.device);
    out.u64(report.files).u64(report.file_bytes).u64(report.segments);
    out.u64(report.packs).u64(report.bytes);
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return std::move(out).take();
}

Result<ResealReport> decode_reseal(ByteView bytes) {
    Decoder in(bytes);
    ResealReport out;
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(ResealReport::State::Done)) in.fail("no state");
    out.state = static_cast<ResealReport::State>(state);
    out.device = in.id<DeviceId>();
    out.files = in.u64();
    out.file_bytes = in.u64();
    out.segments = in.u64();
    out.packs = in.u64();
    out.bytes = in.u64();
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    TRY_OK(in.finish());
    if (sum != blake2b(bytes.first(end)))
        return Error{ErrorKind::Corrupt, "its sum is not that of its bytes"};
    return out;
}

fs::path reseal_path(const VaultEnvironment& environment, const VaultId& vault) {
    return local_directory(environment, vault) / std::string(kResealName);
}

}  // namespace

ResealReport read_reseal(const VaultEnvironment& environment, const VaultId& vault) {
    auto bytes = environment.disk.read_file(reseal_path(environment, vault), kResealSizeMax);
    if (!bytes.ok()) return {};
    auto report = decode_reseal(*bytes);
    if (report.ok()) return *report;
    log_warning("vault", "whether something is to be sealed anew is not known: {}",
                report.error().message);
    return {};
}

ResealReport OpenVault::noted_reseal() {
    MutexLock lock(reseal_mutex_);
    if (!reseal_) reseal_ = read_reseal(environment_, replica_.vault_id());
    return *reseal_;
}

Status OpenVault::note_reseal(const ResealReport& report) {
    TRY_OK(environment_.disk.write_file_durably(reseal_path(environment_, replica_.vault_id()),
                                                encode_reseal(report)));
    MutexLock lock(reseal_mutex_);
    reseal_ = report;
    return {};
}

void OpenVault::note_reseal_problem(const Status& status) {
    MutexLock lock(reseal_mutex_);
    if (reseal_) reseal_->problem = status.ok() ? std::string() : status.error().message;
}

// Whoever is not excluded from an epoch has its key.
bool OpenVault::is_known_to_removed(const Roster& roster, const EpochId& epoch) {
    const RotateFact* fact = roster.find_epoch(epoch);
    if (fact == nullptr) return true;
    return std::any_of(roster.members().begin(), roster.members().end(),
                       [&](const RosterMember& member) {
                           return member.is_kept_out() && member.was_keyed &&
                                  !std::binary_search(fact->excluded.begin(), fact->excluded.end(),
                                                      member.device());
                       });
}

Result<std::vector<PackRow>> OpenVault::packs_under_keys_of_removed() {
    const auto state = key_state();
    TRY(std::vector<PackRow> rows, index_->chunks().packs());
    std::map<EpochId, bool> known;
    std::erase_if(rows, [&](const PackRow& row) {
        if (row.epoch.is_zero()) return true;  // not looked into yet
        auto at = known.find(row.epoch);
        if (at == known.end())
            at = known.emplace(row.epoch, is_known_to_removed(state->roster(), row.epoch)).first;
        return !at->second;
    });
    return rows;
}

Status OpenVault::begin_reseal(const DeviceId& removed) {
    const RosterMember* member = key_state()->roster().find(removed);
    if (member == nullptr) return Error{ErrorKind::NotFound, "no such member"};
    if (!member->is_revoked)
        return Error{ErrorKind::Invalid, "the device is a member: remove it first"};
    if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
    const ResealReport before = noted_reseal();
    if (before.state == ResealReport::State::Running && before.device == removed) return {};
    ResealReport report;
    report.state = ResealReport::State::Running;
    report.device = removed;
    if (member->was_keyed) {
        KeptEntry root;
        root.entry.type = FileType::Directory;
        visit_kept_files({}, root, [&](const KeptEntry& file) {
            ++report.files;
            report.file_bytes += file.content ? file.content->size : 0;
        });
        for (const auto& [log, last] : replica_.frontier()) report.segments += last.number;
    }
    return note_reseal(report);
}

Result<bool> OpenVault::continue_reseal() {
    ResealReport report = noted_reseal();
    if (report.state != ResealReport::State::Running) return false;
    MutexLock publish_lock(publish_mutex_);
    const auto step = [&]() REQUIRES_LOCK(publish_mutex_) -> Result<bool> {
        if (!replica_.may_write()) return Error{ErrorKind::Refused, "this device may not write"};
        const auto epoch = key_state()->write_epoch();
        if (!epoch || is_known_to_removed(key_state()->roster(), *epoch))
            return Error{ErrorKind::Unavailable, "an owner must rotate the vault's keys first"};
        TRY(std::vector<PackRow> rows, packs_under_keys_of_removed());
        std::uint64_t left = 0;
        for (const PackRow& row : rows)
            left += row.is_present && !row.is_condemned ? row.info.length : 0;
        const std::uint64_t step_bytes = std::clamp(left / kSteps, kStepBytesMin, kStepBytesMax);
        std::vector<PackId> batch;
        std::uint64_t bytes = 0;
        bool has_more = false;
        for (const PackRow& row : rows) {
            if (!row.is_present || row.is_condemned) continue;
            TRY(auto introduced, index_->log().introduced_by(row.info.id));
            if (!introduced || bytes >= step_bytes || batch.size() >= kStepPacksMax) {
                has_more = true;
                continue;
            }
            batch.push_back(row.info.id);
            bytes += row.info.length;
        }
        if (!batch.empty()) {
            TRY_OK(condemn(batch));
            report.packs += batch.size();
            report.bytes += bytes;
        }
        if (!has_more) report.state = ResealReport::State::Done;
        TRY_OK(note_reseal(report));
        return has_more && !batch.empty();
    };
    Result<bool> done = step();
    note_reseal_problem(done.ok() ? Status() : Status(done.error()));
    return done;
}

ResealReport OpenVault::reseal_report() {
    ResealReport report = noted_reseal();
    if (report.state == ResealReport::State::None) return report;
    auto rows = packs_under_keys_of_removed();
    if (!rows.ok()) return report;
    for (const PackRow& row : *rows) {
        const bool waits = row.is_present && row.is_condemned;
        if (!row.is_present) {
            // What was collected may be known still.
            report.absent_packs += replica_.is_collected(row.info.id) ? 0U : 1U;
        } else {
            ++(waits ? report.waiting_packs : report.left_packs);
            (waits ? report.waiting_bytes : report.left_bytes) += row.info.length;
        }
    }
    return report;
}

}  // namespace lockstep
