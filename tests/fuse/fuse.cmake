# MemoryFileSystem, and the conformance suite that every FileSystem passes: link the latter into a test and
# instantiate it (tests/vault/file_system_conformance.h).
add_library(lockstep_memory_file_system STATIC support/memory_file_system.cpp)
target_link_libraries(lockstep_memory_file_system PUBLIC lockstep::base)
lockstep_compile(lockstep_memory_file_system)

lockstep_executable(mount_bench
  SOURCES fuse/mount_bench.cpp
  LIBRARIES lockstep::fuse lockstep_memory_file_system lockstep_test_support)
