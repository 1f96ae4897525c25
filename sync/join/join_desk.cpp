#include "sync/join/join_desk.h"

#include "sync/join/join_side.h"

namespace lockstep {

JoinDesk::JoinDesk(const Environment& environment) : env_(environment) {}
JoinDesk::~JoinDesk() = default;

void JoinDesk::host(JoinNumber number, const InviteSecret& secret, const JoinHostOptions& options,
                    const std::vector<std::string>& relays, const std::string& label,
                    std::shared_ptr<JoinHostDelegate> delegate) {
    sides_[number] = make_join_host(env_, secret, options, relays, label, std::move(delegate));
}

void JoinDesk::join(JoinNumber number, const JoinTicket& ticket,
                    std::shared_ptr<JoinGuestDelegate> delegate) {
    sides_[number] = make_join_guest(env_, ticket, std::move(delegate));
}

void JoinDesk::answer_guest(JoinNumber number, std::uint64_t guest, bool approve) {
    auto at = sides_.find(number);
    if (at != sides_.end()) at->second->answer_guest(guest, approve);
}

void JoinDesk::cancel(JoinNumber number) {
    auto at = sides_.find(number);
    if (at != sides_.end()) at->second->finish(Error{ErrorKind::Cancelled, "cancelled"});
}

void JoinDesk::cancel_all() {
    for (auto& [number, side] : sides_) side->finish(Error{ErrorKind::Cancelled, "cancelled"});
}

void JoinDesk::set_relays(const std::vector<std::string>& relays) {
    for (auto& [number, side] : sides_)
        if (side->role() == JoinRole::Host) side->set_relays(relays);
}

void JoinDesk::tick() {
    for (auto& [number, side] : sides_) side->tick(std::chrono::steady_clock::now());
    std::erase_if(sides_, [](const auto& item) { return item.second->is_finished(); });
}

}  // namespace lockstep
