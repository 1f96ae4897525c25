#include "sync/mirror/ignore_rules.h"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::size_t kPatternsMax = 10'000;
constexpr std::size_t kLineSizeMax = 1024;
constexpr std::size_t kAlternativesMax = 64;
constexpr int kIncludeDepthMax = 8;
constexpr std::string_view kInclude = "#include";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

// "a{b,c}d" as "abd" and "acd". Braces do not nest, as with Syncthing's common use of them.
Status expand(std::string_view glob, std::vector<std::string>& out) {
    std::size_t open = std::string_view::npos;
    for (std::size_t at = 0; at < glob.size(); ++at) {
        if (glob[at] == '\\') {
            ++at;
        } else if (glob[at] == '{') {
            open = at;
        } else if (glob[at] == '}' && open != std::string_view::npos) {
            const std::string_view inside = glob.substr(open + 1, at - open - 1);
            for (std::size_t from = 0; from <= inside.size();) {
                const std::size_t comma = std::min(inside.find(',', from), inside.size());
                TRY_OK(expand(fmt::format("{}{}{}", glob.substr(0, open),
                                          inside.substr(from, comma - from), glob.substr(at + 1)),
                              out));
                from = comma + 1;
            }
            return {};
        }
    }
    if (open != std::string_view::npos) return Error{ErrorKind::Invalid, "a '{' is not closed"};
    if (out.size() >= kAlternativesMax)
        return Error{ErrorKind::TooLarge, "too many alternatives in one pattern"};
    out.emplace_back(glob);
    return {};
}

}  // namespace

IgnoreRules IgnoreRules::parse(std::string_view text, const Reader& reader,
                               std::vector<std::string>* faults) {
    IgnoreRules rules;
    rules.read(text, std::string(kIgnoreFile), reader, 0, faults);
    return rules;
}

void IgnoreRules::read(std::string_view text, const std::string& file, const Reader& reader,
                       int depth, std::vector<std::string>* faults) {
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        Status added;
        if (line.starts_with(kInclude)) {
            const std::string path(trimmed(line.substr(kInclude.size())));
            included_.push_back(path);
            Result<std::string> more =
                depth < kIncludeDepthMax
                    ? reader(path)
                    : Result<std::string>(Error{ErrorKind::Loop, "includes are too deep"});
            if (more.ok()) {
                lines_.push_back(fmt::format("{} {}", kInclude, path));
                read(*more, path, reader, depth + 1, faults);
            } else {
                added = std::move(more).error();
            }
        } else if (!line.empty() && !line.starts_with("//")) {
            added = add_line(std::string(line));
        }
        if (!added.ok() && faults != nullptr)
            faults->push_back(fmt::format("{}:{}: {}", file, number, added.error().message));
    }
}

Status IgnoreRules::add_line(std::string line) {
    if (line.size() > kLineSizeMax || patterns_.size() >= kPatternsMax)
        return Error{ErrorKind::TooLarge, "too many patterns, or too long ones"};
    Pattern like;
    like.rule = line;
    std::string_view rest = line;
    const auto take = [&](std::string_view prefix, bool& flag) {
        if (flag || !rest.starts_with(prefix)) return false;
        rest.remove_prefix(prefix.size());
        return flag = true;
    };
    while (take("!", like.is_exception) || take("(?i)", like.ignores_case) ||
           take("(?d)", like.is_deletable)) {
    }
    if (rest.empty() || rest == "/") return Error{ErrorKind::Invalid, "a pattern is missing"};
    const std::string glob = like.ignores_case ? lowered(rest) : std::string(rest);
    const std::size_t before = patterns_.size();
    Status added;
    if (glob.ends_with("/**")) {
        added = add(glob, like);
    } else if (glob.ends_with("/")) {
        added = add(glob + "**", like);
    } else {
        added = add(glob, like);
        if (added.ok()) added = add(glob + "/**", like);
    }
    if (!added.ok()) {
        patterns_.resize(before);
        return added;
    }
    has_exceptions_ = has_exceptions_ || like.is_exception;
    lines_.push_back(std::move(line));
    return {};
}

