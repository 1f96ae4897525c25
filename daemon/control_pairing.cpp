// Handlers of invitations, joins and devices.
#include "daemon/control_context.h"
#include "daemon/json_response.h"
#include "vault/keys/device_identity.h"

namespace lockstep {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kPollMsMax = 120'000;

Result<HttpResponse> create_invite(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::CreateInvite>(request.http.body));
    TRY(auto vault, context.vaults.find(request.parameter("vault")));
    TRY(api::InviteInfo invite, context.pairing.invite(vault, wish));
    return json_response(201, invite);
}

Result<HttpResponse> list_invites(ControlContext& context, const ApiRequest&) {
    return json_response(200, api::InviteList{context.pairing.invites()});
}

// Answers when the state of what `ask` finds is no longer the one the client knows.
template <typename Ask>
Status poll_state(ControlContext& context, const ApiRequest& request,
                  const HttpResponder& responder, Ask ask) {
    TRY(std::uint64_t wait_ms, request.query_number("waitMs", 0));
    if (wait_ms > kPollMsMax) return Error{ErrorKind::Invalid, "'waitMs' is 120000 at most"};
    TRY(auto now, ask());
    static_cast<void>(now);
    auto question = [ask, known = request.query("unless"), id = request.id,
                     resource = request.http.path](bool is_last) -> std::optional<HttpResponse> {
        auto found = ask();
        if (!found.ok()) return error_response(found.error(), id, resource);
        if (!is_last && found->state == known) return std::nullopt;
        return json_response(200, *found);
    };
    return context.polls.add(std::chrono::steady_clock::now() + milliseconds(wait_ms),
                             std::move(question), responder);
}

Status show_invite(ControlContext& context, const ApiRequest& request,
                   const HttpResponder& responder) {
    return poll_state(context, request, responder,
                      [&pairing = context.pairing, invite = request.parameter("invite")] {
                          return pairing.find_invite(invite);
                      });
}

Result<HttpResponse> accept_invite(ControlContext& context, const ApiRequest& request) {
    TRY(api::InviteInfo invite, context.pairing.answer(request.parameter("invite"), true));
    return json_response(200, invite);
}

Result<HttpResponse> reject_invite(ControlContext& context, const ApiRequest& request) {
    TRY(api::InviteInfo invite, context.pairing.answer(request.parameter("invite"), false));
    return json_response(200, invite);
}

Result<HttpResponse> begin_join(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::JoinVault>(request.http.body));
    TRY(api::JoinInfo join, context.pairing.join(wish));
    return json_response(202, join);
}

Status show_join(ControlContext& context, const ApiRequest& request,
                 const HttpResponder& responder) {
    return poll_state(context, request, responder,
                      [&pairing = context.pairing, join = request.parameter("join")] {
                          return pairing.find_join(join);
                      });
}

Result<HttpResponse> cancel_join(ControlContext& context, const ApiRequest& request) {
    TRY_OK(context.pairing.cancel_join(request.parameter("join")));
    return HttpResponse::json(200, "{}");
}

api::DeviceInfo own_device(ControlContext& context) {
    api::DeviceInfo device;
    device.id = context.services.device.id().to_hex();
    device.label = device_label(context.services.config.get());
    device.is_this_device = true;
    device.is_connected = true;
    return device;
}

Result<HttpResponse> list_devices(ControlContext& context, const ApiRequest& request) {
    const std::string only = request.query("vault");
    std::vector<VaultManager::VaultPtr> vaults;
    api::DeviceList list;
    if (only.empty()) {
        vaults = context.vaults.all();
        list.devices.push_back(own_device(context));
    } else {
        TRY(auto vault, context.vaults.find(only));
        vaults.push_back(std::move(vault));
    }
    for (const auto& vault : vaults) {
        for (api::DeviceInfo& device : vault->members()) list.devices.push_back(std::move(device));
    }
    for (const api::InviteInfo& invite : context.pairing.invites()) {
        if (invite.state != "asking" || (!only.empty() && invite.vault != vaults[0]->name()))
            continue;
        api::DeviceInfo device;
        device.id = invite.id;
        device.label = invite.device_label;
        device.vault = invite.vault;
        device.role = invite.role;
        device.is_pending = true;
        device.digits = invite.digits;
        list.devices.push_back(std::move(device));
    }
    return json_response(200, list);
}

Result<HttpResponse> rename_device(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RenameDevice>(request.http.body));
    TRY_OK(api::check_device_name(wish.label));
    const std::string& reference = request.parameter("device");
    api::DeviceInfo device = own_device(context);
    const bool is_own =
        reference == "self" || (reference.size() >= 6 && device.id.starts_with(reference));
    if (!is_own) {
        return Error{ErrorKind::Refused,
                     "a device names itself: run this on the device that is to be renamed"};
    }
    TRY_OK(context.services.config.update([&](api::Config& config) -> Status {
        config.device_name = wish.label;
        return {};
    }));
    context.services.sync.set_label(wish.label);
    device.label = wish.label;
    context.services.events.add({"device.renamed", {}, device.id, "renamed to " + wish.label});
    return json_response(200, device);
}

}  // namespace

std::vector<Route> pairing_routes() {
    return {
        {"POST", "/v1/vaults/{vault}/invites", create_invite},
        {"GET", "/v1/invites", list_invites},
        {"GET", "/v1/invites/{invite}", nullptr, show_invite},
        {"POST", "/v1/invites/{invite}/accept", accept_invite},
        {"POST", "/v1/invites/{invite}/reject", reject_invite},
        {"POST", "/v1/joins", begin_join},
        {"GET", "/v1/joins/{join}", nullptr, show_join},
        {"DELETE", "/v1/joins/{join}", cancel_join},
        {"GET", "/v1/devices", list_devices},
        {"PUT", "/v1/devices/{device}", rename_device},
    };
}

}  // namespace lockstep
