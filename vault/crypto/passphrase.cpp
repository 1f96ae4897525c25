#include "vault/crypto/passphrase.h"

#include <sodium.h>
#include <unistd.h>

namespace lockstep {
namespace {

std::uint64_t machine_memory_bytes() {
    long pages = ::sysconf(_SC_PHYS_PAGES);
    long page_size = ::sysconf(_SC_PAGE_SIZE);
    if (pages <= 0 || page_size <= 0) return kPassphraseCostMax.memory_bytes * 2;
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size);
}

}  // namespace

Status check_cost(const PassphraseCost& cost) {
    if (cost.memory_bytes % 1024 != 0)
        return Error{ErrorKind::Refused, "passphrase cost: memory is not in whole KiB"};
    if (cost.memory_bytes < kPassphraseCostMin.memory_bytes ||
        cost.operations < kPassphraseCostMin.operations)
        return Error{ErrorKind::Refused, "passphrase cost is below the floor: downgraded?"};
    if (cost.memory_bytes > kPassphraseCostMax.memory_bytes ||
        cost.operations > kPassphraseCostMax.operations)
        return Error{ErrorKind::Refused, "passphrase cost is above the cap"};
    return {};
}

Result<StretchedPassphrase> stretch_passphrase(const SecretBytes& passphrase,
                                               const PassphraseSalt& salt,
                                               const PassphraseCost& cost) {
    TRY_OK(check_cost(cost));
    if (passphrase.empty()) return Error{ErrorKind::Invalid, "the passphrase is empty"};
    if (cost.memory_bytes > machine_memory_bytes() / 2)
        return Error{ErrorKind::NoSpace, "this machine has too little memory for the passphrase"};
    ensure_crypto_ready();
    std::array<std::byte, 32> out;
    static_assert(PassphraseSalt::kSize == crypto_pwhash_SALTBYTES);
    ByteView bytes = passphrase.reveal();
    int failed = crypto_pwhash(
        u8(MutableByteView(out)), out.size(), as_text(bytes).data(), bytes.size(), u8(salt.view()),
        cost.operations, static_cast<std::size_t>(cost.memory_bytes), crypto_pwhash_ALG_ARGON2ID13);
    if (failed != 0) return Error{ErrorKind::NoSpace, "not enough memory for the passphrase"};
    StretchedPassphrase key = StretchedPassphrase::from(out);
    wipe(out);
    return key;
}

PassphraseStretcher& in_process_stretcher() {
    class InProcess final : public PassphraseStretcher {
        Result<StretchedPassphrase> stretch(const SecretBytes& passphrase,
                                            const PassphraseSalt& salt,
                                            const PassphraseCost& cost) override {
            return stretch_passphrase(passphrase, salt, cost);
        }
    };
    static InProcess stretcher;
    return stretcher;
}

}  // namespace lockstep
