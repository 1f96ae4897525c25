// A simulation of several devices with one vault, from one seed: 2 to 7 real vaults on disks in
// memory, one loop, virtual time; people who edit, a network and a relay that may do anything but
// forge, disks that fail, power cuts, clocks that jump, machines restored from backups or cloned.
//
// In the end everything heals and settles, and the oracles are asked:
//   * convergence: all devices show the same, name by name and byte by byte;
//   * no lost bytes, no wrong bytes (content_ledger.h);
//   * what is seen is what the reference model makes of the published records;
//   * no directory within itself, no name twice, no content that cannot be read;
//   * nothing damaged or foreign was taken in; positions of logs never go back, and no log number
//     stands for two segments, but where a machine was cloned or restored, and then there is an
//     alarm;
//   * an index that is made anew is the one that was there; check() finds nothing;
//   * every version within the retention can be read back, whatever was collected (archive.h);
//   * all members agree on who is one and in which role, and nothing of a removed device counts
//     that lies behind the end of its logs. Who might only read for a while may write again in the
//     end, and has lost nothing;
//   * a blind member holds what all hold, each object verified, and opens nothing.
// The same seed gives the same trace.
//
// A new kind of event is a method and a row in happenings(); a new oracle a line in check().
#pragma once

#include <functional>

#include "tests/sim/simulated_network.h"
#include "tests/sim/simulated_user.h"
#include "tests/sim/witness.h"

namespace lockstep::sim {

inline constexpr std::int64_t kHourMs = 3'600'000, kYearMs = 365 * 24 * kHourMs;

inline constexpr std::size_t kSimDevicesMax = 7;

struct SimulationOptions {
    std::uint64_t seed = 1;
    std::uint64_t steps = 0;    // 0: by the seed
    std::uint64_t devices = 0;  // 0: by the seed
    // Faults beyond those of the network. Without them the seed tests merging alone.
    bool with_disk_faults = false, with_clock_jumps = false, with_rollbacks = false,
         with_forks = false;
    bool with_old_directories = false;  // vault directories are put back, and nothing else
    bool with_membership = false;       // devices are removed, adopted, retired
    bool with_collections = false;      // days pass, and packs that nothing needs are collected
    bool with_compactions = false;      // logs are put together into fewer files
    bool with_blind = false;            // one more member holds what it cannot open
    // Nothing that happens depends on how the logs lie on disks and travel: what one says to
    // another arrives at once, and power cuts take all that was not synced. Compaction changes
    // nothing then.
    bool is_calm = false;

    bool prints = false;  // the trace, while it happens
    std::string watched;  // the first line of a content: the trace says where it shows

    // What the runs of many seeds use: a mix of everything.
    static SimulationOptions of_seed(std::uint64_t seed);
};

class SimulatedWorld {
  public:
    explicit SimulatedWorld(const SimulationOptions& options);
    ~SimulatedWorld();

    // Empty when everything held; else what did not, for a person.
    std::string run();
    // What happened, one line an event; a function of the options.
    const std::vector<std::string>& trace() const { return trace_; }
    const Counters& counters() const { return counters_; }
    // What every device knows and shows now: its frontier, its tree, its index.
    std::vector<std::string> states();

  private:
    enum class Needs {
        Nothing,
        Disk,
        Clock,
        Rollback,
        Fork,
        OldDirectory,
        Membership,
        Collections
    };
    struct Happening {
        const char* name;
        std::uint64_t weight;
        Needs needs;  // of the options
        void (SimulatedWorld::*run)(SimDevice& device);
    };
    bool is_allowed(Needs needs) const;
    static const std::vector<Happening>& happenings();

    // Setting up.
    SimDevice& add_device();
    void found();
    // Happenings.
    void edit(SimDevice& device);
    void announce(SimDevice& device);
    void use_relay(SimDevice& device);
    void part_network(SimDevice& device);
    void heal_network(SimDevice& device);
    void change_weather(SimDevice& device);
    void join(SimDevice& host);
    void lock_and_unlock(SimDevice& device);
    void kill(SimDevice& device);
    void cut_power_now(SimDevice& device);
    void cut_power_later(SimDevice& device);
    void fail_disk(SimDevice& device);
    void shorten_write(SimDevice& device);
    void fill_disk(SimDevice& device);
    void heal_disk(SimDevice& device);
    void rot(SimDevice& device);
    void jump_clock(SimDevice& device);
    void back_up(SimDevice& device);
    void roll_back(SimDevice& device);
    void put_directory_back(SimDevice& device);
    void fork(SimDevice& device);
    void check_device(SimDevice& device);
    // Of membership: simulated_members.cpp.
    void revoke(SimDevice& device);
    void revoke_two(SimDevice& device);
    void retire(SimDevice& device);
    void change_role(SimDevice& device);
    void adopt(SimDevice& device);
    // Of collections: simulated_collection.cpp.
    void let_days_pass(SimDevice& device);
    void collect(SimDevice& device);
    void make_snapshot(SimDevice& device);
    void remove_snapshot(SimDevice& device);
    void look_back(SimDevice& device);

