lockstep_library(vault_files
  SOURCES
    files/dirty_ranges.cpp
    files/file_content.cpp
  LIBRARIES lockstep::vault_chunks lockstep::base)
