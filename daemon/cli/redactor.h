// Takes out of texts what a stranger must not read: names, paths, addresses, secrets. What is known
// to be a name gets a false one, the same each time, so that one can still follow who is meant.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace lockstep::cli {

class Redactor {
  public:
    // From now on `text` is "KIND-NUMBER" wherever it stands as a word or in a label. Empty texts
    // are nothing.
    std::string name(std::string_view kind, const std::string& text);

    // A sentence: known names get their false ones; paths (to the next ": " or the end), URLs,
    // addresses, names with a dot, what stands between quotes, long words and numbers in
    // hexadecimal are taken out. Words and numbers of the program's own stay.
    std::string sentence(std::string_view text) const;

    // A JSON value: numbers and flags stay, strings only under keys whose values the program
    // chooses itself (state, role, ...). Sentences go through sentence(); others get a false name.
    nlohmann::json json(const nlohmann::json& value, const std::string& key = {});

    // Metrics, whose labels may be names.
    std::string metrics(std::string_view text);

  private:
    std::map<std::string, std::string, std::less<>> names_;
    std::map<std::string, int, std::less<>> counts_;
};

}  // namespace lockstep::cli
