// The presence of one vault on this device: rules, the packs that follow from them, and promises.
//
// It works while the vault is locked: then nothing more is wanted than was before, and promises are
// given all the same. The unlocked vault attaches its ContentSide, which understands bytes.
//
// Promises (sync/PROTOCOL.md, "Promises"): a device that is evicting a pack gives no promise for
// it, and one that has given a promise does not begin to evict. Both are decided under one mutex,
// and a promise is durable before it is told. So among devices that evict at once, each relies on
// one that had not begun when it answered: a circle of them cannot be.
//
// THREADS: any. Lock order: mutex_, audit_mutex_, then the replica's.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/disk.h"
#include "base/mutex.h"
#include "base/random.h"
#include "vault/presence/audit_log.h"
#include "vault/presence/keep_rules.h"

namespace lockstep {

// What the other members have said of packs.
struct PackAnswers {
    struct Holder {
        Member member;
        std::set<PackId> packs;
        std::set<PackId> audited = {};  // of which it has shown blocks lately
    };
    std::vector<Holder> holders;
    // By members whose word counts: that of blind ones does for what they have shown.
    std::size_t copies(const PackId& pack) const;
};

class ContentSide {
  public:
    virtual ~ContentSide() = default;
    virtual Status take_ranges(const RangeRequest& request, ByteView bytes) = 0;
    virtual void ranges_failed(const RangeRequest& request) = 0;
};

class VaultPresence final : public Presence {
  public:
    struct Environment {
        Disk& disk;
        Clock& clock;
        DeviceId device;
        fs::path directory;  // local state of this vault
        // The pack lies in the vault directory, whole and durable, and is not to be collected.
        std::function<bool(const PackId&)> holds;
        // Other devices use the vault directory, as far as can be seen in it.
        std::function<bool()> is_directory_shared;
        std::function<std::vector<PackInfo>()> absent_packs;
        std::function<void(const std::string&)> alarm;
        // This device cannot open the vault: it has a quota instead of rules.
        std::function<bool()> is_blind = [] { return false; };
        // For audits of blind members: what the vault consists of. Without `random` there are none.
        std::function<std::vector<PackInfo>()> all_packs = {};
        Random* random = nullptr;
    };
    // Rules that cannot be read are none: everything is kept.
    explicit VaultPresence(Environment environment);

    std::uint64_t left_out() override EXCLUDES_LOCK(mutex_);
    bool wants(const PackId& pack) override EXCLUDES_LOCK(mutex_);
    Status take_ranges(const RangeRequest& request, ByteView bytes) override;
    void ranges_failed(const RangeRequest& request) override;
    std::vector<PackId> hold(const DeviceId& to, const std::vector<PackId>& packs,
                             std::chrono::seconds keep) override EXCLUDES_LOCK(mutex_);
    void answer(std::uint64_t number, const Member& by, const std::vector<PackId>& packs) override
        EXCLUDES_LOCK(mutex_);
    void answers_end(std::uint64_t number) override EXCLUDES_LOCK(mutex_);
    std::vector<BlockAudit> audits_due(const DeviceId& member,
                                       const std::vector<PackId>& packs) override
        EXCLUDES_LOCK(audit_mutex_);
    void audited(const DeviceId& member,
                 const std::vector<std::pair<BlockAudit, AuditResult>>& results,
                 bool says_all) override EXCLUDES_LOCK(audit_mutex_);
    std::optional<AuditReport> audit_report(const DeviceId& member) override
        EXCLUDES_LOCK(audit_mutex_);
    void set_listener(PresenceListener* listener) override EXCLUDES_LOCK(listener_mutex_);

    // ---- for the vault

    void attach(ContentSide* side) EXCLUDES_LOCK(side_mutex_);  // null: none; waits for calls

