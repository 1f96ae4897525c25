# Every target of the project is made here, so that warnings, sanitizers and the include root are the
# same everywhere and nothing is set globally.

include(LockstepCompile)

# lockstep_library(NAME SOURCES ... [LIBRARIES ...]) makes lockstep_NAME with the alias lockstep::NAME.
function(lockstep_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(lockstep_${name} STATIC ${ARG_SOURCES})
  add_library(lockstep::${name} ALIAS lockstep_${name})
  target_link_libraries(lockstep_${name} PUBLIC ${ARG_LIBRARIES})
  lockstep_compile(lockstep_${name})
endfunction()

# lockstep_executable(NAME SOURCES ... [LIBRARIES ...]); the binary lies in bin/ of the build directory.
function(lockstep_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  lockstep_compile(${name})
endfunction()

# lockstep_test(NAME SOURCES ... [LIBRARIES ...]): one GoogleTest executable per layer, each test known to ctest.
function(lockstep_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest_main)
  lockstep_compile(${name})
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
