// Which paths of a folder are not mirrored: the patterns of its `.lockstepignore`, in Syncthing's
// syntax.
//
//     // a comment           ignored, as are empty lines
//     *.o                    anywhere: `*` and `?` match within a name, `**` also over '/',
//                            `[a-z]` `[!a-z]` a character, `{a,b}` either, `\` the next literally
//     /build                 in the folder itself only
//     docs/                  what is in it, but not the directory
//     !keep.o                not ignored after all; the first pattern that fits decides
//     (?i)thumbs.db          in any case of letters (ASCII)
//     (?d)*.tmp              ignored, but goes away with a directory that is to be removed
//     #include shared.txt    the patterns of another file, relative to the folder
//
// What fits a pattern takes everything below it along.
//
// THREADS: none of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep {

inline constexpr std::string_view kIgnoreFile = ".lockstepignore";

class IgnoreRules {
  public:
    // Reads an included file; the path is relative to the folder.
    using Reader = std::function<Result<std::string>(const std::string& path)>;

    IgnoreRules() = default;
    // Lines that make no sense are left out and named in `faults`.
    static IgnoreRules parse(std::string_view text, const Reader& reader,
                             std::vector<std::string>* faults);

    struct Verdict {
        bool is_ignored = false;
        bool is_deletable = false;  // (?d)
        std::string rule;           // the line that decides; empty: none fits
    };
    Verdict verdict(std::string_view path) const;
    bool is_ignored(std::string_view path) const {
        return !patterns_.empty() && verdict(path).is_ignored;
    }
    // Whether something below an ignored directory may not be ignored.
    bool has_exceptions() const { return has_exceptions_; }
    // The files that `#include` named: a change of one is a change of the rules.
    const std::vector<std::string>& included() const { return included_; }
    bool operator==(const IgnoreRules& other) const { return lines_ == other.lines_; }

  private:
    struct Token {
        enum class Kind { Literal, One, Name, Any, Class } kind = Kind::Literal;
        char literal = 0;
        bool is_negated = false;  // Class
        std::string ranges = {};  // Class: pairs of first and last
    };
    using Tokens = std::vector<Token>;
    struct Pattern {
        Tokens tokens;
        bool is_exception = false, ignores_case = false, is_deletable = false;
        std::string rule;
    };

    Status add_line(std::string line);
    Status add(const std::string& glob, const Pattern& like);
    void read(std::string_view text, const std::string& file, const Reader& reader, int depth,
              std::vector<std::string>* faults);
    static Result<Tokens> compile(std::string_view glob);
    static bool fits(const Tokens& tokens, std::string_view path);

    std::vector<Pattern> patterns_;
    std::vector<std::string> lines_, included_;
    bool has_exceptions_ = false;
};

}  // namespace lockstep
