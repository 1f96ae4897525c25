#include "sync/join/join_messages.h"

#include "base/codec.h"

namespace lockstep {

namespace {

enum class Kind : std::uint8_t { Hello = 1, Part = 2, Rejected = 3, Done = 4 };

Encoder begin(Kind kind) {
    Encoder out;
    out.u8(static_cast<std::uint8_t>(kind));
    return out;
}
Encoder encode(const JoinHello& m) {
    Encoder out = begin(Kind::Hello);
    out.text(m.label).id(m.attempt);
    return out;
}
Encoder encode(const JoinPart& m) {
    Encoder out = begin(Kind::Part);
    out.u8(static_cast<std::uint8_t>(m.object)).u32(m.size).u32(m.offset).bytes(m.part);
    return out;
}
Encoder encode(const JoinRejected&) {
    return begin(Kind::Rejected);
}
Encoder encode(const JoinDone&) {
    return begin(Kind::Done);
}

JoinPart get_part(Decoder& in) {
    JoinPart m;
    std::uint8_t object = in.u8();
    if (object < 1 || object > 3) in.fail("unknown object");
    m.object = static_cast<JoinObject>(object);
    m.size = in.u32();
    m.offset = in.u32();
    ByteView part = in.bytes(kPartSizeMax);
    if (m.size > kJoinObjectSizeMax || part.empty() || m.offset > m.size ||
        part.size() > m.size - m.offset)
        in.fail("not a part");
    if (!in.failed()) m.part = to_bytes(part);
    return m;
}

JoinHello get_hello(Decoder& in) {
    JoinHello m;
    m.label = in.text(kDeviceLabelSizeMax);
    m.attempt = in.id<JoinAttempt>();
    return m;
}

template <typename T>
Result<JoinMessage> checked(Decoder& in, T message) {
    TRY_OK(in.finish());
    return Result<JoinMessage>(JoinMessage(std::move(message)));
}

}  // namespace

Bytes encode_join_message(const JoinMessage& message) {
    return std::visit([](const auto& m) { return encode(m).take(); }, message);
}

Result<JoinMessage> decode_join_message(ByteView bytes) {
    Decoder in(bytes);
    switch (Kind{in.u8()}) {
        case Kind::Hello:
            return checked(in, get_hello(in));
        case Kind::Part:
            return checked(in, get_part(in));
        case Kind::Rejected:
            return checked(in, JoinRejected{});
        case Kind::Done:
            return checked(in, JoinDone{});
    }
    return Error{ErrorKind::Corrupt, "unknown message"};
}

}  // namespace lockstep
