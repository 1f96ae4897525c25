#include "sync/mailbox/mailbox_codec.h"

#include <algorithm>

#include "base/codec.h"

namespace lockstep {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTagSize = 20, kSignatureSize = 64;
constexpr std::string_view kReceiptLabel = "lockstep mailbox 1 receipt";

template <typename Id>
void encode_ids(Encoder& out, const std::vector<Id>& ids) {
    out.u32(static_cast<std::uint32_t>(ids.size()));
    for (const Id& id : ids) out.id(id);
}

template <typename Id>
std::vector<Id> decode_ids(Decoder& in, std::size_t max) {
    std::vector<Id> out;
    std::uint32_t count = in.u32();
    if (count > max) in.fail("too many ids");
    for (std::uint32_t i = 0; i < count && in.status().ok(); ++i) {
        Id id = in.id<Id>();
        if (!out.empty() && !(out.back() < id)) in.fail("ids out of order");
        out.push_back(id);
    }
    return out;
}

}  // namespace

Bytes encode_receipt(const MailboxReceipt& receipt) {
    Encoder out;
    out.text(kReceiptLabel).id(receipt.device).u64(receipt.time_ms);
    out.u32(static_cast<std::uint32_t>(receipt.frontier.size()));
    for (const auto& [log, position] : receipt.frontier)
        out.id(log).u64(position.number).id(position.hash);
    encode_ids(out, receipt.keys);
    encode_ids(out, receipt.missing);
    out.u64(receipt.missing_count);
    return std::move(out).take();
}

Result<SignedReceipt> decode_receipt(ByteView bytes) {
    if (bytes.size() < kSignatureSize) return Error{ErrorKind::Corrupt, "receipt too short"};
    SignedReceipt out;
    out.signed_bytes = to_bytes(bytes.first(bytes.size() - kSignatureSize));
    out.signature = to_bytes(bytes.last(kSignatureSize));
    Decoder in(out.signed_bytes);
    if (in.text(kReceiptLabel.size()) != kReceiptLabel) in.fail("not a receipt");
    MailboxReceipt& receipt = out.receipt;
    receipt.device = in.id<DeviceId>();
    receipt.time_ms = in.u64();
    std::uint32_t logs = in.u32();
    if (logs > kReceiptLogsMax) in.fail("too many logs");
    for (std::uint32_t i = 0; i < logs && in.status().ok(); ++i) {
        LogId log = in.id<LogId>();
        LogPosition position;
        position.number = in.u64();
        position.hash = in.id<SegmentHash>();
        if (!receipt.frontier.empty() && log <= receipt.frontier.rbegin()->first)
            in.fail("logs out of order");
        receipt.frontier.emplace_hint(receipt.frontier.end(), log, position);
    }
    receipt.keys = decode_ids<KeyObjectId>(in, kReceiptKeysMax);
    receipt.missing = decode_ids<PackId>(in, kReceiptPacksMax);
    receipt.missing_count = in.u64();
    TRY_OK(in.finish());
    return out;
}

// The MAC's transcript begins with a label of its own, so no handshake ever shows this key.
Result<MailboxKeys> MailboxKeys::of(Replica& replica, const EpochId& epoch) {
    Encoder in;
    in.text("lockstep relay 1 mailbox");
    TRY(Bytes secret, replica.prove_membership(epoch, in.view()));
    if (secret.size() != kSessionKeySize) return Error{ErrorKind::Unsupported, "not a key"};
    SessionKey root;
    std::copy(secret.begin(), secret.end(), root.fill().begin());
    MailboxKeys out;
    out.name_key_ = root.derive("lockstep relay 1 mailbox names");
    out.seal_key_ = root.derive("lockstep relay 1 mailbox objects");
    return out;
}

std::byte MailboxKeys::mask_of(ByteView tag) const {
    Encoder in;
    in.text("kind").raw(tag);
    return session_mac(name_key_, in.view())[0];
}

// The kind is hidden: it tells members what to fetch first, and the relay nothing.
std::string MailboxKeys::make_name(MailboxKind kind, ByteView id) const {
    Encoder in;
    in.text("object").u8(static_cast<std::uint8_t>(kind)).raw(id);
    SessionHash mac = session_mac(name_key_, in.view());
    Bytes name = to_bytes(ByteView(mac).first(kTagSize));
    name.push_back(mask_of(name) ^ std::byte{static_cast<std::uint8_t>(kind)});
    return hex(name);
}

std::string MailboxKeys::name_of(const KeyObjectId& key) const {
    return make_name(MailboxKind::KeyObject, key.view());
}
std::string MailboxKeys::name_of(const SegmentRef& segment) const {
    Encoder id;
    id.id(segment.log).u64(segment.number);
    return make_name(MailboxKind::Segment, id.view());
}
std::string MailboxKeys::name_of(const PackId& pack) const {
    return make_name(MailboxKind::Pack, pack.view());
}
std::string MailboxKeys::name_of(const MailboxReceipt& receipt) const {
    Encoder id;
    id.id(receipt.device).u64(receipt.time_ms);
    return make_name(MailboxKind::Receipt, id.view());
}

std::optional<MailboxKind> MailboxKeys::kind_of(const std::string& name) const {
    auto bytes = from_hex(name);
    if (!bytes.ok() || bytes->size() != kTagSize + 1) return std::nullopt;
    auto kind =
        static_cast<std::uint8_t>(bytes->back() ^ mask_of(ByteView(*bytes).first(kTagSize)));
    bool is_kind = kind >= static_cast<std::uint8_t>(MailboxKind::KeyObject) &&
                   kind <= static_cast<std::uint8_t>(MailboxKind::Receipt);
    if (!is_kind) return std::nullopt;
    return static_cast<MailboxKind>(kind);
}

// Each object is a stream of its own with a random 24-byte header: no nonce repeats.
Bytes MailboxKeys::seal(const std::string& name, ByteView object) const {
    Encoder plain;
    plain.u8(kVersion).text(name).raw(object);
    SessionCipher cipher;
    auto header = cipher.start_sending(seal_key_);
    Bytes out = to_bytes(header);
    append(out, ByteView(cipher.seal(plain.view())).subspan(kFrameHeadroom));
    return out;
}

Result<Bytes> MailboxKeys::open(const std::string& name, ByteView sealed) const {
    if (sealed.size() < kStreamHeaderSize) return Error{ErrorKind::Corrupt, "object too short"};
    SessionCipher cipher;
    TRY_OK(cipher.start_receiving(seal_key_, sealed.first(kStreamHeaderSize)));
    TRY(Bytes plain, cipher.open(sealed.subspan(kStreamHeaderSize)));
    Decoder in(plain);
    if (in.u8() != kVersion || in.text(name.size()) != name)
        return Error{ErrorKind::Corrupt, "it was sealed under another name"};
    TRY_OK(in.status());
    constexpr std::size_t kBefore = 1 + 4;
    return to_bytes(ByteView(plain).subspan(kBefore + name.size()));
}

}  // namespace lockstep
