#include "relay/protocol/admission.h"

#include "base/codec.h"
#include "relay/protocol/bencode.h"

namespace lockstep {
namespace {

constexpr std::size_t kRelayNameMax = 255;
constexpr std::size_t kTicketTextMax = 256;

Error invalid(std::string_view key) {
    return {ErrorKind::Invalid, "missing or invalid " + std::string(key)};
}

template <typename IdType>
Status read_id(const BencodeValue& body, std::string_view key, IdType& out) {
    const BencodeValue* value = body.find(key);
    const std::string* text = value == nullptr ? nullptr : value->text();
    if (text == nullptr || text->size() != IdType::kSize) return invalid(key);
    out = IdType::from(as_bytes(*text));
    return {};
}

Result<std::string> read_text(const BencodeValue& body, std::string_view key, std::size_t max) {
    const BencodeValue* value = body.find(key);
    const std::string* text = value == nullptr ? nullptr : value->text();
    if (text == nullptr || text->empty() || text->size() > max) return invalid(key);
    return *text;
}

Result<std::uint64_t> read_number(const BencodeValue& body, std::string_view key) {
    const BencodeValue* value = body.find(key);
    const std::int64_t* number = value == nullptr ? nullptr : value->integer();
    if (number == nullptr || *number < 0) return invalid(key);
    return static_cast<std::uint64_t>(*number);
}

}  // namespace

Bytes AdmissionRequest::message() const {
    Encoder out;
    out.text(relay).id(swarm_key).id(info_hash).id(member);
    out.u64(time_s).id(nonce);
    return std::move(out).take();
}

Bytes admission_preimage(ByteView message) {
    Encoder out;
    out.text(kAdmissionLabel).bytes(message);
    return std::move(out).take();
}

std::string encode_admission_request(const AdmissionRequest& request) {
    BencodeWriter out;
    out.begin_dictionary();
    out.text("info_hash").text(as_text(request.info_hash.view()));
    out.text("member").text(as_text(request.member.view()));
    out.text("nonce").text(as_text(request.nonce.view()));
    out.text("relay").text(request.relay);
    out.text("signature").text(as_text(request.signature.view()));
    out.text("swarm_key").text(as_text(request.swarm_key.view()));
    out.text("time").integer(static_cast<std::int64_t>(request.time_s));
    out.end();
    return std::move(out).take();
}

Result<AdmissionRequest> decode_admission_request(std::string_view body) {
    if (body.size() > kAdmissionBodyMax) return Error{ErrorKind::Invalid, "too long"};
    auto value = decode_bencode(body, 2);
    if (!value.ok()) return Error{ErrorKind::Invalid, "not bencoded"};
    AdmissionRequest out;
    TRY(out.relay, read_text(*value, "relay", kRelayNameMax));
    TRY_OK(read_id(*value, "swarm_key", out.swarm_key));
    TRY_OK(read_id(*value, "info_hash", out.info_hash));
    TRY_OK(read_id(*value, "member", out.member));
    TRY(out.time_s, read_number(*value, "time"));
    TRY_OK(read_id(*value, "nonce", out.nonce));
    TRY_OK(read_id(*value, "signature", out.signature));
    return out;
}

std::string encode_admission_answer(const AdmissionAnswer& answer) {
    BencodeWriter out;
    out.begin_dictionary();
    out.text("expires in").integer(answer.expires_in_s);
    out.text("ticket").text(answer.ticket);
    out.text("time").integer(static_cast<std::int64_t>(answer.time_s));
    out.end();
    return std::move(out).take();
}

Result<AdmissionAnswer> decode_admission_answer(std::string_view body) {
    TRY(BencodeValue value, decode_bencode(body, 2));
    if (const BencodeValue* failure = value.find("failure reason")) {
        const std::string* reason = failure->text();
        return Error{ErrorKind::Refused, reason == nullptr ? "no reason given" : *reason};
    }
    auto read = [&]() -> Result<AdmissionAnswer> {
        AdmissionAnswer out;
        TRY(out.ticket, read_text(value, "ticket", kTicketTextMax));
        TRY(std::uint64_t expires, read_number(value, "expires in"));
        out.expires_in_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(expires, 86400));
        TRY(out.time_s, read_number(value, "time"));
        return out;
    };
    auto out = read();
    if (!out.ok()) return Error{ErrorKind::Corrupt, out.error().message};
    return out;
}

std::string encode_admission_refusal(std::string_view reason, std::uint64_t time_s) {
    BencodeWriter out;
    out.begin_dictionary().text("failure reason").text(reason);
    out.text("time").integer(static_cast<std::int64_t>(time_s)).end();
    return std::move(out).take();
}

std::uint64_t relay_time_in(std::string_view body) {
    auto value = decode_bencode(body, 2);
    if (!value.ok()) return 0;
    return read_number(*value, "time").value_or(0);
}

}  // namespace lockstep
