// The words spoken to a relay's tracker: announce and scrape, as plain values and as bytes.
//
// Both directions are here: the relay decodes requests and encodes answers, its clients the
// reverse. Format: relay/PROTOCOL.md. Neither side needs a socket for this.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/http/message.h"
#include "base/ids.h"
#include "base/result.h"

namespace lockstep {

// A v1 info hash, or the first 20 bytes of a v2 one: the tracker cannot tell and need not.
using TrackerHash = Id<struct TrackerHashTag, 20>;
using PeerId = Id<struct PeerIdTag, 20>;

// Where a peer listens.
struct PeerEndpoint {
    // 4 or 16 bytes.
    Bytes address{};
    std::uint16_t port = 0;

    bool is_v4() const { return address.size() == 4; }
    auto operator<=>(const PeerEndpoint&) const = default;
};

enum class AnnounceEvent { None, Started, Stopped, Completed };

inline constexpr std::uint32_t kNumwantDefault = 50;
inline constexpr std::size_t kScrapeHashesMax = 64;

struct AnnounceRequest {
    TrackerHash info_hash{};
    PeerId peer_id{};
    std::uint16_t port = 0;
    // What the peer has moved and still wants; only whether `left` is 0 is ever looked at.
    std::uint64_t uploaded = 0;
    std::uint64_t downloaded = 0;
    std::uint64_t left = 0;
    AnnounceEvent event = AnnounceEvent::None;
    std::uint32_t numwant = kNumwantDefault;

    bool operator==(const AnnounceRequest&) const = default;
};

struct AnnounceResponse {
    std::uint32_t interval_s = 0;
    std::uint32_t min_interval_s = 0;
    std::uint32_t complete = 0;
    std::uint32_t incomplete = 0;
    std::vector<PeerEndpoint> peers{};

    bool operator==(const AnnounceResponse&) const = default;
};

struct SwarmCounts {
    TrackerHash info_hash{};
    std::uint32_t complete = 0;
    std::uint32_t downloaded = 0;
    std::uint32_t incomplete = 0;

    bool operator==(const SwarmCounts&) const = default;
};

// The query of an announce or scrape. Decoding: Invalid, with words for the peer, when a needed
// field is missing, repeated or malformed, or when the peer asks for what is not served
// (compact=0). Unknown fields are ignored, and so is `ip`: a peer's address is the one it speaks
// from.
HttpFields encode_announce_query(const AnnounceRequest& request);
Result<AnnounceRequest> decode_announce_query(const HttpFields& query);
HttpFields encode_scrape_query(const std::vector<TrackerHash>& hashes);
Result<std::vector<TrackerHash>> decode_scrape_query(const HttpFields& query);

// Bodies. Decoding a body with a `failure reason` gives a Refused error with that reason; anything
// else that is not as PROTOCOL.md says is Corrupt.
std::string encode_announce_response(const AnnounceResponse& response);
Result<AnnounceResponse> decode_announce_response(std::string_view body);
std::string encode_scrape_response(const std::vector<SwarmCounts>& counts);
Result<std::vector<SwarmCounts>> decode_scrape_response(std::string_view body);
std::string encode_failure(std::string_view reason);

}  // namespace lockstep
