#include "sync/pack_auditor.h"

#include "base/log.h"

namespace lockstep {

namespace {

// Nothing when the pack is not here, or not what it should be.
BlockProof shown_block(Replica& replica, const BlockAudit& audit) {
    auto info = replica.pack_info(audit.pack.id);
    if (!info.ok() || *info != audit.pack || !replica.has_pack(audit.pack.id)) return {};
    const PackPiece piece = piece_of_block(*info, audit.block);
    auto bytes = replica.read_pack(info->id, piece.offset, piece.length);
    auto layers = replica.piece_layers(info->id);
    if (bytes.ok() && layers.ok())
        if (auto proof = prove_block(*info, audit.block, *bytes, *layers);
            proof.ok() && verify_block(*info, audit.block, *proof).ok())
            return std::move(*proof);
    log_error("sync", "pack {} is damaged here", info->id.to_hex());
    replica.doubt(info->id);
    return {};
}

// It says that it has everything that is known here.
bool says_that_it_has_all(const Peer& peer) {
    return peer.has_heads && peer.is_abreast &&
           peer.heads.missing_packs + peer.heads.left_out_packs == 0;
}

}  // namespace

PackAuditor::PackAuditor(SyncLoop& loop, std::shared_ptr<ReplicaWork> work, PeerTable& peers,
                         Presence* presence, std::function<void()> audited)
    : loop_(loop),
      work_(std::move(work)),
      peers_(peers),
      presence_(presence),
      audited_(std::move(audited)) {}

// ---- showing

Status PackAuditor::serve(Peer& peer, const AuditMessage& audit) {
    Audited& served = links_[peer.link];
    if (served.serving >= kAuditsMax)
        return Error{ErrorKind::Corrupt, "asks to be shown too much at once"};
    ++served.serving;
    work_->submit([this, audit, link = peer.link, alive = std::weak_ptr<int>(alive_),
                   &loop = loop_](Replica& replica) {
        auto answers = std::make_shared<std::vector<Message>>();
        for (std::uint32_t i = 0; i < audit.blocks.size(); ++i)
            answers->push_back(
                AuditedMessage{audit.number, i, shown_block(replica, audit.blocks[i])});
        loop.post([this, link, answers, alive] {
            if (alive.expired()) return;
            auto found = peers_.find(link);
            if (found == peers_.end()) return;
            --links_[link].serving;
            found->second->session.send(*answers);
        });
    });
    return {};
}

// ---- asking

void PackAuditor::on_tick(Time now) {
    if (presence_ == nullptr) return;
    std::vector<std::pair<DeviceId, Audit>> late;
    for (auto& [link, peer] : peers_) {
        if (peer->is_spare || peer->member.role != MemberRole::Blind) continue;
        Audited& audited = links_[link];
        for (auto at = audited.under_way.begin(); at != audited.under_way.end();) {
            if (now - at->second.since <= kAuditTimeout) {
                ++at;
                continue;
            }
            late.emplace_back(peer->member.device, std::move(at->second));
            at = audited.under_way.erase(at);
        }
        // What it is still getting it need not show.
        const bool is_ready = peer->has_heads && peer->is_abreast && peer->heads.missing_packs == 0;
        if (!is_ready || !audited.under_way.empty() || audited.is_looking ||
            now - audited.looked < kAuditInterval)
            continue;
        audited.looked = now;
        look(*peer, {}, nullptr);
    }
    for (auto& [member, audit] : late) {
        for (std::size_t i = audit.results.size(); i < audit.blocks.size(); ++i)
            audit.results.emplace_back(audit.blocks[i], AuditResult::Failed);
        end(member, std::move(audit));
    }
}

void PackAuditor::audit(Peer& peer, const std::vector<PackId>& packs, std::function<void()> done) {
    if (presence_ == nullptr || packs.empty()) return done();
    look(peer, packs, std::move(done));
}

void PackAuditor::look(Peer& peer, const std::vector<PackId>& packs, std::function<void()> done) {
    links_[peer.link].is_looking = true;
    work_->submit([this, packs, done = std::move(done), link = peer.link,
                   member = peer.member.device, alive = std::weak_ptr<int>(alive_),
                   &loop = loop_](Replica& replica) {
        Presence* presence = replica.presence();
        auto blocks = std::make_shared<std::vector<BlockAudit>>();
        if (presence != nullptr) *blocks = presence->audits_due(member, packs);
        loop.post([this, link, blocks, done, alive] {
            if (!alive.expired()) begin(link, std::move(*blocks), done);
        });
    });
}

void PackAuditor::begin(LinkNumber link, std::vector<BlockAudit> blocks,
                        std::function<void()> done) {
    auto peer = peers_.find(link);
    if (peer != peers_.end()) links_[link].is_looking = false;
    if (peer == peers_.end() || blocks.empty()) {
        if (done) done();
        return;
    }
    Audit audit;
    audit.blocks = std::move(blocks);
    audit.says_all = says_that_it_has_all(*peer->second);
    audit.since = std::chrono::steady_clock::now();
    audit.done = std::move(done);
    const std::uint32_t number = ++last_number_;
    peer->second->session.send(AuditMessage{number, audit.blocks});
    links_[link].under_way.emplace(number, std::move(audit));
}

Status PackAuditor::on_audited(Peer& peer, AuditedMessage answer) {
    std::map<std::uint32_t, Audit>& under_way = links_[peer.link].under_way;
    auto at = under_way.find(answer.number);
    if (at == under_way.end()) return {};  // too late
    Audit& audit = at->second;
    if (answer.index != audit.results.size())
        return Error{ErrorKind::Corrupt, "shows what it was not asked for"};
    const BlockAudit& asked = audit.blocks[answer.index];
    const bool is_here = !answer.proof.block.empty();
    const bool is_right = is_here && verify_block(asked.pack, asked.block, answer.proof).ok();
    audit.results.emplace_back(asked, is_right  ? AuditResult::Shown
                                      : is_here ? AuditResult::Failed
                                                : AuditResult::NotHere);
    if (audit.results.size() < audit.blocks.size()) return {};
    Audit ended = std::move(audit);
    under_way.erase(at);
    end(peer.member.device, std::move(ended));
    return {};
}

void PackAuditor::end(const DeviceId& member, Audit audit) {
    work_->submit([this, member, audit = std::make_shared<Audit>(std::move(audit)),
                   alive = std::weak_ptr<int>(alive_), &loop = loop_](Replica& replica) {
        if (Presence* presence = replica.presence())
            presence->audited(member, audit->results, audit->says_all);
        loop.post([this, audit, alive] {
            if (alive.expired()) return;
            if (audit->done) audit->done();
            audited_();
        });
    });
}

// It has neither passed nor failed.
void PackAuditor::on_peer_gone(LinkNumber link) {
    auto gone = links_.extract(link);
    if (gone.empty()) return;
    for (auto& [number, audit] : gone.mapped().under_way)
        if (audit.done) audit.done();
}

}  // namespace lockstep
