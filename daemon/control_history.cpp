// Handlers of what a vault held before: versions, restoring, snapshots, retention.
#include <charconv>

#include "daemon/api/history_messages.h"
#include "daemon/control_context.h"
#include "daemon/json_response.h"
#include "daemon/past_files.h"

namespace lockstep {

namespace {

Result<std::int64_t> parse_time(const std::string& text) {
    std::int64_t time = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), time);
    if (failure != std::errc() || end != text.data() + text.size() || time < 0)
        return Error{ErrorKind::Invalid, "a time is milliseconds since 1970"};
    return time;
}

Result<std::string> bytes_of(const std::string& text, const std::string& text_hex) {
    if (text_hex.empty()) return text;
    TRY(Bytes raw, from_hex(text_hex));
    return std::string(as_text(raw));
}

Result<VaultHistory*> history_of(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    return vault->history();
}

std::string end_text(VersionEnd end) {
    switch (end) {
        case VersionEnd::Shown:
            return "shown";
        case VersionEnd::Conflict:
            return "conflict";
        case VersionEnd::Replaced:
            return "replaced";
        case VersionEnd::Deleted:
            return "deleted";
        case VersionEnd::Dropped:
            return "dropped";
    }
    CHECK(false, "a VersionEnd outside its enumeration");
}

Result<HttpResponse> show_history(ControlContext& context, const ApiRequest& request) {
    TRY(VaultHistory * history, history_of(context, request));
    TRY(PathHistory found, history->history(request.query("path")));
    api::HistoryAnswer answer;
    answer.path = request.query("path");
    answer.type = type_text(found.type);
    answer.is_there = found.is_there;
    for (VersionInfo& version : found.versions)
        answer.versions.push_back({.id = version.id.to_hex(),
                                   .time_ms = version.time_ms,
                                   .written_by = std::move(version.written_by),
                                   .device = version.device.to_hex(),
                                   .size = version.size,
                                   .end = end_text(version.end),
                                   .end_ms = version.end_ms,
                                   .ended_by = std::move(version.ended_by),
                                   .is_kept = version.is_kept});
    for (DeletedEntry& entry : found.deleted) {
        api::DeletedInfo info{.name = entry.name,
                              .name_hex = {},
                              .type = std::string(type_text(entry.type)),
                              .size = entry.size,
                              .deleted_ms = entry.deleted_ms,
                              .deleted_by = std::move(entry.deleted_by)};
        if (!api::is_utf8(entry.name)) info.name_hex = hex(as_bytes(entry.name));
        answer.deleted.push_back(std::move(info));
    }
    return json_response(200, answer);
}

Result<HttpResponse> restore(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RestorePath>(request.http.body));
    TRY(VaultHistory * history, history_of(context, request));
    RestoreRequest wanted;
    TRY(wanted.path, bytes_of(wish.path, wish.path_hex));
    TRY(wanted.to, bytes_of(wish.to, wish.to_hex));
    if (!wish.version.empty()) {
        TRY(wanted.version, VersionId::parse_hex(wish.version));
    }
    if (wish.at_ms && wanted.version)
        return Error{ErrorKind::Invalid, "a version or a time, not both"};
    wanted.time_ms = wish.at_ms;
    TRY(RestoreReport report, history->restore(wanted));
    return json_response(
        200, api::RestoreAnswer{std::move(report.path), report.files, report.directories,
                                report.unchanged, std::move(report.problems)});
}

Result<HttpResponse> difference(ControlContext& context, const ApiRequest& request) {
    TRY(VaultHistory * history, history_of(context, request));
    TRY(const std::int64_t from, parse_time(request.query("from")));
    std::optional<std::int64_t> to;
    if (const std::string text = request.query("to"); !text.empty()) {
        TRY(to, parse_time(text));
    }
    TRY(std::vector<Difference> found, history->difference(from, to));
    api::DifferenceList list;
    for (Difference& each : found)
        list.differences.push_back({.kind = std::string(difference_kind_text(each.kind)),
                                    .type = std::string(type_text(each.type)),
                                    .path = std::move(each.path),
                                    .before = std::move(each.before),
                                    .size = each.size,
                                    .size_before = each.size_before});
    return json_response(200, list);
}

