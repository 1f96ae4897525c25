// Checking a vault while it is unlocked: every object by its name, every chunk by its key, every
// path by its chunks.
#include "vault/core/open_vault_secrets.h"
#include "vault/core/vault_impl.h"
#include "vault/packs/pack_reader.h"

namespace lockstep {

Result<CheckReport> VaultImpl::check() {
    TRY(CheckReport report,
        check_vault(environment_.disk, environment_.workers, directory_, std::nullopt));
    for (const auto& [log, last] : replica_ ? replica_->frontier() : Frontier{})
        report.segments += last.number;
    if (replica_)
        for (const std::string& alarm : replica_->alarms()) report.errors.push_back(alarm);
    if (auto open = open_vault()) TRY_OK(open->check(report));
    return report;
}

Status OpenVault::check(CheckReport& report) {
    TRY(auto listing, replica_.packs().list());
    for (const PackInfo& info : listing.packs) {
        auto check_pack = [&]() -> Status {
            TRY(auto prefix_bytes, replica_.packs().open_pack(info.id));
            TRY(PackPrefix prefix, read_pack_prefix(*prefix_bytes));
            const EpochKeys* keys = epoch_keys(prefix.epoch);
            if (keys == nullptr) return Error{ErrorKind::WrongKey, "its epoch is not known"};
            TRY(auto bytes, replica_.packs().open_pack(info.id));
            TRY(PackReader reader,
                PackReader::open(std::move(bytes), keys->pack_base, replica_.vault_id()));
            PackCheck found = reader.check(secrets_->ids);
            report.chunks += found.intact.size();
            if (!found.errors.empty()) return found.errors.front();
            return {};
        };
        if (Status checked = check_pack(); !checked.ok())
            report.errors.push_back("pack " + info.id.to_hex() + ": " + checked.error().message);
    }
    MutexLock lock(mutex);
    report.files = tree.counts().files;
    return {};
}

}  // namespace lockstep
