// What people wrote in a simulation, and what they may rightly miss: the oracle of "no lost bytes"
// and of "no wrong bytes".
//
// A content is named by a hash of its bytes. It is *known* once a file held it, if only for a
// moment: whatever is read must be known. It is *promised* once a close or fsync acknowledged it:
// then it must be seen in the end, unless somebody who saw it replaced or deleted it (given up), or
// a crash took it before anything made it durable.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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
    void crash(std::size_t device);
    void give_up(ContentKey key);

    // Promises that `shown` does not keep, for a person.
    std::vector<std::string> broken(const std::set<ContentKey>& shown) const;
    std::size_t promises() const { return promises_.size(); }

  private:
    struct Promise {
        std::string what;
        std::set<std::size_t> volatile_on;  // devices whose crash may take it
        bool is_durable = false;
    };
    std::set<ContentKey> known_, given_up_;
    std::map<ContentKey, Promise> promises_;
};

}  // namespace lockstep::sim
