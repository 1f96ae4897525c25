// Handlers of mirrors: made, listed, removed; their ignore rules and their brake.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/control_context.h"
#include "daemon/json_response.h"

namespace lockstep {

namespace {

Result<HttpResponse> add_mirror(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::AddMirror>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(const api::MirrorInfo added, vault->add_mirror(wish));
    return json_response(201, added);
}

Result<HttpResponse> list_mirrors(ControlContext& context, const ApiRequest&) {
    api::MirrorList list;
    for (const auto& vault : context.vaults.all()) {
        for (api::MirrorInfo& mirror : vault->mirrors()) list.mirrors.push_back(std::move(mirror));
    }
    return json_response(200, list);
}

Result<HttpResponse> remove_mirror(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RemoveMirror>(request.http.body));
    const std::string directory = normal_path(wish.directory);
    for (const auto& vault : context.vaults.all()) {
        Status removed = vault->remove_mirror(directory);
        if (removed.ok()) return HttpResponse::json(200, "{}");
        if (removed.error().kind != ErrorKind::NotFound) return std::move(removed).error();
    }
    return Error{ErrorKind::NotFound, fmt::format("{} is no mirror", directory)};
}

Result<HttpResponse> test_ignore(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::TestIgnore>(request.http.body));
    const std::string path = normal_path(wish.path);
    for (const auto& vault : context.vaults.all()) {
        for (const api::MirrorInfo& mirror : vault->mirrors()) {
            if (!path.starts_with(mirror.directory + '/')) continue;
            api::IgnoreAnswer answer;
            answer.directory = mirror.directory;
            answer.path = path.substr(mirror.directory.size() + 1);
            TRY(IgnoreRules::Verdict verdict, vault->ignore_verdict(mirror.directory, answer.path));
            answer.is_ignored = verdict.is_ignored;
            answer.is_deletable = verdict.is_deletable;
            answer.rule = std::move(verdict.rule);
            return json_response(200, answer);
        }
    }
    return Error{ErrorKind::NotFound, fmt::format("{} lies in no mirror", path)};
}

Result<HttpResponse> show_brake(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    return json_response(200, vault->brake());
}

Result<HttpResponse> set_brake(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetBrake>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY_OK(vault->set_rewrite_brake(wish.is_on));
    return json_response(200, vault->brake());
}

Result<HttpResponse> release_brake(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    // As it was when it was released.
    const api::BrakeAnswer before = vault->brake();
    vault->release_brake();
    return json_response(200, before);
}

Result<HttpResponse> undo_brake(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::UndoRewrites>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(const api::UndoAnswer undone, vault->undo_rewrites(wish.is_dry_run));
    return json_response(200, undone);
}

}  // namespace

std::vector<Route> mirror_routes() {
    return {
        {"GET", "/v1/mirrors", list_mirrors},
        {"POST", "/v1/mirrors/remove", remove_mirror},
        {"POST", "/v1/mirrors/ignore-test", test_ignore},
        {"POST", "/v1/vaults/{vault}/mirrors", add_mirror},
        {"GET", "/v1/vaults/{vault}/brake", show_brake},
        {"POST", "/v1/vaults/{vault}/brake", set_brake},
        {"POST", "/v1/vaults/{vault}/brake/undo", undo_brake},
        {"POST", "/v1/vaults/{vault}/brake/release", release_brake},
    };
}

}  // namespace lockstep
