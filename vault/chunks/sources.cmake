lockstep_library(vault_chunks
  SOURCES
    chunks/chunk_codec.cpp
    chunks/chunker.cpp
    chunks/content_ids.cpp
    chunks/content_list.cpp
    chunks/content_node.cpp
    chunks/content_store.cpp
    chunks/gear_table.cpp
    chunks/pack_context.cpp
  LIBRARIES lockstep::vault_keys PkgConfig::LZ4)
