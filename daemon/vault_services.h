// What every vault of the daemon stands on.
#pragma once

#include <ctime>

#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "daemon/api/data_paths.h"
#include "daemon/config_store.h"
#include "daemon/event_log.h"
#include "sync/sync_engine.h"
#include "vault/vault.h"

namespace lockstep {

// References to what outlives all vaults.
struct VaultServices {
    Disk& disk;
    Clock& clock;
    Random& random;
    WorkerPool& workers;
    const DeviceIdentity& device;
    PassphraseStretcher& stretcher;
    SyncEngine& sync;
    ConfigStore& config;
    EventLog& events;
    const api::DataPaths& paths;
    bool may_mount = true;

    // What mount(8) shows as the device of this daemon's mounts: another one for each home.
    std::string mount_name() const;
    // The label is the one in force now; a vault keeps the one it was opened with.
    VaultEnvironment environment() const;
};

std::tm local_time(Clock& clock);
// The limits that count by the local time of now.
SyncLimits limits_now(const api::BandwidthConfig& config, Clock& clock);

// Of a URL that was checked; null when it is empty.
std::shared_ptr<const Proxy> proxy_of(const std::string& url);

// The device's name: the configured one, else the host's.
std::string device_label(const api::Config& config);

}  // namespace lockstep
