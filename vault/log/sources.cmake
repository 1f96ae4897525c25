lockstep_library(vault_log
  SOURCES
    log/compaction.cpp
    log/hybrid_clock.cpp
    log/log_store.cpp
    log/record_check.cpp
    log/record_codec.cpp
    log/replicator_part.cpp
    log/segment.cpp
    log/segment_parts.cpp
  LIBRARIES lockstep::vault_crypto)