// By id, by its beginning, or by a label that one device alone has.
Result<DeviceId> find_device(ManagedVault& vault, const std::string& named) {
    std::vector<std::string> found;
    for (const api::DeviceInfo& device : vault.members()) {
        if (device.id == named) return DeviceId::parse_hex(device.id);
        if (device.label == named || (named.size() >= 8 && device.id.starts_with(named)))
            found.push_back(device.id);
    }
    if (found.size() == 1) return DeviceId::parse_hex(found.front());
    return Error{found.empty() ? ErrorKind::NotFound : ErrorKind::Invalid,
                 found.empty() ? "the vault has no device " + named
                               : "several devices are called " + named + ": say its id"};
}

Result<HttpResponse> undo(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::UndoWish>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(VaultHistory * history, vault->history());
    TRY(const DeviceId device, find_device(*vault, wish.device));
    TRY(UndoReport report, history->undo(device, wish.since_ms, wish.is_dry_run));
    return json_response(200, undo_answer(std::move(report)));
}

Result<HttpResponse> list_snapshots(ControlContext& context, const ApiRequest& request) {
    TRY(VaultHistory * history, history_of(context, request));
    TRY(std::vector<Snapshot> snapshots, history->snapshots());
    api::SnapshotList list;
    for (Snapshot& each : snapshots) list.snapshots.push_back({std::move(each.name), each.time_ms});
    return json_response(200, list);
}

Result<HttpResponse> make_snapshot(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::MakeSnapshot>(request.http.body));
    TRY(VaultHistory * history, history_of(context, request));
    TRY(Snapshot made, history->make_snapshot(wish.name, wish.at_ms));
    return json_response(201, api::SnapshotInfo{std::move(made.name), made.time_ms});
}

Result<HttpResponse> remove_snapshot(ControlContext& context, const ApiRequest& request) {
    TRY(VaultHistory * history, history_of(context, request));
    TRY_OK(history->remove_snapshot(request.parameter("snapshot")));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> show_retention(ControlContext& context, const ApiRequest& request) {
    TRY(VaultHistory * history, history_of(context, request));
    TRY(RetentionReport report, history->retention());
    return json_response(200, api::RetentionAnswer{std::move(report.text), report.is_own,
                                                   report.quota, report.cut_ms});
}

Result<HttpResponse> set_retention(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetRetention>(request.http.body));
    TRY(VaultHistory * history, history_of(context, request));
    if (wish.has_no_quota && wish.quota_bytes)
        return Error{ErrorKind::Invalid, "quotaBytes and noQuota exclude each other"};
    if (wish.policy) TRY_OK(history->set_retention(*wish.policy));
    if (wish.quota_bytes || wish.has_no_quota) TRY_OK(history->set_history_quota(wish.quota_bytes));
    return show_retention(context, request);
}

}  // namespace

Result<PastFiles> past_files(ManagedVault& vault, std::string path, const std::string& at,
                             const std::string& version) {
    if (at.empty() && version.empty()) return PastFiles{nullptr, std::move(path)};
    if (!at.empty() && !version.empty())
        return Error{ErrorKind::Invalid, "a version or a time, not both"};
    TRY(VaultHistory * history, vault.history());
    if (!version.empty()) {
        TRY(const VersionId id, VersionId::parse_hex(version));
        TRY(auto files, history->version(path, id));
        return PastFiles{std::move(files), "content"};
    }
    TRY(const std::int64_t time_ms, parse_time(at));
    TRY(auto files, history->at(time_ms));
    return PastFiles{std::move(files), std::move(path)};
}

std::vector<Route> history_routes() {
    return {
        {"GET", "/v1/vaults/{vault}/history", show_history},
        {"POST", "/v1/vaults/{vault}/restore", restore},
        {"GET", "/v1/vaults/{vault}/diff", difference},
        {"POST", "/v1/vaults/{vault}/undo", undo},
        {"GET", "/v1/vaults/{vault}/snapshots", list_snapshots},
        {"POST", "/v1/vaults/{vault}/snapshots", make_snapshot},
        {"DELETE", "/v1/vaults/{vault}/snapshots/{snapshot}", remove_snapshot},
        {"GET", "/v1/vaults/{vault}/retention", show_retention},
        {"PUT", "/v1/vaults/{vault}/retention", set_retention},
    };
}

}  // namespace lockstep
