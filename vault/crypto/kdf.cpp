#include "vault/crypto/kdf.h"

#include <sodium.h>

#include "base/codec.h"

namespace lockstep::kdf_detail {

void derive(Output& out, const AnySecretKey& parent, std::string_view label,
            std::initializer_list<ByteView> arguments) {
    ensure_crypto_ready();
    crypto_generichash_blake2b_state state;
    crypto_generichash_blake2b_init(&state, u8(parent.reveal()), AnySecretKey::kSize,
                                    out.bytes.size());
    auto add = [&state](ByteView part) {
        Encoder prefix;
        prefix.u32(static_cast<std::uint32_t>(part.size()));
        crypto_generichash_blake2b_update(&state, u8(prefix.view()), prefix.size());
        if (!part.empty()) crypto_generichash_blake2b_update(&state, u8(part), part.size());
    };
    add(as_bytes(label));
    for (ByteView argument : arguments) add(argument);
    crypto_generichash_blake2b_final(&state, u8(MutableByteView(out.bytes)), out.bytes.size());
    sodium_memzero(&state, sizeof(state));
}

}  // namespace lockstep::kdf_detail