// A pattern without a '/' in front fits in every directory.
Status IgnoreRules::add(const std::string& glob, const Pattern& like) {
    std::vector<std::string> places;
    if (glob.starts_with("/")) {
        places = {glob.substr(1)};
    } else if (glob.starts_with("**/")) {
        places = {glob, glob.substr(3)};
    } else {
        places = {glob, "**/" + glob};
    }
    for (const std::string& place : places) {
        std::vector<std::string> alternatives;
        TRY_OK(expand(place, alternatives));
        for (const std::string& one : alternatives) {
            Pattern pattern = like;
            TRY(pattern.tokens, compile(one));
            patterns_.push_back(std::move(pattern));
        }
    }
    return {};
}

Result<IgnoreRules::Tokens> IgnoreRules::compile(std::string_view glob) {
    Tokens tokens;
    for (std::size_t at = 0; at < glob.size(); ++at) {
        const char c = glob[at];
        if (c == '*') {
            const bool is_any = at + 1 < glob.size() && glob[at + 1] == '*';
            if (is_any) ++at;
            tokens.push_back({is_any ? Token::Kind::Any : Token::Kind::Name});
        } else if (c == '?') {
            tokens.push_back({Token::Kind::One});
        } else if (c == '[') {
            Token token{Token::Kind::Class};
            std::size_t next = at + 1;
            if (next < glob.size() && (glob[next] == '!' || glob[next] == '^')) {
                token.is_negated = true;
                ++next;
            }
            const std::size_t first = next;
            while (next < glob.size() && (glob[next] != ']' || next == first)) {
                if (glob[next] == '\\' && next + 1 < glob.size()) ++next;
                const char from = glob[next];
                char to = from;
                if (next + 2 < glob.size() && glob[next + 1] == '-' && glob[next + 2] != ']') {
                    to = glob[next + 2];
                    next += 2;
                }
                token.ranges += {from, to};
                ++next;
            }
            if (next >= glob.size()) return Error{ErrorKind::Invalid, "a '[' is not closed"};
            at = next;
            tokens.push_back(std::move(token));
        } else {
            if (c == '\\' && ++at >= glob.size())
                return Error{ErrorKind::Invalid, "nothing follows the last '\\'"};
            tokens.push_back({Token::Kind::Literal, glob[at]});
        }
    }
    return tokens;
}

// All positions of the pattern that the path so far can have led to: time is the product of both
// lengths, whatever the pattern.
bool IgnoreRules::fits(const Tokens& tokens, std::string_view path) {
    const auto skip_stars = [&](std::vector<bool>& at) {
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const bool is_star =
                tokens[i].kind == Token::Kind::Name || tokens[i].kind == Token::Kind::Any;
            if (at[i] && is_star) at[i + 1] = true;
        }
    };
    const auto takes = [](const Token& token, char c) {
        switch (token.kind) {
            case Token::Kind::Literal:
                return token.literal == c;
            case Token::Kind::One:
            case Token::Kind::Name:
                return c != '/';
            case Token::Kind::Any:
                return true;
            case Token::Kind::Class: {
                bool is_in = false;
                for (std::size_t i = 0; i + 1 < token.ranges.size(); i += 2)
                    is_in = is_in || (token.ranges[i] <= c && c <= token.ranges[i + 1]);
                return c != '/' && is_in != token.is_negated;
            }
        }
        return false;
    };
    std::vector<bool> now(tokens.size() + 1), next;
    now[0] = true;
    skip_stars(now);
    for (const char c : path) {
        next.assign(tokens.size() + 1, false);
        bool is_alive = false;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            if (!now[i] || !takes(tokens[i], c)) continue;
            const bool is_star =
                tokens[i].kind == Token::Kind::Name || tokens[i].kind == Token::Kind::Any;
            next[is_star ? i : i + 1] = true;
            is_alive = true;
        }
        if (!is_alive) return false;
        skip_stars(next);
        now.swap(next);
    }
    return now[tokens.size()];
}

IgnoreRules::Verdict IgnoreRules::verdict(std::string_view path) const {
    std::string folded;
    for (const Pattern& pattern : patterns_) {
        if (pattern.ignores_case && folded.empty()) folded = lowered(path);
        if (fits(pattern.tokens, pattern.ignores_case ? std::string_view(folded) : path))
            return {!pattern.is_exception, pattern.is_deletable, pattern.rule};
    }
    return {};
}

}  // namespace lockstep
