#include "vault/keys/recovery_code.h"

#include <cctype>

namespace lockstep {
namespace {

constexpr std::size_t kSecretSize = 20;
constexpr std::size_t kChecksumSize = 5;
constexpr std::size_t kCodeCharacters = 40;
constexpr std::size_t kGroupCharacters = 5;

ByteView checksum(const Hash256& hash) {
    return hash.view().first(kChecksumSize);
}

}  // namespace

SecretBytes make_recovery_code(Random& random) {
    Bytes bytes(kSecretSize);
    random.fill(bytes);
    append(bytes, checksum(blake2b(bytes)));
    std::string letters = base32(bytes);
    CHECK(letters.size() == kCodeCharacters);
    std::string text;
    text.reserve(kCodeCharacters * 2);
    for (std::size_t at = 0; at < letters.size(); at += kGroupCharacters) {
        if (at != 0) text += '-';
        text.append(letters, at, kGroupCharacters);
    }
    SecretBytes code = SecretBytes::from_text(text);
    wipe(bytes);
    wipe(std::as_writable_bytes(std::span(text)));
    wipe(std::as_writable_bytes(std::span(letters)));
    return code;
}

Result<RecoverySecret> read_recovery_code(ByteView text) {
    const Error mistyped{ErrorKind::Invalid, "the recovery code is mistyped"};
    std::string letters;
    letters.reserve(kCodeCharacters);
    for (char c : as_text(text)) {
        if (c == '-' || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
        if (letters.size() == kCodeCharacters) return mistyped;
        letters += c;
    }
    auto decoded = from_base32(letters);
    wipe(std::as_writable_bytes(std::span(letters)));
    if (!decoded.ok() || decoded->size() != kSecretSize + kChecksumSize) return mistyped;
    Bytes bytes = std::move(decoded).value();
    WipeAtEnd wiped(bytes);
    ByteView secret = ByteView(bytes).first(kSecretSize);
    if (!equal(checksum(blake2b(secret)), ByteView(bytes).subspan(kSecretSize))) return mistyped;
    // 160 random bits need no stretching; the key derivation below wants 32 bytes: zeros follow.
    std::array<std::byte, AnySecretKey::kSize> padded{};
    std::memcpy(padded.data(), secret.data(), secret.size());
    RecoverySecret key = RecoverySecret::from(padded);
    wipe(padded);
    return key;
}

}  // namespace lockstep
