#include "relay/protocol/announce.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "relay/protocol/bencode.h"

namespace lockstep {
namespace {

constexpr std::size_t kCompactV4Size = 6;
constexpr std::size_t kCompactV6Size = 18;

Error invalid(std::string_view what) {
    return {ErrorKind::Invalid, std::string(what)};
}

// The one value of `name`; nullopt when there is none. Invalid when there are several.
Result<std::optional<std::string_view>> single(const HttpFields& query, std::string_view name) {
    std::optional<std::string_view> out;
    for (const auto& field : query) {
        if (field.name != name) continue;
        if (out) return invalid(std::string(name) + " given twice");
        out = field.value;
    }
    return out;
}

template <typename IdType>
Result<IdType> id_field(const HttpFields& query, std::string_view name) {
    TRY(auto value, single(query, name));
    if (!value) return invalid("missing " + std::string(name));
    if (value->size() != IdType::kSize) return invalid(std::string(name) + " is not 20 bytes");
    return IdType::from(as_bytes(*value));
}

// A decimal number up to `max`; `otherwise` when the field is absent.
Result<std::uint64_t> number_field(const HttpFields& query, std::string_view name,
                                   std::uint64_t max, std::optional<std::uint64_t> otherwise) {
    TRY(auto value, single(query, name));
    if (!value && otherwise) return *otherwise;
    if (!value) return invalid("missing " + std::string(name));
    std::uint64_t out = 0;
    auto [stop, error] = std::from_chars(value->data(), value->data() + value->size(), out);
    bool is_number = error == std::errc() && stop == value->data() + value->size();
    if (!is_number || out > max) return invalid("invalid " + std::string(name));
    return out;
}

Result<AnnounceEvent> event_field(const HttpFields& query) {
    TRY(auto value, single(query, "event"));
    // "paused" (BEP 21) is a partial seed that goes on serving.
    if (!value || value->empty() || *value == "empty" || *value == "paused")
        return AnnounceEvent::None;
    if (*value == "started") return AnnounceEvent::Started;
    if (*value == "stopped") return AnnounceEvent::Stopped;
    if (*value == "completed") return AnnounceEvent::Completed;
    return invalid("invalid event");
}

std::string_view event_name(AnnounceEvent event) {
    switch (event) {
        case AnnounceEvent::None:
            return "";
        case AnnounceEvent::Started:
            return "started";
        case AnnounceEvent::Stopped:
            return "stopped";
        case AnnounceEvent::Completed:
            return "completed";
    }
    return "";
}

// -1 is what some clients send for "as many as you like to give".
Result<std::uint32_t> numwant_field(const HttpFields& query) {
    TRY(auto value, single(query, "numwant"));
    if (!value || *value == "-1") return kNumwantDefault;
    TRY(std::uint64_t number,
        number_field(query, "numwant", std::numeric_limits<std::uint32_t>::max(), std::nullopt));
    return static_cast<std::uint32_t>(number);
}

std::string compact(const std::vector<PeerEndpoint>& peers, bool v4) {
    std::string out;
    for (const auto& peer : peers) {
        if (peer.is_v4() != v4) continue;
        out += as_text(peer.address);
        out += static_cast<char>(peer.port >> 8);
        out += static_cast<char>(peer.port & 0xff);
    }
    return out;
}

Status read_compact(const BencodeValue& body, std::string_view key, std::size_t size,
                    std::vector<PeerEndpoint>& out) {
    const BencodeValue* value = body.find(key);
    if (value == nullptr) return {};
    const std::string* text = value->text();
    if (text == nullptr || text->size() % size != 0)
        return Error{ErrorKind::Corrupt, std::string(key) + " is not a compact peer list"};
    ByteView rest = as_bytes(*text);
    for (; !rest.empty(); rest = rest.subspan(size)) {
        auto high = std::to_integer<unsigned>(rest[size - 2]),
             low = std::to_integer<unsigned>(rest[size - 1]);
        out.push_back(
            {to_bytes(rest.first(size - 2)), static_cast<std::uint16_t>(high << 8 | low)});
    }
    return {};
}

Result<std::uint32_t> read_number(const BencodeValue& body, std::string_view key, bool is_needed) {
    const BencodeValue* value = body.find(key);
    if (value == nullptr && !is_needed) return 0U;
    const std::int64_t* number = value == nullptr ? nullptr : value->integer();
    if (number == nullptr || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
        return Error{ErrorKind::Corrupt, "missing or invalid " + std::string(key)};
    return static_cast<std::uint32_t>(*number);
}

// The dictionary that every body is; Refused with its reason when it says failure.
Result<BencodeValue> read_body(std::string_view body) {
    TRY(BencodeValue value, decode_bencode(body));
    if (value.kind != BencodeValue::Kind::Dictionary)
        return Error{ErrorKind::Corrupt, "the answer is not a dictionary"};
    const BencodeValue* failure = value.find("failure reason");
    if (failure == nullptr) return value;
    const std::string* reason = failure->text();
    return Error{ErrorKind::Refused, reason == nullptr ? "no reason given" : *reason};
}

Result<SwarmCounts> read_counts(const std::string& hash, const BencodeValue& value) {
    if (hash.size() != TrackerHash::kSize)
        return Error{ErrorKind::Corrupt, "an info hash is not 20 bytes"};
    SwarmCounts out{.info_hash = TrackerHash::from(as_bytes(hash))};
    TRY(out.complete, read_number(value, "complete", true));
    TRY(out.downloaded, read_number(value, "downloaded", false));
    TRY(out.incomplete, read_number(value, "incomplete", true));
    return out;
}

}  // namespace

HttpFields encode_announce_query(const AnnounceRequest& request) {
    HttpFields out{{"info_hash", std::string(as_text(request.info_hash.bytes))},
                   {"peer_id", std::string(as_text(request.peer_id.bytes))},
                   {"port", std::to_string(request.port)},
                   {"uploaded", std::to_string(request.uploaded)},
                   {"downloaded", std::to_string(request.downloaded)},
                   {"left", std::to_string(request.left)},
                   {"numwant", std::to_string(request.numwant)},
                   {"compact", "1"}};
    if (request.event != AnnounceEvent::None)
        out.push_back({"event", std::string(event_name(request.event))});
    return out;
}

Result<AnnounceRequest> decode_announce_query(const HttpFields& query) {
    constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
    AnnounceRequest out;
    TRY(out.info_hash, id_field<TrackerHash>(query, "info_hash"));
    TRY(out.peer_id, id_field<PeerId>(query, "peer_id"));
    TRY(std::uint64_t port, number_field(query, "port", 0xffff, std::nullopt));
    if (port == 0) return invalid("invalid port");
    out.port = static_cast<std::uint16_t>(port);
    TRY(out.uploaded, number_field(query, "uploaded", kAny, 0));
    TRY(out.downloaded, number_field(query, "downloaded", kAny, 0));
    TRY(out.left, number_field(query, "left", kAny, 0));
    TRY(out.event, event_field(query));
    TRY(out.numwant, numwant_field(query));
    TRY(std::uint64_t wants_compact, number_field(query, "compact", 1, 1));
    if (wants_compact == 0) return invalid("only compact answers are served");
    return out;
}

HttpFields encode_scrape_query(const std::vector<TrackerHash>& hashes) {
    HttpFields out;
    for (const auto& hash : hashes) out.push_back({"info_hash", std::string(as_text(hash.bytes))});
    return out;
}

Result<std::vector<TrackerHash>> decode_scrape_query(const HttpFields& query) {
    std::vector<TrackerHash> out;
    for (const auto& field : query) {
        if (field.name != "info_hash") continue;
        if (field.value.size() != TrackerHash::kSize) return invalid("info_hash is not 20 bytes");
        if (out.size() == kScrapeHashesMax) return invalid("too many info hashes");
        out.push_back(TrackerHash::from(as_bytes(field.value)));
    }
    // Listing all swarms to whoever asks would give their names away.
    if (out.empty()) return invalid("missing info_hash");
    return out;
}

std::string encode_announce_response(const AnnounceResponse& response) {
    BencodeWriter out;
    out.begin_dictionary();
    out.text("complete").integer(response.complete);
    out.text("incomplete").integer(response.incomplete);
    out.text("interval").integer(response.interval_s);
    out.text("min interval").integer(response.min_interval_s);
    out.text("peers").text(compact(response.peers, true));
    std::string v6 = compact(response.peers, false);
    if (!v6.empty()) out.text("peers6").text(v6);
    out.end();
    return std::move(out).take();
}

Result<AnnounceResponse> decode_announce_response(std::string_view body) {
    TRY(BencodeValue value, read_body(body));
    AnnounceResponse out;
    TRY(out.interval_s, read_number(value, "interval", true));
    TRY(out.min_interval_s, read_number(value, "min interval", false));
    TRY(out.complete, read_number(value, "complete", false));
    TRY(out.incomplete, read_number(value, "incomplete", false));
    TRY_OK(read_compact(value, "peers", kCompactV4Size, out.peers));
    TRY_OK(read_compact(value, "peers6", kCompactV6Size, out.peers));
    return out;
}

std::string encode_scrape_response(const std::vector<SwarmCounts>& counts) {
    std::vector<SwarmCounts> sorted = counts;
    std::sort(sorted.begin(), sorted.end(),
              [](auto& a, auto& b) { return a.info_hash < b.info_hash; });
    auto repeated = [](auto& a, auto& b) { return a.info_hash == b.info_hash; };
    sorted.erase(std::unique(sorted.begin(), sorted.end(), repeated), sorted.end());
    BencodeWriter out;
    out.begin_dictionary().text("files").begin_dictionary();
    for (const auto& swarm : sorted) {
        out.text(as_text(swarm.info_hash.bytes)).begin_dictionary();
        out.text("complete").integer(swarm.complete);
        out.text("downloaded").integer(swarm.downloaded);
        out.text("incomplete").integer(swarm.incomplete).end();
    }
    out.end().end();
    return std::move(out).take();
}

Result<std::vector<SwarmCounts>> decode_scrape_response(std::string_view body) {
    TRY(BencodeValue value, read_body(body));
    const BencodeValue* files = value.find("files");
    if (files == nullptr || files->kind != BencodeValue::Kind::Dictionary)
        return Error{ErrorKind::Corrupt, "missing files"};
    std::vector<SwarmCounts> out;
    for (const auto& [hash, counts] : files->entries) {
        TRY(SwarmCounts one, read_counts(hash, counts));
        out.push_back(one);
    }
    return out;
}

std::string encode_failure(std::string_view reason) {
    BencodeWriter out;
    out.begin_dictionary().text("failure reason").text(reason).end();
    return std::move(out).take();
}

}  // namespace lockstep
