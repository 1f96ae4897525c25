// Handlers of invitations, joins and devices.
#include <algorithm>

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

// A device of one vault, by its name or 6 or more digits of its id.
struct DeviceInVault {
    VaultManager::VaultPtr vault;
    api::DeviceInfo device;
};

Result<std::vector<DeviceInVault>> find_device(ControlContext& context, const ApiRequest& request,
                                               const std::string& in_vault) {
    constexpr std::size_t kDigitsMin = 6;
    std::vector<VaultManager::VaultPtr> vaults = context.vaults.all();
    if (!in_vault.empty()) {
        TRY(auto vault, context.vaults.find(in_vault));
        vaults = {std::move(vault)};
    }
    const std::string& reference = request.parameter("device");
    std::vector<DeviceInVault> out;
    for (const auto& vault : vaults)
        for (api::DeviceInfo& device : vault->members())
            if (device.label == reference ||
                (reference.size() >= kDigitsMin && device.id.starts_with(reference)))
                out.push_back({vault, std::move(device)});
    if (out.empty())
        return Error{ErrorKind::NotFound,
                     "no device of that name or id: `lockstep device list` shows them"};
    for (const DeviceInVault& found : out)
        if (found.device.id != out.front().device.id)
            return Error{ErrorKind::Invalid, "several devices are called that: name one by its id"};
    return out;
}

// Does `act` in every vault of the device that it `concerns`.
template <typename Concerns, typename Act>
Result<HttpResponse> act_on_device(ControlContext& context, const ApiRequest& request,
                                   std::string_view done, Concerns concerns, Act act) {
    TRY(auto wish, api::decode_request<api::DeviceWish>(request.http.body));
    TRY(auto found, find_device(context, request, wish.vault));
    TRY(DeviceId id, DeviceId::parse_hex(found.front().device.id));
    std::erase_if(found, [&](const DeviceInVault& at) { return !concerns(at.device); });
    for (const DeviceInVault& at : found)
        if (Result<FileSystem*> files = at.vault->files(); !files.ok())
            return std::move(files).error().in(at.vault->name());
    api::DeviceAnswer answer;
    for (const DeviceInVault& at : found) {
        TRY(std::uint64_t segments, act(*at.vault, id));
        answer.segments += segments;
        answer.vaults.push_back(at.vault->name());
        context.services.events.add({"device.changed", at.vault->name(), at.device.id,
                                     at.device.label + " was " + std::string(done)});
    }
    if (answer.vaults.empty())
        return Error{ErrorKind::NotFound, "there is nothing to do about that device"};
    return json_response(200, answer);
}

Result<HttpResponse> revoke_device(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::DeviceWish>(request.http.body));
    // One that is removed already may be asked about again: what it knows is sealed anew then.
    return act_on_device(
        context, request, "removed",
        [is_full = wish.is_full](const api::DeviceInfo& device) {
            return is_full || !device.is_revoked;
        },
        [is_full = wish.is_full](ManagedVault& vault, const DeviceId& id) -> Result<std::uint64_t> {
            const std::vector<api::DeviceInfo> members = vault.members();
            const bool is_member = std::ranges::any_of(members, [&](const auto& member) {
                return member.id == id.to_hex() && !member.is_revoked;
            });
            if (is_member) TRY_OK(vault.revoke(id));
            if (is_full) TRY_OK(vault.begin_reseal(id));
            return std::uint64_t{0};
        });
}

Result<HttpResponse> retire_device(ControlContext& context, const ApiRequest& request) {
    return act_on_device(
        context, request, "retired",
        [](const api::DeviceInfo& device) { return !device.is_revoked; },
        [](ManagedVault& vault, const DeviceId& id) -> Result<std::uint64_t> {
            TRY_OK(vault.retire(id));
            return std::uint64_t{0};
        });
}

Result<HttpResponse> adopt_device(ControlContext& context, const ApiRequest& request) {
    return act_on_device(
        context, request, "adopted",
        [](const api::DeviceInfo& device) { return device.held_segments > 0; },
        [](ManagedVault& vault, const DeviceId& id) { return vault.adopt(id); });
}

// It may go on to bring in what it was held back with.
Result<HttpResponse> let_in_device(ControlContext& context, const ApiRequest& request) {
    return act_on_device(
        context, request, "let in",
        [](const api::DeviceInfo& device) { return device.is_held_back; },
        [](ManagedVault& vault, const DeviceId& id) -> Result<std::uint64_t> {
            TRY_OK(vault.let_in(id));
            return std::uint64_t{0};
        });
}

Result<HttpResponse> set_role(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetRole>(request.http.body));
    if (wish.vault.empty()) return Error{ErrorKind::Invalid, "say in which vault"};
    TRY(MemberRole role, parse_role(wish.role));
    TRY(auto found, find_device(context, request, wish.vault));
    const DeviceInVault& at = found.front();
    TRY(DeviceId id, DeviceId::parse_hex(at.device.id));
    TRY_OK(at.vault->set_role(id, role));
    context.services.events.add({"device.changed", at.vault->name(), at.device.id,
                                 at.device.label + " is " + wish.role + " now"});
    return json_response(200, api::DeviceAnswer{.vaults = {at.vault->name()}});
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
        {"POST", "/v1/devices/{device}/revoke", revoke_device},
        {"POST", "/v1/devices/{device}/retire", retire_device},
        {"POST", "/v1/devices/{device}/adopt", adopt_device},
        {"POST", "/v1/devices/{device}/let-in", let_in_device},
        {"POST", "/v1/devices/{device}/role", set_role},
    };
}

}  // namespace lockstep
