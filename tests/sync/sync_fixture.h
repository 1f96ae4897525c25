// What the tests of sync/ share: devices (an engine and a fake replica each) and waiting for what
// must become true.
#pragma once

#include <chrono>
#include <functional>

#include <gtest/gtest.h>

#include "base/random.h"
#include "sync/sync_engine.h"
#include "sync/sync_limits.h"
#include "tests/support/fake_replica.h"
#include "vault/limits.h"

namespace lockstep {

inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    Mutex mutex;
    CondVar never;
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        MutexLock lock(mutex);
        never.wait_until(mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
    }
    return true;
}

inline Bytes random_bytes(std::size_t size) {
    Bytes out(size);
    system_random().fill(out);
    return out;
}

inline SyncEngineOptions loopback_options(const std::string& label) {
    SyncEngineOptions options;
    options.listen_addresses = {"127.0.0.1"};
    options.lan_discovery = false;
    options.device_label = label;
    return options;
}

struct Device {
    Device(const FakeVault& vault, const std::string& label) : replica(vault, label), name(label) {}
    ~Device() { stop(); }

    void start(const std::vector<PeerAddress>& known = {},
               const std::vector<std::string>& relays = {}) {
        SyncEngineOptions options = loopback_options(name);
        options.relays.urls = relays;
        options.relays.strategy = strategy;
        options.name_server = name_server;
        options.proxy = proxy;
        options.want_timeout = want_timeout;
        auto started = SyncEngine::start(options);
        ASSERT_TRUE(started.ok()) << started.error().message;
        engine = std::move(*started);
        ASSERT_TRUE(engine->add_vault(replica, {known, false}).ok());
    }
    void stop() { engine.reset(); }

    PeerAddress address() const { return {"127.0.0.1", engine->listen_port()}; }
    VaultSyncStatus status() const { return engine->status(replica.vault_id()).value_or({}); }
    bool is_in_step_with(std::size_t peers) const {
        VaultSyncStatus s = status();
        return s.in_step && s.peers.size() == peers;
    }

    FakeReplica replica;
    std::string name;
    RelayStrategy strategy = RelayStrategy::Failover;
    PeerAddress name_server{};
    std::shared_ptr<const Proxy> proxy{};
    std::chrono::milliseconds want_timeout = SyncEngineOptions{}.want_timeout;
    std::unique_ptr<SyncEngine> engine;
};

}  // namespace lockstep
