// Every label of the key derivation and of signatures. One purpose, one label, for ever: changing
// one changes the format. The same table, with parents and arguments: vault/FORMAT.md, "Labels" (a
// test compares the two).
#pragma once

#include <string_view>

namespace lockstep::label {

// Under the root constant K; argument: vault id.
inline constexpr std::string_view kRootCommitment = "lockstep v1 root commitment";  // no argument
inline constexpr std::string_view kChunkId = "lockstep v1 chunk id";
inline constexpr std::string_view kListNodeId = "lockstep v1 list node id";
inline constexpr std::string_view kInlineRoot = "lockstep v1 inline content root";
inline constexpr std::string_view kChunkerSeed = "lockstep v1 chunker gear seed";
inline constexpr std::string_view kPseudonym = "lockstep v1 log pseudonym";
inline constexpr std::string_view kDerivedId = "lockstep v1 derived id";
inline constexpr std::string_view kJournal =
    "lockstep v1 journal";  // parent: device secret; arguments: vault id, K
inline constexpr std::string_view kIndex =
    "lockstep v1 index";  // parent: device secret; arguments: vault id, K

// Under an epoch secret E_e; arguments: vault id, epoch id.
inline constexpr std::string_view kPackBase = "lockstep v1 pack base";
inline constexpr std::string_view kPack =
    "lockstep v1 pack";  // parent: pack base; argument: salt of the pack
inline constexpr std::string_view kRecords = "lockstep v1 records";
inline constexpr std::string_view kNames = "lockstep v1 names";
inline constexpr std::string_view kReplicator = "lockstep v1 replicator secret";
inline constexpr std::string_view kEpochCommitment = "lockstep v1 epoch commitment";

// Under a replicator secret S_e; arguments: vault id, epoch id.
inline constexpr std::string_view kReplicatorCommitment = "lockstep v1 replicator commitment";
inline constexpr std::string_view kControlTorrent = "lockstep v1 control torrent";
inline constexpr std::string_view kSwarmSeed = "lockstep v1 swarm key seed";
inline constexpr std::string_view kSwarmMac = "lockstep v1 swarm mac";
inline constexpr std::string_view kRoster = "lockstep v1 roster";
inline constexpr std::string_view kSegmentOuter = "lockstep v1 segment outer";

// Key objects: under the vault unlock key; argument: vault id.
inline constexpr std::string_view kKeyObjectMac = "lockstep v1 key object mac";
inline constexpr std::string_view kKeyring = "lockstep v1 keyring";
// Under a stretched passphrase or a recovery code; arguments: vault id, salt.
inline constexpr std::string_view kSlotSealing = "lockstep v1 slot sealing key";
inline constexpr std::string_view kSlotSigning = "lockstep v1 slot signing key";
inline constexpr std::string_view kSealedBox = "lockstep v1 sealed box";

// Device: under the identity seed; argument: vault id.
inline constexpr std::string_view kVaultSigning = "lockstep v1 vault signing key";
inline constexpr std::string_view kReplicaSealing = "lockstep v1 replica sealing key";
// Under the stretched local passphrase; argument: vault id.
inline constexpr std::string_view kLocalUnlock = "lockstep v1 local unlock";

// Signatures: the label stands in the signed bytes.
inline constexpr std::string_view kSignCertificate = "lockstep v1 sign device certificate";
inline constexpr std::string_view kSignFact = "lockstep v1 sign membership fact";
inline constexpr std::string_view kSignKeyObject = "lockstep v1 sign key object";
inline constexpr std::string_view kSignSegment = "lockstep v1 sign segment";
inline constexpr std::string_view kSignHead = "lockstep v1 sign head";
inline constexpr std::string_view kSignHandshake = "lockstep v1 sign handshake";
inline constexpr std::string_view kSignAdmission = "lockstep v1 sign relay admission";

// Joining with a ticket: under the ticket's secret.
inline constexpr std::string_view kTicketSwarm = "lockstep v1 ticket swarm";
inline constexpr std::string_view kTicketMac = "lockstep v1 ticket mac";

}  // namespace lockstep::label
