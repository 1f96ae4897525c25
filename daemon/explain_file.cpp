#include "daemon/explain_file.h"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {

namespace {

const PeerStatus* status_of(const FileSituation& situation, const DeviceId& device) {
    const auto found = std::ranges::find(situation.sync.peers, device, &PeerStatus::device);
    return found == situation.sync.peers.end() ? nullptr : &*found;
}

std::uint64_t number_in(const Frontier& frontier, const LogId& log) {
    const auto at = frontier.find(log);
    return at == frontier.end() ? 0 : at->second.number;
}

api::ExplainPeer explain_peer(const FileSituation& situation, const Member& member) {
    api::ExplainPeer out;
    out.device = member.device.to_hex();
    out.label = member.label;
    const PeerStatus* peer = status_of(situation, member.device);
    out.is_connected = peer != nullptr;
    if (peer == nullptr) {
        out.state = "not connected";
        return out;
    }
    out.missing_packs = peer->missing_packs;
    const LogId& log = situation.file.log;
    // The file's version is in one of the segments of its log that are here.
    const bool has_log = number_in(peer->frontier, log) >= number_in(situation.frontier, log);
    if (situation.file.is_unpublished || situation.file.is_being_written)
        out.state = "waits for us";
    else if (peer->in_step)
        out.state = "in step";
    else if (!has_log)
        out.state = "behind";
    else
        out.state = peer->missing_packs > 0 ? "lacks packs" : "in step";
    return out;
}

// "desk, phone"
std::string names_of(const std::vector<api::ExplainPeer>& peers) {
    std::string out;
    for (const api::ExplainPeer& peer : peers) out += (out.empty() ? "" : ", ") + peer.label;
    return out;
}

std::string absence_text(const FileSituation& situation) {
    std::vector<api::ExplainPeer> holders;
    for (const Member& member : situation.others) {
        const PeerStatus* peer = status_of(situation, member.device);
        if (peer != nullptr && !peer->frontier.empty() && peer->missing_packs == 0 &&
            peer->left_out_packs == 0)
            holders.push_back({.device = {}, .label = member.label, .state = {}});
    }
    const std::string where =
        holders.empty() ? "no device that has everything is connected"
                        : fmt::format("connected and without a gap: {}", names_of(holders));
    return fmt::format(
        "{} of its {} bytes are not here yet ({} packs that {} wrote are missing); {}",
        situation.file.absent_bytes, situation.file.size, situation.file.absent_packs.size(),
        situation.file.written_by, where);
}

void add_local_reasons(const FileSituation& situation, std::vector<api::ExplainReason>& reasons) {
    const FileReport& file = situation.file;
    if (file.is_being_written)
        reasons.push_back({"being_written",
                           "a program is writing it here: what it writes becomes "
                           "a version when it closes the file or pauses"});
    if (file.is_unpublished)
        reasons.push_back({"unpublished", "its last change here is not published yet"});
    if (file.is_in_conflict)
        reasons.push_back({"conflict", "devices changed it at once: see `lockstep conflicts`"});
    if (file.absent_bytes > 0 && !situation.is_on_demand)
        reasons.push_back({"content_missing", absence_text(situation)});
    if (situation.has_unmerged)
        reasons.push_back({"unmerged",
                           "received changes are not merged yet; a newer version may "
                           "be among them"});
    if (situation.sync.missing_segments > 0)
        reasons.push_back({"behind", fmt::format("{} segments that others have are not here yet; a "
                                                 "newer version may be among them",
                                                 situation.sync.missing_segments)});
}

}  // namespace

api::ExplainAnswer explain_file(const FileSituation& situation) {
    api::ExplainAnswer out;
    out.path = situation.path;
    out.size = situation.file.size;
    out.written_by = situation.file.written_by;
    out.written_ms = situation.file.written_ms;
    out.absent_bytes = situation.file.absent_bytes;
    out.absent_packs = situation.file.absent_packs.size();
    add_local_reasons(situation, out.reasons);
    if (situation.is_paused) {
        out.reasons.push_back(
            {"paused", situation.paused_until.empty()
                           ? "syncing of the vault is paused"
                           : "syncing of the vault is paused until " + situation.paused_until});
    }
    if (situation.is_metered && !situation.is_paused)
        out.reasons.push_back({"paused", "syncing waits for a network that is not metered"});
    for (const Member& member : situation.others)
        out.peers.push_back(explain_peer(situation, member));
    const bool is_alone = std::ranges::none_of(out.peers, &api::ExplainPeer::is_connected);
    if (is_alone && !out.peers.empty() && !situation.is_paused && !situation.is_metered)
        out.reasons.push_back({"disconnected", "no other device is connected"});
    for (const api::ExplainPeer& peer : out.peers) {
        if (peer.state == "behind")
            out.reasons.push_back(
                {"peer_behind",
                 fmt::format("{} has not taken all that {} published yet; this may be among it",
                             peer.label, situation.file.written_by)});
        if (peer.state == "lacks packs")
            out.reasons.push_back(
                {"peer_lacks_packs", fmt::format("{} lacks {} packs; this file's may be among them",
                                                 peer.label, peer.missing_packs)});
    }
    out.is_in_step = out.reasons.empty();
    return out;
}

api::ExplainAnswer explain_locked(const std::string& path) {
    api::ExplainAnswer out;
    out.path = path;
    out.reasons.push_back({"locked",
                           "the vault is locked here: what others change is stored, and merged "
                           "when it is unlocked"});
    return out;
}

}  // namespace lockstep
