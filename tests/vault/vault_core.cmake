add_library(lockstep_vault_device STATIC support/vault_device.cpp)
target_link_libraries(lockstep_vault_device PUBLIC lockstep::vault lockstep_test_support)
lockstep_compile(lockstep_vault_device)

lockstep_test(vault_files_test
  SOURCES vault/content_pool_test.cpp vault/file_content_test.cpp vault/file_content_ranges_test.cpp
    vault/read_stream_test.cpp
  LIBRARIES lockstep::vault_files lockstep_test_support)
lockstep_test(vault_test
  SOURCES vault/conflicts_test.cpp vault/directory_arrivals_test.cpp vault/index_unlock_test.cpp
    vault/vault_test.cpp vault/vault_collection_test.cpp vault/vault_compaction_test.cpp vault/vault_crash_test.cpp
    vault/vault_drop_box_test.cpp vault/log_branches_test.cpp vault/vault_fork_test.cpp vault/vault_full_disk_test.cpp vault/vault_membership_test.cpp
    vault/vault_passphrases_test.cpp vault/vault_roles_test.cpp vault/vault_rollback_test.cpp
    vault/vault_puts_test.cpp vault/presence_parts_test.cpp vault/presence_test.cpp
  LIBRARIES lockstep_vault_device)
lockstep_test(vault_damage_test
  SOURCES vault/vault_check_test.cpp vault/vault_decrypt_test.cpp
  LIBRARIES lockstep_vault_device)
lockstep_test(vault_blind_test
  SOURCES vault/audit_log_test.cpp vault/vault_blind_test.cpp vault/vault_reseal_test.cpp
  LIBRARIES lockstep_vault_device)
lockstep_test(vault_failing_test
  SOURCES vault/vault_failing_disk_test.cpp vault/vault_failing_memory_test.cpp
  LIBRARIES lockstep_failing_allocations lockstep_vault_device)
lockstep_test(vault_history_test
  SOURCES vault/arriving_files_test.cpp vault/change_news_test.cpp vault/history_test.cpp vault/pack_scrub_test.cpp vault/retention_test.cpp vault/rewrite_brake_test.cpp vault/intake_quota_test.cpp
  LIBRARIES lockstep_vault_device)
if("fuse" IN_LIST LOCKSTEP_LAYERS)
  lockstep_test(vault_conformance_test
    SOURCES vault/vault_conformance_test.cpp
    LIBRARIES lockstep_vault_device lockstep_file_system_conformance)
endif()
