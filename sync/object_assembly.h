// ObjectAssembly: objects of one peer that arrive in parts. THREADS: ls-sync.
#pragma once

#include <map>
#include <optional>

#include "sync/sync_limits.h"
#include "vault/types.h"

namespace lockstep {

// A complete object and the part of the window that it still holds.
struct Assembled {
    Bytes bytes;
    std::size_t charge = 0;
};

// What became of a part: the object when it is complete, and what may be given back to the window
// at once.
struct AddedPart {
    std::optional<Assembled> object;
    std::size_t released = 0;
};

template <typename Name>
class ObjectAssembly {
  public:
    // Corrupt when parts do not follow each other, or more than kAssembliesMax objects are half
    // here. Memory grows with what has arrived, not with what is promised. An object holds at most
    // kChargeHeldMax of the window, so that a few half objects never close it.
    Result<AddedPart> add(const Name& name, std::uint32_t size, std::uint32_t offset, Bytes part,
                          std::size_t charge) {
        if (offset == 0 && part.size() == size)
            return AddedPart{Assembled{std::move(part), charge}, 0};
        auto at = objects_.find(name);
        if (offset == 0) {
            if (at != objects_.end() || objects_.size() >= kAssembliesMax)
                return Error{ErrorKind::Corrupt, "too many objects in parts"};
            at = objects_.emplace(name, Object{size, {}}).first;
        }
        if (at == objects_.end() || at->second.size != size ||
            at->second.got.bytes.size() != offset)
            return Error{ErrorKind::Corrupt, "part out of order"};
        Assembled& got = at->second.got;
        append(got.bytes, part);
        AddedPart out;
        if (got.charge + charge > kChargeHeldMax)
            out.released = charge;
        else
            got.charge += charge;
        if (got.bytes.size() < size) return out;
        out.object = std::move(got);
        objects_.erase(at);
        return out;
    }

    // Somebody gave up on it. Returns what it holds of the window, to be given back.
    std::size_t forget(const Name& name) {
        auto object = objects_.extract(name);
        return object.empty() ? 0 : object.mapped().got.charge;
    }

  private:
    struct Object {
        std::uint32_t size = 0;
        Assembled got;
    };
    std::map<Name, Object> objects_;
};

}  // namespace lockstep
