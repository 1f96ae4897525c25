#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"
#include "vault/keys/recovery_code.h"
#include "vault/keys/ticket.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

Ticket sample() {
    SeededRandom random(4);
    Ticket out;
    random.fill(out.secret);
    out.inviter = fingerprint_of(random.id<DeviceId>());
    out.role = MemberRole::Reader;
    out.expires_at = 2'000'000'000;
    out.vault_label = "Fotos ä";
    out.relays = {"https://relay.example:8443"};
    out.addresses = {"192.0.2.7:4001", "[2001:db8::7]:4001"};
    return out;
}

TEST(TicketTest, TextGivesBackTheTicket) {
    std::string text = encode_ticket(sample());
    EXPECT_TRUE(text.starts_with("lockstep:"));
    EXPECT_EQ(parse_ticket(text).value(), sample());
    EXPECT_EQ(parse_ticket("  " + text.substr(0, 40) + "\n" + text.substr(40) + "\r\n").value(),
              sample());
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(parse_ticket(lower).value(), sample());
    EXPECT_EQ(parse_ticket(encode_ticket(Ticket{})).value(), Ticket{});
}

TEST(TicketTest, EveryFlippedBitOfItsBytesIsRefused) {
    std::string text = encode_ticket(sample());
    Bytes bytes = from_base32(text.substr(9)).value();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= std::byte{1} << (bit % 8);
        auto ticket = parse_ticket("lockstep:" + base32(damaged));
        ASSERT_FALSE(ticket.ok()) << bit;
        EXPECT_EQ(ticket.error().kind, ErrorKind::Corrupt);
    }
}

TEST(TicketTest, EveryTruncationIsRefused) {
    std::string text = encode_ticket(sample());
    for (std::size_t size = 0; size < text.size(); ++size)
        ASSERT_FALSE(parse_ticket(text.substr(0, size)).ok()) << size;
    EXPECT_FALSE(parse_ticket("https://example.org").ok());
    EXPECT_FALSE(parse_ticket(text + std::string(9000, '0')).ok());
}

TEST(TicketTest, ExpiredAndNewerAreToldApart) {
    std::string text = encode_ticket(sample());
    EXPECT_TRUE(parse_live_ticket(text, 1'999'999'999).ok());
    EXPECT_EQ(parse_live_ticket(text, 2'000'000'000).error().kind, ErrorKind::Timeout);
    Bytes bytes = from_base32(text.substr(9)).value();
    bytes.resize(bytes.size() - 4);
    bytes[0] = std::byte{2};
    append(bytes, blake2b(bytes).view().first(4));
    EXPECT_EQ(parse_ticket("lockstep:" + base32(bytes)).error().kind, ErrorKind::Unsupported);
}

TEST(TicketTest, HoldsItsLimitsAndNotOneMore) {
    Ticket ticket = sample();
    ticket.relays.assign(kTicketRelaysMax, "https://r");
    ticket.addresses.assign(kTicketAddressesMax, "a:1");
    ticket.vault_label.assign(kVaultLabelSizeMax, 'v');
    EXPECT_TRUE(check_ticket(ticket).ok());
    EXPECT_EQ(parse_ticket(encode_ticket(ticket)).value(), ticket);
    auto refused = [&](auto change) {
        Ticket changed = ticket;
        change(changed);
        return !check_ticket(changed).ok();
    };
    EXPECT_TRUE(refused([](Ticket& t) { t.relays.push_back("https://r"); }));
    EXPECT_TRUE(refused([](Ticket& t) { t.addresses.push_back("a:1"); }));
    EXPECT_TRUE(refused([](Ticket& t) { t.vault_label += 'v'; }));
    EXPECT_TRUE(refused([](Ticket& t) { t.relays[0] = ""; }));
    EXPECT_TRUE(refused([](Ticket& t) { t.relays[0] = "has space"; }));
    EXPECT_TRUE(refused([](Ticket& t) { t.relays[0].assign(kTicketUrlSizeMax + 1, 'a'); }));
    EXPECT_TRUE(refused([](Ticket& t) { t.role = static_cast<MemberRole>(9); }));
    EXPECT_TRUE(refused([](Ticket& t) { t.expires_at = -1; }));
    EXPECT_TRUE(refused([](Ticket& t) {
        t.relays.assign(8, std::string(256, 'a'));
        t.addresses.assign(16, std::string(256, 'a'));
    }));
}

TEST(TicketTest, KeysDependOnTheSecretAndDiffer) {
    Ticket a = sample(), b = sample();
    b.secret[15] ^= std::byte{1};
    EXPECT_FALSE(equal(a.swarm_key().reveal(), b.swarm_key().reveal()));
    EXPECT_FALSE(equal(a.swarm_key().reveal(), a.mac_key().reveal()));
}

TEST(RecoveryCodeTest, ReadsWhatItWroteHoweverItIsTyped) {
    SeededRandom random(1);
    SecretBytes code = make_recovery_code(random);
    std::string text(as_text(code.reveal()));
    EXPECT_EQ(text.size(), 47U);
    Bytes expected = to_bytes(read_recovery_code(code.reveal()).value().reveal());
    std::string typed;
    for (char c : text)
        typed += c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(equal(read_recovery_code(as_bytes(typed)).value().reveal(), expected));
}

TEST(RecoveryCodeTest, AnyWrongLetterIsNoticed) {
    SeededRandom random(1);
    SecretBytes code = make_recovery_code(random);
    std::string text(as_text(code.reveal()));
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '-') continue;
        std::string typo = text;
        typo[i] = typo[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(read_recovery_code(as_bytes(typo)).error().kind, ErrorKind::Invalid);
    }
    EXPECT_FALSE(read_recovery_code(as_bytes(text.substr(1))).ok());
    EXPECT_FALSE(read_recovery_code(as_bytes(text + "A")).ok());
    EXPECT_FALSE(read_recovery_code({}).ok());
}

}  // namespace
}  // namespace lockstep
