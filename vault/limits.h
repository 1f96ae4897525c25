// Every limit of the formats, in one place. A decoder refuses what is above them before it
// allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

inline constexpr std::size_t kNameSizeMax = 255;  // bytes; any but '/' and NUL, not "." or ".."
inline constexpr std::size_t kSymlinkSizeMax = 4095;
inline constexpr std::size_t kPathDepthMax = 256;
inline constexpr std::size_t kXattrsPerFileMax = 32;
inline constexpr std::size_t kXattrTotalSizeMax = 64 * kKiB;
inline constexpr std::size_t kDeviceLabelSizeMax = 64;

inline constexpr std::size_t kInlineContentSizeMax =
    2 * kKiB;  // content this small lies in its version record
inline constexpr std::size_t kSingleChunkSizeMax = 16 * kKiB;  // a file this small is one chunk
inline constexpr std::size_t kChunkSizeMin = 16 * kKiB;
inline constexpr std::size_t kChunkSizeAverage = 64 * kKiB;
inline constexpr std::size_t kChunkSizeMax = 256 * kKiB;
inline constexpr std::size_t kSealedChunkSizeMax = kChunkSizeMax + kKiB;
inline constexpr std::uint64_t kFileSizeMax = std::uint64_t{1} << 50;
inline constexpr std::size_t kContentNodeEntriesMax = 16384;
inline constexpr std::size_t kContentDepthMax = 4;
inline constexpr std::size_t kContentExtentsMax = std::size_t{1} << 24;  // of one file

inline constexpr std::size_t kPackSizeMin = 4 * kKiB;
inline constexpr std::size_t kPackSizeMax = 16 * kMiB;
inline constexpr std::size_t kPackChunksMax = 65536;

inline constexpr std::size_t kRecordSizeMax = 256 * kKiB;
inline constexpr std::size_t kSegmentRecordsMax = 65536;
inline constexpr std::size_t kSegmentSizeMax = 16 * kMiB;  // raw
inline constexpr std::size_t kDevicesMax = 256;
inline constexpr std::size_t kLogsMax = 4096;  // logs named by one frontier
inline constexpr std::size_t kHeadsShownMax = 16;
inline constexpr std::size_t kVersionsReplacedMax = 1024;

inline constexpr std::size_t kSecretSlotsMax = 64;  // passphrase, recovery and reserved slots
inline constexpr std::size_t kSlotsMax = kSecretSlotsMax + kDevicesMax;
inline constexpr std::size_t kSlotBodySizeMax =
    4 * kKiB;  // parameters, or sealed secret, of one slot
inline constexpr std::size_t kKeyObjectSizeMax = kMiB;
inline constexpr std::size_t kKeyObjectParentsMax = 64;
inline constexpr std::size_t kEpochsMax = 4096;
inline constexpr std::size_t kFactsMax = 4096;           // membership facts of one vault
inline constexpr std::size_t kFactSizeMax = 300 * kKiB;  // a revocation cuts up to kLogsMax logs
inline constexpr std::size_t kFactParentsMax = 64;
inline constexpr std::size_t kVaultHeaderSizeMax = 4 * kKiB;
inline constexpr std::size_t kGenesisSizeMax = kKiB;
inline constexpr std::size_t kLocalKeysSizeMax = kMiB;
inline constexpr std::size_t kPinnedHeadsMax = 64;
inline constexpr std::size_t kPassphraseTriesMax = 8;  // different salts tried for one passphrase

inline constexpr std::size_t kTicketTextSizeMax = 4 * kKiB;
inline constexpr std::size_t kTicketRelaysMax = 8;
inline constexpr std::size_t kTicketAddressesMax = 16;
inline constexpr std::size_t kTicketUrlSizeMax = 256;
inline constexpr std::size_t kVaultLabelSizeMax = 255;
inline constexpr std::int64_t kClockSkewMaxMs = 24LL * 3600 * 1000;

}  // namespace lockstep
