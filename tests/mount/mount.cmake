# What real mounts of real daemons must stand: io_exerciser does the input and output, mount_test.py runs it and
# everything else. `./dev stress` runs the long versions.
lockstep_executable(io_exerciser
  SOURCES mount/io_exerciser_main.cpp mount/io_exerciser.cpp mount/io_exerciser_operations.cpp
  LIBRARIES lockstep::base lockstep_test_support fmt::fmt)
# Preloaded into a daemon for power cuts. Sanitizers want to be first, so there it is left out.
add_library(lockstep_unsynced MODULE mount/unsynced_pages.cpp)
lockstep_compile(lockstep_unsynced)
set(LOCKSTEP_MOUNT_TESTS
  InputOutput.test_the_model_equals_a_plain_directory
  InputOutput.test_random_operations_equal_the_model
  InputOutput.test_a_truncated_file_stays_empty_while_mapped_pages_are_written_back
  Names.test_eight_processes_at_once
  Crash.test_what_was_acknowledged_outlives_kill_9
  Crash.test_what_was_acknowledged_outlives_power_cuts
  Space.test_a_full_disk_is_told_and_loses_nothing
  Space.test_a_full_disk_can_be_opened_read_and_locked
  Programs.test_scripts)
foreach(test IN LISTS LOCKSTEP_MOUNT_TESTS)
  add_test(NAME mount.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/mount_test.py ${test})
  set_tests_properties(mount.${test} PROPERTIES
    LABELS "e2e;mount" TIMEOUT 240 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
if(LOCKSTEP_SANITIZE)
  set_tests_properties(mount.Crash.test_what_was_acknowledged_outlives_power_cuts PROPERTIES DISABLED TRUE)
endif()
