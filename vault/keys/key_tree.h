// The tree of keys below the three secrets of a vault: root constant K, epoch secrets E_e,
// replicator secrets S_e.
//
//   K   ─► ids, chunker, pseudonyms: stable, so that dedup survives rotation
//   E_e ─► packs, records and names written in epoch e;  E_e ─► S_e, one way
//   S_e ─► swarms, roster, outer part of segments: all that a blind member or a locked device needs
//
// Every derivation binds the vault id (and the epoch id). Labels: vault/FORMAT.md, "Labels".
// INVARIANT: nothing here leads from S_e to E_e or K.
// THREADS: the structs are constant after derive(); share them freely.
#pragma once

#include "vault/crypto/kdf.h"
#include "vault/crypto/signature.h"
#include "vault/types.h"

namespace lockstep {

using RootKey = SecretKey<struct RootKeyTag>;                    // K
using EpochSecret = SecretKey<struct EpochSecretTag>;            // E_e
using ReplicatorSecret = SecretKey<struct ReplicatorSecretTag>;  // S_e
using DeviceSecret = SecretKey<struct DeviceSecretTag>;          // random, of one device

using ChunkIdKey = SecretKey<struct ChunkIdKeyTag>;
using ListNodeIdKey = SecretKey<struct ListNodeIdKeyTag>;
using InlineRootKey = SecretKey<struct InlineRootKeyTag>;
using ChunkerSeed = SecretKey<struct ChunkerSeedTag>;
using PseudonymKey = SecretKey<struct PseudonymKeyTag>;
using DerivedIdKey = SecretKey<struct DerivedIdKeyTag>;
using PackBaseKey = SecretKey<struct PackBaseKeyTag>;
using PackKey = SecretKey<struct PackKeyTag>;
using RecordKey = SecretKey<struct RecordKeyTag>;
using NameKey = SecretKey<struct NameKeyTag>;
using ControlTorrentSeed = SecretKey<struct ControlTorrentSeedTag>;
using SwarmMacKey = SecretKey<struct SwarmMacKeyTag>;
using RosterKey = SecretKey<struct RosterKeyTag>;
using SegmentOuterKey = SecretKey<struct SegmentOuterKeyTag>;
using JournalKey = SecretKey<struct JournalKeyTag>;
using IndexKey = SecretKey<struct IndexKeyTag>;

// Below K.
struct VaultKeys {
    VaultId vault;
    ChunkIdKey chunk_id;  // keyed hash of a chunk's plaintext
    ListNodeIdKey list_node_id;
    InlineRootKey inline_root;  // content roots of inline content
    ChunkerSeed chunker;        // gear table
    PseudonymKey pseudonym;     // log ids
    DerivedIdKey derived_id;    // ids of forks

    static VaultKeys derive(const RootKey& root, const VaultId& vault);

    LogId log_id(const DeviceId& device, const IncarnationId& incarnation) const;
    // A head made real is a fork: the same on every device that makes it.
    FileId forked_file(const FileId& file, const VersionId& version) const;
    LinkId forked_link(const LinkId& link, const VersionId& version) const;
    VersionId forked_version(const FileId& file, const VersionId& version) const;
};

// Says which K a vault has without telling it; part of the genesis.
Commitment root_commitment(const RootKey& root);

// Below E_e.
struct EpochKeys {
    EpochId epoch;
    PackBaseKey pack_base;
    RecordKey records;  // record part of segments
    NameKey names;

    static EpochKeys derive(const EpochSecret& secret, const VaultId& vault, const EpochId& epoch);

    // Every pack has a key of its own. REQUIRES: the salt is the pack's random 32 bytes.
    DerivedKey<struct PackKeyTag> pack_key(ByteView salt) const;
};

ReplicatorSecret derive_replicator_secret(const EpochSecret& secret, const VaultId& vault,
                                          const EpochId& epoch);
// Names E_e for the ROTATE fact.
Commitment epoch_commitment(const EpochSecret& secret, const VaultId& vault, const EpochId& epoch);
// Names S_e for the ROTATE fact; computable by those who know S_e only.
Commitment replicator_commitment(const ReplicatorSecret& secret, const VaultId& vault,
                                 const EpochId& epoch);

// Below S_e.
struct ReplicatorKeys {
    EpochId epoch;
    ControlTorrentSeed control_torrent;
    SigningKey swarm;  // what the relay's tracker admits
    SwarmMacKey swarm_mac;
    RosterKey roster;
    SegmentOuterKey segment_outer;

    static ReplicatorKeys derive(const ReplicatorSecret& secret, const VaultId& vault,
                                 const EpochId& epoch);
};

// Of this device alone; survive rotation because K does.
JournalKey derive_journal_key(const DeviceSecret& device, const RootKey& root,
                              const VaultId& vault);
IndexKey derive_index_key(const DeviceSecret& device, const RootKey& root, const VaultId& vault);

}  // namespace lockstep