    KeepRules rules() EXCLUDES_LOCK(mutex_);
    Status set_rules(const KeepRules& rules) EXCLUDES_LOCK(mutex_);  // durable on return
    // Bytes that a blind member gives to the vault, or others to its content on demand; nullopt:
    // as many as it takes, or as all vaults have. Durable on return.
    std::optional<std::uint64_t> quota() EXCLUDES_LOCK(mutex_);
    Status set_quota(std::optional<std::uint64_t> bytes) EXCLUDES_LOCK(mutex_);
    void note_shared_directory() EXCLUDES_LOCK(mutex_);
    bool is_directory_shared() EXCLUDES_LOCK(mutex_);
    // Not everything that is missing is to be fetched.
    bool is_selective() EXCLUDES_LOCK(mutex_);
    // For a while, whatever the rules say: what is missing may be had otherwise.
    void set_choosing(bool is_choosing) EXCLUDES_LOCK(mutex_);
    bool is_choosing() EXCLUDES_LOCK(mutex_);

    // Of the packs that are not here, those to be fetched. `is_settled`: what each of them holds is
    // known.
    void set_wanted(std::set<PackId> wanted, bool is_settled) EXCLUDES_LOCK(mutex_);
    void unsettle() EXCLUDES_LOCK(mutex_);
    bool is_settled() EXCLUDES_LOCK(mutex_);

    void request_ranges(const RangeRequest& request) EXCLUDES_LOCK(listener_mutex_);
    // Asks the other members; `done` is called once, on whatever thread brings the last answer, or
    // at once when nobody can be asked.
    void ask(const std::vector<PackId>& packs, std::chrono::seconds keep,
             std::function<void(const PackAnswers&)> done) EXCLUDES_LOCK(mutex_, listener_mutex_);

    // Until end_eviction() no promise is given for these. Those that are promised are left out;
    // what is returned is being evicted.
    std::vector<PackId> begin_eviction(const std::vector<PackId>& packs) EXCLUDES_LOCK(mutex_);
    // Removes the packs that are still being evicted (another device may have been given a promise
    // instead) and that `may_go`. Returns them.
    std::vector<PackId> end_eviction(const std::vector<PackId>& packs,
                                     const std::function<bool(const PackId&)>& may_go,
                                     const std::function<Status(const PackId&)>& remove)
        EXCLUDES_LOCK(mutex_);
    // Until when (milliseconds since 1970) it is promised; 0: it is not.
    std::uint64_t promised_until(const PackId& pack) EXCLUDES_LOCK(mutex_);

  private:
    Status save_promises() REQUIRES_LOCK(mutex_);
    bool is_promised(const PackId& pack) REQUIRES_LOCK(mutex_);
    bool selects() REQUIRES_LOCK(mutex_);

    const Environment environment_;
    Mutex mutex_;
    KeepRules rules_ GUARDED_BY(mutex_);
    std::optional<std::uint64_t> quota_ GUARDED_BY(mutex_);
    std::set<PackId> wanted_ GUARDED_BY(mutex_);
    bool is_settled_ GUARDED_BY(mutex_) = false;
    bool is_choosing_ GUARDED_BY(mutex_) = false;
    bool was_told_ GUARDED_BY(mutex_) = false;  // of what is wanted under these rules
    std::map<PackId, std::uint64_t> promises_ GUARDED_BY(mutex_);  // until when
    std::set<PackId> evicting_ GUARDED_BY(mutex_);
    struct Question {
        PackAnswers answers;
        std::function<void(const PackAnswers&)> done;
    };
    std::uint64_t last_question_ GUARDED_BY(mutex_) = 0;
    std::map<std::uint64_t, Question> questions_ GUARDED_BY(mutex_);

    Mutex listener_mutex_;  // held while it is called
    PresenceListener* listener_ GUARDED_BY(listener_mutex_) = nullptr;

    Mutex audit_mutex_;
    std::unique_ptr<AuditLog> audits_ GUARDED_BY(audit_mutex_);

    Mutex side_mutex_;
    CondVar side_idle_;
    ContentSide* side_ GUARDED_BY(side_mutex_) = nullptr;
    std::size_t side_uses_ GUARDED_BY(side_mutex_) = 0;
};

}  // namespace lockstep
