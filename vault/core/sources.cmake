lockstep_library(vault_core
  SOURCES
    core/check_open.cpp
    core/decrypt_vault.cpp
    core/log_ends.cpp
    core/lockable_files.cpp
    core/offline_vault.cpp
    core/open_vault.cpp
    core/open_vault_collection.cpp
    core/open_vault_ends.cpp
    core/open_vault_load.cpp
    core/restore_writes.cpp
    core/vault_impl.cpp
    core/vault_replica.cpp
    core/vault_replica_ends.cpp
    vault_runner.cpp
  LIBRARIES lockstep::vault_files lockstep::vault_keys lockstep::vault_log lockstep::vault_journal)
