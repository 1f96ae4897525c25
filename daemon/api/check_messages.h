// What a check of a vault answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::api {

struct CheckedRange {
    std::uint64_t offset = 0, length = 0;
};

// A version that needs an object.
struct CheckedVersion {
    std::string path;  // empty: its file was deleted
    std::string file, version;
    std::uint64_t time_ms = 0;  // when it was written
    bool is_shown = false;      // else the vault keeps it as its past
};

// An object, or a path, that is not as it should be.
struct CheckedObject {
    std::string kind;   // vault, key-object, segment, pack, file, index, other
    std::string name;   // hex; LOG/NUMBER of a segment; a path
    std::string state;  // missing, damaged, unreadable, wrong-size
    std::string reason;
    bool is_error = true;  // else it is merely not here
    std::vector<CheckedVersion> affects;
    std::uint64_t affected = 0;
    bool is_affected_known = false;
    std::vector<CheckedRange> missing;  // of a file
    std::uint64_t missing_ranges = 0, missing_bytes = 0;
    std::string repair;  // none, asked, mended
    std::string from;    // mended: by the device of that label
};

struct CheckAnswer {
    std::uint64_t key_objects = 0, segments = 0, packs = 0, chunks = 0, files = 0;
    std::vector<CheckedObject> findings;  // 1000 at most
    std::uint64_t found = 0;              // how many there are
    std::vector<std::string> errors;      // sentences; 1000 at most
    std::vector<std::string> notes;
    std::uint64_t fetched_again = 0;  // damaged packs and segments that other devices are asked for
    std::uint64_t mended_keys = 0;    // key objects whose files were gone or damaged
};

// `Report`: vault's CheckReport, which this layer does not know.
template <typename Report>
CheckAnswer check_answer(Report report) {
    CheckAnswer out;
    out.key_objects = report.key_objects;
    out.segments = report.segments;
    out.packs = report.packs;
    out.chunks = report.chunks;
    out.files = report.files;
    out.found = report.found;
    out.errors = std::move(report.errors);
    out.notes = std::move(report.notes);
    for (auto& finding : report.findings) {
        CheckedObject object{.kind = std::string(finding_kind_text(finding.kind)),
                             .name = std::move(finding.name),
                             .state = std::string(finding_state_text(finding.state)),
                             .reason = std::move(finding.reason),
                             .is_error = finding.is_error,
                             .affects = {},
                             .affected = finding.affected,
                             .is_affected_known = finding.is_affected_known,
                             .missing = {},
                             .missing_ranges = finding.missing.count,
                             .missing_bytes = finding.missing.bytes,
                             .repair = std::string(repair_text(finding.repair)),
                             .from = std::move(finding.repaired_from)};
        for (auto& version : finding.affects)
            object.affects.push_back(
                {std::move(version.path), version.file.to_hex(), version.version.to_hex(),
                 static_cast<std::uint64_t>(version.time_ms), version.is_shown});
        for (const auto& range : finding.missing.ranges)
            object.missing.push_back({range.offset, range.length});
        out.findings.push_back(std::move(object));
    }
    return out;
}

}  // namespace lockstep::api
