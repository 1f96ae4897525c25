// How objects travel in a simulation: messages that are late, lost, doubled, reordered or damaged,
// and a relay that stores and forwards, honestly or not. Nobody here has a key.
#pragma once

#include <queue>

#include "tests/sim/sim_device.h"

namespace lockstep::sim {

struct Message {
    enum class Kind { Heads, KeyObject, Segment, Pack };
    Kind kind = Kind::Heads;
    std::size_t from = 0, to = 0;
    Bytes bytes;              // of the object
    PackInfo pack;            // Pack
    SegmentRef segment;       // what the sender calls it
    bool is_hostile = false;  // damaged, or made by no member: whoever takes it in is broken
    bool is_suspect = false;  // its sender's disk is damaged
    // Heads: what the sender has, and which packs it lacks.
    Frontier frontier;
    std::vector<KeyObjectId> keys;
    std::vector<PackInfo> missing;
};

// Keeps every object it was given.
struct SimulatedRelay {
    bool is_hostile = false;  // withholds, replays what is old, damages
    std::vector<Message> objects;
    std::set<SegmentRef> segments;
    std::set<SegmentHash> hashes;  // of segments
    std::set<PackId> packs;
    std::set<KeyObjectId> keys;
};

// What the network does to messages.
struct Weather {
    std::uint64_t loss_percent = 5, double_percent = 5, damage_percent = 3;
    std::uint64_t delay_ms_max = 3000;
};

class SimulatedNetwork {
  public:
    SimulatedNetwork(SeededRandom& random, Counters& counters)
        : random_(random), counters_(counters) {}

    Weather weather;
    SimulatedRelay relay;

    // Devices with different sides cannot reach each other; no entry: everybody's side.
    std::map<std::size_t, std::size_t> sides;
    bool can_reach(std::size_t a, std::size_t b) const;

    // What `device` tells others about itself.
    static Message heads_of(SimDevice& device, std::size_t to);
    // The segment before one that parted from what its receiver has: where it was forked is found
    // by going back.
    static std::optional<Message> before(SimDevice& device, const Message& segment);
    // What `device` has and the sender of `heads` lacks, at most `objects_max` objects.
    static std::vector<Message> answer(SimDevice& device, const Message& heads,
                                       std::size_t objects_max);

    // What arrives is put where it belongs. A pack that is not wanted is Known.
    static Result<Added> add(Replica& replica, const Message& message);

    void send(Message message, std::int64_t now_ms);
    void upload(SimDevice& device);
    void download(SimDevice& device, std::int64_t now_ms);
    // The next message that has arrived by `now_ms`.
    std::optional<Message> receive(std::int64_t now_ms);
    void drop_everything();

  private:
    struct Flight {
        std::int64_t arrival_ms = 0;
        std::uint64_t order = 0;
        Message message;
        bool operator>(const Flight& other) const {
            return std::tie(arrival_ms, order) > std::tie(other.arrival_ms, other.order);
        }
    };
    void damage(Message& message);
    void launch(Message message, std::int64_t now_ms);

    SeededRandom& random_;
    Counters& counters_;
    std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights_;
    std::uint64_t order_ = 0;
    std::int64_t greatest_arrival_ms_ = 0;
};

}  // namespace lockstep::sim
