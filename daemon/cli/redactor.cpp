#include "daemon/cli/redactor.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lockstep::cli {

namespace {

constexpr std::size_t kLongWord = 24;

// Their values are words of the program.
constexpr std::array<std::string_view, 11> kOwnWords = {"area",   "audit",   "end",     "keep",
                                                        "level",  "role",    "state",   "severity",
                                                        "status", "version", "strategy"};
// Their values are sentences, which may name things.
constexpr std::array<std::string_view, 6> kSentences = {"alarms",  "detail",  "message",
                                                        "problem", "warning", "what"};

template <typename List>
bool holds(const List& list, std::string_view key) {
    return std::ranges::find(list, key) != list.end();
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

// The first digits of an id, or all of it; numbers that people count with are shorter.
bool is_id(std::string_view word) {
    if (word.size() < 8 ||
        word.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
        return false;
    return word.size() >= 16 || (std::ranges::any_of(word, is_digit) &&
                                 word.find_first_not_of("0123456789") != std::string_view::npos);
}

// What stands around a word without being of it.
constexpr std::string_view kAround = "()[]{}<>,;:.!?\"'`";

// 1.2.3.4, ::1, [fe80::1]:80; a time (12:30:00) is one, too, and no loss.
bool is_address(std::string_view word) {
    const auto dots = std::ranges::count(word, '.');
    const auto colons = std::ranges::count(word, ':');
    const bool is_ipv4 =
        dots >= 3 && word.find_first_not_of("0123456789.:") == std::string_view::npos;
    const bool is_ipv6 = colons >= 2 && word.find_first_not_of("0123456789abcdefABCDEF:.[]%") ==
                                            std::string_view::npos;
    return is_ipv4 || is_ipv6;
}

// july.txt, example.org, localhost:80, a@b.
bool is_name(std::string_view word) {
    if (word.find('@') != std::string_view::npos) return true;
    for (std::size_t i = 1; i + 1 < word.size(); ++i) {
        const bool is_between = (is_letter(word[i - 1]) || is_digit(word[i - 1])) &&
                                (is_letter(word[i + 1]) || is_digit(word[i + 1]));
        const bool has_letters = is_letter(word[i - 1]) || is_letter(word[i + 1]);
        if (is_between && has_letters && (word[i] == '.' || word[i] == ':')) return true;
    }
    return false;
}

// Null: it may stay.
const char* what_is(std::string_view word) {
    if (word.find('/') != std::string_view::npos) return "[path]";
    if (is_address(word)) return "[address]";
    if (is_name(word)) return "[name]";
    if (is_id(word)) return "[id]";
    if (word.size() >= kLongWord) return "[text]";
    return nullptr;
}

bool is_word_byte(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

// Every place where `name` stands by itself.
void replace_words(std::string& text, const std::string& name, const std::string& false_name) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
        const std::size_t end = at + name.size();
        const bool begins = at == 0 || !is_word_byte(text[at - 1]) || !is_word_byte(name.front());
        const bool ends =
            end == text.size() || !is_word_byte(text[end]) || !is_word_byte(name.back());
        if (begins && ends) text.replace(at, name.size(), false_name);
        at += begins && ends ? false_name.size() : 1;
    }
}

// What stands between quotes is a name of something. A quote within a word is an apostrophe.
std::string without_quoted(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool opens =
            (c == '\'' || c == '"' || c == '`') && (i == 0 || !is_letter(text[i - 1]));
        const std::size_t end = opens ? text.find(c, i + 1) : std::string_view::npos;
        if (end == std::string_view::npos) {
            out += c;
            continue;
        }
        out += "[quoted]";
        i = end;
    }
    return out;
}

bool begins_word(std::string_view text, std::size_t at) {
    return at == 0 || is_space(text[at - 1]) ||
           std::string_view("([{=<").find(text[at - 1]) != std::string_view::npos;
}

// A path may hold spaces, so all up to the next ": " counts as of it.
std::string without_paths(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t slash = 0;
        while (slash < text.size() && !(text[slash] == '/' && begins_word(text, slash))) ++slash;
        out += text.substr(0, slash);
        if (slash == text.size()) break;
        out += "[path]";
        const std::size_t end = text.find(": ", slash);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end);
    }
    return out;
}

std::string without_telling_words(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t size = 0;
        while (size < text.size() && !is_space(text[size])) ++size;
        const std::string_view whole = text.substr(0, size);
        std::string_view word = whole;
        const bool is_ours = whole.starts_with('[') && whole.find(']') != std::string_view::npos;
        while (!word.empty() && kAround.find(word.front()) != std::string_view::npos)
            word.remove_prefix(1);
        while (!word.empty() && kAround.find(word.back()) != std::string_view::npos)
            word.remove_suffix(1);
        const char* kind = is_address(whole) ? "[address]" : what_is(word);
        const bool is_removed = kind != nullptr && (!is_ours || is_address(whole));
        if (is_removed)
            out += kind;
        else
            out += whole;
        // A sentence stays readable.
        if (is_removed && whole.ends_with(':')) out += ':';
        text = text.substr(size);
        while (!text.empty() && is_space(text.front())) {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

}  // namespace

std::string Redactor::name(std::string_view kind, const std::string& text) {
    if (text.empty()) return {};
    auto known = names_.find(text);
    if (known == names_.end()) {
        int& count = counts_[std::string(kind)];
        known = names_.emplace(text, fmt::format("{}-{}", kind, ++count)).first;
    }
    return known->second;
}

std::string Redactor::sentence(std::string_view text) const {
    std::string out(text);
    // The longest first: a folder holds the name of its vault.
    std::vector<const std::pair<const std::string, std::string>*> names;
    for (const auto& each : names_) names.push_back(&each);
    std::ranges::sort(
        names, [](const auto* a, const auto* b) { return a->first.size() > b->first.size(); });
    for (const auto* each : names) replace_words(out, each->first, each->second);
    return without_telling_words(without_paths(without_quoted(out)));
}

nlohmann::json Redactor::json(const nlohmann::json& value, const std::string& key) {
    if (value.is_object()) {
        nlohmann::json out = nlohmann::json::object();
        for (const auto& [name, inner] : value.items()) out[name] = json(inner, name);
        return out;
    }
    if (value.is_array()) {
        nlohmann::json out = nlohmann::json::array();
        for (const auto& inner : value) out.push_back(json(inner, key));
        return out;
    }
    if (!value.is_string()) return value;
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty() || holds(kOwnWords, key)) return text;
    if (holds(kSentences, key)) return sentence(text);
    return name(key.empty() ? "text" : key, text);
}

std::string Redactor::metrics(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        std::string_view label;
        for (std::string_view each : {"vault=\"", "relay=\""})
            if (text.substr(i).starts_with(each)) label = each;
        if (label.empty()) {
            out += text[i++];
            continue;
        }
        std::size_t end = i + label.size();
        std::string value;
        while (end < text.size() && text[end] != '"') {
            if (text[end] == '\\' && end + 1 < text.size()) ++end;
            value += text[end++];
        }
        out += std::string(label) + name(label.substr(0, 5), value) + '"';
        i = end + 1;
    }
    return out;
}

}  // namespace lockstep::cli
