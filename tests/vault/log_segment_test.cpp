#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/vault/log_samples.h"
#include "vault/crypto/aead.h"
#include "vault/log/segment.h"
#include "vault/log/segment_format.h"
#include "vault/log/segment_parts.h"

namespace lockstep {
namespace {

// Opens both parts.
Result<RecordBatch> open_all(ByteView bytes, const LogWriter& writer) {
    TRY(SegmentOuter outer, open_outer(bytes, writer.lookup()));
    return open_records(bytes, outer, writer.vault, writer.records_key);
}

ReplicatorPart full_replicator_part(const LogWriter& writer) {
    ReplicatorPart part;
    part.device = writer.device;
    part.incarnation = id_of<IncarnationId>(0x77);
    part.frontier[kOtherLog] = {3, id_of<SegmentHash>(1)};
    part.frontier[id_of<LogId>(0x0c)] = {1, id_of<SegmentHash>(2)};
    part.packs = {{id_of<PackId>(1), kPackSizeMin}, {id_of<PackId>(2), kPackSizeMax}};
    part.condemned = {id_of<PackId>(3), id_of<PackId>(4)};
    part.consents = {{{kOtherLog, 2}, {id_of<PackId>(5)}}};
    part.collected = {{{kOwnLog, 1}, {id_of<PackId>(6), id_of<PackId>(7)}}, {{kOtherLog, 9}, {}}};
    part.extensions = {{7, false, to_bytes(as_bytes("later"))}};
    return part;
}

TEST(SegmentTest, BothPartsComeBackAsTheyWere) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft(one_of_each());
    draft.replicator = full_replicator_part(writer);
    Bytes bytes = writer.write(draft);
    SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    EXPECT_EQ(outer.header, (SegmentHeader{writer.epoch, writer.log, 1, bytes.size()}));
    EXPECT_EQ(outer.replicator, draft.replicator);
    EXPECT_EQ(outer.hash, segment_hash(bytes));
    EXPECT_EQ(open_all(bytes, writer).value(), draft.records);
}

TEST(SegmentTest, PacksAreSortedByTheWriter) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft();
    draft.replicator.packs = {{id_of<PackId>(2), kPackSizeMin}, {id_of<PackId>(1), kPackSizeMin}};
    auto packs = open_outer(writer.write(draft), writer.lookup())->replicator.packs;
    EXPECT_EQ(packs.front().id, id_of<PackId>(1));
    EXPECT_EQ(packs.size(), 2U);
}

TEST(SegmentTest, LengthsAreFourSixteenSixtyFourTwoHundredFiftySixKiBThenPadme) {
    EXPECT_EQ(padded_segment_size(0), 4 * kKiB);
    EXPECT_EQ(padded_segment_size(4 * kKiB), 4 * kKiB);
    EXPECT_EQ(padded_segment_size(4 * kKiB + 1), 16 * kKiB);
    EXPECT_EQ(padded_segment_size(16 * kKiB + 1), 64 * kKiB);
    EXPECT_EQ(padded_segment_size(64 * kKiB + 1), 256 * kKiB);
    EXPECT_EQ(padded_segment_size(256 * kKiB + 1), 264 * kKiB);
    for (std::uint64_t size = 256 * kKiB; size < kSegmentSizeMax; size += 12'345) {
        std::uint64_t padded = padded_segment_size(size);
        EXPECT_GE(padded, size);
        EXPECT_LE(padded, size + size / 8);
        EXPECT_EQ(padded_segment_size(padded), padded);
    }
    LogWriter writer(9);
    EXPECT_EQ(writer.write().size(), 4 * kKiB);
    SeededRandom random(1);
    EXPECT_EQ(writer.write(random_records(random, 120)).size(), 16 * kKiB);
}

TEST(SegmentTest, EveryFlippedByteIsNoticed) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft(one_of_each());
    draft.replicator = full_replicator_part(writer);
    Bytes bytes = writer.write(draft);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        Bytes other = bytes;
        other[at] ^= static_cast<std::byte>(1U << (at % 8));
        // The optional flags may be set by a newer writer; they are authentic all the same.
        EXPECT_FALSE(open_outer(other, writer.lookup()).ok()) << at;
    }
}

TEST(SegmentTest, EveryTruncationIsNoticed) {
    LogWriter writer(9);
    Bytes bytes = writer.write(one_of_each());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(open_outer(ByteView(bytes).first(size), writer.lookup()).ok()) << size;
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(open_outer(bytes, writer.lookup()).ok());
}

