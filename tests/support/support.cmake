# What tests of several layers share: fakes of the base interfaces and temporary directories.
add_library(lockstep_test_support STATIC
  support/memory_disk.cpp
  support/seeded_random.cpp
  support/temp_dir.cpp)
target_link_libraries(lockstep_test_support PUBLIC lockstep::base)
lockstep_compile(lockstep_test_support)

lockstep_test(support_test
  SOURCES support/memory_disk_test.cpp support/fakes_test.cpp
  LIBRARIES lockstep_test_support)

# Memory that is refused on demand; only for tests that want it.
add_library(lockstep_failing_allocations OBJECT support/failing_allocations.cpp)
target_link_libraries(lockstep_failing_allocations PUBLIC lockstep::base PkgConfig::SODIUM SQLite::SQLite3 ${CMAKE_DL_LIBS})
lockstep_compile(lockstep_failing_allocations)
