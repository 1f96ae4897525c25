// The recovery code: 160 random bits and a checksum, written in groups of five letters for paper.
//
//     base32(20 random bytes ‖ first 5 bytes of BLAKE2b-256 of them), 40 characters in 8 groups
//     joined by '-'
//
// 160 bits need no stretching: its key is a plain KDF. On paper a code stands in four lines of two
// groups, each with a checksum word (checksum_words.h). THREADS: pure functions.
#pragma once

#include <string>

#include "vault/crypto/kdf.h"

namespace lockstep {

using RecoverySecret = SecretKey<struct RecoverySecretTag>;

// A new code as text. It opens everything: show it once, keep it nowhere.
SecretBytes make_recovery_code(Random& random);

// The key that a code stands for; spaces and dashes do not matter, nor does case. The checksum
// words of a sheet may be left out or typed as well. Invalid when mistyped: the message names the
// line where a word tells.
Result<RecoverySecret> read_recovery_code(ByteView text);

// The code as it is to be printed, with what a person who finds it in ten years must know.
struct RecoverySheet {
    std::string vault_name;
    std::string vault_id;  // in hex
    std::string date;
};
SecretBytes recovery_sheet(const SecretBytes& code, const RecoverySheet& about);

}  // namespace lockstep
