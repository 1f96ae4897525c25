// The tables of the index.
#pragma once

#include <cstdint>

namespace lockstep {

// An index of another version is rebuilt.
inline constexpr std::uint64_t kIndexSchemaVersion = 2;

inline constexpr const char* kIndexSchema = R"sql(
PRAGMA user_version = 2;

-- How many rows each table has: what must be so when the file was not closed as it should be.
CREATE TABLE state (
  row           INTEGER PRIMARY KEY CHECK (row = 0),
  is_closed     INTEGER NOT NULL,  -- nothing was written since the index was closed
  packs         INTEGER NOT NULL,
  chunks        INTEGER NOT NULL,
  segments      INTEGER NOT NULL,
  introductions INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (0, 1, 0, 0, 0, 0);

CREATE TABLE pack (
  row       INTEGER PRIMARY KEY,
  id        BLOB NOT NULL UNIQUE,
  length    INTEGER NOT NULL,
  epoch     BLOB,                 -- known once its file was seen
  present   INTEGER NOT NULL,     -- its file is in the vault directory
  condemned INTEGER NOT NULL
) STRICT;

CREATE TABLE chunk (
  id            BLOB NOT NULL,
  pack          INTEGER NOT NULL,
  kind          INTEGER NOT NULL,
  compression   INTEGER NOT NULL,
  offset        INTEGER NOT NULL,
  sealed_length INTEGER NOT NULL,
  raw_length    INTEGER NOT NULL,
  trust         INTEGER NOT NULL, -- 0 claimed by the pack's index, 1 its content was seen to have
                                  -- this id, 2 it was seen to have another
  PRIMARY KEY (id, pack)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_of_pack ON chunk (pack);

CREATE TABLE log (
  id          BLOB PRIMARY KEY,
  device      BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  number      INTEGER NOT NULL,   -- of the last segment applied: together the frontier
  hash        BLOB NOT NULL,
  time        BLOB NOT NULL       -- greatest stamp of this log in its own segments, big-endian
) STRICT, WITHOUT ROWID;

-- The greatest position of each log that the frontier of any segment names.
CREATE TABLE named (
  log    BLOB PRIMARY KEY,
  number INTEGER NOT NULL,
  hash   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- In the order in which they were applied, with their records in their own encoding.
CREATE TABLE segment (
  row     INTEGER PRIMARY KEY,
  log     BLOB NOT NULL,
  number  INTEGER NOT NULL,
  origin  BLOB NOT NULL,          -- the log that its header names; another one when it was forked
  hash    BLOB NOT NULL,
  epoch   BLOB NOT NULL,
  time    BLOB NOT NULL,          -- greatest stamp of its own log, big-endian
  sum     BLOB NOT NULL,          -- BLAKE2b-256 of the records
  records BLOB NOT NULL,
  UNIQUE (log, number)
) STRICT;

CREATE TABLE introduction (
  pack   BLOB NOT NULL,
  log    BLOB NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (pack, log, number)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace lockstep
