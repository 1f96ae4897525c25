#include "base/spelling.h"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {

namespace {

constexpr std::size_t kWordSizeMax = 64;
constexpr std::size_t kShortWord = 4;

// Optimal string alignment, row by row.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t exchange = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, exchange});
            const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string> closest_word(std::string_view word,
                                        const std::vector<std::string>& known) {
    if (word.empty() || word.size() > kWordSizeMax) return std::nullopt;
    const std::size_t allowed = word.size() <= kShortWord ? 1 : 2;
    std::optional<std::string> found;
    std::size_t best = allowed + 1;
    for (const std::string& one : known) {
        if (one.size() > kWordSizeMax) continue;
        const std::size_t far = distance(word, one);
        if (far >= best || far >= one.size()) continue;
        best = far;
        found = one;
    }
    return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    const std::optional<std::string> meant = closest_word(word, known);
    return meant ? fmt::format("; did you mean '{}'?", *meant) : std::string();
}

}  // namespace lockstep
