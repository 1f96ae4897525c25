lockstep_library(vault_packs
  SOURCES
    packs/block_proof.cpp
    packs/merkle.cpp
    packs/pack_builder.cpp
    packs/pack_bytes.cpp
    packs/pack_format.cpp
    packs/pack_reader.cpp
    packs/pack_store.cpp
    packs/pack_torrent_id.cpp
  LIBRARIES lockstep::vault_chunks OpenSSL::Crypto)
