# Flags of every Lockstep target: C++20, warnings, hardening, sanitizers, a fast linker and ccache when there.

find_program(LOCKSTEP_CCACHE ccache)
find_program(LOCKSTEP_LLD ld.lld)

# Beast and libtorrent take over a gigabyte per translation unit: compile those one at a time.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=1)

function(lockstep_compile target)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
    -Wold-style-cast -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wsuggest-override -Wundef)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
    # g++ 12 cries wolf with these when it optimises: Result's variant, and fixed spans that end at an array's end.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  else()
    target_compile_options(${target} PRIVATE -Wthread-safety)
  endif()
  if(LOCKSTEP_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong)
  endif()
  if(LOCKSTEP_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LOCKSTEP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${LOCKSTEP_SANITIZE})
    if(LOCKSTEP_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
  endif()
  if(LOCKSTEP_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(LOCKSTEP_COVERAGE)
    target_compile_options(${target} PRIVATE -fprofile-instr-generate -fcoverage-mapping)
    target_link_options(${target} PRIVATE -fprofile-instr-generate)
  endif()
  if(LOCKSTEP_LLD)
    target_link_options(${target} PRIVATE -fuse-ld=lld)
  endif()
  if(LOCKSTEP_CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${LOCKSTEP_CCACHE})
  endif()
endfunction()

# Third-party headers that trip our warnings are system headers already; this puts the named sources into the
# heavy pool and nothing else.
function(lockstep_heavy target)
  set_property(TARGET ${target} PROPERTY JOB_POOL_COMPILE heavy)
endfunction()
