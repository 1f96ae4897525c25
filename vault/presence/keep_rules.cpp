#include "vault/presence/keep_rules.h"

#include "base/check.h"
#include "base/codec.h"
#include "vault/crypto/hash.h"

namespace lockstep {

std::string_view keep_text(Keep keep) {
    switch (keep) {
        case Keep::Full:
            return "full";
        case Keep::OnDemand:
            return "on-demand";
        case Keep::Pinned:
            return "pinned";
    }
    CHECK(false, "a Keep outside its enumeration");
}

Bytes encode_keep_rules(const KeepRules& rules) {
    Encoder out;
    out.u8(1).u8(rules.is_directory_shared ? 1 : 0);
    out.u32(static_cast<std::uint32_t>(rules.rules.size()));
    for (const auto& [file, keep] : rules.rules) out.id(file).u8(static_cast<std::uint8_t>(keep));
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return std::move(out).take();
}

Result<KeepRules> decode_keep_rules(ByteView bytes) {
    Decoder in(bytes);
    KeepRules out;
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const std::uint8_t shared = in.u8();
    if (shared > 1) in.fail("no truth value");
    out.is_directory_shared = shared == 1;
    std::uint32_t count = in.count(kKeepRulesMax, FileId::kSize + 1);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const FileId file = in.id<FileId>();
        const std::uint8_t keep = in.u8();
        if (keep < 1 || keep > 3) in.fail("no way of keeping content");
        if (!out.rules.empty() && file <= out.rules.rbegin()->first) in.fail("out of order");
        out.rules.emplace_hint(out.rules.end(), file, static_cast<Keep>(keep));
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    TRY_OK(in.finish());
    if (sum != blake2b(bytes.first(end)))
        return Error{ErrorKind::Corrupt, "its sum is not that of its bytes"};
    return out;
}

}  // namespace lockstep
