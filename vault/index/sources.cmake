lockstep_library(vault_index
  SOURCES
    index/chunk_index.cpp
    index/database.cpp
    index/encrypting_vfs.cpp
    index/index.cpp
    index/index_impl.cpp
    index/log_index.cpp
    index/sealed_files.cpp
  LIBRARIES lockstep::vault_log SQLite::SQLite3)
