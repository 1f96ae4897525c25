// What devices and relays say to each other beside announces: refused, or read as it was written.
#include "base/check.h"
#include "relay/protocol/admission.h"
#include "relay/protocol/mailbox.h"
#include "relay/protocol/tunnel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lockstep;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto request = decode_admission_request(text); request.ok())
        CHECK(*decode_admission_request(encode_admission_request(*request)) == *request);
    if (auto answer = decode_admission_answer(text); answer.ok())
        CHECK(*decode_admission_answer(encode_admission_answer(*answer)) == *answer);
    (void)relay_time_in(text);
    if (auto message = decode_control_message(text); message.ok())
        CHECK(*decode_control_message(encode_control_message(*message)) == *message);
    if (auto items = decode_mailbox_list(text); items.ok())
        CHECK(*decode_mailbox_list(encode_mailbox_list(*items)) == *items);
    return 0;
}
