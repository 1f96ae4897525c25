// Attributes of a file as a FileSystem and as the kernel say them.
#pragma once

#include <optional>

#include <sys/stat.h>

#include "vault/file_system.h"

namespace lockstep {

// What a mode may hold in a vault: permissions and the sticky bit; setuid and setgid are dropped.
inline constexpr std::uint32_t kModeMask = 01777;

struct ShownOwner {
    std::optional<std::uint32_t> uid, gid;  // instead of the FileSystem's: both, or none

    bool is_fixed() const { return uid.has_value(); }
};

// The S_IF bits of a type.
mode_t type_bits(FileType type);

struct stat to_stat(const Attributes& attributes, const ShownOwner& owner);

// The change that a SETATTR request asks for; `now_ns` stands for the times it calls "now".
// Invalid when the size is negative.
Result<AttributeChange> attribute_change(const struct stat& wanted, int to_set,
                                         std::int64_t now_ns);

// Where every file has the same owner that stays so: Refused when `change` names another one, else
// the change without it.
Result<AttributeChange> keep_owner(AttributeChange change, const ShownOwner& owner);

// Nanoseconds since 1970 UTC by the real-time clock.
std::int64_t wall_now_ns();

}  // namespace lockstep
