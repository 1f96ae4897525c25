lockstep_library(vault_files
  SOURCES
    files/content_pool.cpp
    files/dirty_ranges.cpp
    files/file_content.cpp
    files/file_content_ranges.cpp
    files/file_sealer.cpp
    files/node_table.cpp
    files/read_stream.cpp
    files/vault_files_attributes.cpp
    files/vault_files_names.cpp
    files/vault_files_open.cpp
    files/vault_files_puts.cpp
    files/vault_files_ranges.cpp
  LIBRARIES lockstep::vault_packs lockstep::vault_tree lockstep::vault_index lockstep::vault_presence lockstep::vault_journal)
