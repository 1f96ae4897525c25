// What somebody may have meant by a word that nobody knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

// The one of `known` that `word` is most likely a misspelling of: it becomes it by at most two
// letters (one, in words of up to four) left out, added, exchanged, or swapped with their
// neighbour.
std::optional<std::string> closest_word(std::string_view word,
                                        const std::vector<std::string>& known);

// "; did you mean 'status'?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace lockstep
