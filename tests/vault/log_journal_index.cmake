lockstep_test(vault_log_test
  SOURCES
    vault/log_compaction_test.cpp
    vault/log_hybrid_clock_test.cpp
    vault/log_record_codec_test.cpp
    vault/log_samples.cpp
    vault/log_segment_test.cpp
    vault/log_store_test.cpp
  LIBRARIES lockstep::vault_log lockstep_test_support)

lockstep_test(vault_journal_test
  SOURCES vault/journal_entry_test.cpp vault/journal_test.cpp vault/log_samples.cpp
  LIBRARIES lockstep::vault_journal lockstep_test_support)

lockstep_test(vault_index_test
  SOURCES
    vault/index_file_test.cpp
    vault/index_test.cpp
    vault/index_world.cpp
    vault/log_samples.cpp
  LIBRARIES lockstep::vault_index lockstep_test_support)

lockstep_executable(journal_bench
  SOURCES bench/journal_bench.cpp vault/log_samples.cpp
  LIBRARIES lockstep::vault_journal lockstep::vault_index lockstep_test_support)
