// Versions, heads and attribute registers of one file.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "vault/tree/tree_types.h"

namespace lockstep {

// Adds a version and what it replaces; returns whether the heads are others now.
bool add_version(FileState& file, VersionState version);
// These are heads no longer; ids that are unknown yet are remembered.
bool mark_replaced(FileState& file, std::span<const VersionId> ids);
void remove_version(FileState& file, const VersionId& id);

VersionState* find_version(FileState& file, const VersionId& id);
const VersionState* find_version(const FileState& file, const VersionId& id);
// Newest first.
std::vector<const VersionState*> heads_of(const FileState& file);
std::vector<VersionId> head_ids(const FileState& file);  // sorted
// nullptr when the file has no head.
const VersionState* main_head(const FileState& file);

// Equal size and content root.
bool is_identical(const VersionState& a, const VersionState& b);
Content content_of(const VersionState& version);

// Sets a register if (stamp, value) is greater than what is there, or `force`d: an operation
// overrides itself.
bool set_attribute(FileState& file, const AttributeRecord& record, const CompactStamp& stamp,
                   bool force);
const AttributeState* find_attribute(const FileState& file, AttributeKey key,
                                     std::string_view xattr);
std::string_view xattr_of(const AttributeState& attribute);
std::optional<Bytes> value_of(const AttributeState& attribute);

}  // namespace lockstep
