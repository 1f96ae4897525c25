#include "vault/journal/journal_replay.h"

#include <algorithm>

namespace lockstep {
namespace {

struct FoundFrame {
    std::size_t offset = 0;
    std::size_t end = 0;
    JournalLink own_link;  // what the next frame must name
    JournalFrame frame;
};

class Replayer {
  public:
    Replayer(ByteView file, const JournalCipher& cipher) : file_(file), cipher_(cipher) {}

    Result<JournalReplay> run() {
        TRY_OK(read_slots());
        find_frames();
        if (!has_slot_ && frames_.empty()) {
            if (file_.size() > kJournalFramesOffset)
                return Error{ErrorKind::Corrupt, "journal: no entry opens with this device's key"};
            out_.is_new = true;  // torn while it was made
            return std::move(out_);
        }
        if (!has_slot_) damage("the header is damaged");
        drop_stale();
        follow();
        return std::move(out_);
    }

  private:
    void damage(std::string why) { out_.salvage.damage.push_back("journal: " + std::move(why)); }

    Status read_slots() {
        for (std::size_t slot = 0; slot < 2; ++slot) {
            std::size_t at = slot * kJournalSlotDistance;
            if (at > file_.size()) break;
            TRY(std::optional<std::uint64_t> first, cipher_.decode_slot(file_.subspan(at)));
            if (!first || (has_slot_ && *first < out_.next_sequence)) continue;
            has_slot_ = true;
            out_.slot = slot;
            out_.next_sequence = *first;
            out_.link = journal_link(file_.subspan(at, kJournalSlotSize));
        }
        out_.end = out_.committed_end = kJournalFramesOffset;
        return {};
    }

    // Every intact frame in the file; after damage the next one is found by its marker.
    void find_frames() {
        std::uint64_t budget = 4 * file_.size() + 64 * kMiB;  // bytes that vain attempts may cost
        std::size_t at = kJournalFramesOffset;
        while (at < file_.size()) {
            if (auto frame = cipher_.read_frame(file_.subspan(at))) {
                std::size_t end = at + journal_frame_size(*frame);
                frames_.push_back(
                    {at, end, journal_link(file_.subspan(at, end - at)), std::move(*frame)});
                at = end;
                continue;
            }
            std::uint64_t cost = claimed_size(at);
            if (cost > budget) return damage("too much of it is damaged to search all");
            budget -= cost;
            at = next_journal_marker(file_, at + 1);
        }
    }

    std::uint64_t claimed_size(std::size_t at) const {
        Decoder in(file_.subspan(at));
        bool is_marker = in.u32() == kJournalMarker;
        std::size_t size = in.u32();
        return is_marker && size <= in.remaining() ? size : 1;
    }

    // Frames from before the header's first sequence were released; those that do not go up are
    // copies.
    void drop_stale() {
        std::uint64_t above = has_slot_ ? out_.next_sequence : 0;
        std::erase_if(frames_, [&](const FoundFrame& found) {
            bool is_released = has_slot_ && found.frame.sequence < out_.next_sequence;
            bool is_copy = !is_released && found.frame.sequence < above;
            if (is_released && has_slot_) stale_.push_back(found.offset);
            if (is_copy) damage("entry " + std::to_string(found.frame.sequence) + " out of order");
            if (!is_released && !is_copy) above = found.frame.sequence + 1;
            return is_released || is_copy;
        });
    }

    void follow() {
        std::uint64_t durable = 0;
        for (const FoundFrame& found : frames_)
            durable = std::max(durable, found.frame.durable_before);
        if (!has_slot_ && !frames_.empty()) out_.next_sequence = frames_.front().frame.sequence;
        for (FoundFrame& found : frames_) {
            bool is_first = found.offset == kJournalFramesOffset;
            std::uint64_t sequence = found.frame.sequence;
            bool fits = sequence == out_.next_sequence && found.offset == out_.end &&
                        (found.frame.link == out_.link || (!has_slot_ && is_first));
            if (!fits && !is_first && durable <= out_.next_sequence) break;
            if (!fits) report_gap(sequence);
            take(found);
            if (sequence < durable) {
                out_.committed_end = found.end;
                out_.committed_before = sequence + 1;
            }
        }
        out_.salvage.torn_bytes = written_size() > out_.end ? written_size() - out_.end : 0;
    }

    // Without the zeros ahead, and without remains of released entries.
    std::size_t written_size() const {
        std::size_t size = file_.size();
        if (!stale_.empty()) size = std::min(size, stale_.front());
        while (size > out_.end && file_[size - 1] == std::byte{0}) --size;
        return size;
    }

    void report_gap(std::uint64_t sequence) {
        std::uint64_t lost = sequence - out_.next_sequence;
        out_.salvage.entries_lost += lost;
        damage(lost == 0 ? "bytes before entry " + std::to_string(sequence) + " were changed"
                         : std::to_string(lost) + " entries before entry " +
                               std::to_string(sequence) + " are lost");
    }

    void take(FoundFrame& found) {
        std::uint64_t sequence = found.frame.sequence;
        auto entry = decode_journal_entry(found.frame.plaintext);
        if (entry.ok()) {
            out_.entries.push_back({sequence, std::move(entry).value()});
        } else {
            ++out_.salvage.entries_lost;
            damage("entry " + std::to_string(sequence) + ": " + entry.error().message);
        }
        out_.next_sequence = sequence + 1;
        out_.link = found.own_link;
        out_.end = found.end;
    }

    ByteView file_;
    const JournalCipher& cipher_;
    bool has_slot_ = false;
    std::vector<FoundFrame> frames_;
    std::vector<std::size_t> stale_;  // where released frames begin
    JournalReplay out_;
};

}  // namespace

Result<JournalReplay> replay_journal(ByteView file, const JournalCipher& cipher) {
    return Replayer(file, cipher).run();
}

}  // namespace lockstep
