#include "vault/keys/ticket.h"

#include <algorithm>

#include "base/codec.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::string_view kScheme = "lockstep:";
constexpr std::uint8_t kTicketVersion = 1;
constexpr std::size_t kChecksumSize = 4;
constexpr std::size_t kTicketSizeMin = 1 + 16 + DeviceFingerprint::kSize + 1 + 8 + 4 + 4 + 4;

ByteView checksum(const Hash256& hash) {
    return hash.view().first(kChecksumSize);
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_role(MemberRole role) {
    return role == MemberRole::Writer || role == MemberRole::Reader || role == MemberRole::Blind ||
           role == MemberRole::Owner;
}

Status check_list(const std::vector<std::string>& list, std::size_t count_max, const char* what) {
    if (list.size() > count_max)
        return Error{ErrorKind::Invalid, std::string("too many ") + what + " in one ticket"};
    for (const std::string& text : list)
        if (text.empty() || text.size() > kTicketUrlSizeMax || !is_printable(text))
            return Error{ErrorKind::Invalid, std::string("unusable entry among the ") + what};
    return {};
}

Bytes encode_fields(const Ticket& ticket) {
    Encoder out;
    out.u8(kTicketVersion).raw(ticket.secret).id(ticket.inviter);
    out.u8(static_cast<std::uint8_t>(ticket.role));
    out.u64(static_cast<std::uint64_t>(ticket.expires_at)).text(ticket.vault_label);
    for (const auto* list : {&ticket.relays, &ticket.addresses}) {
        out.u32(static_cast<std::uint32_t>(list->size()));
        for (const std::string& text : *list) out.text(text);
    }
    return std::move(out).take();
}

std::vector<std::string> decode_list(Decoder& in, std::size_t count_max) {
    std::vector<std::string> out(in.count(count_max, 4));
    for (std::string& text : out) text = in.text(kTicketUrlSizeMax);
    return out;
}

Result<Ticket> decode_fields(ByteView bytes) {
    Decoder in(bytes);
    in.u8();
    Ticket out;
    ByteView secret = in.raw(out.secret.size());
    if (!in.failed()) std::memcpy(out.secret.data(), secret.data(), out.secret.size());
    out.inviter = in.id<DeviceFingerprint>();
    out.role = static_cast<MemberRole>(in.u8());
    out.expires_at = static_cast<std::int64_t>(in.u64());
    out.vault_label = in.text(kVaultLabelSizeMax);
    out.relays = decode_list(in, kTicketRelaysMax);
    out.addresses = decode_list(in, kTicketAddressesMax);
    TRY_OK(in.finish());
    TRY_OK(check_ticket(out));
    return out;
}

// Pasted text often carries spaces and line ends around it, and inside it when it was wrapped.
std::string without_spaces(std::string_view text) {
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out),
                 [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
    return out;
}

SecretKey<struct TicketSecretTag> parent_of(const Ticket& ticket) {
    // The key derivation wants 32 bytes: zeros follow the secret's 16.
    std::array<std::byte, 32> bytes{};
    std::copy(ticket.secret.begin(), ticket.secret.end(), bytes.begin());
    auto key = SecretKey<struct TicketSecretTag>::from(bytes);
    wipe(bytes);
    return key;
}

}  // namespace

DeviceFingerprint fingerprint_of(const DeviceId& device) {
    return hash_as<DeviceFingerprint>(blake2b(device.view()));
}

TicketSwarmKey Ticket::swarm_key() const {
    return derive_key<struct TicketSwarmKeyTag>(parent_of(*this), label::kTicketSwarm);
}

TicketMacKey Ticket::mac_key() const {
    return derive_key<struct TicketMacKeyTag>(parent_of(*this), label::kTicketMac);
}

Status check_ticket(const Ticket& ticket) {
    if (!is_role(ticket.role)) return Error{ErrorKind::Invalid, "no such role"};
    if (ticket.expires_at < 0) return Error{ErrorKind::Invalid, "expires before 1970"};
    if (ticket.vault_label.size() > kVaultLabelSizeMax)
        return Error{ErrorKind::Invalid, "the vault's label is too long"};
    TRY_OK(check_list(ticket.relays, kTicketRelaysMax, "relays"));
    TRY_OK(check_list(ticket.addresses, kTicketAddressesMax, "addresses"));
    if (kScheme.size() + (encode_fields(ticket).size() + kChecksumSize) * 8 / 5 + 1 >
        kTicketTextSizeMax)
        return Error{ErrorKind::Invalid, "the ticket is too long"};
    return {};
}

std::string encode_ticket(const Ticket& ticket) {
    CHECK(check_ticket(ticket).ok());
    Bytes bytes = encode_fields(ticket);
    append(bytes, checksum(blake2b(bytes)));
    return std::string(kScheme) + base32(bytes);
}

Result<Ticket> parse_ticket(std::string_view text) {
    const Error damaged{ErrorKind::Corrupt, "the ticket is damaged or incomplete"};
    if (text.size() > 2 * kTicketTextSizeMax) return damaged;
    std::string packed = without_spaces(text);
    if (packed.size() > kTicketTextSizeMax || !packed.starts_with(kScheme))
        return Error{ErrorKind::Corrupt, "not a ticket: tickets begin with \"lockstep:\""};
    auto bytes = from_base32(std::string_view(packed).substr(kScheme.size()));
    if (!bytes.ok() || bytes->size() < kTicketSizeMin + kChecksumSize) return damaged;
    ByteView fields = ByteView(*bytes).first(bytes->size() - kChecksumSize);
    if (!equal(checksum(blake2b(fields)), ByteView(*bytes).last(kChecksumSize))) return damaged;
    if (std::to_integer<std::uint8_t>(fields[0]) > kTicketVersion)
        return Error{ErrorKind::Unsupported, "the ticket was made by a newer Lockstep"};
    if (std::to_integer<std::uint8_t>(fields[0]) == 0) return damaged;
    auto ticket = decode_fields(fields);
    if (!ticket.ok()) return damaged;
    return ticket;
}

Result<Ticket> parse_live_ticket(std::string_view text, std::int64_t now_seconds) {
    TRY(Ticket ticket, parse_ticket(text));
    if (ticket.is_expired(now_seconds))
        return Error{ErrorKind::Timeout, "the ticket has expired: ask for a new one"};
    return ticket;
}

}  // namespace lockstep
