// Fixed-length ids that cannot be mistaken for one another.
#pragma once

#include <array>
#include <compare>
#include <functional>

#include "base/bytes.h"

namespace lockstep {

template <typename Tag, std::size_t N>
struct Id {
    static constexpr std::size_t kSize = N;
    std::array<std::byte, N> bytes{};

    auto operator<=>(const Id&) const = default;

    ByteView view() const { return bytes; }
    bool is_zero() const { return *this == Id{}; }
    std::string to_hex() const { return hex(bytes); }

    // REQUIRES: view.size() == N
    static Id from(ByteView view) {
        CHECK(view.size() == N);
        Id id;
        std::memcpy(id.bytes.data(), view.data(), N);
        return id;
    }
    static Result<Id> parse_hex(std::string_view text) {
        TRY(Bytes raw, from_hex(text));
        if (raw.size() != N) return Error{ErrorKind::Invalid, "id has the wrong length"};
        return from(raw);
    }
};

}  // namespace lockstep

// Ids are random or hashes: their first bytes are hash enough for our tables, keyed ids of
// attackers included, since peers choose none of the ids that our tables are keyed with without a
// vault key.
template <typename Tag, std::size_t N>
struct std::hash<lockstep::Id<Tag, N>> {
    std::size_t operator()(const lockstep::Id<Tag, N>& id) const noexcept {
        std::size_t out = 0;
        std::memcpy(&out, id.bytes.data(), sizeof(out) < N ? sizeof(out) : N);
        return out;
    }
};
