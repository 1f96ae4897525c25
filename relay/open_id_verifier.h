// Whose an OpenID provider's bearer token is, and what he may do here.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "base/clock.h"
#include "relay/json_web_keys.h"

namespace lockstep {

struct OpenIdOptions {
    // As the provider calls itself: where its configuration is found, and each token's `iss`.
    std::string issuer{};
    // One of each token's `aud`.
    std::string audience{};
    // PEM of the authorities the provider's certificate may be of; empty: the machine's.
    std::filesystem::path authorities{};
    // Operators are those whose claim of this name is, or holds, this value; empty: nobody.
    std::string operator_claim{};
    std::string operator_value{};
    // How often the provider's keys are fetched.
    std::chrono::seconds refresh{900};

    bool is_on() const { return !issuer.empty(); }
    bool operator==(const OpenIdOptions&) const = default;
};

struct OpenIdIdentity {
    // A pseudonym of issuer and subject, the same each time.
    std::string name{};
    bool is_operator = false;
};

// THREADS: one.
class OpenIdVerifier {
  public:
    // `want_keys` is called when a token is signed with a key that is not known yet.
    OpenIdVerifier(Clock& clock, OpenIdOptions options, std::function<void()> want_keys);

    // Takes the place of all keys before.
    void set_keys(JsonWebKeys keys);

    // Refused, with the reason; Busy while the provider's keys are being asked for again.
    Result<OpenIdIdentity> verify(std::string_view token);

    const OpenIdOptions& options() const { return options_; }
    std::size_t key_count() const { return keys_.count(); }
    // A token, in contrast to this relay's own, which have no dots.
    static bool looks_like_one(std::string_view text) { return text.find('.') != text.npos; }

  private:
    Status check_signature(const JsonWebToken& token);

    Clock& clock_;
    OpenIdOptions options_;
    std::function<void()> want_keys_;
    JsonWebKeys keys_;
    bool has_keys_ = false;
    std::chrono::steady_clock::time_point keys_came_{};
};

}  // namespace lockstep
