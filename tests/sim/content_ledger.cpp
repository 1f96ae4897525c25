#include "tests/sim/content_ledger.h"

#include <algorithm>

namespace lockstep::sim {
namespace {

// FNV-1a: the same on every machine.
ContentKey hash(std::string_view bytes, ContentKey seed) {
    ContentKey out = 0xcbf29ce484222325ULL ^ seed;
    for (const char c : bytes) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return out ^ bytes.size();
}

}  // namespace

ContentKey key_of(std::string_view bytes) {
    return hash(bytes, 0);
}

ContentKey key_of_symlink(std::string_view target) {
    return hash(target, 0x5bd1e995);
}

void ContentLedger::promise(ContentKey key, std::size_t device, std::string what) {
    know(key);
    if (key == key_of("") || given_up_.contains(key)) return;
    Promise& promise = promises_[key];
    if (promise.what.empty()) promise.what = std::move(what);
    promise.by.try_emplace(device);
}

void ContentLedger::make_durable(std::size_t device) {
    for (auto& [key, promise] : promises_)
        if (auto given = promise.by.find(device); given != promise.by.end())
            given->second.is_durable = true;
}

void ContentLedger::publish(std::size_t device, const std::vector<LogCut>& logs) {
    for (auto& [key, promise] : promises_) {
        auto given = promise.by.find(device);
        if (given != promise.by.end() && given->second.is_durable && !given->second.published)
            given->second.published = logs;
    }
}

void ContentLedger::crash(std::size_t device) {
    for (auto at = promises_.begin(); at != promises_.end();) {
        auto given = at->second.by.find(device);
        if (given != at->second.by.end() && !given->second.is_durable) at->second.by.erase(given);
        at = at->second.by.empty() ? promises_.erase(at) : std::next(at);
    }
}

void ContentLedger::give_up(ContentKey key) {
    given_up_.insert(key);
    promises_.erase(key);
}

std::vector<std::string> ContentLedger::broken(const std::set<ContentKey>& shown,
                                               const Counts& counts) const {
    std::vector<std::string> out;
    for (const auto& [key, promise] : promises_) {
        const bool must_show = std::any_of(
            promise.by.begin(), promise.by.end(),
            [&](const auto& each) { return counts(each.first, each.second.published); });
        if (must_show && !shown.contains(key)) out.push_back(promise.what);
    }
    return out;
}

}  // namespace lockstep::sim
