lockstep_library(vault_index
  SOURCES
    index/chunk_index.cpp
    index/database.cpp
    index/index.cpp
    index/log_index.cpp
  LIBRARIES lockstep::vault_log SQLite::SQLite3)
