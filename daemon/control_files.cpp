// Handlers of the files inside a vault: list, and transfers in blocks.
#include "daemon/control_context.h"
#include "daemon/json_response.h"
#include "daemon/past_files.h"

namespace lockstep {

namespace {

Result<HttpResponse> list_files(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(FileSystem * files, vault->files());
    TRY(const PastFiles past,
        past_files(*vault, request.query("path"), request.query("at"), request.query("version")));
    TRY(api::EntryList list, list_path(past.files ? *past.files : *files, past.path));
    return json_response(200, list);
}

Result<HttpResponse> begin_download(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(Transfers * transfers, vault->transfers());
    TRY(PastFiles past,
        past_files(*vault, request.query("path"), request.query("at"), request.query("version")));
    TRY(std::string id, transfers->begin_download(past.path, std::move(past.files)));
    return json_response(201, api::UploadInfo{std::move(id)});
}

Result<HttpResponse> begin_upload(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::BeginUpload>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(Transfers * transfers, vault->transfers());
    std::string path = wish.path;
    if (!wish.path_hex.empty()) {
        TRY(Bytes raw, from_hex(wish.path_hex));
        path = as_text(raw);
    }
    TRY(std::string id, transfers->begin_upload(path, wish.mode, wish.modified_ns));
    return json_response(201, api::UploadInfo{std::move(id)});
}

Result<HttpResponse> read_block(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(std::uint64_t offset, request.query_number("offset", 0));
    TRY(Transfers * transfers, vault->transfers());
    TRY(Transfers::Block block, transfers->read(request.parameter("transfer"), offset));
    HttpResponse response;
    response.content_type = "application/octet-stream";
    response.body = as_text(block.bytes);
    response.headers.push_back({"X-Lockstep-Size", std::to_string(block.total)});
    return response;
}

Result<HttpResponse> write_block(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(std::uint64_t offset, request.query_number("offset", 0));
    TRY(Transfers * transfers, vault->transfers());
    TRY_OK(transfers->write(request.parameter("transfer"), offset, as_bytes(request.http.body)));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> finish_upload(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(Transfers * transfers, vault->transfers());
    TRY_OK(transfers->finish(request.parameter("transfer")));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> drop_transfer(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(Transfers * transfers, vault->transfers());
    TRY_OK(transfers->drop(request.parameter("transfer")));
    return HttpResponse::json(200, "{}");
}

}  // namespace

std::vector<Route> file_routes() {
    return {
        {"GET", "/v1/vaults/{vault}/files", list_files},
        {"POST", "/v1/vaults/{vault}/downloads", begin_download},
        {"POST", "/v1/vaults/{vault}/uploads", begin_upload},
        {"GET", "/v1/vaults/{vault}/transfers/{transfer}", read_block},
        {"PUT", "/v1/vaults/{vault}/transfers/{transfer}", write_block},
        {"POST", "/v1/vaults/{vault}/transfers/{transfer}/finish", finish_upload},
        {"DELETE", "/v1/vaults/{vault}/transfers/{transfer}", drop_transfer},
    };
}

}  // namespace lockstep
