// The lists of fields of history_messages.h; only json_codec.cpp includes this.
#pragma once

#include "daemon/api/history_messages.h"
#include "daemon/api/json_fields.h"

namespace lockstep::api {

template <typename F, Is<VersionInfo> T>
void fields(F& f, T& v) {
    f("id", v.id);
    f("timeMs", v.time_ms);
    f("writtenBy", v.written_by);
    f("device", v.device);
    f("size", v.size);
    f("end", v.end);
    f("endMs", v.end_ms);
    f("endedBy", v.ended_by);
    f("kept", v.is_kept);
}

template <typename F, Is<DeletedInfo> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("nameHex", v.name_hex);
    f("type", v.type);
    f("size", v.size);
    f("deletedMs", v.deleted_ms);
    f("deletedBy", v.deleted_by);
}

template <typename F, Is<HistoryAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("type", v.type);
    f("there", v.is_there);
    f("versions", v.versions);
    f("deleted", v.deleted);
}

template <typename F, Is<RestorePath> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("pathHex", v.path_hex);
    f("version", v.version);
    f("atMs", v.at_ms);
    f("to", v.to);
    f("toHex", v.to_hex);
}

template <typename F, Is<RestoreAnswer> T>
void fields(F& f, T& v) {
    f("path", v.path);
    f("files", v.files);
    f("directories", v.directories);
    f("unchanged", v.unchanged);
    f("problems", v.problems);
}

template <typename F, Is<DifferenceInfo> T>
void fields(F& f, T& v) {
    f("kind", v.kind);
    f("type", v.type);
    f("path", v.path);
    f("before", v.before);
    f("size", v.size);
    f("sizeBefore", v.size_before);
}

template <typename F, Is<DifferenceList> T>
void fields(F& f, T& v) {
    f("differences", v.differences);
}

template <typename F, Is<UndoWish> T>
void fields(F& f, T& v) {
    f("device", v.device);
    f("sinceMs", v.since_ms);
    f("dryRun", v.is_dry_run);
}

template <typename F, Is<UndoStepInfo> T>
void fields(F& f, T& v) {
    f("action", v.action);
    f("path", v.path);
    f("before", v.before);
}

template <typename F, Is<UndoAnswer> T>
void fields(F& f, T& v) {
    f("done", v.done);
    f("left", v.left);
}

template <typename F, Is<SnapshotInfo> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("timeMs", v.time_ms);
}

template <typename F, Is<SnapshotList> T>
void fields(F& f, T& v) {
    f("snapshots", v.snapshots);
}

template <typename F, Is<MakeSnapshot> T>
void fields(F& f, T& v) {
    f("name", v.name);
    f("atMs", v.at_ms);
}

template <typename F, Is<RetentionAnswer> T>
void fields(F& f, T& v) {
    f("policy", v.policy);
    f("own", v.is_own);
    f("quotaBytes", v.quota_bytes);
    f("cutMs", v.cut_ms);
}

template <typename F, Is<SetRetention> T>
void fields(F& f, T& v) {
    f("policy", v.policy);
    f("quotaBytes", v.quota_bytes);
    f("noQuota", v.has_no_quota);
}

}  // namespace lockstep::api
