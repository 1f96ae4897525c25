#include "relay/admission.h"

#include <algorithm>

#include <sodium.h>

namespace lockstep {
namespace {

// version 1 ‖ account 2 ‖ expiry 4 ‖ swarm 20 ‖ member 20, then the MAC.
constexpr std::size_t kClaimsSize = 47;
constexpr std::size_t kMacSize = 16;
constexpr std::byte kTicketVersion{1};
// People of an OpenID provider at a time, and when one who has not come makes room for another:
// no ticket of his is good any more, and another day's bytes are counted.
constexpr std::size_t kOpenIdAccountsMax = 10'000;
constexpr std::uint64_t kOpenIdAccountForgottenS = 86'400;

Error refused(std::string_view why) {
    return {ErrorKind::Refused, std::string(why)};
}

void append_number(Bytes& out, std::uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<std::byte>(value >> shift));
}

std::uint64_t number_in(ByteView bytes) {
    std::uint64_t out = 0;
    for (std::byte b : bytes) out = out << 8 | std::to_integer<std::uint64_t>(b);
    return out;
}

// The token of "Authorization: Bearer TOKEN".
std::optional<std::string_view> bearer_of(const HttpRequest& request) {
    constexpr std::string_view kScheme = "bearer ";
    const std::string* header = request.header("Authorization");
    if (header == nullptr || header->size() < kScheme.size()) return std::nullopt;
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    for (std::size_t i = 0; i < kScheme.size(); ++i)
        if (lower((*header)[i]) != kScheme[i]) return std::nullopt;
    return std::string_view(*header).substr(kScheme.size());
}

bool verify(const AdmissionRequest& request) {
    Bytes signed_bytes = admission_preimage(request.message());
    return crypto_sign_verify_detached(u8(request.signature.view()), u8(ByteView(signed_bytes)),
                                       signed_bytes.size(), u8(request.swarm_key.view())) == 0;
}

SwarmName name_of(const AdmissionRequest& request) {
    Bytes both = to_bytes(as_bytes("lockstep relay 1 swarm"));
    append(both, request.swarm_key.view());
    append(both, request.info_hash.view());
    SwarmName out;
    crypto_generichash(u8(MutableByteView(out.bytes)), out.bytes.size(), u8(ByteView(both)),
                       both.size(), nullptr, 0);
    return out;
}

}  // namespace

Admission::Admission(Clock& clock, Random& random, AdmissionOptions options) : clock_(clock) {
    random.fill(key_);
    set_options(std::move(options));
}

void Admission::set_options(AdmissionOptions options) {
    if (accounts_.empty()) accounts_.emplace_back();
    accounts_[0] = options.anybody;
    for (std::size_t i = 1; i < accounts_.size(); ++i) accounts_[i].rights = {};
    for (const RelayAccount& account : options.accounts) {
        auto same = [&](const RelayAccount& known) { return known.name == account.name; };
        auto known = std::find_if(accounts_.begin() + 1, accounts_.end(), same);
        if (known == accounts_.end()) known = accounts_.emplace(accounts_.end());
        *known = account;
    }
    set_open_id_options(options);
    options_ = std::move(options);
}

void Admission::set_open_id_options(const AdmissionOptions& options) {
    bool is_same = open_id_ && open_id_->options() == options.open_id;
    if (!is_same) open_id_.reset();
    for (const auto& [name, place] : open_id_places_) {
        accounts_[place.index] = is_same ? options.open_id_account : RelayAccount{};
        accounts_[place.index].name = name;
    }
    auto want_keys = [this] {
        if (want_open_id_keys_) want_open_id_keys_();
    };
    if (!is_same && options.open_id.is_on()) open_id_.emplace(clock_, options.open_id, want_keys);
}

void Admission::set_open_id_keys(JsonWebKeys keys) {
    if (open_id_) open_id_->set_keys(std::move(keys));
}

std::uint64_t Admission::time_s() const {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(clock_.wall_ms() / 1000, 0));
}

const RelayAccount& Admission::account(std::uint16_t index) const {
    return accounts_[index < accounts_.size() ? index : 0];
}

