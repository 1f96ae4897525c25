#include "vault/keys/vault_header.h"

#include "vault/crypto/object_prefix.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

Bytes encode_genesis(const VaultGenesis& genesis) {
    Encoder out;
    out.u16(kFormatVersion).raw(genesis.random);
    out.u64(static_cast<std::uint64_t>(genesis.created_ms)).id(genesis.founder).id(genesis.root);
    return std::move(out).take();
}

Result<VaultGenesis> decode_genesis(ByteView bytes) {
    Decoder in(bytes);
    if (in.u16() != kFormatVersion && !in.failed())
        return Error{ErrorKind::Unsupported, "genesis of another format version"};
    VaultGenesis out;
    ByteView random = in.raw(out.random.size());
    out.created_ms = static_cast<std::int64_t>(in.u64());
    out.founder = in.id<DeviceId>();
    out.root = in.id<Commitment>();
    TRY_OK(in.finish());
    std::memcpy(out.random.data(), random.data(), out.random.size());
    return out;
}

Result<VaultHeader> decode(ByteView bytes) {
    if (bytes.size() > kVaultHeaderSizeMax)
        return Error{ErrorKind::Corrupt, "longer than a vault header can be"};
    Decoder in(bytes);
    TRY_OK(decode_prefix(in, ObjectType::VaultHeader));
    VaultHeader out;
    out.id = in.id<VaultId>();
    ByteView genesis = in.bytes(kGenesisSizeMax);
    out.founder = decode_certificate(in);
    TRY_OK(in.finish());
    if (out.id != hash_as<VaultId>(blake2b(genesis)))
        return Error{ErrorKind::Corrupt, "vault id is not the hash of the genesis"};
    TRY(out.genesis, decode_genesis(genesis));
    if (out.founder.device != out.genesis.founder || out.founder.vault != out.id)
        return Error{ErrorKind::Corrupt, "certificate is not that of the vault's founder"};
    TRY_OK(out.founder.verify());
    // Optional flags are the only bytes that nothing above covers.
    if (!equal(encode_vault_header(out), bytes))
        return Error{ErrorKind::Corrupt, "not in canonical form"};
    return out;
}

}  // namespace

VaultId vault_id_of(const VaultGenesis& genesis) {
    return hash_as<VaultId>(blake2b(encode_genesis(genesis)));
}

Bytes encode_vault_header(const VaultHeader& header) {
    Encoder out;
    encode_prefix(out, {.type = ObjectType::VaultHeader});
    out.id(header.id).bytes(encode_genesis(header.genesis));
    encode_certificate(out, header.founder);
    return std::move(out).take();
}

Result<VaultHeader> decode_vault_header(ByteView bytes) {
    auto header = decode(bytes);
    if (!header.ok()) return std::move(header).error().in(std::string(kVaultHeaderName));
    return header;
}

}  // namespace lockstep
