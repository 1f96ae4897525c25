// What people wrote in a simulation, and what they may rightly miss: the oracle of "no lost bytes"
// and of "no wrong bytes".
//
// A content is named by a hash of its bytes. It is *known* once a file held it, if only for a
// moment: whatever is read must be known. It is *promised* once a close or fsync acknowledged it:
// then it must be seen in the end, unless somebody who saw it replaced or deleted it (given up), or
// a crash took it before anything made it durable, or it is a removed device's alone and behind the
// end of its logs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "vault/keys/membership_fact.h"

namespace lockstep::sim {

using ContentKey = std::uint64_t;

ContentKey key_of(std::string_view bytes);
// Symbolic links hold their target, which no regular file is taken for.
ContentKey key_of_symlink(std::string_view target);

class ContentLedger {
  public:
    ContentLedger() { know(key_of("")); }

    void know(ContentKey key) { known_.insert(key); }
    bool is_known(ContentKey key) const { return known_.contains(key); }

    // Acknowledged by device number `device`, but a crash of it may still take it. `what`: for a
    // person.
    void promise(ContentKey key, std::size_t device, std::string what);
    // Everything that the device acknowledged so far survives its crash.
    void make_durable(std::size_t device);
    // All that is durable has been published: it lies within what the device's logs hold now.
    void publish(std::size_t device, const std::vector<LogCut>& logs);
    void crash(std::size_t device);
    void give_up(ContentKey key);

    // Promises that `shown` does not keep, for a person. `counts`: whether what the device has
    // published in these logs counts (nullopt: it has not published it).
    using Counts =
        std::function<bool(std::size_t device, const std::optional<std::vector<LogCut>>& logs)>;
    std::vector<std::string> broken(const std::set<ContentKey>& shown, const Counts& counts) const;
    std::size_t promises() const { return promises_.size(); }

  private:
    // By one device.
    struct Given {
        bool is_durable = false;
        std::optional<std::vector<LogCut>> published;
    };
    struct Promise {
        std::string what;
        std::map<std::size_t, Given> by;
    };
    std::set<ContentKey> known_, given_up_;
    std::map<ContentKey, Promise> promises_;
};

}  // namespace lockstep::sim
