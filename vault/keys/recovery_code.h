// The recovery code: 160 random bits and a checksum, written in groups of five letters for paper.
//
//     base32(20 random bytes ‖ first 5 bytes of BLAKE2b-256 of them), 40 characters in 8 groups
//     joined by '-'
//
// 160 bits need no stretching: its key is a plain KDF.
#pragma once

#include "vault/crypto/kdf.h"

namespace lockstep {

using RecoverySecret = SecretKey<struct RecoverySecretTag>;

// A new code as text. It opens everything: show it once, keep it nowhere.
SecretBytes make_recovery_code(Random& random);

// The key that a code stands for; spaces and dashes do not matter, nor does case. Invalid when
// mistyped.
Result<RecoverySecret> read_recovery_code(ByteView text);

}  // namespace lockstep
