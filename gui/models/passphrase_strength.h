// How hard a passphrase is to guess.
#pragma once

#include <QString>
#include <string>

namespace lockstep::gui {

enum class Strength { VeryWeak, Weak, Good, Strong };

// What a guesser knows is worth nothing: words of a dictionary, rows of keys, dates, repetitions.
// `known` are words of the vault itself, such as its name. Longer passphrases are judged by their
// first 64 bytes.
Strength strength_of(const std::string& passphrase, const std::string& known);
QString strength_text(Strength strength);

}  // namespace lockstep::gui