// Compares keyed hashes, and with every token: time tells neither how much of a token is right nor
// whose it is.
const RelayAccount* Admission::account_of(std::string_view token) const {
    auto hash = [&](std::string_view text) {
        std::array<std::byte, 32> out{};
        crypto_generichash(u8(MutableByteView(out)), out.size(), u8(as_bytes(text)), text.size(),
                           u8(ByteView(key_)), key_.size());
        return out;
    };
    auto shown = hash(token);
    const RelayAccount* out = nullptr;
    for (const RelayAccount& account : options_.accounts) {
        auto own = hash(account.token);
        bool is_same = sodium_memcmp(own.data(), shown.data(), own.size()) == 0;
        if (is_same && !account.token.empty()) out = &account;
    }
    return out;
}

Result<std::uint16_t> Admission::account_index(const HttpRequest& request) {
    auto token = bearer_of(request);
    if (open_id_ && token && OpenIdVerifier::looks_like_one(*token)) {
        TRY(OpenIdIdentity identity, open_id_->verify(*token));
        return open_id_index(identity.name);
    }
    const RelayAccount* shown = token ? account_of(*token) : nullptr;
    if (shown == nullptr) {
        bool asks =
            options_.access == RelayAccess::Token || request.header("Authorization") != nullptr;
        if (asks) return refused("this relay wants a token");
        return std::uint16_t{0};
    }
    auto same = [&](const RelayAccount& known) { return known.name == shown->name; };
    auto at = std::find_if(accounts_.begin() + 1, accounts_.end(), same);
    return static_cast<std::uint16_t>(at - accounts_.begin());
}

Result<std::uint16_t> Admission::open_id_index(const std::string& name) {
    std::uint64_t now = time_s();
    auto known = open_id_places_.find(name);
    if (known == open_id_places_.end()) {
        OpenIdPlace place{static_cast<std::uint16_t>(accounts_.size()), now};
        if (open_id_places_.size() < kOpenIdAccountsMax) {
            accounts_.emplace_back();
        } else {
            auto is_forgotten = [&](const auto& one) {
                return one.second.used_s + kOpenIdAccountForgottenS < now;
            };
            auto old = std::find_if(open_id_places_.begin(), open_id_places_.end(), is_forgotten);
            if (old == open_id_places_.end())
                return Error{ErrorKind::Busy, "too many people at once, try later"};
            place.index = old->second.index;
            open_id_places_.erase(old);
        }
        known = open_id_places_.emplace(name, place).first;
    }
    known->second.used_s = now;
    RelayAccount& account = accounts_[known->second.index];
    account = options_.open_id_account;
    account.name = name;
    return known->second.index;
}

Status Admission::check_operator(const HttpRequest& request) {
    bool has_certificate = !request.peer.certificate_name.empty();
    bool needs_token = options_.operator_certificates == OperatorCertificates::Needed;
    if (has_certificate && !needs_token) return {};
    if (needs_token && !has_certificate) return refused("operators need a certificate");
    auto token = bearer_of(request);
    if (!token) return refused("for operators");
    if (open_id_ && OpenIdVerifier::looks_like_one(*token)) {
        TRY(OpenIdIdentity identity, open_id_->verify(*token));
        return identity.is_operator ? Status() : refused("for operators");
    }
    const RelayAccount* account = account_of(*token);
    bool is_operator = account != nullptr && account->rights.operate;
    return is_operator ? Status() : refused("for operators");
}

Result<AdmissionAnswer> Admission::admit(std::string_view body, const HttpRequest& request) {
    TRY(AdmissionRequest asked, decode_admission_request(body));
    // The token first: it is cheap, and a stranger without one costs no signature.
    TRY(std::uint16_t account, account_index(request));
    std::uint64_t now = time_s();
    TRY_OK(check_request(asked, now));
    if (!verify(asked)) return refused("the signature is not the swarm key's");
    if (!remember(asked, now)) return refused("this request was used before");
    auto lifetime = static_cast<std::uint64_t>(options_.ticket_lifetime.count());
    TicketClaims claims{name_of(asked), asked.member, account};
    return AdmissionAnswer{.ticket = make_ticket(claims, asked.info_hash, now + lifetime),
                           .expires_in_s = static_cast<std::uint32_t>(lifetime),
                           .time_s = now};
}

