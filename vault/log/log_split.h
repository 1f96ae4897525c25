#pragma once

#include "vault/types.h"

namespace lockstep {

// What was `log` until now is two: it ends at `kept`, and what followed is `tail`.
struct LogSplit {
    LogId log;
    LogPosition kept;  // number 0: nothing is left of it
    LogId tail;

    // Calls what lies behind the fork by the tail's name; true when something does.
    bool rename_in(Frontier& positions) const {
        auto at = positions.find(log);
        if (at == positions.end() || at->second.number <= kept.number) return false;
        positions[tail] = {at->second.number - kept.number, at->second.hash};
        if (kept.number == 0)
            positions.erase(log);
        else
            positions[log] = kept;
        return true;
    }
};

}  // namespace lockstep
