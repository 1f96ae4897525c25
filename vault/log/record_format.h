// Numbers of the record encoding, shared by writer and reader. Format: vault/FORMAT.md, "Records".
#pragma once

#include <cstddef>
#include <cstdint>

#include "vault/limits.h"

namespace lockstep {

// Low five bits of an item's head. 9 to 31 are free for later formats; 0 is never used.
enum class ItemKind : std::uint8_t {
    Place = 1,  // Link, Parent and Name of one creation
    Link = 2,
    Parent = 3,
    Name = 4,
    Attributes = 5,  // of one file, with one stamp
    Version = 6,
    Resolve = 7,
    Delete = 8,
};

inline constexpr std::uint8_t kItemKindMask = 0x1f;
inline constexpr std::uint8_t kItemKindKnownMax = 8;
inline constexpr std::uint8_t kItemSameStamp = 0x20;   // the stamp of the item before it
inline constexpr std::uint8_t kItemForeignLog = 0x40;  // the stamp names its log
inline constexpr std::uint8_t kItemOptional = 0x80;    // a reader that does not know it passes over

inline constexpr std::size_t kItemFrameSizeMax = 1 + 8 + 16 + 4;
inline constexpr std::size_t kAttributesPerItemMax = 64;
inline constexpr std::size_t kXattrNameSizeMax = 255;
inline constexpr std::size_t kDeleteLinksMax = 4096;  // links of one file named by a delete

}  // namespace lockstep
