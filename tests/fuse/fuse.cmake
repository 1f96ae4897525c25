# MemoryFileSystem, and the conformance suite that every FileSystem passes: link the latter into a test and
# instantiate it (tests/vault/file_system_conformance.h).
add_library(lockstep_memory_file_system STATIC support/memory_file_system.cpp)
target_link_libraries(lockstep_memory_file_system PUBLIC lockstep::base)
lockstep_compile(lockstep_memory_file_system)

add_library(lockstep_file_system_conformance OBJECT
  vault/file_system_conformance.cpp
  vault/file_system_conformance_attributes.cpp
  vault/file_system_conformance_content.cpp
  vault/file_system_conformance_ranges.cpp)
target_link_libraries(lockstep_file_system_conformance
  PUBLIC lockstep::base lockstep_test_support GTest::gtest)
lockstep_compile(lockstep_file_system_conformance)

lockstep_test(memory_file_system_test
  SOURCES fuse/memory_file_system_test.cpp
  LIBRARIES lockstep_memory_file_system lockstep_file_system_conformance)

lockstep_test(file_views_test
  SOURCES fuse/file_views_test.cpp
  LIBRARIES lockstep::vault_views lockstep_memory_file_system lockstep_file_system_conformance)

lockstep_test(fuse_test
  SOURCES fuse/closing_test.cpp fuse/fuse_parts_test.cpp fuse/mount_bypass_test.cpp fuse/mount_filling_test.cpp fuse/mount_invalidation_test.cpp fuse/mount_lifecycle_test.cpp
    fuse/mount_permissions_test.cpp fuse/mount_posix_test.cpp fuse/mount_programs_test.cpp fuse/mount_several_test.cpp
  LIBRARIES lockstep::fuse lockstep::vault_views lockstep_memory_file_system lockstep_test_support)

# System calls on a real vault under a real mount.
lockstep_test(mount_vault_test
  SOURCES fuse/vault_attributes_test.cpp fuse/vault_content_test.cpp fuse/vault_names_test.cpp
  LIBRARIES lockstep::fuse lockstep::vault lockstep_test_support)

lockstep_executable(mount_bench
  SOURCES fuse/mount_bench.cpp
  LIBRARIES lockstep::fuse lockstep_memory_file_system lockstep_test_support)
