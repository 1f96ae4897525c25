// What a host's and a guest's side of a join have in common: the swarm, its links, handshakes,
// objects in parts. THREADS: ls-sync.
#pragma once

#include "sync/join/join_desk.h"
#include "sync/join/join_handshake.h"
#include "sync/join/join_messages.h"

namespace lockstep {

class JoinSide : public SwarmOwner {
  public:
    JoinSide(const JoinDesk::Environment& environment, JoinRole role, const InviteSecret& secret,
             const std::vector<std::string>& relays, const std::vector<PeerAddress>& addresses,
             std::chrono::steady_clock::time_point deadline, std::string label);
    ~JoinSide() override;

    // Calls the delegate's finished(), once, and leaves the swarm; the object is to be removed.
    void finish(const Status& status);
    bool is_finished() const { return finished_; }
    void tick(std::chrono::steady_clock::time_point now);
    JoinRole role() const { return role_; }
    virtual void answer_guest(std::uint64_t, bool) {}
    void set_relays(const std::vector<std::string>& relays) {
        env_.swarms.set_relays(swarm_, relays);
    }

    void link_opened(SwarmNumber swarm, LinkNumber link, LinkSide side,
                     const PeerAddress& remote) override;
    void link_frame(LinkNumber link, std::shared_ptr<InboundFrame> frame) override;
    void link_closed(LinkNumber link) override;
    void relay_answered(const std::string&, bool, const std::string&) override {}
    void relay_admitted(SwarmNumber, const std::string&, const std::string&) override {}
    void relay_present(SwarmNumber swarm, const std::string& relay,
                       const std::vector<MemberName>& members) override;

  protected:
    struct Link {
        std::unique_ptr<JoinHandshake> handshake;
        SessionCipher cipher;
        bool is_proved = false;
        std::string digits;
        std::string label;  // guest: what the host calls itself
        std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
        Bytes object;  // the one that is coming in parts
        // Host:
        bool has_said_hello = false, is_approved = false;
        JoinAttempt attempt;
    };

    // The other side has proved the secret, and says something.
    virtual void on_proved(LinkNumber number, Link& link) = 0;
    virtual void on_hello(LinkNumber number, Link& link, const JoinHello& hello) = 0;
    virtual void on_object(LinkNumber number, Link& link, JoinObject object, Bytes bytes) = 0;
    virtual void on_rejected(LinkNumber number) = 0;
    virtual void on_done(LinkNumber number) = 0;
    virtual void on_wrong_proof() = 0;
    virtual void report(const Status& status) = 0;  // to the delegate
    virtual void on_tick(std::chrono::steady_clock::time_point) {}

    void send(LinkNumber number, const JoinMessage& message);
    void send_object(LinkNumber number, JoinObject object, ByteView bytes);
    void drop(LinkNumber number);
    // Runs `work` on a worker and `then` back here, unless the side has gone meanwhile.
    template <typename T>
    void on_worker(std::function<T()> work, std::function<void(T)> then) {
        env_.workers.submit([work = std::move(work), then = std::move(then),
                             alive = std::weak_ptr<int>(alive_), &loop = env_.loop] {
            auto result = std::make_shared<T>(work());
            loop.post([then, alive, result] {
                if (!alive.expired()) then(std::move(*result));
            });
        });
    }

    JoinDesk::Environment env_;
    std::string label_;
    std::map<LinkNumber, Link> links_;

  private:
    void receive(LinkNumber number, Link& link, ByteView frame);
    void dial_through_relays(std::chrono::steady_clock::time_point now);
    void on_part(LinkNumber number, Link& link, JoinPart part);

    JoinRole role_;
    InviteSecret secret_;
    SwarmNumber swarm_ = 0;
    std::chrono::steady_clock::time_point deadline_;
    bool finished_ = false;
    // When to ask whom at which relay for a tunnel; the guest alone does.
    std::map<std::pair<std::string, MemberName>, std::chrono::steady_clock::time_point> present_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

std::unique_ptr<JoinSide> make_join_host(const JoinDesk::Environment& environment,
                                         const InviteSecret& secret, const JoinHostOptions& options,
                                         const std::vector<std::string>& relays,
                                         const std::string& label,
                                         std::shared_ptr<JoinHostDelegate> delegate);
std::unique_ptr<JoinSide> make_join_guest(const JoinDesk::Environment& environment,
                                          const JoinTicket& ticket,
                                          std::shared_ptr<JoinGuestDelegate> delegate);

}  // namespace lockstep
