// Every limit of the conversation between devices. What a peer sends beyond them ends its
// connection.
#pragma once

#include <chrono>

#include "vault/limits.h"

namespace lockstep {

inline constexpr std::size_t kFrameSizeMax = 256 * kKiB + kKiB;  // sealed, as libtorrent carries it
inline constexpr std::size_t kPartSizeMax = 256 * kKiB;          // object bytes in one message
inline constexpr std::size_t kHandshakeFrameSizeMax = 1024;
inline constexpr std::size_t kSendWindow =
    8 * kMiB;  // message bytes not yet taken note of by the peer
inline constexpr std::size_t kReceiveQueueMax =
    16 * kMiB;  // frame bytes of one link waiting for ls-sync

inline constexpr std::size_t kSegmentObjectSizeMax = kSegmentSizeMax + kMiB;  // sealed
inline constexpr std::size_t kPackObjectSizeMax = kPackSizeMax;
inline constexpr std::size_t kInlinePackSizeMax =
    kMiB;  // larger ones go by torrent, unless a reader waits
inline constexpr std::size_t kPushedPackBytesMax =
    256 * kKiB;  // packs sent unasked behind a new segment
inline constexpr std::size_t kAssembliesMax =
    4;  // objects of a kind that one peer may send in parts at once
inline constexpr std::size_t kChargeHeldMax =
    kMiB;  // of the window, by one object until it is dealt with

inline constexpr std::size_t kKeyObjectsListedMax = 4096;
inline constexpr std::size_t kPacksListedMax = 4096;
inline constexpr std::size_t kLackingListedMax = 64;    // who misses more does not say which
inline constexpr std::size_t kFetchingListedMax = 256;  // shared packs on their way to one member
inline constexpr std::size_t kFetchingHeededMax = 64;   // of them, of one peer
inline constexpr std::size_t kAddressesListedMax = 64;
inline constexpr std::size_t kAddressTextSizeMax = 64;
inline constexpr std::size_t kAddressesLearnedMax = 256;  // of one vault, from peers
inline constexpr std::size_t kSegmentsWantedMax = 4096;   // in one message
inline constexpr std::size_t kServeQueueMax = 65536;      // objects a peer may be waiting for
inline constexpr std::size_t kInlineWantsMax = 1024;      // packs asked of one peer
inline constexpr std::size_t kInlineWantBytesMax = 32 * kMiB;
inline constexpr std::size_t kTorrentWantsPerPeerMax = 8;
inline constexpr std::size_t kSharedWantsPerPeerMax = 2;  // likewise, while others miss packs too
inline constexpr std::size_t kSharedInlineBytesMax = 4 * kMiB;
inline constexpr std::size_t kTorrentWantsMax = 32;
inline constexpr std::size_t kSeededTorrentsMax = 512;
inline constexpr std::size_t kRangesWantedMax = 256;  // requests of ranges a peer may wait for
inline constexpr std::size_t kQuestionsMax = 64;      // about packs, likewise
inline constexpr std::size_t kAuditsMax = 4;          // of blocks, likewise
inline constexpr std::size_t kAliveLogsMax = 1024;    // in a sign of life
inline constexpr std::size_t kLinksPerSwarmMax = 512;
inline constexpr std::size_t kLinksPerDeviceMax = 4;

inline constexpr std::chrono::seconds kHandshakeTimeout{10};
inline constexpr std::chrono::seconds kDialTurn{4};  // of the lesser of two devices
inline constexpr std::chrono::seconds kRedialPauseMin{2}, kRedialPauseMax{30};  // twice each time
inline constexpr std::chrono::seconds kPingInterval{5};  // when nothing was heard
inline constexpr std::chrono::seconds kSilenceMax{35};
inline constexpr std::chrono::seconds kWantTimeout{20};      // without any progress
inline constexpr std::chrono::milliseconds kFirstTurn{300};  // of whom a shared pack falls to
inline constexpr std::chrono::seconds kRoomWait{
    2};  // for a member that is to relieve a complete one
inline constexpr std::chrono::minutes kFetchHoldMax{5};  // for who says that it is getting it
inline constexpr std::chrono::seconds kAvoidMin{20};     // a peer that did not keep its word
inline constexpr std::chrono::minutes kAvoidMax{10};
inline constexpr std::chrono::seconds kTorrentIdle{45};
inline constexpr std::chrono::seconds kAuditInterval{1};  // between looks at what is due
inline constexpr std::chrono::minutes kAuditTimeout{2};   // then it has not shown the blocks

}  // namespace lockstep
