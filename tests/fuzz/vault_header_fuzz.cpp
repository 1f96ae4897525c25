// lockstep.vault from any bytes; what is accepted encodes to the same bytes.
#include "vault/keys/vault_header.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView bytes = std::as_bytes(std::span(data, size));
    auto header = decode_vault_header(bytes);
    if (header.ok()) CHECK(equal(encode_vault_header(*header), bytes));
    return 0;
}
