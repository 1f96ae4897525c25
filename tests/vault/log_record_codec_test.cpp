#include <algorithm>

#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/vault/log_samples.h"
#include "vault/limits.h"
#include "vault/log/record_codec.h"
#include "vault/log/record_format.h"

namespace lockstep {
namespace {

Bytes encoded(const RecordBatch& batch) {
    return encode_records(batch, kOwnLog).value();
}
Bytes encoded(const std::vector<Record>& records) {
    return encode_records(records, kOwnLog).value();
}
RecordBatch decoded(ByteView bytes) {
    return decode_records(bytes, kOwnLog).value();
}

ErrorKind refusal(ByteView bytes) {
    auto result = decode_records(bytes, kOwnLog);
    return result.ok() ? ErrorKind::Busy : result.error().kind;
}

// One item as it stands in the bytes.
Bytes item(std::uint8_t head, ByteView body) {
    Encoder out;
    out.u8(head);
    if ((head & kItemSameStamp) == 0) out.u64(7);
    if ((head & kItemForeignLog) != 0) out.id(kOtherLog);
    return std::move(out.bytes(body)).take();
}

TEST(RecordCodecTest, EveryKindComesBackAsItWas) {
    EXPECT_EQ(decoded(encoded(one_of_each())).records, one_of_each());
}

TEST(RecordCodecTest, NoRecordsAreNoBytes) {
    EXPECT_TRUE(encoded(std::vector<Record>{}).empty());
    EXPECT_TRUE(decoded({}).records.empty());
}

TEST(RecordCodecTest, RandomRecordsComeBackInOrder) {
    SeededRandom random(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<Record> records = random_records(random, random.below(60));
        ASSERT_EQ(decoded(encoded(records)).records, records) << "round " << round;
    }
}

TEST(RecordCodecTest, TheJournalsStampsNameEveryLog) {
    Bytes bytes = encode_records(one_of_each(), LogId{}).value();
    EXPECT_EQ(decode_records(bytes, LogId{}).value().records, one_of_each());
}

TEST(RecordCodecTest, ACreationIsOneItem) {
    std::vector<Record> all = one_of_each();
    std::vector<Record> creation(all.begin(), all.begin() + 3);
    EXPECT_EQ(encoded(creation).size(),
              1 + 8 + 4 + 16 + 16 + 1 + 16 + 1 + std::string("notes.txt").size());
}

// The example of vault/FORMAT.md, "Records".
TEST(RecordCodecTest, TheExampleOfTheFormat) {
    std::vector<Record> all = one_of_each();
    std::string expected =
        "01"
        "0000010000000000"
        "3b000000" +
        id_of<LinkId>(0x11).to_hex() + id_of<FileId>(0x22).to_hex() + "01" +
        id_of<FileId>(0x33).to_hex() +
        "09"
        "6e6f7465732e747874";
    EXPECT_EQ(hex(encoded({all[0], all[1], all[2]})), expected);
}

TEST(RecordCodecTest, RecordsOfOneStampNameItOnce) {
    Stamp stamp{9, kOwnLog};
    ResolveRecord first{id_of<FileId>(1), {}, stamp}, second{id_of<FileId>(2), {}, stamp};
    EXPECT_EQ(encoded({first, second}).size(), 2 * encoded({first}).size() - 8);
}

// Whatever bytes are accepted are the ones that the encoder would write.
TEST(RecordCodecTest, WhateverIsAcceptedIsCanonical) {
    SeededRandom random(2);
    std::size_t accepted = 0;
    for (int round = 0; round < 300; ++round) {
        Bytes bytes = encoded(random_records(random, 1 + random.below(6)));
        for (int flip = 0; flip < 40; ++flip) {
            Bytes other = bytes;
            other[random.below(other.size())] ^= static_cast<std::byte>(1U << random.below(8));
            auto batch = decode_records(other, kOwnLog);
            if (!batch.ok()) continue;
            ++accepted;
            ASSERT_EQ(encoded(*batch), other);
        }
    }
    EXPECT_GT(accepted, 0U);
}

TEST(RecordCodecTest, EveryTruncationInsideAnItemIsRefused) {
    Bytes bytes = encoded({one_of_each()[7]});
    for (std::size_t size = 1; size < bytes.size(); ++size)
        EXPECT_EQ(refusal(ByteView(bytes).first(size)), ErrorKind::Corrupt) << size;
}

TEST(RecordCodecTest, ACreationInThreeItemsIsRefused) {
    std::vector<Record> all = one_of_each();
    Bytes apart = encoded({all[0]});
    Bytes parent = encoded({all[1]}), name = encoded({all[2]});
    // The two that follow share its stamp, so they would not write it.
    for (const Bytes& next : {parent, name}) {
        append(apart,
               item(static_cast<std::uint8_t>(std::to_integer<int>(next[0]) | kItemSameStamp),
                    ByteView(next).subspan(1 + 8 + 4)));
    }
    EXPECT_EQ(refusal(apart), ErrorKind::Corrupt);
}

TEST(RecordCodecTest, AStampThatNamesTheOwnLogIsRefused) {
    Bytes bytes = encode_records({ResolveRecord{{}, {}, {7, kOtherLog}}}, kOwnLog).value();
    EXPECT_FALSE(decode_records(bytes, kOtherLog).ok());
}

TEST(RecordCodecTest, TheFirstItemMustCarryAStamp) {
    EXPECT_EQ(
        refusal(item(static_cast<std::uint8_t>(ItemKind::Resolve) | kItemSameStamp, Bytes(20))),
        ErrorKind::Corrupt);
}

TEST(RecordCodecTest, AnUnknownCriticalKindRefusesAll) {
    Bytes bytes = encoded(one_of_each());
    append(bytes, item(9, {}));
    EXPECT_EQ(refusal(bytes), ErrorKind::Unsupported);
}

TEST(RecordCodecTest, AnUnknownOptionalKindIsKeptInItsPlace) {
    std::vector<Record> all = one_of_each();
    RecordBatch batch{all,
                      {{0, 9, {5, kOwnLog}, to_bytes(as_bytes("first"))},
                       {1, 31, {5, kOtherLog}, {}},
                       {5, 12, {6, kOwnLog}, to_bytes(as_bytes("between attributes"))},
                       {all.size(), 9, {6, kOwnLog}, to_bytes(as_bytes("last"))}}};
    EXPECT_EQ(decoded(encoded(batch)), batch);
}

TEST(RecordCodecTest, KnownKindsAreNeverOptionalAndKindZeroIsNone) {
    EXPECT_EQ(
        refusal(item(static_cast<std::uint8_t>(ItemKind::Resolve) | kItemOptional, Bytes(20))),
        ErrorKind::Corrupt);
    EXPECT_EQ(refusal(item(0, {})), ErrorKind::Corrupt);
    EXPECT_EQ(refusal(item(kItemOptional, {})), ErrorKind::Corrupt);
}

TEST(RecordCodecTest, UnknownRecordsOutOfOrderAreNotWritten) {
    RecordBatch batch{one_of_each(), {{3, 9, {}, {}}, {2, 9, {}, {}}}};
    EXPECT_EQ(encode_records(batch, kOwnLog).error().kind, ErrorKind::Invalid);
    batch.unknown = {{batch.records.size() + 1, 9, {}, {}}};
    EXPECT_EQ(encode_records(batch, kOwnLog).error().kind, ErrorKind::Invalid);
    batch.unknown = {{0, 8, {}, {}}};
    EXPECT_EQ(encode_records(batch, kOwnLog).error().kind, ErrorKind::Invalid);
}

TEST(RecordCodecTest, NamesAreOneComponent) {
    EXPECT_TRUE(is_valid_name("a"));
    EXPECT_TRUE(is_valid_name("..."));
    EXPECT_TRUE(is_valid_name("\xff\x01 name\n"));
    EXPECT_TRUE(is_valid_name(std::string(255, 'x')));
    EXPECT_FALSE(is_valid_name(std::string(256, 'x')));
    EXPECT_FALSE(is_valid_name(""));
    EXPECT_FALSE(is_valid_name("."));
    EXPECT_FALSE(is_valid_name(".."));
    EXPECT_FALSE(is_valid_name("a/b"));
    EXPECT_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

// What encode_records() says to a record that is at a limit, and to one that is past it.
void expect_limit(const Record& at_limit, const Record& past_it) {
    EXPECT_TRUE(check_record(at_limit).ok());
    auto bytes = encode_records({at_limit}, kOwnLog);
    ASSERT_TRUE(bytes.ok());
    EXPECT_LE(bytes->size(), encoded_size_bound(at_limit));
    EXPECT_EQ(decode_records(*bytes, kOwnLog).value().records.front(), at_limit);
    EXPECT_EQ(encode_records({past_it}, kOwnLog).error().kind, ErrorKind::Invalid);
}

template <typename IdType>
std::vector<IdType> many(std::size_t count) {
    SeededRandom random(3);
    std::vector<IdType> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(random.id<IdType>());
    std::sort(out.begin(), out.end());
    return out;
}

TEST(RecordCodecTest, LimitsHoldAtTheLimitAndOnePastIt) {
    Stamp stamp{1, kOwnLog};
    expect_limit(NameRecord{{}, stamp, std::string(255, 'x')},
                 NameRecord{{}, stamp, std::string(256, 'x')});
    expect_limit(ResolveRecord{{}, many<VersionId>(1024), stamp},
                 ResolveRecord{{}, many<VersionId>(1025), stamp});
    expect_limit(DeleteRecord{{}, stamp, stamp, many<VersionId>(1024), many<LinkId>(4096), stamp},
                 DeleteRecord{{}, stamp, stamp, {}, many<LinkId>(4097), stamp});
    AttributeRecord xattr{
        {}, AttributeKey::Xattr, std::string(255, 'k'), stamp, Bytes(kXattrTotalSizeMax)};
    AttributeRecord long_value = xattr, long_name = xattr;
    long_value.value = Bytes(kXattrTotalSizeMax + 1);
    long_name.xattr.push_back('k');
    expect_limit(xattr, long_value);
    expect_limit(xattr, long_name);
    VersionRecord version{{}, {}, {}, many<VersionId>(1024), stamp, std::string(64, 'd')};
    version.content.inline_bytes = Bytes(kSymlinkSizeMax);
    version.content.size = kSymlinkSizeMax;
    VersionRecord longer = version, label = version;
    longer.content.inline_bytes = Bytes(kSymlinkSizeMax + 1);
    longer.content.size = kSymlinkSizeMax + 1;
    label.device_label.push_back('d');
    expect_limit(version, longer);
    expect_limit(version, label);
    VersionRecord list = version;
    list.content = {Content::Kind::List, kFileSizeMax, {}, kContentDepthMax, {}};
    VersionRecord deeper = list, larger = list;
    ++deeper.content.depth;
    ++larger.content.size;
    expect_limit(list, deeper);
    expect_limit(list, larger);
}

TEST(RecordCodecTest, AsManyRecordsAsASegmentHoldsAndNotOneMore) {
    std::vector<Record> records(kSegmentRecordsMax, ParentRecord{{}, {1, kOwnLog}, {}});
    Bytes bytes = encoded(records);
    EXPECT_EQ(decoded(bytes).records.size(), kSegmentRecordsMax);
    records.push_back(records.front());
    EXPECT_EQ(encode_records(records, kOwnLog).error().kind, ErrorKind::TooLarge);
    append(bytes, item(static_cast<std::uint8_t>(ItemKind::Parent) | kItemSameStamp, Bytes(32)));
    EXPECT_EQ(refusal(bytes), ErrorKind::Corrupt);
}

TEST(RecordCodecTest, ManyLargeXattrsGoIntoSeveralItems) {
    std::vector<Record> records;
    for (int i = 0; i < 9; ++i)
        records.push_back(AttributeRecord{{},
                                          AttributeKey::Xattr,
                                          "user." + std::to_string(i),
                                          {1, kOwnLog},
                                          Bytes(kXattrTotalSizeMax)});
    for (int i = 0; i < 200; ++i)
        records.push_back(AttributeRecord{
            {}, AttributeKey::Xattr, "user.s" + std::to_string(i), {1, kOwnLog}, std::nullopt});
    EXPECT_EQ(decoded(encoded(records)).records, records);
}

TEST(RecordCodecTest, UnsortedListsAndImpossibleValuesAreNotWritten) {
    Stamp stamp{1, kOwnLog};
    std::vector<Record> bad = {
        ResolveRecord{{}, {id_of<VersionId>(2), id_of<VersionId>(1)}, stamp},
        ResolveRecord{{}, {id_of<VersionId>(2), id_of<VersionId>(2)}, stamp},
        LinkRecord{{}, kRootFile, FileType::Directory, stamp},
        AttributeRecord{{}, AttributeKey::Mode, "", stamp, Bytes(8)},
        AttributeRecord{{}, AttributeKey::ModifiedNs, "", stamp, std::nullopt},
        AttributeRecord{{}, AttributeKey::Mode, "name", stamp, Bytes(4)},
        AttributeRecord{{}, AttributeKey::Xattr, "", stamp, Bytes(4)},
        VersionRecord{{}, {}, {Content::Kind::Inline, 1, {}, 0, {}}, {}, stamp, ""},
        VersionRecord{{}, {}, {Content::Kind::List, 1, {}, 0, {}}, {}, stamp, ""},
        VersionRecord{{}, {}, {Content::Kind::Chunk, 1, {}, 1, {}}, {}, stamp, ""},
        VersionRecord{{}, {}, {Content::Kind::Chunk, 1, {}, 0, Bytes(1)}, {}, stamp, ""},
    };
    for (std::size_t i = 0; i < bad.size(); ++i)
        EXPECT_EQ(encode_records({bad[i]}, kOwnLog).error().kind, ErrorKind::Invalid) << i;
}

TEST(RecordCodecTest, UnknownValuesOfKnownFieldsAreForANewerFormat) {
    Stamp stamp{1, kOwnLog};
    FileId file = id_of<FileId>(1);
    Bytes link = encoded({LinkRecord{{}, file, FileType::Socket, stamp}});
    link.back() = std::byte{6};
    EXPECT_EQ(refusal(link), ErrorKind::Unsupported);
    Bytes attribute = encoded({AttributeRecord{file, AttributeKey::Mode, "", stamp, Bytes(4)}});
    attribute[attribute.size() - 5] = std::byte{6};
    EXPECT_EQ(refusal(attribute), ErrorKind::Unsupported);
    Bytes version =
        encoded({VersionRecord{file, {}, {Content::Kind::Chunk, 1, {}, 0, {}}, {}, stamp, ""}});
    version[1 + 8 + 4 + 32] = std::byte{3};
    EXPECT_EQ(refusal(version), ErrorKind::Unsupported);
}

}  // namespace
}  // namespace lockstep
