# Small programs that measure one part each; built when asked for (./dev bench core), never run by ctest.
function(lockstep_bench name)
  if(NOT TARGET ${name} AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.cpp)
    lockstep_executable(${name} SOURCES bench/${name}.cpp LIBRARIES ${ARGN} lockstep_test_support)
  endif()
endfunction()

lockstep_bench(pack_bench lockstep::vault_packs)
lockstep_bench(tree_bench lockstep::vault_tree)
foreach(name pack_bench tree_bench journal_bench mount_bench)
  if(TARGET ${name})
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endforeach()
