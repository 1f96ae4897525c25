// Fetches an OpenID provider's keys: at once, again from time to time, and when asked to.
//
// The one thing that makes the relay dial, and only to the issuer that its operator named and to
// where that one says that its keys are; never to what a request names.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/mutex.h"
#include "relay/open_id_verifier.h"

namespace lockstep {

// Asks the provider once: its configuration, then its keys. Unavailable, Timeout, Refused (TLS) or
// Invalid (what it says makes no sense). Blocks.
Result<JsonWebKeys> fetch_open_id_keys(const OpenIdOptions& options, const std::stop_token& stop);

// THREADS: any.
class OpenIdFetcher {
  public:
    // `on_keys` is called on a thread of the fetcher's, after each try.
    OpenIdFetcher(OpenIdOptions options, std::function<void(Result<JsonWebKeys>)> on_keys);
    // Gives up what is under way.
    ~OpenIdFetcher();
    OpenIdFetcher(const OpenIdFetcher&) = delete;
    OpenIdFetcher& operator=(const OpenIdFetcher&) = delete;

    // Asks soon, but not sooner than some seconds after the last time.
    void fetch_soon();

  private:
    void run(const std::stop_token& stop);
    // False when it is over.
    bool wait(std::chrono::milliseconds time);

    const OpenIdOptions options_;
    const std::function<void(Result<JsonWebKeys>)> on_keys_;
    Mutex mutex_;
    CondVar wake_;
    bool is_wanted_ GUARDED_BY(mutex_) = false;
    bool is_over_ GUARDED_BY(mutex_) = false;
    std::jthread thread_;  // last: it uses all the others
};

}  // namespace lockstep
