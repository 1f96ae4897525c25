#include "tests/gui/gui_samples.h"

namespace lockstep::gui {

namespace {

constexpr std::int64_t kThen = 1'795'000'000'000;

}  // namespace

api::VaultInfo sample_vault(const std::string& name) {
    api::VaultInfo vault;
    vault.name = name;
    vault.id = name + "-0123456789abcdef";
    vault.directory = "/home/ana/.local/share/lockstep/" + name + ".vault";
    vault.mount = "/home/ana/" + name;
    vault.mounts.push_back(
        {.directory = vault.mount, .path = {}, .is_mounted = true, .problem = {}});
    vault.state = "mounted";
    vault.status = "Up to Date";
    vault.files = 1234;
    vault.directories = 56;
    vault.packs = 70;
    vault.pack_bytes = 900ULL << 20;
    vault.last_synced_ms = static_cast<std::uint64_t>(kThen);
    vault.peers.push_back({.device = "aa11",
                           .label = "desktop",
                           .role = "owner",
                           .address = "192.0.2.7:22100",
                           .relay = {},
                           .is_connected = true,
                           .is_in_step = true,
                           .audit = {}});
    return vault;
}

api::StatusReport sample_status() {
    api::StatusReport status;
    status.version = "0.1.0";
    status.device.id = "0123456789abcdef0123456789abcdef";
    status.device.label = "laptop";
    status.device.is_this_device = true;
    status.listen_port = 22100;
    status.addresses = {"192.0.2.8:22100"};
    status.relays.push_back({"http://relay.example.org:6970", true, "answers", 12});
    status.vaults.push_back(sample_vault("papers"));

    api::VaultInfo locked = sample_vault("letters");
    locked.state = "locked";
    locked.status = "Locked";
    locked.mounts[0].is_mounted = false;
    status.vaults.push_back(locked);

    api::VaultInfo syncing = sample_vault("photos");
    syncing.status = "Syncing";
    syncing.missing_packs = 100;
    syncing.missing_pack_bytes = 2100ULL << 20;
    syncing.receive_rate = 11ULL << 20;
    syncing.files_under_way = {{"2026/July/a walk.mp4", {}, 900ULL << 20, 300ULL << 20, 8ULL << 20},
                               {"2026/July/harbour.raw", {}, 40ULL << 20, 39ULL << 20, 0}};
    status.vaults.push_back(syncing);

    api::VaultInfo conflict = sample_vault("thesis");
    conflict.status = "Conflict (2)";
    conflict.conflicts = 2;
    status.vaults.push_back(conflict);

    api::VaultInfo missing;
    missing.name = "archive";
    missing.directory = "/media/ana/disk/archive.vault";
    missing.status = "Out of Sync";
    missing.state = "locked";
    missing.problem = "open vault: /media/ana/disk/archive.vault: No such file or directory";
    status.vaults.push_back(missing);
    return status;
}

api::DeviceList sample_devices() {
    api::DeviceList list;
    const auto add = [&](const std::string& label, const std::string& vault,
                         const std::string& role) -> api::DeviceInfo& {
        api::DeviceInfo device;
        device.id = "id-of-" + label;
        device.label = label;
        device.vault = vault;
        device.role = role;
        list.devices.push_back(device);
        return list.devices.back();
    };
    add("laptop", "", "").is_this_device = true;
    add("desktop", "papers", "owner").is_connected = true;
    add("phone", "papers", "writer").last_seen_ms = static_cast<std::uint64_t>(kThen);
    add("old tablet", "papers", "reader").is_revoked = true;
    api::DeviceInfo& pending = add("notebook", "papers", "writer");
    pending.is_pending = true;
    pending.digits = "123456";
    return list;
}

api::Event sample_event(std::uint64_t number, const std::string& vault, const std::string& type,
                        const std::string& message) {
    api::Event event;
    event.sequence = number;
    event.time_ms = kThen + static_cast<std::int64_t>(number) * 1000;
    event.type = type;
    event.vault = vault;
    event.message = message;
    return event;
}

api::Event sample_change(std::uint64_t number, const std::string& vault, const std::string& kind,
                         const std::vector<std::string>& paths) {
    api::Event event = sample_event(number, vault, "vault.files", "laptop " + kind + " files");
    event.subject = "0123456789abcdef0123456789abcdef";
    event.device_label = "laptop";
    event.kind = kind;
    for (const std::string& path : paths) event.files.push_back({path, {}});
    return event;
}

}  // namespace lockstep::gui
