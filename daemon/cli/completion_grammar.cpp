// Which words the grammar knows where the user is typing, and which it nearly knows.
#include <algorithm>

#include "base/spelling.h"
#include "daemon/cli/command_grammar.h"

namespace lockstep::cli {

namespace {

// Words of the help that stand for a choice.
const std::vector<std::string>* choices_of(const std::string& kind) {
    static const std::vector<std::pair<std::string, std::vector<std::string>>> all = {
        {"ROLE", {"owner", "writer", "reader", "blind"}},
        {"WHICH", {"mine", "theirs", "both", "this"}},
        {"HOW", {"full", "on-demand", "pinned", "inherited"}},
        {"SHELL", {"bash", "zsh", "fish"}}};
    for (const auto& [name, choices] : all)
        if (name == kind) return &choices;
    return nullptr;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* verb) { return !verb->get_group().empty(); });
}

const CLI::App* verb_named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* verb : verbs_of(app))
        if (verb->get_name() == name) return verb;
    return nullptr;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
    return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

const CLI::Option* flag_named(const CLI::App& app, const std::string& word) {
    for (const CLI::Option* flag : flags_of(app))
        if (flag->check_name(word)) return flag;
    return nullptr;
}

bool takes_value(const CLI::Option& flag) {
    return flag.get_items_expected_max() > 0;
}

std::vector<std::string> names_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* verb : verbs_of(app)) names.push_back(verb->get_name());
    return names;
}

std::vector<std::string> flag_names_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* flag : flags_of(app))
        for (const std::string& name : flag->get_lnames()) names.push_back("--" + name);
    return names;
}

// Where the words have led to.
struct Place {
    const CLI::App* app;
    const CLI::Option* open_flag = nullptr;  // its value comes next
    std::size_t positionals = 0;             // so many have been given
    std::string unknown;                     // the first word that is no verb, or no flag
};

Place follow(const CLI::App& root, const std::vector<std::string>& words) {
    Place place{.app = &root, .unknown = {}};
    for (const std::string& word : words) {
        if (place.open_flag != nullptr) {
            place.open_flag = nullptr;
        } else if (word.size() > 1 && word.front() == '-') {
            const std::size_t equals = word.find('=');
            const CLI::Option* flag = flag_named(*place.app, word.substr(0, equals));
            if (flag == nullptr && place.unknown.empty()) place.unknown = word.substr(0, equals);
            if (flag != nullptr && takes_value(*flag) && equals == std::string::npos)
                place.open_flag = flag;
        } else if (const CLI::App* verb = verb_named(*place.app, word)) {
            place.app = verb;
        } else if (!verbs_of(*place.app).empty()) {
            if (place.unknown.empty()) place.unknown = word;
            return place;
        } else {
            ++place.positionals;
        }
    }
    return place;
}

void name_value(const CLI::Option& option, Completion& completion) {
    completion.kind = option.get_option_text();
    const std::vector<std::string>* choices = choices_of(completion.kind);
    if (choices == nullptr) return;
    completion.kind.clear();
    for (const std::string& choice : *choices) completion.candidates.push_back({choice, {}});
}

}  // namespace

Completion complete_words(const CLI::App& root, std::vector<std::string> words) {
    Completion completion;
    if (!words.empty()) {
        completion.partial = std::move(words.back());
        words.pop_back();
    }
    const Place place = follow(root, words);
    if (!verbs_of(*place.app).empty() && !place.unknown.empty()) return completion;
    if (place.open_flag != nullptr) {
        name_value(*place.open_flag, completion);
    } else if (completion.partial.starts_with("-")) {
        const std::size_t equals = completion.partial.find('=');
        if (equals != std::string::npos) {
            const CLI::Option* flag = flag_named(*place.app, completion.partial.substr(0, equals));
            completion.prefix = completion.partial.substr(0, equals + 1);
            completion.partial.erase(0, equals + 1);
            if (flag != nullptr) name_value(*flag, completion);
        } else {
            for (const CLI::Option* flag : flags_of(*place.app))
                for (const std::string& name : flag->get_lnames())
                    completion.candidates.push_back({"--" + name, flag->get_description()});
        }
    } else if (const auto verbs = verbs_of(*place.app); !verbs.empty()) {
        for (const CLI::App* verb : verbs)
            completion.candidates.push_back({verb->get_name(), verb->get_description()});
    } else {
        const auto positionals = place.app->get_options(
            [](const CLI::Option* option) { return option->get_positional(); });
        if (place.positionals < positionals.size())
            name_value(*positionals[place.positionals], completion);
    }
    return completion;
}

std::string meant_word(const CLI::App& root, const std::vector<std::string>& words) {
    const Place place = follow(root, words);
    if (place.unknown.empty()) return {};
    const bool is_flag = place.unknown.front() == '-';
    const std::string meant =
        did_you_mean(place.unknown, is_flag ? flag_names_of(*place.app) : names_of(*place.app));
    return meant.empty() ? meant : "'" + place.unknown + "' is not known" + meant;
}

}  // namespace lockstep::cli
