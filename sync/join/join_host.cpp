// The side that lets a device in. One guest is let in, once; the same attempt may come back on a
// new connection and gets the same admission.
#include "base/log.h"
#include "sync/join/join_side.h"

namespace lockstep {

namespace {

constexpr int kWrongProofsMax = 3;
constexpr std::chrono::milliseconds kLinger{500};  // for the last frame to leave

class JoinHost final : public JoinSide {
  public:
    JoinHost(const JoinDesk::Environment& environment, const InviteSecret& secret,
             const JoinHostOptions& options, const std::vector<std::string>& relays,
             const std::string& label, std::shared_ptr<JoinHostDelegate> delegate)
        : JoinSide(environment, JoinRole::Host, secret, relays, {},
                   std::chrono::steady_clock::now() + options.expires_in, label),
          delegate_(std::move(delegate)) {}

    // A guest is known to the delegate by the number of its link.
    void answer_guest(std::uint64_t guest, bool approve) override {
        auto at = links_.find(guest);
        if (at == links_.end() || !at->second.has_said_hello || at->second.is_approved ||
            is_finished())
            return;
        if (!approve || is_taken_by_other(at->second.attempt)) return refuse(guest);
        attempt_ = at->second.attempt;
        begin_offer(guest, at->second);
    }

  private:
    bool is_taken_by_other(const JoinAttempt& attempt) const {
        return (!admission_.empty() || is_admitting_) && attempt_ != attempt;
    }

    void on_proved(LinkNumber number, Link&) override { send(number, JoinHello{label_, {}}); }

    void on_hello(LinkNumber number, Link& link, const JoinHello& hello) override {
        if (std::exchange(link.has_said_hello, true)) return drop(number);
        link.attempt = hello.attempt;
        if (is_taken_by_other(hello.attempt)) return refuse(number);
        if (!attempt_.is_zero() && attempt_ == hello.attempt) return begin_offer(number, link);
        delegate_->guest_waits(number, link.digits, hello.label);
    }

    void begin_offer(LinkNumber number, Link& link) {
        link.is_approved = true;
        if (!offer_.empty()) return send_object(number, JoinObject::Offer, offer_);
        on_worker<Result<Bytes>>([delegate = delegate_] { return delegate->offer(); },
                                 [this, number](Result<Bytes> offer) {
                                     if (!offer.ok()) return finish(std::move(offer).error());
                                     offer_ = std::move(*offer);
                                     send_object(number, JoinObject::Offer, offer_);
                                 });
    }

    void on_object(LinkNumber number, Link& link, JoinObject object, Bytes bytes) override {
        if (!link.is_approved || object != JoinObject::Request) return drop(number);
        if (is_taken_by_other(link.attempt)) return refuse(number);
        if (!admission_.empty() && request_ == bytes)
            return send_object(number, JoinObject::Admission, admission_);
        if (is_admitting_ || !admission_.empty()) return drop(number);
        is_admitting_ = true;
        request_ = std::move(bytes);
        on_worker<Result<Bytes>>(
            [delegate = delegate_, request = request_] { return delegate->admit(request); },
            [this, number](Result<Bytes> admission) {
                is_admitting_ = false;
                if (!admission.ok()) {
                    refuse(number);
                    return finish(std::move(admission).error());
                }
                admission_ = std::move(*admission);
                send_object(number, JoinObject::Admission, admission_);
            });
    }

    void on_done(LinkNumber number) override {
        auto at = links_.find(number);
        if (admission_.empty() || at == links_.end() || at->second.attempt != attempt_)
            return drop(number);
        send(number, JoinDone{});
        if (std::exchange(done_, true)) return;
        env_.loop.post_after(kLinger, [this, alive = std::weak_ptr<int>(linger_)] {
            if (!alive.expired()) finish({});
        });
    }

    void on_rejected(LinkNumber number) override { drop(number); }

    void on_wrong_proof() override {
        if (++wrong_proofs_ >= kWrongProofsMax && admission_.empty() && !is_admitting_)
            finish(Error{ErrorKind::Refused, "three wrong proofs: the invitation is burnt"});
    }

    void refuse(LinkNumber number) {
        send(number, JoinRejected{});
        env_.loop.post_after(kLinger, [this, number, alive = std::weak_ptr<int>(linger_)] {
            if (!alive.expired()) drop(number);
        });
    }

    void report(const Status& status) override { delegate_->finished(status); }

    std::shared_ptr<JoinHostDelegate> delegate_;
    JoinAttempt attempt_;  // approved; zeros: none yet
    Bytes offer_, request_, admission_;
    bool is_admitting_ = false, done_ = false;
    int wrong_proofs_ = 0;
    std::shared_ptr<int> linger_ = std::make_shared<int>(0);
};

}  // namespace

std::unique_ptr<JoinSide> make_join_host(const JoinDesk::Environment& environment,
                                         const InviteSecret& secret, const JoinHostOptions& options,
                                         const std::vector<std::string>& relays,
                                         const std::string& label,
                                         std::shared_ptr<JoinHostDelegate> delegate) {
    return std::make_unique<JoinHost>(environment, secret, options, relays, label,
                                      std::move(delegate));
}

}  // namespace lockstep