Status Admission::check_request(const AdmissionRequest& request, std::uint64_t now) const {
    bool is_for_us = options_.names.empty() ||
                     std::count(options_.names.begin(), options_.names.end(), request.relay) > 0;
    if (!is_for_us) return refused("this request is for another relay");
    std::uint64_t difference = std::max(now, request.time_s) - std::min(now, request.time_s);
    if (difference > static_cast<std::uint64_t>(options_.clock_difference_max.count()))
        return refused("the clocks differ too much");
    return {};
}

bool Admission::remember(const AdmissionRequest& request, std::uint64_t now) {
    while (!nonce_ends_.empty() && (nonce_ends_.front().first < now)) {
        nonces_.erase(nonce_ends_.front().second);
        nonce_ends_.pop_front();
    }
    // A full memory refuses: to forget would let old requests in again.
    if (nonces_.size() >= options_.nonces_max || !nonces_.insert(request.nonce).second)
        return false;
    auto window = static_cast<std::uint64_t>(options_.clock_difference_max.count());
    nonce_ends_.emplace_back(now + 2 * window + 1, request.nonce);
    return true;
}

std::string Admission::make_ticket(const TicketClaims& claims, const TrackerHash& hash,
                                   std::uint64_t expires_s) const {
    Bytes out{kTicketVersion};
    append_number(out, claims.account, 2);
    append_number(out, expires_s, 4);
    append(out, claims.swarm.view());
    append(out, claims.member.view());
    CHECK(out.size() == kClaimsSize);
    append(out, mac_of(out, hash));
    // Stands in a query as it is.
    constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_ENCODED_LEN(kClaimsSize + kMacSize, kVariant), '\0');
    sodium_bin2base64(text.data(), text.size(), u8(ByteView(out)), out.size(), kVariant);
    text.resize(text.find('\0'));
    return text;
}

Admission::Mac Admission::mac_of(ByteView claims, const TrackerHash& hash) const {
    Bytes bytes = to_bytes(claims);
    append(bytes, hash.view());
    Mac out{};
    crypto_generichash(u8(MutableByteView(out)), out.size(), u8(ByteView(bytes)), bytes.size(),
                       u8(ByteView(key_)), key_.size());
    return out;
}

Result<TicketClaims> Admission::check(const HttpRequest& request) const {
    const std::string* text = request.query_value("ticket");
    const std::string* hash_text = request.query_value("info_hash");
    if (text == nullptr) return refused("a ticket is needed");
    if (hash_text == nullptr || hash_text->size() != TrackerHash::kSize)
        return refused("info_hash is missing or not 20 bytes");
    std::array<std::byte, kClaimsSize + kMacSize> bytes{};
    std::size_t size = 0;
    bool is_text =
        sodium_base642bin(u8(MutableByteView(bytes)), bytes.size(), text->data(), text->size(),
                          nullptr, &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    if (!is_text || size != bytes.size()) return refused("not a ticket");
    ByteView claims = ByteView(bytes).first(kClaimsSize);
    Mac mac = mac_of(claims, TrackerHash::from(as_bytes(*hash_text)));
    if (sodium_memcmp(mac.data(), bytes.data() + kClaimsSize, kMacSize) != 0)
        return refused("not a ticket of this relay for this swarm");
    if (number_in(claims.subspan(3, 4)) <= time_s()) return refused("the ticket has expired");
    TicketClaims out;
    out.account = static_cast<std::uint16_t>(number_in(claims.subspan(1, 2)));
    out.swarm = SwarmName::from(claims.subspan(7, 20));
    out.member = MemberName::from(claims.subspan(27, 20));
    if (out.account >= accounts_.size()) return refused("not a ticket of this relay");
    return out;
}

}  // namespace lockstep
