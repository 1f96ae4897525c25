// What is taken for an entry of the journal, and what is not.
#include <gtest/gtest.h>

#include "tests/vault/journal_samples.h"
#include "tests/vault/log_samples.h"
#include "vault/journal/journal_format.h"
#include "vault/log/record_format.h"

namespace lockstep {
namespace {

TEST(JournalEntryTest, OtherBytesAreNotDecoded) {
    EXPECT_FALSE(decode_journal_entry({}).ok());
    EXPECT_EQ(decode_journal_entry(Bytes(1, std::byte{8})).error().kind, ErrorKind::Unsupported);
    Bytes published = encode_journal_entry(JournalPublished{}).value();
    for (std::size_t size = 0; size < published.size(); ++size)
        EXPECT_FALSE(decode_journal_entry(ByteView(published).first(size)).ok());
    published.push_back(std::byte{0});
    EXPECT_FALSE(decode_journal_entry(published).ok());
}

TEST(JournalEntryTest, WritesThatNoFileCanHaveAreNotDecoded) {
    const auto is_decoded = [](auto change) {
        JournalWrite write = write_entry();
        change(write);
        return decode_journal_entry(encode_journal_entry(write).value()).ok();
    };
    EXPECT_TRUE(is_decoded([](JournalWrite&) {}));
    EXPECT_TRUE(is_decoded([](JournalWrite& write) { write.size = kFileSizeMax; }));
    EXPECT_FALSE(is_decoded([](JournalWrite& write) { write.size = kFileSizeMax + 1; }));
    EXPECT_FALSE(is_decoded([](JournalWrite& write) { write.size_min = kFileSizeMax + 1; }));
    EXPECT_TRUE(is_decoded([](JournalWrite& write) { write.ranges[1].offset = kFileSizeMax - 9; }));
    EXPECT_FALSE(
        is_decoded([](JournalWrite& write) { write.ranges[1].offset = kFileSizeMax - 8; }));
    EXPECT_FALSE(
        is_decoded([](JournalWrite& write) { write.ranges[1].offset = kFileSizeMax + 1; }));
}

TEST(JournalEntryTest, AWriteIsOverOneVersion) {
    const JournalWrite write = write_entry();
    const Bytes whole = encode_journal_entry(write).value();
    const std::size_t base_size = encode_records({write.base}, LogId{})->size();
    const auto decoded = [&](const RecordBatch& base) {
        Bytes bytes = to_bytes(ByteView(whole).first(whole.size() - base_size));
        append(bytes, encode_records(base, LogId{}).value());
        return decode_journal_entry(bytes).ok();
    };
    VersionRecord second = write.base;
    second.id = id_of<VersionId>(9);
    EXPECT_TRUE(decoded({{write.base}, {}}));
    EXPECT_FALSE(decoded({{}, {}}));
    EXPECT_FALSE(decoded({{write.base, second}, {}}));
    EXPECT_FALSE(decoded({{ResolveRecord{write.base.file, {}, write.base.stamp}}, {}}));
    EXPECT_FALSE(decoded({{write.base}, {{1, kItemKindKnownMax + 1, write.base.stamp, {}}}}));
    for (std::size_t size = 1; size < whole.size(); ++size)
        EXPECT_FALSE(decode_journal_entry(ByteView(whole).first(size)).ok()) << size;
}

TEST(JournalEntryTest, WhatIsAboveItsLimitOrOfNoKnownFormIsNotDecoded) {
    const auto with = [](Bytes bytes, std::size_t at, std::uint8_t value) {
        bytes.at(at) = std::byte{value};
        return decode_journal_entry(bytes);
    };
    JournalContent content{JournalContent::Form::Plain, 1, {}, Bytes(kJournalContentSizeMax)};
    Bytes bytes = encode_journal_entry(content).value();
    EXPECT_TRUE(decode_journal_entry(bytes).ok());
    EXPECT_FALSE(with(bytes, 1, 3).ok());
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode_journal_entry(bytes).ok());
    bytes = encode_journal_entry(JournalFact{1, Bytes(kJournalFactSizeMax)}).value();
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode_journal_entry(bytes).ok());
    EXPECT_FALSE(decode_journal_entry(ByteView(bytes).first(1)).ok());
    EXPECT_FALSE(decode_journal_entry(Bytes(kJournalEntrySizeMax + 1, std::byte{6})).ok());

    const JournalSegmentIntent intent{kOwnLog, 4, id_of<SegmentHash>(4), false};
    bytes = encode_journal_entry(intent).value();
    EXPECT_EQ(decode_journal_entry(bytes).value(), JournalEntry(intent));
    EXPECT_FALSE(with(bytes, bytes.size() - 1, 2).ok());

    // Of a newer version, which knows what to do with it.
    bytes = {std::byte{1}};
    append(bytes,
           encode_records({{}, {{0, kItemKindKnownMax + 1, {1, kOwnLog}, {}}}}, LogId{}).value());
    EXPECT_EQ(decode_journal_entry(bytes).error().kind, ErrorKind::Unsupported);
    bytes.back() ^= std::byte{0xff};
    EXPECT_FALSE(decode_journal_entry(bytes).ok());
}

}  // namespace
}  // namespace lockstep
