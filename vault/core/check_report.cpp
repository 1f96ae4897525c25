#include "vault/check_report.h"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::size_t kRangesSaid = 3;

}  // namespace

void MissingRanges::add(std::uint64_t offset, std::uint64_t length) {
    if (length == 0) return;
    bytes += length;
    const bool touches = count > 0 && end_ == offset;
    end_ = offset + length;
    if (!touches) {
        ++count;
        if (ranges.size() < kMissingRangesMax) ranges.push_back({offset, length});
    } else if (count == ranges.size()) {
        ranges.back().length += length;
    }
}

std::string MissingRanges::text() const {
    std::string out = "bytes ";
    for (std::size_t i = 0; i < std::min(ranges.size(), kRangesSaid); ++i) {
        if (i > 0) out += i + 1 == count ? " and " : ", ";
        out += fmt::format("{} to {}", ranges[i].offset, ranges[i].offset + ranges[i].length - 1);
    }
    if (count > kRangesSaid) out += fmt::format(" and {} more ranges", count - kRangesSaid);
    return out;
}

void CheckFinding::affect(AffectedVersion version) {
    is_affected_known = true;
    ++affected;
    if (affects.size() < kAffectedMax) affects.push_back(std::move(version));
}

std::string CheckFinding::sentence() const {
    // Some reasons name it already.
    const auto of = [this](const std::string& it) {
        return reason.starts_with(it + ": ") ? reason : it + ": " + reason;
    };
    switch (kind) {
        case Kind::KeyObject:
            return of("key object " + name);
        case Kind::Segment:
            return of("segment " + name);
        case Kind::Pack:
            return of("pack " + name);
        case Kind::File:
            return of(name);
        case Kind::Vault:
        case Kind::Index:
        case Kind::Other:
            return reason;
    }
    CHECK(false, "a kind of finding outside its enumeration");
}

std::string_view finding_kind_text(CheckFinding::Kind kind) {
    switch (kind) {
        case CheckFinding::Kind::Vault:
            return "vault";
        case CheckFinding::Kind::KeyObject:
            return "key-object";
        case CheckFinding::Kind::Segment:
            return "segment";
        case CheckFinding::Kind::Pack:
            return "pack";
        case CheckFinding::Kind::File:
            return "file";
        case CheckFinding::Kind::Index:
            return "index";
        case CheckFinding::Kind::Other:
            return "other";
    }
    CHECK(false, "a kind of finding outside its enumeration");
}

std::string_view finding_state_text(CheckFinding::State state) {
    switch (state) {
        case CheckFinding::State::Missing:
            return "missing";
        case CheckFinding::State::Damaged:
            return "damaged";
        case CheckFinding::State::Unreadable:
            return "unreadable";
        case CheckFinding::State::WrongSize:
            return "wrong-size";
    }
    CHECK(false, "a state outside its enumeration");
}

std::string_view repair_text(CheckFinding::Repair repair) {
    switch (repair) {
        case CheckFinding::Repair::None:
            return "none";
        case CheckFinding::Repair::Asked:
            return "asked";
        case CheckFinding::Repair::Mended:
            return "mended";
    }
    CHECK(false, "a repair outside its enumeration");
}

CheckFinding::State state_of_error(ErrorKind kind) {
    if (kind == ErrorKind::NotFound || kind == ErrorKind::Unavailable)
        return CheckFinding::State::Missing;
    if (kind == ErrorKind::TooLarge) return CheckFinding::State::WrongSize;
    if (kind == ErrorKind::Corrupt || kind == ErrorKind::Conflict || kind == ErrorKind::Invalid)
        return CheckFinding::State::Damaged;
    return CheckFinding::State::Unreadable;
}

CheckFinding* CheckReport::add(CheckFinding finding) {
    const bool is_object = !finding.name.empty();
    if (is_object)
        if (CheckFinding* known = find(finding.kind, finding.name)) return known;
    if (finding.is_error) {
        std::string sentence = finding.sentence();
        // Beyond the findings that are kept, the sentences tell what is known already.
        if (std::find(errors.begin(), errors.end(), sentence) != errors.end()) return nullptr;
        if (errors.size() < kFindingsMax) errors.push_back(std::move(sentence));
    }
    ++found;
    if (findings.size() >= kFindingsMax) return nullptr;
    findings.push_back(std::move(finding));
    return &findings.back();
}

CheckFinding* CheckReport::add(CheckFinding::Kind kind, std::string name, const Error& error) {
    CheckFinding finding;
    finding.kind = kind;
    finding.name = std::move(name);
    finding.state = state_of_error(error.kind);
    finding.reason = error.message;
    return add(std::move(finding));
}

CheckFinding* CheckReport::find(CheckFinding::Kind kind, std::string_view name) {
    for (CheckFinding& finding : findings)
        if (finding.kind == kind && finding.name == name) return &finding;
    return nullptr;
}

}  // namespace lockstep
