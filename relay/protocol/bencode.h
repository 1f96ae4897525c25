// Bencoding (BEP 3), as far as a tracker speaks it: written piece by piece, read into a small tree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep {

// Appends bencoded text. The caller writes a dictionary's keys in sorted order: that is the only
// encoding of it.
class BencodeWriter {
  public:
    BencodeWriter& begin_dictionary() { return raw("d"); }
    BencodeWriter& begin_list() { return raw("l"); }
    BencodeWriter& end() { return raw("e"); }
    BencodeWriter& integer(std::int64_t value);
    BencodeWriter& text(std::string_view value);

    std::string take() && { return std::move(out_); }

  private:
    BencodeWriter& raw(std::string_view bytes) {
        out_ += bytes;
        return *this;
    }
    std::string out_;
};

struct BencodeValue {
    enum class Kind { Integer, Text, List, Dictionary };
    Kind kind = Kind::Integer;
    // The one that `kind` names; the others are empty.
    std::int64_t integer_value = 0;
    std::string text_value{};
    std::vector<BencodeValue> items{};
    std::map<std::string, BencodeValue, std::less<>> entries{};

    // Null when it is something else.
    const std::int64_t* integer() const { return kind == Kind::Integer ? &integer_value : nullptr; }
    const std::string* text() const { return kind == Kind::Text ? &text_value : nullptr; }
    // The value of `key`; null when this is no dictionary or has no such key.
    const BencodeValue* find(std::string_view key) const;
};

// Reads exactly one value. Corrupt when there is anything else, when keys are not sorted and
// unique, when integers or lengths have leading zeros, or beyond `depth_max` levels or 10,000
// values.
Result<BencodeValue> decode_bencode(std::string_view text, std::size_t depth_max = 8);

}  // namespace lockstep
