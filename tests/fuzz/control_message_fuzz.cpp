// What a member sends in a control session or a join, or leaves in a mailbox: refused, or exactly
// one encoding.
#include "base/check.h"
#include "sync/control/messages.h"
#include "sync/join/join_messages.h"
#include "sync/mailbox/mailbox_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    ByteView bytes = std::as_bytes(std::span(data, size));
    if (auto message = decode_message(bytes); message.ok()) {
        CHECK(equal(encode_message(*message), bytes));
        // Nobody finds the block of a pack whose id is all zeros.
        if (const auto* audited = std::get_if<AuditedMessage>(&*message))
            for (const std::uint64_t length : {1ULL, 100'000ULL, 16ULL << 20})
                CHECK(!verify_block({.id = {}, .length = length}, audited->index, audited->proof)
                           .ok());
    }
    if (auto message = decode_join_message(bytes); message.ok())
        CHECK(equal(encode_join_message(*message), bytes));
    if (auto receipt = decode_receipt(bytes); receipt.ok())
        CHECK(equal(encode_receipt(receipt->receipt), receipt->signed_bytes));
    return 0;
}
