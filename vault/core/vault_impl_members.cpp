// VaultImpl: who is let in, in which role, and who is removed.
#include "vault/core/vault_impl.h"

namespace lockstep {
// ---- joining: the host

Result<Bytes> VaultImpl::make_offer(std::string_view vault_label) {
    if (!is_unlocked()) return locked();
    Encoder out;
    out.u8(1).bytes(encode_vault_header(header_)).text(vault_label.substr(0, kNameSizeMax));
    return std::move(out).take();
}

Result<Bytes> VaultImpl::admit(ByteView request, MemberRole role) {
    MutexLock lock(state_mutex_);
    auto open = open_vault();
    if (!open) return locked();
    Decoder in(request);
    DeviceCertificate certificate = decode_certificate(in);
    TRY_OK(in.finish());
    TRY_OK(certificate.verify());
    if (certificate.vault != header_.id)
        return Error{ErrorKind::Refused, "the request is for another vault"};
    auto state = replica_->keys();
    if (!state->is_unlocked()) return locked();
    const RosterMember* known = state->roster().find(certificate.device);
    if (known == nullptr || known->certificate != certificate) {
        TRY(Bytes object, admit_member(key_editor(*state), certificate, role));
        TRY_OK(replica_->publish_key_object(object));
    }
    TRY(auto objects, read_all_key_objects(environment_.disk, directory_));
    Encoder out;
    out.u8(1).u32(static_cast<std::uint32_t>(objects.size()));
    for (const Bytes& object : objects) out.bytes(object);
    return std::move(out).take();
}

// ---- membership

KeyEditor VaultImpl::key_editor(const KeyState& state) {
    return {state, replica_->signing_key(), environment_.clock.wall_ms(), environment_.random,
            environment_.stretcher};
}

Status VaultImpl::revoke(const DeviceId& device) {
    MutexLock lock(state_mutex_);
    auto open = open_vault();
    if (!open) return locked();
    if (device == environment_.device.id())
        return Error{ErrorKind::Refused, "a device cannot remove itself: do it on another one"};
    const auto state = replica_->keys();
    TRY(Bytes object, revoke_member(key_editor(*state), device, open->applied_of(device)));
    return replica_->publish_key_object(object);
}

Status VaultImpl::begin_reseal(const DeviceId& removed) {
    auto open = open_vault();
    if (!open) return locked();
    return open->begin_reseal(removed);
}

Result<bool> VaultImpl::continue_reseal() {
    auto open = open_vault();
    if (!open) return false;
    return open->continue_reseal();
}

ResealReport VaultImpl::reseal_report() {
    if (auto open = open_vault()) return open->reseal_report();
    ResealReport kept = read_reseal(environment_, header_.id);
    if (kept.state == ResealReport::State::Running) kept.problem = "the vault is locked";
    return kept;
}

Status VaultImpl::retire(const DeviceId& device) {
    MutexLock lock(state_mutex_);
    auto open = open_vault();
    if (!open) return locked();
    for (const LogCut& cut : open->applied_of(device)) {
        if (replica_->end_of(cut.log)) continue;
        const auto state = replica_->keys();
        TRY(Bytes object, retire_log(key_editor(*state), device, cut));
        TRY_OK(replica_->publish_key_object(object));
    }
    return {};
}

Status VaultImpl::set_role(const DeviceId& device, MemberRole role) {
    MutexLock lock(state_mutex_);
    auto open = open_vault();
    if (!open) return locked();
    const auto state = replica_->keys();
    const RosterMember* member = state->roster().find(device);
    if (member == nullptr) return Error{ErrorKind::NotFound, "no such member"};
    if (member->role == role && member->is_active()) return {};
    if (state->roster().authority_of(replica_->signing_key().public_key()) != Authority::Owner)
        return Error{ErrorKind::Refused, "only an owner's device may change roles"};
    const auto& members = state->roster().members();
    const auto owners = std::count_if(members.begin(), members.end(), [](const RosterMember& one) {
        return one.is_active() && one.role == MemberRole::Owner;
    });
    if (member->role == MemberRole::Owner && owners == 1)
        return Error{ErrorKind::Refused, "it is the vault's last owner: make another one first"};
    // Its key object would be one of a device that is no owner.
    if (device == environment_.device.id())
        return Error{ErrorKind::Refused,
                     "a device cannot take the right from itself: do it on another owner's"};
    std::vector<LogCut> cuts;
    if (member->may_write() && role != MemberRole::Owner && role != MemberRole::Writer)
        for (const LogCut& cut : open->applied_of(device))
            if (!replica_->end_of(cut.log)) cuts.push_back(cut);
    TRY(Bytes object, change_role(key_editor(*state), device, role, cuts));
    return replica_->publish_key_object(object);
}

Result<CollectionReport> VaultImpl::collect(bool is_dry_run) {
    auto open = open_vault();
    if (!open) return locked();
    return open->collect(is_dry_run);
}

Result<std::uint64_t> VaultImpl::compact(bool at_once) {
    auto open = open_vault();
    if (!open) return locked();
    return open->compact(at_once);
}

Result<std::uint64_t> VaultImpl::adopt(const DeviceId& device) {
    auto open = open_vault();
    if (!open) return locked();
    return open->adopt(device);
}

}  // namespace lockstep
