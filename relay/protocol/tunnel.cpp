#include "relay/protocol/tunnel.h"

#include <array>
#include <utility>

#include "relay/protocol/bencode.h"

namespace lockstep {
namespace {

using Type = ControlMessage::Type;

constexpr std::size_t kReasonMax = 255;

constexpr std::array<std::pair<Type, std::string_view>, 6> kTypes{{{Type::Members, "members"},
                                                                   {Type::Joined, "joined"},
                                                                   {Type::Left, "left"},
                                                                   {Type::Dial, "dial"},
                                                                   {Type::Tunnel, "tunnel"},
                                                                   {Type::Refused, "refused"}}};

std::string_view type_name(Type type) {
    for (const auto& [known, name] : kTypes)
        if (known == type) return name;
    return "";
}

Error corrupt(std::string_view what) {
    return {ErrorKind::Corrupt, "control message: missing or invalid " + std::string(what)};
}

const std::string* text_of(const BencodeValue& body, std::string_view key) {
    const BencodeValue* value = body.find(key);
    return value == nullptr ? nullptr : value->text();
}

template <typename IdType>
Status read_id(const BencodeValue& body, std::string_view key, IdType& out) {
    const std::string* text = text_of(body, key);
    if (text == nullptr || text->size() != IdType::kSize) return corrupt(key);
    out = IdType::from(as_bytes(*text));
    return {};
}

Status read_members(const BencodeValue& body, std::vector<MemberName>& out) {
    const BencodeValue* list = body.find("members");
    bool is_list = list != nullptr && list->kind == BencodeValue::Kind::List;
    if (!is_list || list->items.size() > kMembersListedMax) return corrupt("members");
    for (const BencodeValue& item : list->items) {
        const std::string* text = item.text();
        if (text == nullptr || text->size() != MemberName::kSize) return corrupt("members");
        out.push_back(MemberName::from(as_bytes(*text)));
    }
    return {};
}

Result<Type> read_type(const BencodeValue& body) {
    const std::string* text = text_of(body, "type");
    for (const auto& [type, name] : kTypes)
        if (text != nullptr && *text == name) return type;
    return corrupt("type");
}

}  // namespace

std::string encode_control_message(const ControlMessage& message) {
    BencodeWriter out;
    out.begin_dictionary();
    if (message.type != Type::Members) out.text("member").text(as_text(message.member.view()));
    if (message.type == Type::Members) {
        out.text("members").begin_list();
        for (const MemberName& member : message.members) out.text(as_text(member.view()));
        out.end();
    }
    if (message.type == Type::Refused) out.text("reason").text(message.reason);
    if (message.type == Type::Tunnel) {
        out.text("role").text(message.is_dialler ? "dial" : "answer");
        out.text("token").text(as_text(message.token.view()));
    }
    out.text("type").text(type_name(message.type)).end();
    return std::move(out).take();
}

Result<ControlMessage> decode_control_message(std::string_view bytes) {
    if (bytes.size() > kControlMessageMax) return corrupt("size");
    TRY(BencodeValue body, decode_bencode(bytes, 3));
    ControlMessage out;
    TRY(out.type, read_type(body));
    if (out.type == Type::Members) {
        TRY_OK(read_members(body, out.members));
        return out;
    }
    TRY_OK(read_id(body, "member", out.member));
    if (out.type == Type::Refused) {
        const std::string* reason = text_of(body, "reason");
        if (reason == nullptr || reason->size() > kReasonMax) return corrupt("reason");
        out.reason = *reason;
    }
    if (out.type == Type::Tunnel) {
        const std::string* role = text_of(body, "role");
        if (role == nullptr || (*role != "dial" && *role != "answer")) return corrupt("role");
        out.is_dialler = *role == "dial";
        TRY_OK(read_id(body, "token", out.token));
    }
    return out;
}

}  // namespace lockstep
