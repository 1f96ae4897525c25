// Handlers of /v1/vaults: making, locking, mounting, waiting.
#include <algorithm>

#include "daemon/control_context.h"
#include "daemon/json_response.h"

namespace lockstep {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t kWaitMsMax = 24ULL * 3600 * 1000;
// A wait publishes first; it holds one of the server's threads no longer than this.
constexpr milliseconds kPublishInWait{2'000};

Result<VaultManager::VaultPtr> vault_of(ControlContext& context, const ApiRequest& request) {
    return context.vaults.find(request.parameter("vault"));
}

HttpResponse info_response(int status, const VaultManager::VaultPtr& vault) {
    return json_response(status, vault->info());
}

Result<HttpResponse> create_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::CreateVault>(request.http.body));
    TRY(VaultManager::Created created, context.vaults.create(wish));
    api::VaultCreated answer;
    answer.vault = created.vault->info();
    answer.recovery_code = api::SecretText(std::move(created.recovery_code));
    return json_response(201, answer);
}

Result<HttpResponse> open_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::OpenVault>(request.http.body));
    TRY(auto vault, context.vaults.open(wish));
    return info_response(201, vault);
}

Result<HttpResponse> list_vaults(ControlContext& context, const ApiRequest&) {
    api::VaultList list;
    for (const auto& vault : context.vaults.all()) list.vaults.push_back(vault->info());
    return json_response(200, list);
}

Result<HttpResponse> show_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    return json_response(200, vault->detailed_info());
}

Result<HttpResponse> remove_vault(ControlContext& context, const ApiRequest& request) {
    TRY_OK(context.vaults.remove(request.parameter("vault"), request.query_flag("deleteData")));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> unlock_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::UnlockVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->unlock(wish));
    return info_response(200, vault);
}

Result<HttpResponse> lock_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::LockVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->lock(wish.is_forced));
    return info_response(200, vault);
}

Result<HttpResponse> set_auto_lock(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetAutoLock>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->set_auto_lock(wish));
    return info_response(200, vault);
}

Result<HttpResponse> mount_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::MountVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->mount(wish));
    return info_response(200, vault);
}

Result<HttpResponse> unmount_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::UnmountVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    // A vault that is named by one of its mounts means that one.
    const std::string named = normal_path(request.parameter("vault"));
    if (wish.directory.empty() && vault->is_mount_point(named)) wish.directory = named;
    TRY_OK(vault->unmount(wish));
    return info_response(200, vault);
}

Result<HttpResponse> check_vault_objects(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::CheckVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY(CheckReport report, vault->check(wish.rebuilds_index, wish.repairs));
    PackScrub::Report repaired;
    if (wish.repairs) {
        TRY(repaired, vault->repair(report));
    }
    api::CheckAnswer answer = api::check_answer(std::move(report));
    answer.fetched_again = repaired.fetched_again;
    answer.mended_keys = repaired.mended_keys;
    return json_response(200, answer);
}

Result<HttpResponse> collect_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::CollectVault>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY(CollectionReport report, vault->collect(wish.is_dry_run));
    return json_response(
        200,
        api::CollectAnswer{report.packs, report.bytes, report.rewritten_packs, report.kept_bytes,
                           report.waiting_packs, report.past_quota, report.past_bytes,
                           report.freed_versions, report.freed_past_bytes, report.past_cut_ms});
}

Result<HttpResponse> list_conflicts(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    TRY(auto conflicts, vault->conflicts());
    api::ConflictList list;
    for (ConflictEntry& conflict : conflicts) {
        list.conflicts.push_back({std::move(conflict.path), std::move(conflict.sibling),
                                  std::move(conflict.device_label), conflict.wall_ms,
                                  conflict.size});
    }
    return json_response(200, list);
}

Result<ConflictChoice> parse_choice(const std::string& keep) {
    if (keep == "mine") return ConflictChoice::Mine;
    if (keep == "theirs") return ConflictChoice::Theirs;
    if (keep == "this") return ConflictChoice::This;
    if (keep == "both") return ConflictChoice::Both;
    return Error{ErrorKind::Invalid, "'keep' is mine, theirs, this or both"};
}

