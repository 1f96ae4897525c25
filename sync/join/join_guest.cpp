// The side that is let in.
//
// A host may be reached by several links at once, each with digits of its own. The guest speaks on
// one of them, so that both screens show the digits of that one; the others wait until it breaks.
#include <algorithm>
#include <iterator>

#include "base/http/url.h"
#include "base/random.h"
#include "sync/join/join_side.h"
#include "sync/relay_url.h"

namespace lockstep {

namespace {

constexpr std::chrono::seconds kDoneWait{3};  // for the host's last word, once the vault is here
constexpr std::chrono::seconds kDnsRetry{10};
constexpr std::size_t kGuestRelaysMax = 64;

std::vector<std::string> announce_urls(const std::vector<std::string>& relays) {
    std::vector<std::string> out;
    for (const std::string& url : relays)
        if (parse_relay_url(url).ok()) out.push_back(relay_announce_url(url));
    return out;
}

class JoinGuest final : public JoinSide {
  public:
    JoinGuest(const JoinDesk::Environment& environment, const JoinTicket& ticket,
              std::shared_ptr<JoinGuestDelegate> delegate)
        : JoinSide(environment, JoinRole::Guest, ticket.secret, announce_urls(ticket.relays),
                   ticket.addresses, std::chrono::steady_clock::now() + ticket.timeout,
                   ticket.guest_label),
          delegate_(std::move(delegate)),
          attempt_(system_random().id<JoinAttempt>()),
          relays_(announce_urls(ticket.relays)) {
        std::copy_if(ticket.relays.begin(), ticket.relays.end(), std::back_inserter(domains_),
                     [](const std::string& url) { return parse_srv_url(url).ok(); });
    }

  private:
    void link_closed(LinkNumber number) override {
        JoinSide::link_closed(number);
        choose_link();
    }

    void on_proved(LinkNumber, Link&) override { choose_link(); }

    void on_hello(LinkNumber number, Link& link, const JoinHello& hello) override {
        if (std::exchange(link.has_said_hello, true)) return drop(number);
        link.label = hello.label;
        if (spoken_ == number) show_digits(link);
    }

    // Keeps to the link that it speaks on as long as there is one.
    void choose_link() {
        if (is_finished() || (spoken_ && links_.contains(*spoken_))) return;
        spoken_.reset();
        for (auto& [number, link] : links_) {
            if (!link.is_proved) continue;
            spoken_ = number;
            send(number, JoinHello{label_, attempt_});
            if (link.has_said_hello) show_digits(link);
            return;
        }
    }

    void show_digits(const Link& link) {
        if (request_.empty()) delegate_->waits_for_approval(link.digits, link.label);
    }

    void on_object(LinkNumber number, Link&, JoinObject object, Bytes bytes) override {
        if (object == JoinObject::Offer) return on_offer(number, std::move(bytes));
        if (object != JoinObject::Admission || request_.empty()) return drop(number);
        if (is_admitted_) return send(number, JoinDone{});
        if (std::exchange(is_finishing_, true)) return;
        on_worker<Status>([delegate = delegate_, bytes] { return delegate->admitted(bytes); },
                          [this, number](Status status) {
                              if (!status.ok()) return finish(status);
                              is_admitted_ = true;
                              admitted_at_ = std::chrono::steady_clock::now();
                              send(number, JoinDone{});
                          });
    }

    void on_offer(LinkNumber number, Bytes offer) {
        if (!request_.empty()) return send_object(number, JoinObject::Request, request_);
        if (std::exchange(is_requesting_, true)) return;
        on_worker<Result<Bytes>>([delegate = delegate_, offer] { return delegate->request(offer); },
                                 [this, number](Result<Bytes> request) {
                                     if (!request.ok()) return finish(std::move(request).error());
                                     request_ = std::move(*request);
                                     send_object(number, JoinObject::Request, request_);
                                 });
    }

    void on_done(LinkNumber number) override {
        if (!is_admitted_) return drop(number);
        finish({});
    }

    void on_rejected(LinkNumber) override {
        if (!is_admitted_) finish(Error{ErrorKind::Refused, "the other side said no"});
    }

    // The relays of the ticket's domains, too, as soon as DNS names them.
    void ask_for_relays(std::chrono::steady_clock::time_point now) {
        if (domains_.empty() || now < next_question_) return;
        next_question_ = std::chrono::steady_clock::time_point::max();
        on_worker<Found>(
            [domains = domains_, resolve = env_.resolve] { return find_relays(domains, resolve); },
            [this](const Found& found) { take_relays(found); });
    }

    struct Found {
        std::vector<std::string> relays{};
        std::vector<std::string> unanswered{};  // domains
    };
    static Found find_relays(
        const std::vector<std::string>& domains,
        const std::function<Result<SrvAnswer>(const std::string& domain)>& resolve) {
        Found out;
        for (const std::string& url : domains) {
            SrvUrl domain = parse_srv_url(url).value();
            auto answer = resolve(domain.domain);
            if (!answer.ok()) {
                out.unanswered.push_back(url);
                continue;
            }
            for (const SrvRecord& record : answer->records)
                out.relays.push_back(srv_relay_url(record, domain.is_tls));
        }
        return out;
    }

    void take_relays(const Found& found) {
        domains_ = found.unanswered;
        next_question_ = std::chrono::steady_clock::now() + kDnsRetry;
        std::size_t known = relays_.size();
        for (const std::string& url : announce_urls(found.relays))
            if (std::count(relays_.begin(), relays_.end(), url) == 0 &&
                relays_.size() < kGuestRelaysMax)
                relays_.push_back(url);
        if (relays_.size() != known && !is_finished()) set_relays(relays_);
    }

    // Somebody in the swarm who does not know the secret: not our host.
    void on_wrong_proof() override {}

    void on_tick(std::chrono::steady_clock::time_point now) override {
        if (is_admitted_ && now - admitted_at_ > kDoneWait) return finish({});
        ask_for_relays(now);
        choose_link();
    }

    void report(const Status& status) override { delegate_->finished(status); }

    std::shared_ptr<JoinGuestDelegate> delegate_;
    JoinAttempt attempt_;
    std::optional<LinkNumber> spoken_;
    Bytes request_;
    bool is_requesting_ = false, is_finishing_ = false, is_admitted_ = false;
    std::chrono::steady_clock::time_point admitted_at_{};
    std::vector<std::string> relays_;   // announce URLs
    std::vector<std::string> domains_;  // srv: entries that DNS has not answered for
    std::chrono::steady_clock::time_point next_question_{};
};

}  // namespace

std::unique_ptr<JoinSide> make_join_guest(const JoinDesk::Environment& environment,
                                          const JoinTicket& ticket,
                                          std::shared_ptr<JoinGuestDelegate> delegate) {
    return std::make_unique<JoinGuest>(environment, ticket, std::move(delegate));
}

}  // namespace lockstep
