#include "gui/models/passphrase_strength.h"

#include <QCoreApplication>

#include <zxcvbn.h>

#include "daemon/api/secret_text.h"

namespace lockstep::gui {

namespace {

// Bits. Each guess costs Argon2id with 256 MiB, about a second of a core.
constexpr double kWeakBits = 30, kGoodBits = 45, kStrongBits = 65;
constexpr std::size_t kJudgedMax = 64;

struct StrengthText {
    Q_DECLARE_TR_FUNCTIONS(StrengthText)
};

}  // namespace

Strength strength_of(const std::string& passphrase, const std::string& known) {
    const api::SecretText judged(passphrase.substr(0, kJudgedMax));
    const char* words[] = {known.c_str(), "lockstep", nullptr};
    const char** first = known.empty() ? words + 1 : words;
    const double bits = ZxcvbnMatch(judged.reveal().c_str(), first, nullptr);
    if (bits < kWeakBits) return Strength::VeryWeak;
    if (bits < kGoodBits) return Strength::Weak;
    return bits < kStrongBits ? Strength::Good : Strength::Strong;
}

QString strength_text(Strength strength) {
    switch (strength) {
        case Strength::VeryWeak:
            return StrengthText::tr("very weak: guessed at once");
        case Strength::Weak:
            return StrengthText::tr("weak: guessed by who has the files and some patience");
        case Strength::Good:
            return StrengthText::tr("good");
        case Strength::Strong:
            return StrengthText::tr("strong");
    }
    return {};
}

}  // namespace lockstep::gui
