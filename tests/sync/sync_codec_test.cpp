// The words and handshakes of the conversation: one encoding each, and nothing else is taken.
#include <random>

#include <gtest/gtest.h>

#include "sync/control/member_handshake.h"
#include "sync/control/messages.h"
#include "sync/join/join_handshake.h"
#include "sync/join/join_messages.h"
#include "sync/object_assembly.h"
#include "sync/pack_token.h"
#include "tests/support/fake_replica.h"
#include "tests/sync/sync_fixture.h"

namespace lockstep {
namespace {

std::vector<Message> one_of_each() {
    auto log = system_random().id<LogId>();
    auto pack = system_random().id<PackId>();
    HeadsMessage heads;
    heads.frontier[log] = {7, system_random().id<SegmentHash>()};
    heads.missing_packs = 3;
    heads.left_out_packs = 5;
    return {HelloMessage{"laptop", 4711},
            KeysMessage{{system_random().id<KeyObjectId>()}},
            WantKeysMessage{{system_random().id<KeyObjectId>()}},
            KeyObjectMessage{{}, kKeyObjectSizeMax, 0, random_bytes(kPartSizeMax)},
            heads,
            WantSegmentsMessage{log, 1, kSegmentsWantedMax},
            SegmentMessage{{log, 1}, 10, 4, random_bytes(6)},
            NoSegmentMessage{{log, 9}},
            WantPacksMessage{
                {{{pack, 5000}, PackRoute::InlineNow}, {{pack, kPackSizeMax}, PackRoute::Torrent}}},
            PackMessage{pack, kPackSizeMax, 0, random_bytes(kPartSizeMax)},
            NoPackMessage{pack},
            PackReadyMessage{pack},
            HavePacksMessage{{pack}},
            LackingPacksMessage{{pack}},
            CreditMessage{4096},
            PingMessage{},
            PongMessage{},
            FetchingMessage{{{pack, 70'000}, {system_random().id<PackId>(), 0}}},
            AddressesMessage{{{system_random().id<DeviceId>(), {"2001:db8::1", 4711}}}},
            WantRangesMessage{7, {{pack, 5000}, {{0, 88}, {1000, 4000}}}},
            RangeMessage{7, 256, random_bytes(kPartSizeMax)},
            NoRangesMessage{8},
            AskPacksMessage{9, 3600, {pack}},
            HeldPacksMessage{9, {}},
            AuditMessage{10, {{{pack, 100'000}, 6}}},
            AuditedMessage{10, 0, {random_bytes(1'696), {MerkleHash{}, MerkleHash{}}}},
            AuditedMessage{10, 1, {}},
            AliveMessage{{system_random().id<DeviceId>(),
                          1'700'000'000'000,
                          {{log, {7, system_random().id<SegmentHash>()}}},
                          {std::byte{1}, std::byte{2}}}}};
}

TEST(MessageCodecTest, EveryMessageComesBackTheSame) {
    for (const Message& message : one_of_each()) {
        Bytes bytes = encode_message(message);
        EXPECT_LE(bytes.size() + kSealOverhead, kFrameSizeMax);
        auto decoded = decode_message(bytes);
        ASSERT_TRUE(decoded.ok()) << decoded.error().message;
        EXPECT_EQ(encode_message(*decoded), bytes);
        EXPECT_TRUE(*decoded == message);
    }
}

TEST(MessageCodecTest, CutOrMutatedMessagesAreRefusedOrCanonical) {
    std::mt19937_64 random(7);
    for (const Message& message : one_of_each()) {
        Bytes bytes = encode_message(message);
        std::size_t step = bytes.size() / 100 + 1;
        for (std::size_t cut = 0; cut < bytes.size(); cut += step)
            EXPECT_FALSE(decode_message(ByteView(bytes).first(cut)).ok());
        Bytes longer = bytes;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(decode_message(longer).ok());
        for (int i = 0; i < 200; ++i) {
            Bytes mutated = bytes;
            mutated[random() % std::min<std::size_t>(mutated.size(), 100)] ^=
                static_cast<std::byte>(1 + random() % 255);
            auto decoded = decode_message(mutated);
            if (decoded.ok()) {
                EXPECT_EQ(encode_message(*decoded), mutated);
            }
        }
    }
}

TEST(MessageCodecTest, LimitsHoldAtOnePast) {
    auto log = system_random().id<LogId>();
    EXPECT_FALSE(
        decode_message(encode_message(WantSegmentsMessage{log, 1, kSegmentsWantedMax + 1})).ok());
    EXPECT_FALSE(decode_message(encode_message(WantSegmentsMessage{log, 0, 1})).ok());
    EXPECT_FALSE(
        decode_message(encode_message(HelloMessage{std::string(kDeviceLabelSizeMax + 1, 'x'), 1}))
            .ok());
    EXPECT_FALSE(
        decode_message(encode_message(KeyObjectMessage{{}, kKeyObjectSizeMax + 1, 0, Bytes(1)}))
            .ok());
    EXPECT_FALSE(decode_message(encode_message(CreditMessage{kSendWindow + 1})).ok());
    EXPECT_FALSE(
        decode_message(encode_message(PackMessage{{}, kPackSizeMax + 1, 0, Bytes(1)})).ok());
    EXPECT_FALSE(decode_message(encode_message(PackMessage{{}, 10, 5, Bytes(6)})).ok());
    EXPECT_FALSE(
        decode_message(encode_message(HavePacksMessage{std::vector<PackId>(kPacksListedMax + 1)}))
            .ok());
    EXPECT_FALSE(decode_message(encode_message(FetchingMessage{
                                    std::vector<FetchingMessage::Entry>(kFetchingListedMax + 1)}))
                     .ok());
    EXPECT_FALSE(decode_message(encode_message(AddressesMessage{
                                    std::vector<AddressesMessage::Entry>(kAddressesListedMax + 1)}))
                     .ok());
    EXPECT_FALSE(decode_message(encode_message(AddressesMessage{
                                    {{{}, {std::string(kAddressTextSizeMax + 1, '1'), 1}}}}))
                     .ok());
    EXPECT_TRUE(
        decode_message(encode_message(HavePacksMessage{std::vector<PackId>(kPacksListedMax)}))
            .ok());
}

TEST(MessageCodecTest, RangesLieApartAndWithinTheirPack) {
    const auto is_taken = [](std::uint64_t length, std::vector<PackSpan> spans) {
        return decode_message(
                   encode_message(WantRangesMessage{1, {{{}, length}, std::move(spans)}}))
            .ok();
    };
    EXPECT_TRUE(is_taken(5000, {{0, 5000}}));
    EXPECT_FALSE(is_taken(5000, {}));
    EXPECT_FALSE(is_taken(5000, {{0, 0}}));
    EXPECT_FALSE(is_taken(5000, {{1, 5000}}));
    EXPECT_FALSE(is_taken(5000, {{0, 10}, {10, 10}}));
    EXPECT_FALSE(is_taken(5000, {{20, 10}, {0, 10}}));
    EXPECT_TRUE(is_taken(kPackSizeMax, {{0, 1}, {2, kRangeBytesMax - 1}}));
    EXPECT_FALSE(is_taken(kPackSizeMax, {{0, 1}, {2, kRangeBytesMax}}));
    EXPECT_FALSE(is_taken(kPackSizeMax + 1, {{0, 1}}));
    EXPECT_FALSE(decode_message(encode_message(RangeMessage{1, kRangeBytesMax, Bytes(1)})).ok());
}

TEST(ObjectAssemblyTest, PartsMustFollowEachOther) {
    ObjectAssembly<PackId> assembly;
    PackId pack = system_random().id<PackId>();
    ASSERT_TRUE(assembly.add(pack, 10, 0, Bytes(4), 4).ok());
    EXPECT_FALSE(assembly.add(pack, 10, 5, Bytes(5), 5).ok());
    EXPECT_FALSE(assembly.add(pack, 11, 4, Bytes(7), 7).ok());
    auto last = assembly.add(pack, 10, 4, Bytes(6), 6);
    ASSERT_TRUE(last.ok() && last->object.has_value());
    EXPECT_EQ(last->object->bytes.size(), 10u);
    EXPECT_EQ(last->object->charge, 10u);
}

TEST(ObjectAssemblyTest, OnlyAFewObjectsMayBeHalfHere) {
    ObjectAssembly<PackId> assembly;
    for (std::size_t i = 0; i < kAssembliesMax; ++i)
        ASSERT_TRUE(assembly.add(system_random().id<PackId>(), 10, 0, Bytes(4), 4).ok());
    EXPECT_FALSE(assembly.add(system_random().id<PackId>(), 10, 0, Bytes(4), 4).ok());
}

class HandshakeTest : public ::testing::Test {
  protected:
    HandshakeTest() { FakeReplica::introduce({&a, &b}); }
    ByteView body(const Bytes& frame) { return ByteView(frame).subspan(kFrameHeadroom); }

    FakeVault vault = FakeVault::random();
    FakeReplica a{vault, "alpha"}, b{vault, "beta"};
    MemberHandshake dialler{LinkSide::Dialler, vault.epoch},
        acceptor{LinkSide::Acceptor, vault.epoch};
};

TEST_F(HandshakeTest, MembersRecogniseEachOtherAndShareKeys) {
    Bytes hello = dialler.start(a).value();
    Bytes answer = **acceptor.receive(b, body(hello));
    Bytes identity = **dialler.receive(a, body(answer));
    ASSERT_TRUE(acceptor.receive(b, body(identity)).ok());
    ASSERT_TRUE(dialler.is_done() && acceptor.is_done());
    EXPECT_EQ(dialler.peer().device, b.device());
    EXPECT_EQ(acceptor.peer().device, a.device());
    EXPECT_TRUE(equal(dialler.pack_key().view(), acceptor.pack_key().view()));
    SessionCipher sender = dialler.cipher(), receiver = acceptor.cipher();
    Bytes sealed = sender.seal(as_bytes("words"));
    EXPECT_EQ(as_text(*receiver.open(body(sealed))), "words");
    EXPECT_FALSE(receiver.open(body(sealed)).ok()) << "a frame must not open twice";
}

TEST_F(HandshakeTest, AnyFlippedBitEndsIt) {
    for (int bit = 0; bit < 200; ++bit) {
        MemberHandshake x{LinkSide::Dialler, vault.epoch}, y{LinkSide::Acceptor, vault.epoch};
        Bytes frame = x.start(a).value();
        int which = bit % 3;
        auto flip = [&](Bytes& bytes) {
            auto at = kFrameHeadroom +
                      static_cast<std::size_t>(bit * 7) % (bytes.size() - kFrameHeadroom);
            bytes[at] ^= static_cast<std::byte>(1 << (bit % 8));
        };
        if (which == 0) flip(frame);
        auto answer = y.receive(b, body(frame));
        if (which == 0) {
            EXPECT_FALSE(answer.ok());
            continue;
        }
        Bytes second = **answer;
        if (which == 1) flip(second);
        auto identity = x.receive(a, body(second));
        if (which == 1) {
            EXPECT_FALSE(identity.ok());
            continue;
        }
        Bytes third = **identity;
        flip(third);
        EXPECT_FALSE(y.receive(b, body(third)).ok());
        EXPECT_FALSE(y.is_done());
    }
}

TEST_F(HandshakeTest, FramesCannotBeReflectedOrReplayed) {
    Bytes hello = dialler.start(a).value();
    Bytes answer = **acceptor.receive(b, body(hello));
    MemberHandshake other{LinkSide::Acceptor, vault.epoch};
    EXPECT_FALSE(dialler.receive(a, body(hello)).ok());
    MemberHandshake fresh{LinkSide::Dialler, vault.epoch};
    ASSERT_TRUE(fresh.start(a).ok());
    EXPECT_FALSE(fresh.receive(a, body(answer)).ok()) << "an answer belongs to one hello";
}

TEST_F(HandshakeTest, OneselfIsNoPeer) {
    Bytes hello = dialler.start(a).value();
    auto answer = acceptor.receive(a, body(hello));
    ASSERT_TRUE(answer.ok());
    auto end = dialler.receive(a, body(**answer));
    ASSERT_FALSE(end.ok());
    EXPECT_EQ(end.error().kind, ErrorKind::Refused);
}

TEST(PackTokenTest, OnlyTheOtherEndsTokenForThisTorrentIsTaken) {
    SessionKey key, other;
    system_random().fill(key.fill());
    system_random().fill(other.fill());
    InfoHash torrent = system_random().id<InfoHash>();
    std::vector<SessionKey> keys{other, key};
    Bytes token = make_pack_token(keys, torrent, LinkSide::Dialler);
    std::vector<SessionKey> mine{key};
    EXPECT_TRUE(check_pack_token(token, mine, torrent, LinkSide::Dialler).ok());
    EXPECT_FALSE(check_pack_token(token, mine, torrent, LinkSide::Acceptor).ok());
    EXPECT_FALSE(
        check_pack_token(token, mine, system_random().id<InfoHash>(), LinkSide::Dialler).ok());
    EXPECT_FALSE(check_pack_token(token, {}, torrent, LinkSide::Dialler).ok());
    EXPECT_FALSE(check_pack_token({}, mine, torrent, LinkSide::Dialler).ok());
    token.back() ^= std::byte{1};
    EXPECT_FALSE(check_pack_token(token, mine, torrent, LinkSide::Dialler).ok());
}

TEST(JoinHandshakeTest, BothSidesShowTheSameDigits) {
    InviteSecret secret{};
    system_random().fill(secret);
    JoinHandshake guest(JoinRole::Guest, secret), host(JoinRole::Host, secret);
    auto body = [](const Bytes& frame) { return ByteView(frame).subspan(kFrameHeadroom); };
    Bytes commit = guest.start();
    Bytes reply = **host.receive(body(commit));
    Bytes reveal = **guest.receive(body(reply));
    Bytes header = **host.receive(body(reveal));
    ASSERT_TRUE(guest.receive(body(header)).ok());
    ASSERT_TRUE(guest.is_done() && host.is_done());
    EXPECT_EQ(guest.digits(), host.digits());
    SessionCipher sender = guest.cipher(), receiver = host.cipher();
    EXPECT_TRUE(receiver.open(body(sender.seal(as_bytes("x")))).ok());
}

TEST(JoinHandshakeTest, AWrongSecretIsAWrongProof) {
    InviteSecret secret{}, wrong{};
    wrong[3] = std::byte{1};
    JoinHandshake guest(JoinRole::Guest, wrong), host(JoinRole::Host, secret);
    auto refused = host.receive(ByteView(guest.start()).subspan(kFrameHeadroom));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::Refused);
}

TEST(JoinMessageTest, EveryMessageComesBackTheSameAndLimitsHold) {
    std::vector<JoinMessage> messages{JoinHello{"guest", system_random().id<JoinAttempt>()},
                                      JoinPart{JoinObject::Offer, 10, 5, Bytes(5)}, JoinRejected{},
                                      JoinDone{}};
    for (const JoinMessage& message : messages) {
        auto decoded = decode_join_message(encode_join_message(message));
        ASSERT_TRUE(decoded.ok());
        EXPECT_TRUE(*decoded == message);
    }
    EXPECT_FALSE(
        decode_join_message(encode_join_message(JoinPart{JoinObject::Offer, 10, 6, Bytes(5)}))
            .ok());
    EXPECT_FALSE(decode_join_message(
                     encode_join_message(JoinPart{
                         JoinObject::Offer, std::uint32_t(kJoinObjectSizeMax + 1), 0, Bytes(5)}))
                     .ok());
    EXPECT_FALSE(decode_join_message({}).ok());
}

}  // namespace
}  // namespace lockstep
