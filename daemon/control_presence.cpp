// Handlers of what a device keeps of a vault's content, and where content is.
#include "daemon/control_context.h"
#include "daemon/json_response.h"

namespace lockstep {

namespace {

template <typename Request>
Result<std::string> path_of(const Request& request) {
    if (request.path_hex.empty()) return request.path;
    TRY(Bytes raw, from_hex(request.path_hex));
    return std::string(as_text(raw));
}

Result<HttpResponse> show_keep(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(api::KeepAnswer answer, vault->keep(request.query("path")));
    return json_response(200, answer);
}

Result<HttpResponse> set_keep(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetKeep>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(const std::string path, path_of(wish));
    TRY_OK(vault->set_keep(path, wish.keep));
    TRY(api::KeepAnswer answer, vault->keep(path));
    return json_response(200, answer);
}

Result<HttpResponse> evict(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::EvictContent>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(const std::string path, path_of(wish));
    TRY(api::EvictAnswer answer, vault->evict(path));
    return json_response(200, answer);
}

Result<HttpResponse> whereis(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(api::WhereisAnswer answer, vault->whereis(request.query("path")));
    return json_response(200, answer);
}

Result<HttpResponse> set_quota(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetQuota>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY_OK(vault->set_quota(wish.bytes));
    return json_response(200, vault->info());
}

Result<HttpResponse> show_member_quota(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(const std::uint64_t bytes, vault->member_quota());
    return json_response(200, api::SetQuota{bytes});
}

Result<HttpResponse> set_member_quota(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetQuota>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY_OK(vault->set_member_quota(wish.bytes));
    return json_response(200, wish);
}

Result<HttpResponse> show_reseal(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(api::ResealAnswer answer, vault->reseal());
    return json_response(200, answer);
}

}  // namespace

std::vector<Route> presence_routes() {
    return {
        {"PUT", "/v1/vaults/{vault}/quota", set_quota},
        {"GET", "/v1/vaults/{vault}/member-quota", show_member_quota},
        {"PUT", "/v1/vaults/{vault}/member-quota", set_member_quota},
        {"GET", "/v1/vaults/{vault}/reseal", show_reseal},
        {"GET", "/v1/vaults/{vault}/keep", show_keep},
        {"PUT", "/v1/vaults/{vault}/keep", set_keep},
        {"POST", "/v1/vaults/{vault}/evict", evict},
        {"GET", "/v1/vaults/{vault}/whereis", whereis},
    };
}

}  // namespace lockstep
