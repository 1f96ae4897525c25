// NetworkWatch: notices that the machine has slept, or that its addresses have become others.
// Connections made before are then dead, though nobody has said so yet. THREADS: one at a time.
#pragma once

#include <chrono>
#include <set>
#include <string>

namespace lockstep {

class NetworkWatch {
  public:
    struct View {
        std::chrono::milliseconds slept{0};  // in all, since the machine started
        std::set<std::string> addresses;     // of interfaces that are up, without loopback
    };
    static View look();

    enum class News {
        None,
        Grown,  // there are more addresses: others may be reached that could not be
        Broken  // it has slept, or an address has gone
    };
    // Compared with the view before; the first is no news.
    News compare(const View& now);

  private:
    bool has_looked_ = false;
    View before_;
};

}  // namespace lockstep
