#include "tests/vault/index_world.h"

namespace lockstep {

IndexHistory::IndexHistory(std::uint64_t seed, std::size_t calls, std::size_t records) {
    SeededRandom random(seed);
    LogWriter writers[] = {LogWriter(9), LogWriter(8, kOtherLog)};
    std::vector<PackInfo> packs;
    while (calls_.size() < calls) {
        if (random.chance(50)) {
            AddedPack added{{random.id<PackId>(), kPackSizeMin}, {}};
            added.chunks.resize(1 + random.below(200));
            for (ChunkEntry& chunk : added.chunks) {
                chunk.id = random.id<ChunkId>();
                chunk.raw_length = 1000;
            }
            packs.push_back(added.pack);
            calls_.emplace_back(std::move(added));
            continue;
        }
        LogWriter& writer = writers[random.below(2)];
        SegmentDraft draft = writer.draft(random_records(random, 1 + random.below(2 * records)));
        if (!packs.empty()) draft.replicator.packs = {packs[random.below(packs.size())]};
        SegmentOuter outer = open_outer(writer.write(draft), writer.lookup()).value();
        calls_.emplace_back(AppliedSegment{std::move(outer), std::move(draft.records)});
    }
    auto model = Index::open_in_memory().value();
    digests_.push_back(model->digest().value());
    for (std::size_t call = 0; call < calls_.size(); ++call) {
        CHECK(apply(*model, call).ok());
        digests_.push_back(model->digest().value());
    }
}

Status IndexHistory::apply(Index& index, std::size_t call) const {
    if (const auto* segment = std::get_if<AppliedSegment>(&calls_[call]))
        return index.log().apply_segment(segment->outer, segment->records);
    const auto& added = std::get<AddedPack>(calls_[call]);
    return index.chunks().add_pack(added.pack, id_of<EpochId>(2), added.chunks, true);
}

Status IndexHistory::catch_up(Index& index) const {
    for (std::size_t call = 0; call < calls_.size(); ++call) TRY_OK(apply(index, call));
    return {};
}

}  // namespace lockstep
