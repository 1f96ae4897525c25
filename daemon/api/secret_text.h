// Text that is a secret (a passphrase, a recovery code, a ticket): wiped when it goes, never
// printed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <string.h>

#include "base/bytes.h"

namespace lockstep::api {

// Overwrites the text, its spare capacity included, so that the memory given back holds none of it.
inline void wipe(std::string& text) {
    text.resize(text.capacity());
    explicit_bzero(text.data(), text.size());
    text.clear();
}

// Move-only; no ==, no printing. `reveal()` says by its name what it does.
class SecretText {
  public:
    SecretText() = default;
    explicit SecretText(std::string text) : text_(std::move(text)) { wipe(text); }
    SecretText(SecretText&& other) noexcept : text_(other.text_) { wipe(other.text_); }
    SecretText& operator=(SecretText&& other) noexcept {
        if (this != &other) {
            wipe(text_);
            text_ = other.text_;
            wipe(other.text_);
        }
        return *this;
    }
    SecretText(const SecretText&) = delete;
    SecretText& operator=(const SecretText&) = delete;
    ~SecretText() { wipe(text_); }

    bool empty() const { return text_.empty(); }
    const std::string& reveal() const { return text_; }
    ByteView reveal_bytes() const { return as_bytes(text_); }

  private:
    std::string text_;
};

}  // namespace lockstep::api
