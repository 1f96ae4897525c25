#include "tests/sim/simulated_world.h"

#include <algorithm>

#include "tests/sim/archive.h"

namespace lockstep::sim {
namespace {

const char* const kLabels[kSimDevicesMax] = {"laptop", "desk",   "server", "attic",
                                             "phone",  "studio", "barn"};

// Objects of a vault that none of the simulated devices is in: what a hostile relay slips in.
const std::vector<Message>& foreign_objects() {
    static const std::vector<Message> objects = [] {
        SimDevice stranger(0, "stranger", 4711);
        CHECK(stranger.vault->found().ok());
        CHECK(stranger.vault->write("theirs", "not ours").ok());
        CHECK(stranger.vault->publish().ok());
        std::vector<Message> out = SimulatedNetwork::answer(stranger, Message{}, 100);
        for (Message& message : out) message.is_hostile = true;
        return out;
    }();
    return objects;
}

}  // namespace

SimulationOptions SimulationOptions::of_seed(std::uint64_t seed) {
    SeededRandom random(seed ^ 0x0b7);
    SimulationOptions out;
    out.seed = seed;
    out.with_compactions = SeededRandom(seed ^ 0xc0).chance(50);
    const bool may_have_old_directories = SeededRandom(seed ^ 0x01d).chance(60);
    out.with_blind = SeededRandom(seed ^ 0xb1).chance(25);
    if (random.chance(25)) return out;  // merging alone
    out.with_disk_faults = random.chance(60);
    out.with_clock_jumps = random.chance(35);
    out.with_rollbacks = random.chance(35);
    out.with_forks = random.chance(12);
    out.with_rollbacks |= out.with_forks;
    out.with_old_directories = out.with_rollbacks && may_have_old_directories;
    out.with_membership = random.chance(35);
    out.with_collections = random.chance(35);
    return out;
}

// Everything that can happen. Weights count against each other; a fault happens only where the
// options allow it.
const std::vector<SimulatedWorld::Happening>& SimulatedWorld::happenings() {
    using World = SimulatedWorld;
    static const std::vector<Happening> all = {
        {"edit", 520, Needs::Nothing, &World::edit},
        {"announce", 230, Needs::Nothing, &World::announce},
        {"relay", 50, Needs::Nothing, &World::use_relay},
        {"partition", 12, Needs::Nothing, &World::part_network},
        {"partition ends", 12, Needs::Nothing, &World::heal_network},
        {"weather", 6, Needs::Nothing, &World::change_weather},
        {"join", 6, Needs::Nothing, &World::join},
        {"lock and unlock", 6, Needs::Nothing, &World::lock_and_unlock},
        {"kill", 12, Needs::Nothing, &World::kill},
        {"power cut", 12, Needs::Nothing, &World::cut_power_now},
        {"check", 1, Needs::Nothing, &World::check_device},
        {"power cut at a call", 20, Needs::Disk, &World::cut_power_later},
        {"disk error", 16, Needs::Disk, &World::fail_disk},
        {"short write", 10, Needs::Disk, &World::shorten_write},
        {"full disk", 6, Needs::Disk, &World::fill_disk},
        {"disk heals", 24, Needs::Disk, &World::heal_disk},
        {"bit rot", 4, Needs::Disk, &World::rot},
        {"clock jump", 10, Needs::Clock, &World::jump_clock},
        {"backup", 12, Needs::Rollback, &World::back_up},
        {"rollback", 8, Needs::Rollback, &World::roll_back},
        {"clone", 10, Needs::Fork, &World::fork},
        {"old directory", 10, Needs::OldDirectory, &World::put_directory_back},
        {"revoke", 5, Needs::Membership, &World::revoke},
        {"two revoke at once", 4, Needs::Membership, &World::revoke_two},
        {"retire", 6, Needs::Membership, &World::retire},
        {"adopt", 10, Needs::Membership, &World::adopt},
        {"role", 8, Needs::Membership, &World::change_role},
        {"time passes", 16, Needs::Collections, &World::let_days_pass},
        {"collect", 24, Needs::Collections, &World::collect},
        {"look back", 4, Needs::Collections, &World::look_back},
        {"snapshot", 6, Needs::Collections, &World::make_snapshot},
        {"forget snapshot", 2, Needs::Collections, &World::remove_snapshot},
    };
    return all;
}

bool SimulatedWorld::is_allowed(Needs needs) const {
    switch (needs) {
        case Needs::Nothing:
            return true;
        case Needs::Disk:
            return options_.with_disk_faults;
        case Needs::Clock:
            return options_.with_clock_jumps;
        case Needs::Rollback:
            return options_.with_rollbacks;
        case Needs::Fork:
            return options_.with_forks;
        case Needs::OldDirectory:
            return options_.with_old_directories;
        case Needs::Membership:
            return options_.with_membership;
        case Needs::Collections:
            return options_.with_collections;
    }
    return false;
}

SimulatedWorld::SimulatedWorld(const SimulationOptions& options)
    : options_(options), random_(options.seed) {}
SimulatedWorld::~SimulatedWorld() = default;

void SimulatedWorld::note(std::string line) {
    trace_.push_back(std::to_string(now_ms_) + " " + std::move(line));
    if (!options_.prints) return;
    std::puts(trace_.back().c_str());
    std::fflush(stdout);
}

std::string SimulatedWorld::run() {
    found();
    for (step_ = 0; step_ < steps_ && !is_wrong(); ++step_) step();
    if (!is_wrong()) heal();
    if (!is_wrong()) settle();
    if (!is_wrong() && !is_stuck_) check();
    return wrong_;
}

// ---- setting up

SimDevice& SimulatedWorld::add_device() {
    const std::size_t number = devices_.size();
    devices_.push_back(
        std::make_unique<SimDevice>(number, kLabels[number], options_.seed * 16 + number));
    SimDevice& device = *devices_.back();
    device.vault->set_retention(std::chrono::milliseconds(retention_ms_));
    if (number > 0) device.clock.set_wall_ns(FakeClock::kStartNs + now_ms_ * 1'000'000);
    users_.push_back(std::make_unique<SimulatedUser>(
        SimulatedUser::World{random_, ledger_, counters_,
                             [this](std::string line) { note(std::move(line)); },
                             [this](std::string what) { fail(what); }, options_.with_collections},
        device));
    return device;
}

void SimulatedWorld::found() {
    const std::size_t at_first = std::min<std::size_t>(
        options_.devices != 0 ? options_.devices : 2 + random_.below(3), kSimDevicesMax);
    devices_max_ = at_first;
    if (options_.devices == 0) devices_max_ += random_.below(kSimDevicesMax + 1 - at_first);
    steps_ = options_.steps != 0 ? options_.steps : 80 + random_.below(160);
    if (options_.with_collections) {
        const std::int64_t retentions[] = {2 * kHourMs, 24 * kHourMs, 240 * kHourMs};
        retention_ms_ = retentions[random_.below(std::size(retentions))];
    }
    network_.relay.is_hostile = random_.chance(50);
    if (network_.relay.is_hostile) network_.relay.objects = foreign_objects();
    change_weather(add_device());
    if (Status made = devices_[0]->vault->found(); !made.ok())
        return fail("found: " + made.error().message);
    if (options_.with_collections && random_.chance(50)) {
        const SimPolicy& policy = kSimPolicies[random_.below(std::size(kSimPolicies))];
        note("the vault keeps " + std::string(policy.text));
        Status chosen =
            devices_[0]->vault->vault().history().set_retention(std::string(policy.text));
        if (!chosen.ok()) return fail("retention: " + chosen.error().message);
    }
    while (devices_.size() < at_first && !is_wrong()) join(*devices_[0]);
    for (auto& device : devices_) exchange_all(*device, *devices_[0]);
    add_blind();
}

void SimulatedWorld::join(SimDevice& host) {
    if (devices_.size() >= devices_max_ || host.has_disk_trouble || host.has_rot) return;
    SimDevice& guest = add_device();
    const MemberRole role = random_.chance(50) ? MemberRole::Owner : MemberRole::Writer;
    Status joined = guest.vault->join(*host.vault, role);
    note(guest.label() + " joins through " + host.label());
    if (joined.ok()) return count("join");
    // A writer admits nobody; a device that was removed, nobody who could read what is written now.
    if (joined.error().kind != ErrorKind::Refused && !removed_.contains(host.number))
        return fail("join: " + joined.error().message);
    users_.pop_back();
    devices_.pop_back();
}

// ---- the loop

void SimulatedWorld::step() {
    watch();
    pass_time();
    if (is_wrong()) return;
    std::uint64_t total = 0;
    for (const Happening& each : happenings())
        if (is_allowed(each.needs)) total += each.weight;
    std::uint64_t at = random_.below(total);
    for (const Happening& each : happenings()) {
        if (!is_allowed(each.needs)) continue;
        if (at >= each.weight) {
            at -= each.weight;
            continue;
        }
        SimDevice& device = random_device();
        (this->*each.run)(device);
        look_after(device);
        break;
    }
    if (!is_wrong()) compact_sometimes();
    if (!is_wrong()) use_blind_sometimes();
}

// Prints where the watched content shows, whenever that changes.
void SimulatedWorld::watch() {
    if (options_.watched.empty()) return;
    for (auto& device : devices_) {
        std::string places;
        for (const auto& [path, bytes] : Witness::shown_by(*device).bytes)
            if (bytes.starts_with(options_.watched + "\n")) places += " " + path;
        if (std::exchange(watched_places_[device->number], places) != places)
            note("  " + device->label() + " shows '" + options_.watched + "' as:" + places);
    }
}

void SimulatedWorld::pass_time() {
    const auto ms = static_cast<std::int64_t>(random_.chance(5) ? 1 + random_.below(20000)
                                                                : 1 + random_.below(400));
    advance(ms);
    while (auto message = network_.receive(now_ms_)) {
        deliver(*std::move(message));
        if (is_wrong()) return;
    }
    for (auto& device : devices_) {
        const auto due = device->vault->vault().publish_due();
        if (due && *due <= device->clock.steady()) publish(*device, false);
        look_after(*device);
    }
}

void SimulatedWorld::advance(std::int64_t ms) {
    now_ms_ += ms;
    for (auto& device : devices_) device->clock.advance(std::chrono::milliseconds(ms));
}

// What was written to files that are closed lies in segments now.
void SimulatedWorld::note_published(SimDevice& device) {
    if (!device.vault->is_open()) return;
    ledger_.make_durable(device.number);
    // A log with a damaged segment cannot be counted.
    if (options_.with_membership && device.handles.empty() && !device.has_rot)
        ledger_.publish(device.number, device.replica().cuts_of(device.id()));
}

void SimulatedWorld::publish(SimDevice& device, bool must_succeed) {
    Status published = device.vault->publish();
    // A log that another machine has written, too, is given up for a new one.
    if (!published.ok() && published.error().kind == ErrorKind::Conflict) {
        count("publish: another log");
        published = device.vault->publish();
    }
    note(device.label() + " publishes" + (published.ok() ? "" : ": " + published.error().message));
    if (published.ok()) {
        count("publish");
        return note_published(device);
    }
    if (removed_.contains(device.number) && !must_succeed) return;
    // After two revocations at once an owner must make an epoch first.
    if (published.error().kind == ErrorKind::Refused && !removed_.empty() && !must_succeed) return;
    if (must_succeed || (!device.has_disk_trouble && !device.has_rot))
        fail(device.label() + ": publish: " + published.error().message);
}

void SimulatedWorld::merge(SimDevice& device) {
    auto merged = device.vault->vault().merge();
    if (merged.ok() && *merged > 0) {
        count("merge");
        note(device.label() + " merges " + std::to_string(*merged));
    }
    if (!merged.ok() && !device.has_disk_trouble && !device.has_rot &&
        !removed_.contains(device.number))
        fail(device.label() + ": merge: " + merged.error().message);
}

void SimulatedWorld::deliver(Message message) {
    SimDevice& device = *devices_[message.to];
    if (message.kind == Message::Kind::Heads) return answer_heads(device, message);
    const char* what = message.kind == Message::Kind::KeyObject ? "key object"
                       : message.kind == Message::Kind::Segment ? "segment"
                                                                : "pack";
    const std::size_t compacted = device.replica().compacted_here().size();
    Result<Added> added = SimulatedNetwork::add(device.replica(), message);
    if (added.ok() && *added == Added::Stored &&
        device.replica().compacted_here().size() > compacted)
        count("compaction: taken for what it stands for");
    if (message.kind == Message::Kind::Pack && added.ok() && *added == Added::Known) return;
    if (added.ok() && *added == Added::Apart)
        if (auto before = SimulatedNetwork::before(*devices_[message.from], message)) {
            count("fork: looked for");
            network_.send(std::move(*before), now_ms_);
        }
    if (added.ok() && *added == Added::Stored) {
        note(device.label() + " takes a " + what + " from " + std::to_string(message.from));
        if (message.is_hostile)
            return fail(device.label() + " takes a damaged or foreign " + std::string(what));
        count(std::string("taken: ") + what);
    }
    if (message.is_hostile && !added.ok()) count(std::string("refused: ") + what);
    if (!added.ok() && !message.is_hostile && !message.is_suspect && !device.has_disk_trouble &&
        !device.has_rot && added.error().kind != ErrorKind::Refused &&
        added.error().kind != ErrorKind::WrongKey && !removed_.contains(device.number) &&
        !removed_.contains(message.from))
        return fail(device.label() + ": a good " + what + " is refused: " + added.error().message);
    look_after(device);
    if (random_.chance(70)) merge(device);
    look_after(device);
}

void SimulatedWorld::answer_heads(SimDevice& device, const Message& heads) {
    const std::size_t objects_max = random_.chance(60) ? 1000 : 1 + random_.below(4);
    for (Message& message : SimulatedNetwork::answer(device, heads, objects_max))
        network_.send(std::move(message), now_ms_);
    look_after(device);
}

void SimulatedWorld::look_after(SimDevice& device) {
    if (is_wrong()) return;
    if (device.vault->disk().is_powered_off()) {
        count("fault: power cut at a call");
        const std::uint64_t seed = random_.u64();
        reopen(
            device, [&] { return device.vault->crash_and_reopen(seed); },
            "a power cut at a call of the disk");
    }
    note_positions(device, device.has_rot);
}

// Opens a vault whose process or machine has stopped; sometimes the power fails again meanwhile.
void SimulatedWorld::reopen(SimDevice& device, const std::function<Status()>& open,
                            const std::string& after) {
    note(device.label() + " stops: " + after);
    device.handles.clear();
    ledger_.crash(device.number);
    device.vault->disk().set_full(false);
    Status opened = open();
    if (!opened.ok() && device.vault->disk().is_powered_off())
        opened = device.vault->crash_and_reopen(random_.u64());
    device.vault->disk().clear_failures();
    if (!opened.ok() && device.has_disk_trouble) opened = device.vault->kill_and_reopen();
    device.has_disk_trouble = false;
    if (!opened.ok() && device.has_rot) {
        count("rot: keeps a vault from opening");
        put_back(device);
        opened = device.vault->kill_and_reopen();
    }
    if (!opened.ok() && removed_.contains(device.number) &&
        opened.error().kind == ErrorKind::WrongKey)
        return count("membership: locked out");
    if (!opened.ok())
        fail(device.label() + " cannot open again after " + after + ": " + opened.error().message);
}

std::string SimulatedWorld::alarms_of(SimDevice& device) {
    std::string out;
    for (const std::string& alarm : device.vault->vault().status().alarms) out += "; " + alarm;
    return out;
}

// A person puts back what was damaged.
void SimulatedWorld::put_back(SimDevice& device) {
    for (auto& [place, bytes] : rotten_)
        if (place.first == device.number) device.vault->disk().put(place.second, bytes);
}

void SimulatedWorld::note_positions(SimDevice& device, bool may_go_back) {
    if (is_wrong()) return;
    const Frontier now = device.vault->vault().replica()->frontier();
    for (const auto& [log, last] : device.high_water) {
        const auto at = now.find(log);
        // What lies behind the end of a log is kept aside from the next start on.
        const auto end = device.replica().end_of(log);
        const std::uint64_t wanted = end ? std::min(end->number, last.number) : last.number;
        if (!may_go_back && !is_cloned_ && (at == now.end() ? 0 : at->second.number) < wanted)
            return fail(device.label() + ": log " + log.to_hex().substr(0, 8) + " went back from " +
                        std::to_string(last.number) + alarms_of(device));
    }
    device.high_water = now;
    note_applied(device);
    for (const auto& [log, last] : now) {
        const auto [known, is_new] = segments_.emplace(SegmentRef{log, last.number}, last.hash);
        if (is_new || known->second == last.hash) continue;
        is_forked_ = true;
        if (!is_cloned_)
            return fail("one number stands for two segments of log " + log.to_hex().substr(0, 8));
    }
}

void SimulatedWorld::exchange_all(SimDevice& to, SimDevice& from) {
    if (&to == &from) return;
    if (options_.with_membership) return hand_over(to, from);
    // What lies in one file comes at once, a fork's branches else one after the other.
    for (int round = 0; round < (options_.is_calm ? 8 : 1) && !is_wrong(); ++round) {
        const Frontier before = to.replica().frontier();
        auto taken = to.vault->pull(*from.vault);
        if (!taken.ok()) fail(to.label() + " pulls: " + taken.error().message);
        if (to.replica().frontier() == before) break;
    }
}

// All that one has and the other lacks. Among members and those that are none any more much is
// refused, with reason.
void SimulatedWorld::hand_over(SimDevice& to, SimDevice& from) {
    const bool may_fail = removed_.contains(to.number) || removed_.contains(from.number);
    // The packs come when the segments that introduce them are there.
    for (int round = 0; round < 2 && !is_wrong(); ++round) {
        const Message heads = SimulatedNetwork::heads_of(to, from.number);
        for (const Message& message : SimulatedNetwork::answer(from, heads, 100'000)) {
            Result<Added> added = SimulatedNetwork::add(to.replica(), message);
            if (added.ok() && *added == Added::Apart) hand_over_branch(to, from, message);
            // Before the next message tells of a removal.
            if (message.kind == Message::Kind::Segment) note_applied(to);
            if (!added.ok())
                note("  " + to.label() + " refuses from " + from.label() + ": " +
                     added.error().message);
            if (added.ok() || may_fail || added.error().kind == ErrorKind::Refused ||
                added.error().kind == ErrorKind::WrongKey)
                continue;
            return fail(to.label() + " takes from " + from.label() + ": " + added.error().message);
        }
    }
    merge(to);
}

// Where the log was forked: back to what is here, and from there on.
void SimulatedWorld::hand_over_branch(SimDevice& to, SimDevice& from, const Message& last) {
    std::vector<Message> branch{last};
    while (auto before = SimulatedNetwork::before(from, branch.back())) {
        branch.push_back(*std::move(before));
        auto added = SimulatedNetwork::add(to.replica(), branch.back());
        if (!added.ok() || *added != Added::Apart) break;
    }
    for (; !branch.empty(); branch.pop_back())
        static_cast<void>(SimulatedNetwork::add(to.replica(), branch.back()).ok());
}

// ---- what happens

void SimulatedWorld::edit(SimDevice& device) {
    user_of(device).edit();
}

void SimulatedWorld::announce(SimDevice& device) {
    SimDevice& to = random_device();
    if (&to == &device) return;
    if (options_.is_calm) {
        if (!network_.can_reach(device.number, to.number)) return;
        exchange_all(device, to);
        if (!is_wrong()) note(device.label() + " hears of " + to.label() + ": " + known_by(device));
        return;
    }
    network_.send(SimulatedNetwork::heads_of(device, to.number), now_ms_);
}

void SimulatedWorld::use_relay(SimDevice& device) {
    if (options_.is_calm) return;
    network_.upload(device);
    network_.download(random_device(), now_ms_);
}

void SimulatedWorld::part_network(SimDevice&) {
    network_.sides.clear();
    for (const auto& device : devices_) network_.sides[device->number] = random_.below(2);
    note("the network parts");
    count("network: partition");
}

void SimulatedWorld::heal_network(SimDevice&) {
    network_.sides.clear();
    note("the network is whole");
}

void SimulatedWorld::change_weather(SimDevice&) {
    Weather& weather = network_.weather;
    weather.loss_percent = random_.below(30);
    weather.double_percent = random_.below(20);
    weather.damage_percent = random_.below(15);
    weather.delay_ms_max = random_.chance(30) ? 20000 : 200 + random_.below(3000);
}

void SimulatedWorld::check_device(SimDevice& device) {
    if (device.has_disk_trouble) return;
    auto report = device.vault->vault().check();
    count("check");
    if (!report.ok()) return fail(device.label() + ": check: " + report.error().message);
    if (!report->errors.empty() && !had_trouble_)
        fail(device.label() + ": check: " + report->errors.front());
}

}  // namespace lockstep::sim
