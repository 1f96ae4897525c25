#include "vault/keys/key_tree.h"

namespace lockstep {
namespace {

// What a derived id names; part of the hashed bytes, so that no two kinds share an id.
enum class DerivedKind : std::uint8_t { File = 1, Link = 2, Version = 3 };

template <typename IdType>
IdType derived(const DerivedIdKey& key, DerivedKind kind, ByteView of, ByteView version) {
    std::byte tag{static_cast<std::uint8_t>(kind)};
    return hash_as<IdType>(keyed_hash(key, {ByteView(&tag, 1), of, version}));
}

}  // namespace

VaultKeys VaultKeys::derive(const RootKey& root, const VaultId& vault) {
    ByteView id = vault.view();
    return {
        .vault = vault,
        .chunk_id = derive_key<struct ChunkIdKeyTag>(root, label::kChunkId, id),
        .list_node_id = derive_key<struct ListNodeIdKeyTag>(root, label::kListNodeId, id),
        .inline_root = derive_key<struct InlineRootKeyTag>(root, label::kInlineRoot, id),
        .chunker = derive_key<struct ChunkerSeedTag>(root, label::kChunkerSeed, id),
        .pseudonym = derive_key<struct PseudonymKeyTag>(root, label::kPseudonym, id),
        .derived_id = derive_key<struct DerivedIdKeyTag>(root, label::kDerivedId, id),
    };
}

LogId VaultKeys::log_id(const DeviceId& device, const IncarnationId& incarnation) const {
    return hash_as<LogId>(keyed_hash(pseudonym, {device.view(), incarnation.view()}));
}

FileId VaultKeys::forked_file(const FileId& file, const VersionId& version) const {
    return derived<FileId>(derived_id, DerivedKind::File, file.view(), version.view());
}

LinkId VaultKeys::forked_link(const LinkId& link, const VersionId& version) const {
    return derived<LinkId>(derived_id, DerivedKind::Link, link.view(), version.view());
}

VersionId VaultKeys::forked_version(const FileId& file, const VersionId& version) const {
    return derived<VersionId>(derived_id, DerivedKind::Version, file.view(), version.view());
}

Commitment root_commitment(const RootKey& root) {
    return derive<struct RootCommitmentTag>(root, label::kRootCommitment).commitment;
}

EpochKeys EpochKeys::derive(const EpochSecret& secret, const VaultId& vault, const EpochId& epoch) {
    ByteView id = vault.view(), e = epoch.view();
    return {
        .epoch = epoch,
        .pack_base = derive_key<struct PackBaseKeyTag>(secret, label::kPackBase, {id, e}),
        .records = derive_key<struct RecordKeyTag>(secret, label::kRecords, {id, e}),
        .names = derive_key<struct NameKeyTag>(secret, label::kNames, {id, e}),
    };
}

DerivedKey<struct PackKeyTag> EpochKeys::pack_key(ByteView salt) const {
    CHECK(salt.size() == 32);
    // The salt is random and 32 bytes long: no two packs share a key.
    return lockstep::derive<struct PackKeyTag>(pack_base, label::kPack, {salt});
}

ReplicatorSecret derive_replicator_secret(const EpochSecret& secret, const VaultId& vault,
                                          const EpochId& epoch) {
    return derive_key<struct ReplicatorSecretTag>(secret, label::kReplicator,
                                                  {vault.view(), epoch.view()});
}

Commitment epoch_commitment(const EpochSecret& secret, const VaultId& vault, const EpochId& epoch) {
    return derive<struct EpochCommitmentTag>(secret, label::kEpochCommitment,
                                             {vault.view(), epoch.view()})
        .commitment;
}

Commitment replicator_commitment(const ReplicatorSecret& secret, const VaultId& vault,
                                 const EpochId& epoch) {
    return derive<struct ReplicatorCommitmentTag>(secret, label::kReplicatorCommitment,
                                                  {vault.view(), epoch.view()})
        .commitment;
}

ReplicatorKeys ReplicatorKeys::derive(const ReplicatorSecret& secret, const VaultId& vault,
                                      const EpochId& epoch) {
    ByteView id = vault.view(), e = epoch.view();
    return {
        .epoch = epoch,
        .control_torrent =
            derive_key<struct ControlTorrentSeedTag>(secret, label::kControlTorrent, {id, e}),
        .swarm = SigningKey(derive_key<struct SwarmSeedTag>(secret, label::kSwarmSeed, {id, e})),
        .swarm_mac = derive_key<struct SwarmMacKeyTag>(secret, label::kSwarmMac, {id, e}),
        .roster = derive_key<struct RosterKeyTag>(secret, label::kRoster, {id, e}),
        .segment_outer =
            derive_key<struct SegmentOuterKeyTag>(secret, label::kSegmentOuter, {id, e}),
    };
}

JournalKey derive_journal_key(const DeviceSecret& device, const RootKey& root,
                              const VaultId& vault) {
    return derive_key<struct JournalKeyTag>(device, label::kJournal, {vault.view(), root.reveal()});
}

IndexKey derive_index_key(const DeviceSecret& device, const RootKey& root, const VaultId& vault) {
    return derive_key<struct IndexKeyTag>(device, label::kIndex, {vault.view(), root.reveal()});
}

}  // namespace lockstep
