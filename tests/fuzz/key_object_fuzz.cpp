// Key objects, and the parts that lie behind their signature and seals, from any bytes.
#include "vault/keys/key_object_codec.h"
#include "vault/keys/local_keys.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    ByteView bytes = std::as_bytes(std::span(data + 1, size - 1));
    // A key object begins with 'L' as it lies on the disk: those go in whole.
    switch (data[0]) {
        case 1:
            (void)decode_fact({}, bytes);
            break;
        case 2:
            (void)decode_roster_part({}, bytes);
            break;
        case 3:
            (void)decode_keyring({}, bytes);
            break;
        case 4:
            (void)decode_local_keys(bytes, {});
            break;
        case 5:
            (void)DeviceIdentity::decode(bytes);
            break;
        default: {
            ByteView whole = std::as_bytes(std::span(data, size));
            VaultId vault;
            if (size >= 40) vault = VaultId::from(whole.subspan(8, 32));
            (void)parse_key_object(whole, vault);
        }
    }
    return 0;
}
