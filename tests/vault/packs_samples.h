// Keys, contents and stores that the tests of chunks and packs share.
#pragma once

#include <unordered_map>

#include "tests/support/seeded_random.h"
#include "vault/chunks/content_store.h"
#include "vault/packs/pack_builder.h"
#include "vault/packs/pack_reader.h"

namespace lockstep {

template <typename IdType>
IdType id_of_byte(int value) {
    IdType id;
    id.bytes.fill(static_cast<std::byte>(value));
    return id;
}

template <typename KeyType>
KeyType key_of_byte(int value) {
    Bytes bytes(32, static_cast<std::byte>(value));
    return KeyType::from(bytes);
}

inline const VaultId kSampleVault = id_of_byte<VaultId>(0xa1);
inline const EpochId kSampleEpoch = id_of_byte<EpochId>(0xe1);

inline VaultKeys sample_vault_keys() {
    return {.vault = kSampleVault,
            .chunk_id = key_of_byte<ChunkIdKey>(1),
            .list_node_id = key_of_byte<ListNodeIdKey>(2),
            .inline_root = key_of_byte<InlineRootKey>(3),
            .chunker = key_of_byte<ChunkerSeed>(4),
            .pseudonym = key_of_byte<PseudonymKey>(5),
            .derived_id = key_of_byte<DerivedIdKey>(6)};
}

inline const ContentIds& sample_ids() {
    static const ContentIds ids(sample_vault_keys());
    return ids;
}

inline const PackBaseKey& sample_pack_base() {
    static const PackBaseKey key = key_of_byte<PackBaseKey>(7);
    return key;
}

inline PackBuilder sample_builder(Random& random) {
    return PackBuilder(sample_pack_base(), kSampleVault, kSampleEpoch, random);
}

inline ChunkId add_data(PackBuilder& builder, ByteView plaintext) {
    ChunkId id = sample_ids().chunk_id(plaintext);
    builder.add(ChunkKind::Data, id, plaintext);
    return id;
}

inline Result<PackReader> open_sample(ByteView pack) {
    return PackReader::open(std::make_unique<MemoryPackBytes>(pack), sample_pack_base(),
                            kSampleVault);
}

// Objects in a map, by id.
class MapChunks final : public ChunkSink, public ChunkSource {
  public:
    bool has(ChunkKind, const ChunkId& id) override { return objects.contains(id); }
    Status put(ChunkKind, const ChunkId& id, ByteView plaintext) override {
        ++puts;
        objects[id] = to_bytes(plaintext);
        return {};
    }
    Result<Bytes> get(ChunkKind, const ChunkId& id) override {
        ++gets;
        auto found = objects.find(id);
        if (found == objects.end()) return Error{ErrorKind::Unavailable, "not here"};
        return found->second;
    }

    std::unordered_map<ChunkId, Bytes> objects;
    std::size_t puts = 0;
    std::size_t gets = 0;
};

}  // namespace lockstep
