// What lies in a relay's mailbox: objects of a vault, each sealed once more, under names that only
// members can make or tell apart. Bytes: sync/PROTOCOL.md, "Mailbox".
//
// The keys are those of one epoch: the relay has none, and a removed device has none of later ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/control/session_crypto.h"
#include "vault/replica.h"

namespace lockstep {

enum class MailboxKind : std::uint8_t { KeyObject = 1, Segment = 2, Pack = 3, Receipt = 4 };

inline constexpr std::size_t kReceiptLogsMax = 4096;
inline constexpr std::size_t kReceiptKeysMax = 4096;
inline constexpr std::size_t kReceiptPacksMax = 1024;

// What a device had when it was last here: what needs not be put for it.
struct MailboxReceipt {
    DeviceId device{};
    std::uint64_t time_ms = 0;  // the device's wall clock; tells a later receipt of it
    Frontier frontier{};
    std::vector<KeyObjectId> keys{};  // ascending
    std::vector<PackId> missing{};    // ascending; the first kReceiptPacksMax
    std::uint64_t missing_count = 0;  // of all

    bool operator==(const MailboxReceipt&) const = default;
};

// What the device signs, and behind it the signature.
Bytes encode_receipt(const MailboxReceipt& receipt);
struct SignedReceipt {
    MailboxReceipt receipt;
    Bytes signed_bytes, signature;
};
Result<SignedReceipt> decode_receipt(ByteView bytes);

class MailboxKeys {
  public:
    static Result<MailboxKeys> of(Replica& replica, const EpochId& epoch);

    std::string name_of(const KeyObjectId& key) const;
    std::string name_of(const SegmentRef& segment) const;
    std::string name_of(const PackId& pack) const;
    std::string name_of(const MailboxReceipt& receipt) const;
    // Nothing for what no member has named.
    std::optional<MailboxKind> kind_of(const std::string& name) const;

    Bytes seal(const std::string& name, ByteView object) const;
    // Corrupt when it is not what a member sealed under this name.
    Result<Bytes> open(const std::string& name, ByteView sealed) const;

  private:
    std::string make_name(MailboxKind kind, ByteView id) const;
    std::byte mask_of(ByteView tag) const;

    SessionKey name_key_, seal_key_;
};

}  // namespace lockstep
