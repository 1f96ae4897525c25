// All simulated devices are in one process and check the same signatures, again at each opening:
// over a third of the time. What was found good once is good. The linker puts this in the place of
// libsodium's function (--wrap), in the simulator alone; vault's own tests check each.
#include <array>
#include <cstring>
#include <set>

#include <sodium.h>

extern "C" {
int __real_crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                       unsigned long long size, const unsigned char* key);

int __wrap_crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                       unsigned long long size, const unsigned char* key) {
    static std::set<std::array<unsigned char, 32>> good;
    std::array<unsigned char, 32> name;
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, crypto_sign_PUBLICKEYBYTES, name.size());
    crypto_generichash_update(&state, signature, crypto_sign_BYTES);
    crypto_generichash_update(&state, message, size);
    crypto_generichash_final(&state, name.data(), name.size());
    if (good.count(name) != 0) return 0;
    const int result = __real_crypto_sign_verify_detached(signature, message, size, key);
    if (good.size() > 100'000) good.clear();
    if (result == 0) good.insert(name);
    return result;
}
}
