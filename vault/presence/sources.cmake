lockstep_library(vault_presence
  SOURCES
    presence/absent_content.cpp
    presence/audit_log.cpp
    presence/keep_rules.cpp
    presence/pack_rebuilder.cpp
    presence/pack_question.cpp
    presence/range_cache.cpp
    presence/vault_presence.cpp
  LIBRARIES lockstep::vault_packs lockstep::vault_index)
