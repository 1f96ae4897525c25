#include "sync/object_server.h"

#include <utility>

namespace lockstep {

namespace {

constexpr std::size_t kReadAheadMax = 2 * kMiB;  // bytes waiting in the session
constexpr std::size_t kReadBytes = kMiB;         // in one task, about
constexpr std::size_t kReadObjectsMax = 64;

Error too_many() {
    return {ErrorKind::Corrupt, "asks for too many objects"};
}

void put_segment(std::vector<Message>& out, const SegmentRef& segment, ByteView bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kPartSizeMax)
        out.push_back(SegmentMessage{
            segment, static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(at),
            to_bytes(bytes.subspan(at, std::min(kPartSizeMax, bytes.size() - at)))});
}

void put_key_object(std::vector<Message>& out, const KeyObjectId& id, ByteView bytes) {
    if (bytes.empty() || bytes.size() > kKeyObjectSizeMax)
        return out.push_back(KeyObjectMessage{id, 0, 0, {}});
    for (std::size_t at = 0; at < bytes.size(); at += kPartSizeMax)
        out.push_back(KeyObjectMessage{
            id, static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(at),
            to_bytes(bytes.subspan(at, std::min(kPartSizeMax, bytes.size() - at)))});
}

void put_pack(std::vector<Message>& out, const PackInfo& pack, std::uint64_t offset,
              ByteView bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kPartSizeMax)
        out.push_back(
            PackMessage{pack.id, static_cast<std::uint32_t>(pack.length),
                        static_cast<std::uint32_t>(offset + at),
                        to_bytes(bytes.subspan(at, std::min(kPartSizeMax, bytes.size() - at)))});
}

}  // namespace

Status ObjectServer::want_segments(const WantSegmentsMessage& want) {
    segments_waiting_ += want.last - want.first + 1;
    if (segments_waiting_ > kServeQueueMax) return too_many();
    segments_.push_back({want.log, want.first, want.last});
    pump();
    return {};
}

Status ObjectServer::want_key_objects(const WantKeysMessage& want) {
    if (keys_.size() + want.ids.size() > kServeQueueMax) return too_many();
    keys_.insert(keys_.end(), want.ids.begin(), want.ids.end());
    pump();
    return {};
}

Status ObjectServer::want_pack(const PackInfo& pack, bool now) {
    if (packs_.size() >= kServeQueueMax) return too_many();
    // Behind the pack that is going out in parts: parts of packs read by one lane never mix.
    if (now && !packs_.empty() && packs_.front().offset != 0)
        packs_.insert(packs_.begin() + 1, {pack, 0});
    else if (now)
        packs_.push_front({pack, 0});
    else
        packs_.push_back({pack, 0});
    return {};
}

void ObjectServer::pump() {
    pump_segments();
    pump_packs();
}

bool ObjectServer::has_room() const {
    return session_.waiting_bytes() <= kReadAheadMax;
}

void ObjectServer::read(bool& busy, Read read) {
    busy = true;
    work_->submit([this, &busy, &loop = loop_, alive = std::weak_ptr<int>(alive_),
                   read = std::move(read)](Replica& replica) {
        auto messages = std::make_shared<std::vector<Message>>(read(replica));
        loop.post([this, &busy, alive, messages] {
            if (alive.expired()) return;
            busy = false;
            for (const Message& message : *messages)
                if (const auto* gone = std::get_if<NoPackMessage>(&message))
                    stop_sending(gone->pack);
            session_.send(*messages);
            pump();
        });
    });
}

void ObjectServer::stop_sending(const PackId& pack) {
    if (!packs_.empty() && packs_.front().offset != 0 && packs_.front().pack.id == pack)
        packs_.pop_front();
}

void ObjectServer::pump_segments() {
    if (segments_busy_ || !has_room()) return;
    if (!keys_.empty()) {
        std::vector<KeyObjectId> ids(
            keys_.begin(), keys_.begin() + std::min<std::ptrdiff_t>(4, std::ssize(keys_)));
        keys_.erase(keys_.begin(), keys_.begin() + std::ssize(ids));
        return read(segments_busy_, [ids](Replica& replica) {
            std::vector<Message> out;
            for (const KeyObjectId& id : ids)
                put_key_object(out, id, replica.read_key_object(id).value_or({}));
            return out;
        });
    }
    std::vector<SegmentRef> refs;
    while (!segments_.empty() && refs.size() < kReadObjectsMax) {
        SegmentJob& job = segments_.front();
        // It may have asked for the same once more.
        if (std::exchange(job.is_new, false)) last_segment_ = std::make_shared<Bytes>();
        refs.push_back({job.log, job.next});
        --segments_waiting_;
        if (job.next++ == job.last) segments_.pop_front();
    }
    if (refs.empty()) return;
    read(segments_busy_, [refs, last = last_segment_](Replica& replica) {
        std::vector<Message> out;
        for (const SegmentRef& ref : refs) {
            auto bytes = replica.read_segment(ref);
            if (bytes.ok() && *bytes == *last) continue;
            if (bytes.ok()) *last = *bytes;
            if (bytes.ok() && !bytes->empty() && bytes->size() <= kSegmentObjectSizeMax)
                put_segment(out, ref, *bytes);
            else
                out.push_back(NoSegmentMessage{ref});
        }
        return out;
    });
}

void ObjectServer::pump_packs() {
    if (packs_busy_ || packs_.empty() || !has_room()) return;
    std::vector<PackJob> jobs;
    std::size_t bytes = 0;
    while (!packs_.empty() && jobs.size() < kReadObjectsMax && bytes < kReadBytes) {
        PackJob& job = packs_.front();
        jobs.push_back(job);
        bytes += static_cast<std::size_t>(
            std::min<std::uint64_t>(kReadBytes, job.pack.length - job.offset));
        job.offset += kReadBytes;
        if (job.offset < job.pack.length) break;
        packs_.pop_front();
    }
    read(packs_busy_, [jobs](Replica& replica) {
        std::vector<Message> out;
        for (const PackJob& job : jobs) {
            auto info = replica.pack_info(job.pack.id);
            std::uint64_t size = std::min<std::uint64_t>(kReadBytes, job.pack.length - job.offset);
            if (info.ok() && info->length == job.pack.length) {
                auto part = replica.read_pack(job.pack.id, job.offset, size);
                if (part.ok() && part->size() == size) {
                    put_pack(out, job.pack, job.offset, *part);
                    continue;
                }
            }
            out.push_back(NoPackMessage{job.pack.id});
        }
        return out;
    });
}

}  // namespace lockstep