Result<HttpResponse> resolve_conflict(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::ResolveConflict>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY(ConflictChoice keep, parse_choice(wish.keep));
    std::string path = wish.path;
    if (!wish.path_hex.empty()) {
        TRY(Bytes raw, from_hex(wish.path_hex));
        path = as_text(raw);
    }
    TRY_OK(vault->resolve_conflict(path, keep));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> explain(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    TRY(api::ExplainAnswer answer, vault->explain(request.query("path")));
    return json_response(200, answer);
}

Result<HttpResponse> pause_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::PauseSync>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(context.vaults.pause(vault, wish.seconds));
    return info_response(200, vault);
}

Result<HttpResponse> resume_vault(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    TRY_OK(context.vaults.resume(vault));
    return info_response(200, vault);
}

Result<HttpResponse> pause_all(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::PauseSync>(request.http.body));
    for (const auto& vault : context.vaults.all()) {
        TRY_OK(context.vaults.pause(vault, wish.seconds));
    }
    return list_vaults(context, request);
}

Result<HttpResponse> resume_all(ControlContext& context, const ApiRequest& request) {
    for (const auto& vault : context.vaults.all()) TRY_OK(context.vaults.resume(vault));
    return list_vaults(context, request);
}

Status wait_for_vault(ControlContext& context, const ApiRequest& request,
                      const HttpResponder& responder) {
    TRY(auto wish, api::decode_request<api::WaitForVault>(request.http.body));
    if (wish.timeout_ms > kWaitMsMax) {
        return Error{ErrorKind::Invalid, "a wait lasts a day at most"};
    }
    TRY(auto vault, vault_of(context, request));
    const auto deadline = steady_clock::now() + milliseconds(wish.timeout_ms);
    Status published = vault->publish(std::min(deadline, steady_clock::now() + kPublishInWait));
    if (!published.ok() && published.error().kind != ErrorKind::Timeout) return published;
    auto question = [vault, wish](bool is_last) -> std::optional<HttpResponse> {
        api::WaitAnswer answer;
        answer.missing = vault->missing(wish);
        answer.is_done = answer.missing.empty();
        if (!answer.is_done && !is_last) return std::nullopt;
        return json_response(200, answer);
    };
    return context.polls.add(deadline, std::move(question), responder);
}

}  // namespace

std::vector<Route> vault_routes() {
    return {
        {"POST", "/v1/vaults", create_vault},
        {"GET", "/v1/vaults", list_vaults},
        {"POST", "/v1/vaults/open", open_vault},
        {"GET", "/v1/vaults/{vault}", show_vault},
        {"DELETE", "/v1/vaults/{vault}", remove_vault},
        {"POST", "/v1/vaults/{vault}/unlock", unlock_vault},
        {"POST", "/v1/vaults/{vault}/lock", lock_vault},
        {"PUT", "/v1/vaults/{vault}/autolock", set_auto_lock},
        {"POST", "/v1/vaults/{vault}/mount", mount_vault},
        {"POST", "/v1/vaults/{vault}/unmount", unmount_vault},
        {"POST", "/v1/vaults/{vault}/check", check_vault_objects},
        {"POST", "/v1/vaults/{vault}/gc", collect_vault},
        {"GET", "/v1/vaults/{vault}/conflicts", list_conflicts},
        {"POST", "/v1/vaults/{vault}/conflicts/resolve", resolve_conflict},
        {"GET", "/v1/vaults/{vault}/explain", explain},
        {"POST", "/v1/vaults/{vault}/pause", pause_vault},
        {"POST", "/v1/vaults/{vault}/resume", resume_vault},
        {"POST", "/v1/vaults/{vault}/wait", nullptr, wait_for_vault},
        {"POST", "/v1/pause", pause_all},
        {"POST", "/v1/resume", resume_all},
    };
}

}  // namespace lockstep
