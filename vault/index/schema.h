// The tables of the index. A stamp is 24 bytes, big-endian time and log, so that it sorts as Stamp
// does.
#pragma once

namespace lockstep {

inline constexpr const char* kIndexSchema = R"sql(
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
  verified      INTEGER NOT NULL, -- its content was seen to have this id
  PRIMARY KEY (id, pack)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_of_pack ON chunk (pack);

CREATE TABLE log (
  id          BLOB PRIMARY KEY,
  device      BLOB NOT NULL,
  incarnation BLOB NOT NULL,
  number      INTEGER NOT NULL,   -- of the last segment applied: together the frontier
  hash        BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (
  log    BLOB NOT NULL,
  number INTEGER NOT NULL,
  hash   BLOB NOT NULL,
  epoch  BLOB NOT NULL,
  PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE introduction (
  pack   BLOB NOT NULL,
  log    BLOB NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (pack, log, number)
) STRICT, WITHOUT ROWID;

-- Every record of every segment applied, as a set. The body is the record's own encoding.
CREATE TABLE record (
  kind    INTEGER NOT NULL,       -- 0 link, 1 parent, 2 name, 3 attribute, 4 version, 5 resolve, 6 delete
  subject BLOB NOT NULL,          -- its link or file
  stamp   BLOB NOT NULL,
  body    BLOB NOT NULL,
  PRIMARY KEY (kind, subject, stamp, body)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace lockstep
