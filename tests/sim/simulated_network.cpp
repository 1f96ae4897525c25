#include "tests/sim/simulated_network.h"

#include <algorithm>

#include "vault/log/segment.h"

namespace lockstep::sim {
namespace {

constexpr std::size_t kSideOfAll = ~std::size_t{0};

}  // namespace

bool SimulatedNetwork::can_reach(std::size_t a, std::size_t b) const {
    const auto side = [&](std::size_t device) {
        const auto at = sides.find(device);
        return at == sides.end() ? kSideOfAll : at->second;
    };
    return side(a) == side(b);
}

Message SimulatedNetwork::heads_of(SimDevice& device, std::size_t to) {
    Replica& replica = *device.vault->vault().replica();
    Message out;
    out.from = device.number;
    out.to = to;
    out.frontier = replica.frontier();
    out.keys = replica.key_objects();
    out.missing = replica.missing_packs();
    return out;
}

std::optional<Message> SimulatedNetwork::before(SimDevice& device, const Message& segment) {
    if (segment.segment.number < 2) return std::nullopt;
    Message out;
    out.kind = Message::Kind::Segment;
    out.from = segment.from;
    out.to = segment.to;
    out.segment = {segment.segment.log, segment.segment.number - 1};
    auto bytes = device.vault->vault().replica()->read_segment(out.segment);
    if (!bytes.ok()) return std::nullopt;
    out.bytes = *std::move(bytes);
    out.is_suspect = device.has_rot;
    return out;
}

std::vector<Message> SimulatedNetwork::answer(SimDevice& device, const Message& heads,
                                              std::size_t objects_max) {
    std::vector<Message> out;
    VaultReplica& replica = device.replica();
    const auto add = [&](Message::Kind kind, Result<Bytes> bytes, const PackInfo& pack,
                         const SegmentRef& segment = {}) {
        if (!bytes.ok()) return;
        Message message;
        message.kind = kind;
        message.from = device.number;
        message.to = heads.from;
        message.bytes = *std::move(bytes);
        message.pack = pack;
        message.segment = segment;
        message.is_suspect = device.has_rot;
        out.push_back(std::move(message));
    };
    for (const KeyObjectId& id : replica.key_objects())
        if (!std::binary_search(heads.keys.begin(), heads.keys.end(), id))
            add(Message::Kind::KeyObject, replica.read_key_object(id), {});
    for (const auto& [log, last] : replica.frontier()) {
        const auto at = heads.frontier.find(log);
        const std::uint64_t have = at == heads.frontier.end() ? 0 : at->second.number;
        // Where they have another segment under the same number they get ours: it was forked.
        if (have > 0 && have <= last.number && !at->second.hash.is_zero()) {
            auto ours = replica.hash_of({log, have});
            if (ours.ok() && *ours != at->second.hash)
                add(Message::Kind::Segment, replica.read_segment({log, have}), {}, {log, have});
        }
        for (std::uint64_t number = have + 1; number <= last.number; ++number) {
            if (out.size() >= objects_max) return out;
            auto object = replica.read_segment({log, number});
            // One that stands for several goes once.
            if (object.ok() && !out.empty() && out.back().bytes == *object) continue;
            add(Message::Kind::Segment, std::move(object), {}, {log, number});
        }
    }
    for (const PackInfo& pack : heads.missing) {
        if (out.size() >= objects_max) return out;
        if (replica.has_pack(pack.id))
            add(Message::Kind::Pack, replica.read_pack(pack.id, 0, pack.length), pack);
    }
    return out;
}

Result<Added> SimulatedNetwork::add(Replica& replica, const Message& message) {
    if (message.kind == Message::Kind::KeyObject) return replica.add_key_object(message.bytes);
    if (message.kind == Message::Kind::Segment) return replica.add_segment(message.bytes);
    const auto missing = replica.missing_packs();
    if (std::find(missing.begin(), missing.end(), message.pack) == missing.end())
        return Added::Known;
    TRY_OK(replica.add_pack(message.pack, message.bytes));
    return Added::Stored;
}

void SimulatedNetwork::damage(Message& message) {
    if (message.bytes.empty()) return;
    if (random_.chance(20)) {
        message.bytes.resize(random_.below(message.bytes.size()));
    } else {
        message.bytes[random_.below(message.bytes.size())] ^=
            static_cast<std::byte>(1 + random_.below(255));
    }
    message.is_hostile = true;
}

void SimulatedNetwork::launch(Message message, std::int64_t now_ms) {
    const auto delay = static_cast<std::int64_t>(random_.below(weather.delay_ms_max + 1));
    const std::int64_t arrival = now_ms + delay;
    if (arrival < greatest_arrival_ms_) ++counters_["network: reordered"];
    greatest_arrival_ms_ = std::max(greatest_arrival_ms_, arrival);
    flights_.push({arrival, ++order_, std::move(message)});
}

void SimulatedNetwork::send(Message message, std::int64_t now_ms) {
    if (!can_reach(message.from, message.to) || random_.chance(weather.loss_percent)) {
        ++counters_["network: lost"];
        return;
    }
    if (random_.chance(weather.double_percent)) {
        ++counters_["network: doubled"];
        launch(message, now_ms);
    }
    if (random_.chance(weather.damage_percent)) damage(message);
    if (message.is_hostile) ++counters_["network: damaged"];
    launch(std::move(message), now_ms);
}

void SimulatedNetwork::upload(SimDevice& device) {
    Message heads;
    for (const SegmentRef& ref : relay.segments) {
        LogPosition& last = heads.frontier[ref.log];
        last.number = std::max(last.number, ref.number);
    }
    heads.keys.assign(relay.keys.begin(), relay.keys.end());
    for (const auto& [log, last] : device.vault->vault().replica()->frontier())
        for (std::uint64_t number = 1; number <= last.number; ++number) {
            auto packs = device.vault->vault().replica()->packs_of({log, number});
            if (!packs.ok()) continue;
            for (const PackInfo& pack : *packs)
                if (!relay.packs.contains(pack.id)) heads.missing.push_back(pack);
        }
    for (Message& message : answer(device, heads, 1000)) {
        bool is_new = true;
        if (message.kind == Message::Kind::Segment) {
            auto header = read_segment_header(message.bytes);
            if (header.ok()) relay.segments.insert({header->log, header->number});
            is_new = header.ok() && relay.hashes.insert(segment_hash(message.bytes)).second;
        }
        if (message.kind == Message::Kind::Pack)
            is_new = relay.packs.insert(message.pack.id).second;
        if (is_new) relay.objects.push_back(std::move(message));
    }
    for (const KeyObjectId& id : device.vault->vault().replica()->key_objects())
        relay.keys.insert(id);
    ++counters_["relay: uploads"];
}

void SimulatedNetwork::download(SimDevice& device, std::int64_t now_ms) {
    Replica& replica = *device.vault->vault().replica();
    const Frontier have = replica.frontier();
    const auto keys = replica.key_objects();
    ++counters_["relay: downloads"];
    std::size_t sent = 0;
    for (const Message& object : relay.objects) {
        if (sent >= 40) break;
        bool is_wanted = object.kind == Message::Kind::KeyObject;
        if (object.kind == Message::Kind::Pack) is_wanted = !replica.has_pack(object.pack.id);
        if (object.kind == Message::Kind::Segment) {
            auto header = read_segment_header(object.bytes);
            const auto at = header.ok() ? have.find(header->log) : have.end();
            is_wanted = at == have.end() || header->number > at->second.number;
        }
        Message copy = object;
        copy.to = device.number;
        if (relay.is_hostile) {
            if (is_wanted && random_.chance(40)) {
                ++counters_["relay: withheld"];
                continue;
            }
            if (!is_wanted && random_.chance(20)) {
                is_wanted = true;
                ++counters_["relay: replayed"];
            }
            if (is_wanted && random_.chance(15)) {
                damage(copy);
                ++counters_["relay: damaged"];
            }
        }
        if (!is_wanted) continue;
        ++sent;
        launch(std::move(copy), now_ms);
    }
}

std::optional<Message> SimulatedNetwork::receive(std::int64_t now_ms) {
    if (flights_.empty() || flights_.top().arrival_ms > now_ms) return std::nullopt;
    Message out = flights_.top().message;
    flights_.pop();
    return out;
}

void SimulatedNetwork::drop_everything() {
    flights_ = {};
}

}  // namespace lockstep::sim
