// Tickets and recovery codes from any text; a ticket that is accepted survives being written again.
#include "vault/keys/recovery_code.h"
#include "vault/keys/ticket.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView bytes = std::as_bytes(std::span(data, size));
    auto ticket = parse_ticket(as_text(bytes));
    if (ticket.ok()) CHECK(parse_ticket(encode_ticket(*ticket)).value() == *ticket);
    (void)read_recovery_code(bytes);
    return 0;
}
