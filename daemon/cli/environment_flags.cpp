// Flags that come from the environment: LOCKSTEP_VAULT_CREATE_KDF_MEMORY=64 is `--kdf-memory 64` of
// `vault create`.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/cli/command_grammar.h"

namespace lockstep::cli {

namespace {

void append_capitals(std::string& out, std::string_view word) {
    out += '_';
    for (const char c : word)
        out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

const CLI::App* verb_named(const CLI::App& app, const std::string& name) {
    const auto found =
        app.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == name; });
    return found.empty() ? nullptr : found.front();
}

// The verb that the first words name, and how many they are.
std::pair<const CLI::App*, std::size_t> verb_of(const CLI::App& root,
                                                const std::vector<std::string>& words) {
    const CLI::App* verb = &root;
    std::size_t depth = 0;
    while (depth < words.size()) {
        const CLI::App* next = verb_named(*verb, words[depth]);
        if (next == nullptr) break;
        verb = next;
        ++depth;
    }
    return {verb, depth};
}

std::vector<const CLI::Option*> flags_of(const CLI::App& verb) {
    return verb.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

bool excludes(const CLI::Option& one, const CLI::Option& other) {
    return std::ranges::any_of(one.get_excludes(),
                               [&](const CLI::Option* option) { return option == &other; });
}

bool is_given(const CLI::Option& flag, const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [&](const std::string& word) {
        return word.size() > 1 && word.front() == '-' &&
               flag.check_name(word.substr(0, word.find('=')));
    });
}

// A flag that is typed is not to fail because of one in the environment that it excludes.
bool is_excluded(const CLI::App& verb, const CLI::Option& flag,
                 const std::vector<std::string>& words) {
    return std::ranges::any_of(flags_of(verb), [&](const CLI::Option* other) {
        return (excludes(flag, *other) || excludes(*other, flag)) && is_given(*other, words);
    });
}

}  // namespace

std::string variable_of(const std::vector<std::string>& verb, std::string_view flag) {
    std::string name = "LOCKSTEP";
    for (const std::string& word : verb) append_capitals(name, word);
    append_capitals(name, flag);
    return name;
}

Result<EnvironmentFlags> add_environment_flags(const CLI::App& root, std::vector<std::string> words,
                                               const api::Environment& environment) {
    EnvironmentFlags out;
    const auto [verb, depth] = verb_of(root, words);
    const std::vector<std::string> verbs(words.begin(), words.begin() + static_cast<long>(depth));
    const auto end = std::ranges::find(words, "--");
    const std::vector<std::string> typed(words.begin() + static_cast<long>(depth), end);
    std::vector<std::string> added;
    for (const CLI::Option* flag : flags_of(*verb)) {
        if (flag->get_lnames().empty() || flag == verb->get_help_ptr() || &root == verb) continue;
        const std::string name = flag->get_lnames().front();
        const std::string variable = variable_of(verbs, name);
        const std::optional<std::string> value = environment(variable.c_str());
        if (!value || value->empty()) continue;
        if (is_given(*flag, typed) || is_excluded(*verb, *flag, typed)) continue;
        const bool takes_value = flag->get_items_expected_max() > 0;
        if (!takes_value && *value != "true" && *value != "false")
            return Error{ErrorKind::Invalid, variable + " is true or false"};
        if (!takes_value && *value == "false") continue;
        added.push_back(takes_value ? fmt::format("--{}={}", name, *value) : "--" + name);
        out.variables.push_back(variable);
    }
    words.insert(words.begin() + static_cast<long>(depth), added.begin(), added.end());
    out.words = std::move(words);
    return out;
}

}  // namespace lockstep::cli
