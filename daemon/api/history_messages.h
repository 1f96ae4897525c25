// What the control API says of a vault's past: see API.md, "History".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::api {

struct VersionInfo {
    std::string id;
    std::int64_t time_ms = 0;
    std::string written_by;  // label of the device
    std::string device;      // its id
    std::uint64_t size = 0;
    std::string end;  // shown, conflict, replaced, deleted, dropped
    std::int64_t end_ms = 0;
    std::string ended_by;
    bool is_kept = true;
};

struct DeletedInfo {
    std::string name;
    std::string name_hex;  // the exact bytes, when they are no UTF-8
    std::string type;
    std::uint64_t size = 0;
    std::int64_t deleted_ms = 0;
    std::string deleted_by;
};

struct HistoryAnswer {
    std::string path;
    std::string type;
    bool is_there = false;
    std::vector<VersionInfo> versions;  // newest first
    std::vector<DeletedInfo> deleted;
};

struct RestorePath {
    std::string path;
    std::string path_hex;  // instead of `path`, when that is no UTF-8
    std::string version;
    std::optional<std::int64_t> at_ms;
    std::string to;
    std::string to_hex;
};

struct RestoreAnswer {
    std::string path;
    std::uint64_t files = 0, directories = 0, unchanged = 0;
    std::vector<std::string> problems;
};

struct DifferenceInfo {
    std::string kind;  // added, removed, changed, renamed, attributes
    std::string type;
    std::string path;
    std::string before;
    std::uint64_t size = 0, size_before = 0;
};

struct DifferenceList {
    std::vector<DifferenceInfo> differences;
};

struct UndoWish {
    std::string device;  // id, or label when only one has it
    std::int64_t since_ms = 0;
    bool is_dry_run = false;
};

struct UndoStepInfo {
    std::string action;  // restore, revert, rename, remove
    std::string path;
    std::string before;
};

struct UndoAnswer {
    std::vector<UndoStepInfo> done;
    std::vector<std::string> left;
};

struct SnapshotInfo {
    std::string name;
    std::int64_t time_ms = 0;
};

struct SnapshotList {
    std::vector<SnapshotInfo> snapshots;  // by time
};

struct MakeSnapshot {
    std::string name;
    std::optional<std::int64_t> at_ms;
};

struct RetentionAnswer {
    std::string policy;
    bool is_own = false;
    std::optional<std::uint64_t> quota_bytes = {};  // that only the past may need
    std::int64_t cut_ms = 0;  // what ended before was let go for the quota; 0: nothing was
};

// What is not named stays as it is.
struct SetRetention {
    std::optional<std::string> policy = {};  // empty: the default
    std::optional<std::uint64_t> quota_bytes = {};
    bool has_no_quota = false;  // the past may take any space
};

}  // namespace lockstep::api
