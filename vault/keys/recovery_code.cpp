#include "vault/keys/recovery_code.h"

#include <array>
#include <cctype>

#include <fmt/format.h>

#include "vault/keys/checksum_words.h"

namespace lockstep {
namespace {

constexpr std::size_t kSecretSize = 20;
constexpr std::size_t kChecksumSize = 5;
constexpr std::size_t kCodeCharacters = 40;
constexpr std::size_t kGroupCharacters = 5;
constexpr std::size_t kLineCharacters = 2 * kGroupCharacters;

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

namespace {

bool is_space(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

// As base32() writes it.
char canonical_letter(char c) {
    const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (upper == 'O') return '0';
    return upper == 'I' || upper == 'L' ? '1' : upper;
}

// "1." before a line of a sheet.
bool is_line_number(std::string_view token) {
    return token.size() == 2 && token[0] >= '1' && token[0] <= '9' && token[1] == '.';
}

// Whether the word ends a line of the letters so far; false: it is not that line's.
bool is_word_right(std::string_view letters, std::string_view word) {
    if (letters.empty() || letters.size() % kLineCharacters != 0) return false;
    const std::string_view right =
        checksum_word(static_cast<std::uint8_t>(letters.size() / kLineCharacters),
                      letters.substr(letters.size() - kLineCharacters));
    return std::equal(right.begin(), right.end(), word.begin(), word.end(), [](char a, char b) {
        return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
    });
}

// The letters of a code that was typed with its checksum words.
Status read_sheet(std::string_view text, std::string& letters) {
    for (std::size_t at = 0; at < text.size();) {
        if (is_space(text[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && !is_space(text[end])) ++end;
        const std::string_view token = text.substr(at, end - at);
        at = end;
        if (is_line_number(token)) continue;
        if (is_checksum_word(token)) {
            if (is_word_right(letters, token)) continue;
            return Error{ErrorKind::Invalid,
                         fmt::format("line {} of the recovery code is mistyped",
                                     (letters.size() + kLineCharacters - 1) / kLineCharacters)};
        }
        for (char c : token)
            if (c != '-' && letters.size() <= kCodeCharacters) letters += canonical_letter(c);
    }
    return {};
}

}  // namespace

Result<RecoverySecret> read_recovery_code(ByteView text) {
    const Error mistyped{ErrorKind::Invalid, "the recovery code is mistyped"};
    std::string letters;
    letters.reserve(kCodeCharacters + 1);
    for (char c : as_text(text))
        if (c != '-' && !is_space(c) && letters.size() <= kCodeCharacters) letters += c;
    Status read;
    if (letters.size() != kCodeCharacters) {
        wipe(std::as_writable_bytes(std::span(letters)));
        letters.clear();
        read = read_sheet(as_text(text), letters);
    }
    auto decoded = read.ok() ? from_base32(letters) : Result<Bytes>(read.error());
    wipe(std::as_writable_bytes(std::span(letters)));
    if (!read.ok()) return std::move(read).error();
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

SecretBytes recovery_sheet(const SecretBytes& code, const RecoverySheet& about) {
    const std::string_view text = as_text(code.reveal());
    CHECK(text.size() == kCodeCharacters + kCodeCharacters / kGroupCharacters - 1);
    std::string lines;
    lines.reserve(256);  // is not moved, and so leaves no copy behind
    for (std::uint8_t line = 1; line <= kCodeCharacters / kLineCharacters; ++line) {
        const std::string_view groups =
            text.substr((line - 1U) * (kLineCharacters + 2), kLineCharacters + 1);
        std::array<char, kLineCharacters> letters{};
        std::copy_if(groups.begin(), groups.end(), letters.begin(),
                     [](char c) { return c != '-'; });
        const std::string_view word = checksum_word(line, {letters.data(), letters.size()});
        lines += "    ";
        lines += static_cast<char>('0' + line);
        lines += ".  ";
        lines += groups;
        lines += "   ";
        lines += word;
        lines += '\n';
        wipe(std::as_writable_bytes(std::span(letters)));
    }
    std::string sheet = fmt::format(
        "Lockstep recovery code\n\n"
        "    vault  {}\n    id     {}\n    made   {}\n\n{}\n"
        "This opens the vault without its passphrase. Keep it on paper, apart from your devices,\n"
        "where nobody else finds it. To try it: lockstep vault recovery test {}\n"
        "To use it, type it where Lockstep asks for the passphrase; the last word of a line shows\n"
        "whether the line is right, and may be left out.\n",
        about.vault_name, about.vault_id, about.date, lines, about.vault_name);
    wipe(std::as_writable_bytes(std::span(lines)));
    SecretBytes out = SecretBytes::from_text(sheet);
    wipe(std::as_writable_bytes(std::span(sheet)));
    return out;
}

}  // namespace lockstep