TEST(SegmentTest, OnlyTheEpochsKeysOpenIt) {
    LogWriter writer(9);
    Bytes bytes = writer.write(one_of_each());
    LogWriter other(9);
    other.epoch = id_of<EpochId>(0x42);
    EXPECT_EQ(open_outer(bytes, other.lookup()).error().kind, ErrorKind::WrongKey);
    SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    RecordKey other_key = RecordKey::from(writer.outer_key.reveal());
    EXPECT_EQ(open_records(bytes, outer, writer.vault, other_key).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(open_records(bytes, outer, id_of<VaultId>(0x42), writer.records_key).error().kind,
              ErrorKind::Corrupt);
}

TEST(SegmentTest, ADeviceThatIsNoMemberIsRefused) {
    LogWriter stranger(8), writer(9);
    EXPECT_EQ(open_outer(stranger.write(), writer.lookup()).error().kind, ErrorKind::Refused);
}

TEST(SegmentTest, AMemberCannotSignForAnother) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft();
    SigningKey other = LogWriter(8).signing.copy();
    SegmentKeys keys{writer.vault, writer.records_key, writer.outer_key, other};
    Bytes bytes = build_segment(draft, keys, writer.random).value();
    EXPECT_EQ(open_outer(bytes, writer.lookup()).error().kind, ErrorKind::Corrupt);
}

// Who holds S_e (a blind member) can open and seal the replicator part; with another nonce the same
// signed content would have another hash: a forged fork.
TEST(SegmentTest, AReplicatorCannotSealTheSamePartAnew) {
    LogWriter writer(9);
    Bytes bytes = writer.write(one_of_each());
    SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    ByteView header = ByteView(bytes).first(kSegmentHeaderSize);
    Bytes extra = to_bytes(header);
    extra.push_back(static_cast<std::byte>(SegmentSeal::Replicator));
    Bytes aad = associated_data({ObjectType::SegmentReplicator, writer.vault, writer.epoch}, extra);
    std::size_t size = outer.records_offset - kSegmentReplicatorOffset;
    Bytes part =
        open(writer.outer_key, aad, ByteView(bytes).subspan(kSegmentReplicatorOffset, size))
            .value();
    Bytes again = seal(writer.outer_key, aad, part, writer.random);
    std::copy(again.begin(), again.end(), bytes.begin() + kSegmentReplicatorOffset);
    EXPECT_EQ(open_outer(bytes, writer.lookup()).error().kind, ErrorKind::Corrupt);
}

