// Checksum words: a word behind each line of a recovery code on paper, so that whoever types it in
// again learns which line is mistyped.
//
// The word of a line is one of 256, named by the first byte of BLAKE2b-256 of (line number u8, the
// line's ten letters). It says nothing that the line does not. vault/FORMAT.md, "Recovery code".
#pragma once

#include <cstdint>
#include <string_view>

namespace lockstep {

// `line`: from 1. `letters`: upper-case base32, without dashes.
std::string_view checksum_word(std::uint8_t line, std::string_view letters);
// In any case.
bool is_checksum_word(std::string_view text);

}  // namespace lockstep
