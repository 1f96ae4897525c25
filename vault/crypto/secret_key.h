// Secrets: 32-byte keys that fit one purpose only, and passphrases.
//
// A key is moved, not copied (copy() says so by name), wiped when it is moved from or destroyed,
// never compared and never printed. Keys of different purposes are different types: a NameKey does
// not fit where a PackKey is wanted. Functions of this folder that work with any key take `const
// AnySecretKey&`.
#pragma once

#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"

namespace lockstep {

// Overwrites memory in a way the compiler does not drop.
void wipe(MutableByteView bytes);

class AnySecretKey {
  public:
    static constexpr std::size_t kSize = 32;

    AnySecretKey(const AnySecretKey&) = delete;
    AnySecretKey& operator=(const AnySecretKey&) = delete;

    // The 32 bytes. REQUIRES: the key was not moved from.
    ByteView reveal() const {
        CHECK(is_live_, "a key was used after it was moved away");
        return bytes_;
    }

  protected:
    explicit AnySecretKey(ByteView bytes) {
        CHECK(bytes.size() == kSize);
        std::memcpy(bytes_.data(), bytes.data(), kSize);
    }
    AnySecretKey(AnySecretKey&& other) noexcept { take(other); }
    AnySecretKey& operator=(AnySecretKey&& other) noexcept {
        if (this != &other) take(other);
        return *this;
    }
    ~AnySecretKey() { wipe(bytes_); }

  private:
    void take(AnySecretKey& other) {
        bytes_ = other.bytes_;
        is_live_ = std::exchange(other.is_live_, false);
        wipe(other.bytes_);
    }
    std::array<std::byte, kSize> bytes_{};
    bool is_live_ = true;
};

template <typename Purpose>
class SecretKey : public AnySecretKey {
  public:
    // REQUIRES: bytes.size() == 32. The caller wipes its own copy.
    static SecretKey from(ByteView bytes) { return SecretKey(bytes); }
    static SecretKey random(Random& random) {
        std::array<std::byte, kSize> bytes;
        random.fill(bytes);
        SecretKey key{ByteView(bytes)};
        wipe(bytes);
        return key;
    }
    SecretKey copy() const { return SecretKey(reveal()); }

    SecretKey(SecretKey&&) noexcept = default;
    SecretKey& operator=(SecretKey&&) noexcept = default;

  private:
    explicit SecretKey(ByteView bytes) : AnySecretKey(bytes) {}
};

// A passphrase or another secret of variable length, in locked and guarded memory (sodium_malloc),
// wiped at the end. Never goes through std::string longer than the caller cannot avoid.
class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(ByteView bytes);
    static SecretBytes from_text(std::string_view text) { return SecretBytes(as_bytes(text)); }

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    SecretBytes(SecretBytes&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~SecretBytes();

    SecretBytes copy() const { return SecretBytes(reveal()); }
    ByteView reveal() const { return {data_, size_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

  private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

// A buffer that held a secret for a moment: wiped at the end of the scope.
class WipeAtEnd {
  public:
    explicit WipeAtEnd(Bytes& bytes) : bytes_(bytes) {}
    WipeAtEnd(const WipeAtEnd&) = delete;
    WipeAtEnd& operator=(const WipeAtEnd&) = delete;
    ~WipeAtEnd() { wipe(bytes_); }

  private:
    Bytes& bytes_;
};

// Makes libsodium choose its fastest code and its page size. Called by every entry point here;
// cheap.
void ensure_crypto_ready();

}  // namespace lockstep
