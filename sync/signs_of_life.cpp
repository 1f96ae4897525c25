#include "sync/signs_of_life.h"

#include <algorithm>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

namespace lockstep {

namespace {

constexpr std::chrono::minutes kSignInterval{15};
constexpr std::chrono::seconds kSignDelay{60};  // after a change
constexpr std::uint64_t kFutureMsMax = 24ULL * 3600 * 1000;
// A member that signs more often is not passed on.
constexpr std::uint64_t kNewerMsMin = 20'000;
constexpr std::size_t kVerifyingMax = 64;

std::uint64_t wall_ms() {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, system_clock().wall_ms()));
}

}  // namespace

// text "lockstep sign of life 1" ‖ vault id ‖ device ‖ u64 time ‖ u32 count ‖ count × (log ‖ u64
// number ‖ hash)
Bytes SignsOfLife::transcript(const VaultId& vault, const SignOfLife& sign) {
    Encoder out;
    out.text("lockstep sign of life 1").id(vault).id(sign.device).u64(sign.time_ms);
    out.u32(static_cast<std::uint32_t>(sign.frontier.size()));
    for (const auto& [log, position] : sign.frontier)
        out.id(log).u64(position.number).id(position.hash);
    return std::move(out).take();
}

void SignsOfLife::set_members(const std::set<DeviceId>& members) {
    members_ = members;
    std::erase_if(known_, [&](const auto& each) {
        return each.first != device_ && !members_.contains(each.first);
    });
}

void SignsOfLife::on_tick(Time now, const Frontier& frontier) {
    const bool is_first = signed_ == Time{};
    const bool is_due = is_first || now - signed_ >= kSignInterval ||
                        (now - signed_ >= kSignDelay && frontier != signed_frontier_);
    if (is_due && !is_signing_) sign(frontier);
}

void SignsOfLife::sign(const Frontier& frontier) {
    is_signing_ = true;
    signed_ = std::chrono::steady_clock::now();
    signed_frontier_ = frontier;
    auto made = std::make_shared<SignOfLife>();
    made->device = device_;
    made->time_ms = wall_ms();
    // A vault with very many logs says only that it lives.
    if (frontier.size() <= kAliveLogsMax) made->frontier = frontier;
    work_->submit(
        [this, made, &loop = loop_, alive = std::weak_ptr<int>(alive_)](Replica& replica) {
            const Bytes signature = replica.sign(transcript(replica.vault_id(), *made));
            const bool is_signed = signature.size() == made->signature.size();
            if (is_signed) std::copy(signature.begin(), signature.end(), made->signature.begin());
            loop.post([this, made, is_signed, alive] {
                if (alive.expired()) return;
                is_signing_ = false;
                if (is_signed) keep(std::move(*made), 0);
            });
        });
}

void SignsOfLife::introduce(Peer& peer) {
    for (const auto& [device, sign] : known_)
        if (device != peer.member.device) peer.session.send(AliveMessage{sign});
}

void SignsOfLife::on_signs(const Peer& from, const AliveMessage& message) {
    const SignOfLife& sign = message.sign;
    if (sign.device == device_ || !members_.contains(sign.device)) return;
    if (sign.time_ms > wall_ms() + kFutureMsMax || verifying_ >= kVerifyingMax) return;
    const auto known = known_.find(sign.device);
    if (known != known_.end() && sign.time_ms < known->second.time_ms + kNewerMsMin) return;
    ++verifying_;
    work_->submit([this, sign, link = from.link, &loop = loop_,
                   alive = std::weak_ptr<int>(alive_)](Replica& replica) {
        const bool is_true =
            replica
                .verify_signature(sign.device, transcript(replica.vault_id(), sign), sign.signature)
                .ok();
        loop.post([this, sign, link, is_true, alive] {
            if (alive.expired()) return;
            --verifying_;
            if (is_true)
                keep(sign, link);
            else
                log_info("sync", "a sign of life is not by {}", sign.device.to_hex().substr(0, 8));
        });
    });
}

// The newest one goes on to everybody who may not have it.
void SignsOfLife::keep(SignOfLife sign, LinkNumber from) {
    const bool is_own = sign.device == device_;
    if (!is_own && !members_.contains(sign.device)) return;
    SignOfLife& known = known_[sign.device];
    if (known.time_ms >= sign.time_ms) return;
    known = std::move(sign);
    for (auto& [link, peer] : peers_)
        if (!peer->is_spare && link != from && peer->member.device != known.device)
            peer->session.send(AliveMessage{known});
    if (!is_own) heard_();
}

std::vector<MemberSign> SignsOfLife::signs(const Frontier& frontier) const {
    std::vector<MemberSign> out;
    for (const auto& [device, sign] : known_) {
        if (device == device_) continue;
        MemberSign one;
        one.device = device;
        one.time_ms = static_cast<std::int64_t>(sign.time_ms);
        for (const auto& [log, position] : sign.frontier) {
            auto at = frontier.find(log);
            const std::uint64_t here = at == frontier.end() ? 0 : at->second.number;
            one.unseen_segments += position.number - std::min(here, position.number);
        }
        out.push_back(one);
    }
    return out;
}

}  // namespace lockstep
