lockstep_library(vault_keys
  SOURCES
    keys/checksum_words.cpp
    keys/device_identity.cpp
    keys/fact_codec.cpp
    keys/key_author.cpp
    keys/key_object.cpp
    keys/key_object_codec.cpp
    keys/key_state.cpp
    keys/key_tree.cpp
    keys/local_keys.cpp
    keys/recovery_code.cpp
    keys/roster.cpp
    keys/ticket.cpp
    keys/vault_header.cpp
  LIBRARIES lockstep::vault_crypto lockstep::base)
