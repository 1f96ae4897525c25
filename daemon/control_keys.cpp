// Handlers of the control API: passphrases, recovery codes, rotation and roles.
#include "daemon/control_context.h"
#include "daemon/json_response.h"

namespace lockstep {

namespace {

Result<VaultManager::VaultPtr> vault_of(ControlContext& context, const ApiRequest& request) {
    return context.vaults.find(request.parameter("vault"));
}

void tell(ControlContext& context, const ManagedVault& vault, std::string message) {
    context.services.events.add({"vault.keys", vault.name(), {}, std::move(message)});
}

// Who leaves the passphrase out must say that this is meant.
Status check_proof(const api::SecretText& current, bool by_device) {
    if (!current.empty() || by_device) return {};
    return Error{ErrorKind::Invalid,
                 "'current' is the passphrase or the recovery code; with 'byDevice' this unlocked "
                 "device decides"};
}

std::string_view kind_text(KeySlotInfo::Kind kind) {
    switch (kind) {
        case KeySlotInfo::Kind::Passphrase:
            return "passphrase";
        case KeySlotInfo::Kind::LocalPassphrase:
            return "local";
        case KeySlotInfo::Kind::RecoveryCode:
            return "recovery";
    }
    return "";
}

Result<HttpResponse> passphrases_response(const VaultManager::VaultPtr& vault) {
    TRY(std::vector<KeySlotInfo> slots, vault->key_slots());
    api::PassphraseList list;
    for (const KeySlotInfo& slot : slots)
        list.passphrases.push_back({std::string(kind_text(slot.kind)), slot.id,
                                    slot.cost.memory_bytes, slot.cost.operations, slot.added_ms,
                                    slot.added_by});
    // A recovery code is not stretched.
    for (api::PassphraseInfo& info : list.passphrases)
        if (info.kind == "recovery") info.memory_bytes = info.operations = 0;
    return json_response(200, list);
}

Result<HttpResponse> list_passphrases(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    return passphrases_response(vault);
}

Result<HttpResponse> set_passphrase(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::SetPassphrase>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(check_proof(wish.current, wish.by_device));
    TRY_OK(vault->set_passphrase(wish));
    tell(context, *vault, wish.is_added ? "a passphrase was added" : "the passphrase was changed");
    return passphrases_response(vault);
}

Result<HttpResponse> remove_passphrase(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RemovePassphrase>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(check_proof(wish.current, wish.by_device));
    TRY_OK(vault->remove_passphrase(wish));
    tell(context, *vault, "a passphrase was removed");
    return passphrases_response(vault);
}

Result<HttpResponse> renew_recovery(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::RenewRecovery>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(check_proof(wish.current, wish.by_device));
    TRY(RecoveryCode made, vault->renew_recovery_code(wish));
    api::RecoveryAnswer answer;
    answer.code = api::SecretText(std::move(made.code));
    answer.sheet = api::SecretText(std::move(made.sheet));
    tell(context, *vault, "it has a new recovery code; the old one opens it no more");
    return json_response(201, answer);
}

Result<HttpResponse> test_recovery(ControlContext& context, const ApiRequest& request) {
    TRY(auto wish, api::decode_request<api::TestRecovery>(request.http.body));
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->test_recovery_code(wish));
    return HttpResponse::json(200, "{}");
}

Result<HttpResponse> rotate_keys(ControlContext& context, const ApiRequest& request) {
    TRY(auto vault, vault_of(context, request));
    TRY_OK(vault->rotate());
    tell(context, *vault, "its keys were changed");
    return json_response(200, vault->info());
}

}  // namespace

std::vector<Route> key_routes() {
    return {
        {"GET", "/v1/vaults/{vault}/passphrases", list_passphrases},
        {"POST", "/v1/vaults/{vault}/passphrases", set_passphrase},
        {"POST", "/v1/vaults/{vault}/passphrases/remove", remove_passphrase},
        {"POST", "/v1/vaults/{vault}/recovery", renew_recovery},
        {"POST", "/v1/vaults/{vault}/recovery/test", test_recovery},
        {"POST", "/v1/vaults/{vault}/rotate", rotate_keys},
    };
}

}  // namespace lockstep
