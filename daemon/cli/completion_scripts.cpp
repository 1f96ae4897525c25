// The shells' side of completion: each asks `lockstep complete` and does nothing of its own but to
// quote, and to know files.
#include <string_view>

#include <fmt/format.h>

#include "daemon/cli/completion.h"

namespace lockstep::cli {

namespace {

constexpr std::string_view kBash = R"SH(# bash completion of lockstep
_lockstep() {
    # Bash splits words at ':' and '=', too; ours end where the line has a space.
    local rest=${COMP_LINE:0:COMP_POINT} words=() word i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            words+=("$word")
        else
            words[${#words[@]} - 1]+=$word
        fi
        rest=${rest#"$word"}
    done
    local current=${words[${#words[@]} - 1]//\\/} how='' line found=()
    words[${#words[@]} - 1]=$current
    while IFS= read -r line; do
        if [[ -z $how ]]; then how=$line; else found+=("${line%%$'\t'*}"); fi
    done < <(lockstep complete "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    case $how in
        files|directories)
            compopt -o filenames 2>/dev/null
            local what=-f
            [[ $how == directories ]] && what=-d
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$what" -- "${current#--*=}")
            return ;;
        open) compopt -o nospace 2>/dev/null ;;
    esac
    # What bash takes for the word begins behind the last ':' or '='.
    local before=${current%"${current##*[:=]}"}
    for line in "${found[@]}"; do
        line=${line#"$before"}
        [[ $line == *[[:space:]\'\"\\\$\`\&\;\(\)\<\>\|\*\?]* ]] && printf -v line %q "$line"
        COMPREPLY+=("$line")
    done
}
complete -F _lockstep lockstep
)SH";

constexpr std::string_view kZsh = R"SH(#compdef lockstep
# zsh completion of lockstep
_lockstep() {
    local -a lines found shown
    local line
    lines=("${(@f)$(lockstep complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case $lines[1] in
        files) compset -P '--*='; _files; return ;;
        directories) compset -P '--*='; _files -/; return ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        found+=("${line%%$'\t'*}")
        shown+=("${line%%$'\t'*}${${line#*$'\t'}:+  -- ${line#*$'\t'}}")
    done
    (( $#found )) || return 1
    if [[ $lines[1] == open ]]; then
        compadd -S '' -l -d shown -a found
    else
        compadd -l -d shown -a found
    fi
}
if [[ $funcstack[1] == _lockstep ]]; then _lockstep "$@"; else compdef _lockstep lockstep; fi
)SH";

constexpr std::string_view kFish = R"SH(# fish completion of lockstep
function __lockstep_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (lockstep complete $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (string replace -r -- '^--[a-z-]*=' '' "$current")
        case directories
            __fish_complete_directories (string replace -r -- '^--[a-z-]*=' '' "$current")
        case '*'
            printf '%s\n' $lines[2..-1]
    end
end
complete -c lockstep -f -a '(__lockstep_complete)'
)SH";

}  // namespace

ExitCode completion_script(Session& session) {
    const std::string& shell = session.arguments.value;
    if (shell == "bash")
        fmt::print("{}", kBash);
    else if (shell == "zsh")
        fmt::print("{}", kZsh);
    else if (shell == "fish")
        fmt::print("{}", kFish);
    else
        return session.fail(ExitCode::Usage, "the shell is bash, zsh or fish");
    return ExitCode::Ok;
}

}  // namespace lockstep::cli
