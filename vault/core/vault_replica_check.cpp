// VaultReplica: what a check of the vault reads again, and how far what it found is mended.
#include <algorithm>
#include <charconv>

#include "vault/core/vault_replica.h"

namespace lockstep {
namespace {

CheckFinding finding_of(CheckFinding::Kind kind, std::string name, CheckFinding::State state,
                        std::string reason) {
    CheckFinding out;
    out.kind = kind;
    out.name = std::move(name);
    out.state = state;
    out.reason = std::move(reason);
    return out;
}

// "segment NAME: REASON" names it again.
std::string reason_in(const std::string& sentence) {
    const std::size_t colon = sentence.find(": ");
    return colon == std::string::npos ? sentence : sentence.substr(colon + 2);
}

}  // namespace

std::string segment_name(const SegmentRef& header) {
    return header.log.to_hex() + "/" + std::to_string(header.number);
}

std::optional<SegmentRef> parse_segment_name(std::string_view name) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto log = LogId::parse_hex(name.substr(0, slash));
    name.remove_prefix(slash + 1);
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (!log.ok() || failure != std::errc() || end != name.data() + name.size())
        return std::nullopt;
    return SegmentRef{*log, number};
}

void VaultReplica::check_objects(CheckReport& report) {
    check_keys(report);
    check_segments(report);
    check_packs(report);
    for (const std::string& sentence : alarms_of_no_object())
        report.add(
            finding_of(CheckFinding::Kind::Other, "", CheckFinding::State::Damaged, sentence));
    MutexLock lock(mutex_);
    for (const std::string& sentence : key_alarms_)
        report.add(
            finding_of(CheckFinding::Kind::Other, "", CheckFinding::State::Damaged, sentence));
    // What is damaged now was mended before that.
    std::erase_if(mended_, [&](const Mended& mended) {
        return report.find(mended.kind, mended.name) != nullptr;
    });
}

void VaultReplica::check_segments(CheckReport& report) {
    for (const SegmentRef& header : segments_here()) static_cast<void>(recheck_segment(header));
    for (const auto& [log, name] : compacted_here())
        static_cast<void>(recheck_compacted(log, name));
    std::map<SegmentRef, std::string> damaged;
    {
        MutexLock lock(mutex_);
        damaged = segment_alarms_;
    }
    for (const auto& [header, sentence] : damaged)
        report.add(finding_of(CheckFinding::Kind::Segment, segment_name(header),
                              environment_.disk.exists(logs_->path_of(header))
                                  ? CheckFinding::State::Damaged
                                  : CheckFinding::State::Missing,
                              reason_in(sentence)));
}

// What the directory holds was looked at by its names.
void VaultReplica::check_packs(CheckReport& report) {
    for (const PackInfo& pack : present_packs())
        if (!packs_->has(pack.id)) static_cast<void>(recheck_pack(pack.id));
    std::map<PackId, std::uint64_t> known;
    std::set<PackId> doubted;
    std::map<std::pair<PackId, PackTrouble>, std::string> alarmed;
    {
        MutexLock lock(mutex_);
        known = known_packs_;
        doubted = doubted_packs_;
        alarmed = pack_alarms_;
    }
    for (CheckFinding& finding : report.findings) {
        if (finding.kind != CheckFinding::Kind::Pack) continue;
        const auto id = PackId::parse_hex(finding.name);
        const auto bytes = id.ok() ? packs_->open_pack(*id) : Error{ErrorKind::NotFound, ""};
        if (!bytes.ok()) continue;
        auto length = known.find(*id);
        if (length != known.end() && (*bytes)->size() != length->second)
            finding.state = CheckFinding::State::WrongSize;
    }
    const bool are_others = has_others();
    for (const PackInfo& pack : missing_packs()) {
        CheckFinding finding =
            finding_of(CheckFinding::Kind::Pack, pack.id.to_hex(), CheckFinding::State::Missing,
                       doubted.contains(pack.id) ? "it is gone from the vault directory"
                       : are_others              ? "it has not come yet"
                                    : "it is not here, and there is nobody to ask for it");
        finding.is_error = doubted.contains(pack.id) || !are_others;
        report.add(std::move(finding));
    }
    for (const auto& [pack, sentence] : alarmed)
        report.add(finding_of(CheckFinding::Kind::Pack, pack.first.to_hex(),
                              CheckFinding::State::Damaged, reason_in(sentence)));
}

// ---- repairs

bool VaultReplica::has_others() {
    const std::vector<Member> all = members();
    return std::any_of(all.begin(), all.end(), [&](const Member& member) {
        return !member.is_revoked && member.device != device();
    });
}

CheckFinding::Repair VaultReplica::repair_of(const CheckFinding& finding, bool are_others) {
    using Repair = CheckFinding::Repair;
    const Repair asked = are_others ? Repair::Asked : Repair::None;
    if (finding.kind == CheckFinding::Kind::Pack) {
        const auto id = PackId::parse_hex(finding.name);
        return id.ok() && missing_.contains(*id) ? asked : Repair::None;
    }
    if (finding.kind == CheckFinding::Kind::Segment) {
        for (const auto& [header, sentence] : segment_alarms_)
            if (segment_name(header) == finding.name) return asked;
        return Repair::None;
    }
    if (finding.kind == CheckFinding::Kind::KeyObject) {
        const auto id = KeyObjectId::parse_hex(finding.name);
        return id.ok() && doubted_keys_.contains(*id) ? asked : Repair::None;
    }
    return Repair::None;
}

void VaultReplica::note_repairs(CheckReport& report) {
    const bool others = has_others();
    const std::vector<Member> all = members();
    MutexLock lock(mutex_);
    for (CheckFinding& finding : report.findings) {
        const auto mended = std::find_if(mended_.rbegin(), mended_.rend(), [&](const Mended& each) {
            return each.kind == finding.kind && each.name == finding.name;
        });
        if (mended == mended_.rend()) {
            finding.repair = repair_of(finding, others);
            continue;
        }
        finding.repair = CheckFinding::Repair::Mended;
        for (const Member& member : all)
            if (mended->from == member.device) finding.repaired_from = member.label;
    }
}

}  // namespace lockstep
