// The words of the mailbox: names and lists. Format: relay/PROTOCOL.md, "Mailbox".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace lockstep {

inline constexpr std::size_t kMailboxNameMax = 64;
inline constexpr std::size_t kMailboxListedMax = 1000;

struct MailboxItem {
    std::string name{};
    // Rises with every object stored; where the next list goes on.
    std::uint64_t sequence = 0;
    std::uint64_t size_bytes = 0;
    // When it is forgotten, seconds since 1970.
    std::uint64_t expires_s = 0;

    bool operator==(const MailboxItem&) const = default;
};

// 1 to 64 of A-Z a-z 0-9 - _.
bool is_mailbox_name(std::string_view text);

std::string encode_mailbox_list(const std::vector<MailboxItem>& items);
// Corrupt when it is none.
Result<std::vector<MailboxItem>> decode_mailbox_list(std::string_view body);

}  // namespace lockstep
