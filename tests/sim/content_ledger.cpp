#include "tests/sim/content_ledger.h"

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
    if (!promise.is_durable) promise.volatile_on.insert(device);
}

void ContentLedger::make_durable(std::size_t device) {
    for (auto& [key, promise] : promises_) {
        if (!promise.volatile_on.contains(device)) continue;
        promise.is_durable = true;
        promise.volatile_on.clear();
    }
}

void ContentLedger::crash(std::size_t device) {
    for (auto at = promises_.begin(); at != promises_.end();) {
        Promise& promise = at->second;
        const bool was_there = promise.volatile_on.erase(device) > 0;
        if (was_there && promise.volatile_on.empty() && !promise.is_durable)
            at = promises_.erase(at);
        else
            ++at;
    }
}

void ContentLedger::give_up(ContentKey key) {
    given_up_.insert(key);
    promises_.erase(key);
}

std::vector<std::string> ContentLedger::broken(const std::set<ContentKey>& shown) const {
    std::vector<std::string> out;
    for (const auto& [key, promise] : promises_)
        if (!shown.contains(key)) out.push_back(promise.what);
    return out;
}

}  // namespace lockstep::sim
