#include "relay/protocol/bencode.h"

#include <charconv>

namespace lockstep {
namespace {

// A value in memory is many times larger than its text: "le" is two bytes.
constexpr std::size_t kValuesMax = 10'000;

class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    // False: there is no value here.
    bool read(BencodeValue& out, std::size_t depth) {
        if (rest_.empty() || depth == 0 || values_left_-- == 0) return false;
        switch (rest_.front()) {
            case 'i':
                return read_integer(out);
            case 'l':
                return read_list(out, depth - 1);
            case 'd':
                return read_dictionary(out, depth - 1);
            default:
                out.kind = BencodeValue::Kind::Text;
                return read_text(out.text_value);
        }
    }
    bool at_end() const { return rest_.empty(); }

  private:
    // A number in its only spelling, up to and with `end`.
    template <typename T>
    bool read_number(T& out, char end) {
        std::size_t size = rest_.substr(0, 21).find(end);
        if (size == std::string_view::npos || size == 0) return false;
        std::string_view digits = rest_.substr(0, size);
        auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        bool is_number = error == std::errc() && stop == digits.data() + digits.size();
        if (!is_number || std::to_string(out) != digits) return false;
        rest_.remove_prefix(size + 1);
        return true;
    }

    bool read_integer(BencodeValue& out) {
        rest_.remove_prefix(1);
        out.kind = BencodeValue::Kind::Integer;
        return read_number(out.integer_value, 'e');
    }

    bool read_text(std::string& out) {
        std::uint64_t size = 0;
        if (!read_number(size, ':') || size > rest_.size()) return false;
        out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
    }

    bool take_end() {
        if (!rest_.starts_with('e')) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool read_list(BencodeValue& out, std::size_t depth) {
        rest_.remove_prefix(1);
        out.kind = BencodeValue::Kind::List;
        while (!take_end())
            if (!read(out.items.emplace_back(), depth)) return false;
        return true;
    }

    bool read_dictionary(BencodeValue& out, std::size_t depth) {
        rest_.remove_prefix(1);
        out.kind = BencodeValue::Kind::Dictionary;
        while (!take_end()) {
            std::string key;
            if (!read_text(key)) return false;
            bool is_sorted = out.entries.empty() || out.entries.rbegin()->first < key;
            if (!is_sorted || !read(out.entries[key], depth)) return false;
        }
        return true;
    }

    std::string_view rest_;
    std::size_t values_left_ = kValuesMax;
};

}  // namespace

BencodeWriter& BencodeWriter::integer(std::int64_t value) {
    out_ += 'i';
    out_ += std::to_string(value);
    out_ += 'e';
    return *this;
}

BencodeWriter& BencodeWriter::text(std::string_view value) {
    out_ += std::to_string(value.size());
    out_ += ':';
    out_ += value;
    return *this;
}

const BencodeValue* BencodeValue::find(std::string_view key) const {
    auto at = entries.find(key);
    return at == entries.end() ? nullptr : &at->second;
}

Result<BencodeValue> decode_bencode(std::string_view text, std::size_t depth_max) {
    Reader reader(text);
    BencodeValue value;
    if (!reader.read(value, depth_max) || !reader.at_end())
        return Error{ErrorKind::Corrupt, "not bencoded"};
    return value;
}

}  // namespace lockstep