// Nor say that a part is shorter or longer than it can be.
TEST(SegmentTest, LengthsThatFitNoSegmentAreRefused) {
    LogWriter writer(9);
    const Bytes bytes = writer.write(one_of_each());
    const SegmentOuter outer = open_outer(bytes, writer.lookup()).value();
    const ByteView clear = ByteView(bytes).first(kSegmentHeaderSize);
    const Bytes aad = outer_part_aad(writer.vault, writer.epoch, clear, SegmentSeal::Lengths);
    const auto with_length = [&](std::uint64_t length) {
        Encoder plaintext;
        plaintext.u32(static_cast<std::uint32_t>(length));
        SyntheticNonce nonce(writer.outer_key, aad, plaintext.view());
        const Bytes sealed = seal(writer.outer_key, aad, plaintext.view(), nonce);
        Bytes out = bytes;
        std::copy(sealed.begin(), sealed.end(), out.begin() + kSegmentHeaderSize);
        return open_outer(out, writer.lookup());
    };
    EXPECT_TRUE(with_length(outer.records_offset - kSegmentReplicatorOffset).ok());
    for (const std::uint64_t length :
         {std::uint64_t{0}, kSignatureSize + kSealOverhead - 1,
          bytes.size() - kSegmentReplicatorOffset + 1, std::uint64_t{0xffff'ffff}})
        EXPECT_EQ(with_length(length).error().kind, ErrorKind::Corrupt) << length;
}

// A member signs what it likes: there is one encoding of a record part all the same.
TEST(SegmentTest, ARecordPartThatIsNotPaddedByTheRuleIsRefused) {
    LogWriter writer(9);
    const SegmentDraft draft = writer.draft();
    SegmentHeader header{writer.epoch, writer.log, 1, 0};
    const Bytes fields = encode_replicator_part(draft.replicator, header).value();
    const Bytes records = encode_records(one_of_each(), writer.log).value();
    const auto opened = [&](std::uint64_t length, auto change) {
        header.length = length;
        Bytes plaintext = padded_records(header, fields, records);
        change(plaintext);
        const Bytes sealed =
            seal_record_part(header, plaintext, writer.vault, writer.records_key, writer.random);
        return open_all(sign_and_join(header, fields, writer.keys(), sealed), writer);
    };
    const std::uint64_t length = segment_size(fields.size() + kSignatureSize, records.size());
    EXPECT_TRUE(opened(length, [](Bytes&) {}).ok());
    EXPECT_FALSE(opened(length, [](Bytes& part) { part.back() = std::byte{1}; }).ok());
    EXPECT_FALSE(
        opened(length, [](Bytes& part) { part[0] = part[1] = part[2] = std::byte{0xff}; }).ok())
        << "longer than the part";
    EXPECT_FALSE(opened(16 * kKiB, [](Bytes&) {}).ok()) << "padded further than needed";
    EXPECT_FALSE(opened(5 * kKiB, [](Bytes&) {}).ok()) << "of no length that a segment has";
}

TEST(SegmentTest, WhatItPublishesAgainIsSaidWholeOrNotAtAll) {
    const std::vector<SegmentRef> segments{{kOtherLog, 3}, {kOwnLog, 1}};
    ReplicatorPart part;
    EXPECT_TRUE(republished_by(part).empty());
    part.extensions = {{0, false, to_bytes(as_bytes("another one"))}, republishes(segments)};
    EXPECT_EQ(republished_by(part), segments);
    const Bytes body = part.extensions[1].body;
    for (std::size_t size = 0; size < body.size(); ++size) {
        part.extensions[1].body.assign(body.begin(), body.begin() + std::ptrdiff_t(size));
        EXPECT_TRUE(republished_by(part).empty()) << size;
    }
    part.extensions[1].body = body;
    part.extensions[1].body.push_back(std::byte{0});
    EXPECT_TRUE(republished_by(part).empty());
}

TEST(SegmentTest, RecordPartsCannotBeExchanged) {
    LogWriter writer(9);
    Bytes first = writer.write(one_of_each()), second = writer.write(one_of_each());
    std::copy(second.begin() + 1000, second.end(), first.begin() + 1000);
    EXPECT_FALSE(open_outer(first, writer.lookup()).ok());
}

TEST(SegmentTest, AnUnknownCriticalExtensionRefusesTheSegment) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft();
    draft.replicator.extensions = {{1, true, {}}};
    EXPECT_EQ(open_outer(writer.write(draft), writer.lookup()).error().kind,
              ErrorKind::Unsupported);
}

TEST(SegmentTest, ANewerVersionOrCriticalFlagIsUnsupported) {
    LogWriter writer(9);
    Bytes newer = writer.write();
    newer[5] = std::byte{2};
    EXPECT_EQ(open_outer(newer, writer.lookup()).error().kind, ErrorKind::Unsupported);
    Bytes flagged = writer.write();
    flagged[6] = std::byte{1};
    EXPECT_EQ(open_outer(flagged, writer.lookup()).error().kind, ErrorKind::Unsupported);
}

TEST(SegmentTest, DraftsOutsideTheLimitsAreNotBuilt) {
    LogWriter writer(9);
    auto refusal = [&](auto change) {
        SegmentDraft draft = writer.draft();
        change(draft);
        auto result = build_segment(draft, writer.keys(), writer.random);
        return result.ok() ? ErrorKind::Busy : result.error().kind;
    };
    EXPECT_EQ(refusal([](auto& d) { d.number = 0; }), ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) { d.number = 2; }), ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) { d.replicator.previous = id_of<SegmentHash>(1); }),
              ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) {
                  d.replicator.frontier[kOwnLog] = {1, {}};
              }),
              ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) {
                  d.replicator.frontier[kOtherLog] = {0, {}};
              }),
              ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) {
                  d.replicator.packs = {{{}, kPackSizeMin - 1}};
              }),
              ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) {
                  d.replicator.packs = {{{}, kPackSizeMax + 1}};
              }),
              ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) { d.records.records = {NameRecord{}}; }), ErrorKind::Invalid);
    EXPECT_EQ(refusal([](auto& d) {
                  SeededRandom random(1);
                  for (std::size_t i = 0; i <= kLogsMax; ++i)
                      d.replicator.frontier[random.id<LogId>()] = {1, {}};
              }),
              ErrorKind::Invalid);
    EXPECT_EQ(
        refusal([](auto& d) {
            for (std::size_t i = 0; i <= kSegmentSizeMax / kXattrTotalSizeMax; ++i)
                d.records.records.push_back(AttributeRecord{
                    {}, AttributeKey::Xattr, "user.x", {1, kOwnLog}, Bytes(kXattrTotalSizeMax)});
        }),
        ErrorKind::TooLarge);
}