    // Of compaction, with randomness of its own: simulated_compaction.cpp.
    void compact_sometimes();
    void compact(SimDevice& device);
    static std::string known_by(SimDevice& device);
    void hand_over_compacted(SimDevice& from, const LogId& log);

    // Of a blind member, with randomness of its own: simulated_blind.cpp.
    void add_blind();
    void use_blind_sometimes();
    void check_blind();

    // The loop.
    void step();
    void watch();
    void pass_time();
    void advance(std::int64_t ms);
    bool revoke_by(SimDevice& device, SimDevice& victim);
    void note_applied(SimDevice& device);
    void publish(SimDevice& device, bool must_succeed);
    void merge(SimDevice& device);
    void deliver(Message message);
    void answer_heads(SimDevice& device, const Message& heads);
    // After anything that touched the device's disk.
    void look_after(SimDevice& device);
    void reopen(SimDevice& device, const std::function<Status()>& open, const std::string& after);
    static std::string alarms_of(SimDevice& device);
    void put_back(SimDevice& device);
    void note_positions(SimDevice& device, bool may_go_back);
    void exchange_all(SimDevice& to, SimDevice& from);
    void hand_over(SimDevice& to, SimDevice& from);
    bool are_keys_apart();
    void hand_over_branch(SimDevice& to, SimDevice& from, const Message& last);
    void note_published(SimDevice& device);

    // The end.
    void heal();
    void settle();
    void note_states();
    bool adopt_leftovers();
    void give_rights_back();
    Result<KeyState> all_keys();
    void count_members();
    bool is_member(const SimDevice& device) const;
    bool counts(std::size_t device, const std::optional<std::vector<LogCut>>& published);
    void check();
    void check_members();
    void check_history(SimDevice& device, std::int64_t wall_ms);
    void count_collections();
    void check_convergence();
    void check_promises();
    void check_index(SimDevice& device);
    void check_alarms();

    bool is_wrong() const { return !wrong_.empty(); }
    void fail(const std::string& what) {
        if (wrong_.empty()) wrong_ = what;
    }
    void note(std::string line);
    void count(const std::string& what) { ++counters_[what]; }
    SimulatedUser& user_of(SimDevice& device) { return *users_[device.number]; }
    SimDevice& random_device() { return *devices_[random_.below(devices_.size())]; }

    const SimulationOptions options_;
    SeededRandom random_;
    SeededRandom compaction_random_{options_.seed ^ 0x5e9};
    SeededRandom blind_random_{options_.seed ^ 0xb11d};
    Counters counters_;
    ContentLedger ledger_;
    SimulatedNetwork network_{random_, counters_};
    std::vector<std::unique_ptr<SimDevice>> devices_;
    std::vector<std::unique_ptr<SimulatedUser>> users_;
    std::unique_ptr<SimDevice> blind_;  // edits nothing, and is none of `devices_`
    std::int64_t now_ms_ = 0;
    std::uint64_t step_ = 0, steps_ = 0, devices_max_ = 0;
    std::int64_t retention_ms_ = 30 * 24 * 3'600'000LL;
    std::int64_t clock_ahead_ms_max_ = 0;  // the farthest that any clock stood in the future
    bool had_bad_clock_ = false;
    bool had_readers_ = false;  // somebody could have a say in collections no more, for a while
    std::map<SegmentRef, SegmentHash> segments_;
    bool is_cloned_ = false;     // two machines say that they are one device
    bool was_put_back_ = false;  // somebody's disk or directory, or it is a clone's
    bool is_forked_ = false;     // and have written two segments under one number
    bool is_stuck_ = false;      // and rightly so
    bool had_trouble_ = false;   // that may have left alarms
    std::map<std::pair<std::size_t, fs::path>, Bytes> rotten_;  // by device: what objects were
    std::set<std::size_t> removed_;  // devices that somebody removed, whether that counts or not
    std::map<std::pair<std::size_t, LogId>, std::uint64_t> adopted_;  // by whom, and how far
    std::map<LogId, std::uint64_t> applied_;  // how far those got who knew of no end of the log
    std::optional<Roster> roster_;            // in the end
    std::vector<SimDevice*> members_;         // in the end
    std::map<std::size_t, std::string> watched_places_;
    std::vector<std::string> trace_;
    std::string wrong_;
};

}  // namespace lockstep::sim
