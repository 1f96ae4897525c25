#include "relay/protocol/mailbox.h"

#include <algorithm>

#include "relay/protocol/bencode.h"

namespace lockstep {
namespace {

Error corrupt() {
    return {ErrorKind::Corrupt, "not a list of a mailbox"};
}

Result<std::uint64_t> read_number(const BencodeValue& item, std::string_view key) {
    const BencodeValue* value = item.find(key);
    const std::int64_t* number = value == nullptr ? nullptr : value->integer();
    if (number == nullptr || *number < 0) return corrupt();
    return static_cast<std::uint64_t>(*number);
}

Result<MailboxItem> read_item(const BencodeValue& item) {
    const BencodeValue* name = item.find("name");
    const std::string* text = name == nullptr ? nullptr : name->text();
    if (text == nullptr || !is_mailbox_name(*text)) return corrupt();
    MailboxItem out{.name = *text};
    TRY(out.sequence, read_number(item, "sequence"));
    TRY(out.size_bytes, read_number(item, "size"));
    TRY(out.expires_s, read_number(item, "expires"));
    return out;
}

}  // namespace

bool is_mailbox_name(std::string_view text) {
    auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= kMailboxNameMax &&
           std::all_of(text.begin(), text.end(), is_good);
}

std::string encode_mailbox_list(const std::vector<MailboxItem>& items) {
    BencodeWriter out;
    out.begin_dictionary().text("items").begin_list();
    for (const MailboxItem& item : items) {
        out.begin_dictionary();
        out.text("expires").integer(static_cast<std::int64_t>(item.expires_s));
        out.text("name").text(item.name);
        out.text("sequence").integer(static_cast<std::int64_t>(item.sequence));
        out.text("size").integer(static_cast<std::int64_t>(item.size_bytes));
        out.end();
    }
    out.end().end();
    return std::move(out).take();
}

Result<std::vector<MailboxItem>> decode_mailbox_list(std::string_view body) {
    TRY(BencodeValue value, decode_bencode(body, 4));
    const BencodeValue* items = value.find("items");
    if (items == nullptr || items->kind != BencodeValue::Kind::List) return corrupt();
    std::vector<MailboxItem> out;
    for (const BencodeValue& item : items->items) {
        TRY(MailboxItem one, read_item(item));
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace lockstep