TEST(SegmentTest, ListsThatAreNotSortedOrTooLongAreRefused) {
    LogWriter writer(9);
    const SegmentHeader header{writer.epoch, writer.log, 1, 0};
    const auto refuses = [&](auto change) {
        ReplicatorPart part = full_replicator_part(writer);
        change(part);
        return !encode_replicator_part(part, header).ok();
    };
    const auto many_packs = [] {
        SeededRandom random(1);
        std::set<PackId> packs;
        while (packs.size() <= kSegmentPacksMax) packs.insert(random.id<PackId>());
        return std::vector<PackId>(packs.begin(), packs.end());
    }();
    const auto many_lists = [] {
        std::vector<CondemnedPacks> lists;
        for (std::uint64_t i = 0; i <= kSegmentCondemnationsMax; ++i)
            lists.push_back({{kOwnLog, i + 1}, {}});
        return lists;
    }();
    EXPECT_FALSE(refuses([](ReplicatorPart&) {}));
    EXPECT_TRUE(refuses([](auto& part) { std::swap(part.packs[0], part.packs[1]); }));
    EXPECT_TRUE(refuses([](auto& part) { part.packs.push_back(part.packs.back()); }));
    EXPECT_TRUE(refuses([&](auto& part) {
        part.packs.clear();
        for (const PackId& pack : many_packs) part.packs.push_back({pack, kPackSizeMin});
    }));
    EXPECT_TRUE(refuses([](auto& part) { std::swap(part.condemned[0], part.condemned[1]); }));
    EXPECT_TRUE(refuses([&](auto& part) { part.condemned = many_packs; }));
    EXPECT_TRUE(refuses([](auto& part) { part.consents.push_back(part.consents.back()); }));
    EXPECT_TRUE(refuses([&](auto& part) { part.consents = many_lists; }));
    EXPECT_TRUE(refuses([&](auto& part) { part.consents[0].packs = many_packs; }));
    EXPECT_TRUE(refuses([](auto& part) { std::swap(part.collected[0], part.collected[1]); }));
    EXPECT_TRUE(refuses(
        [](auto& part) { std::swap(part.collected[0].packs[0], part.collected[0].packs[1]); }));
    EXPECT_TRUE(refuses([](auto& part) { part.extensions.push_back(part.extensions.back()); }));
    EXPECT_FALSE(refuses([](auto& part) { part.extensions.push_back({8, false, {}}); }));
    EXPECT_TRUE(
        refuses([](auto& part) { part.extensions[0].body.resize(kSegmentExtensionSizeMax + 1); }));
    EXPECT_TRUE(refuses([](auto& part) {
        part.extensions.clear();
        for (std::size_t i = 0; i <= kSegmentExtensionsMax; ++i)
            part.extensions.push_back({static_cast<std::uint16_t>(i), false, {}});
    }));
}

// Every list, in a part that is cut off anywhere, and one whose logs stand in another order.
TEST(SegmentTest, AReplicatorPartIsDecodedWholeAndInOrderOrNotAtAll) {
    LogWriter writer(9);
    const SegmentHeader header{writer.epoch, writer.log, 1, 0};
    const ReplicatorPart part = full_replicator_part(writer);
    Bytes bytes = encode_replicator_part(part, header).value();
    EXPECT_EQ(decode_replicator_part(bytes, header).value(), part);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_replicator_part(ByteView(bytes).first(size), header).ok()) << size;
    const auto place_of = [&](ByteView what) {
        return std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
    };
    const LogId later = id_of<LogId>(0x0c);
    const auto first = place_of(kOtherLog.view()), second = place_of(later.view());
    ASSERT_LT(first, second);
    std::swap_ranges(first, first + LogId::kSize, second);
    EXPECT_FALSE(decode_replicator_part(bytes, header).ok());
    EXPECT_FALSE(decode_replicator_part(Bytes(kReplicatorPartSizeMax + 1), header).ok());
}

TEST(SegmentTest, TheFrontierMayNameAsManyLogsAsThereMayBe) {
    LogWriter writer(9);
    SegmentDraft draft = writer.draft();
    for (std::size_t i = 0; i < kLogsMax; ++i)
        draft.replicator.frontier[writer.random.id<LogId>()] = {1, {}};
    EXPECT_EQ(open_outer(writer.write(draft), writer.lookup())->replicator, draft.replicator);
}

}  // namespace
}  // namespace lockstep
