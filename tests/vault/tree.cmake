# The tree against its reference model.
add_library(lockstep_reference_model STATIC support/reference_view.cpp support/reference_model.cpp)
target_link_libraries(lockstep_reference_model PUBLIC lockstep::vault_tree)
lockstep_compile(lockstep_reference_model)

add_library(lockstep_tree_world STATIC vault/tree_world.cpp vault/tree_triples.cpp)
target_link_libraries(lockstep_tree_world PUBLIC lockstep_reference_model lockstep_test_support)
lockstep_compile(lockstep_tree_world)

lockstep_test(vault_tree_test
  SOURCES
    vault/tree_merge_test.cpp
    vault/tree_robustness_test.cpp
    vault/tree_rules_test.cpp
    vault/tree_random_test.cpp
    vault/tree_triples_test.cpp
  LIBRARIES lockstep_tree_world)

# All triples: ./dev sim --triples.
lockstep_executable(tree_triples
  SOURCES vault/tree_triples_main.cpp LIBRARIES lockstep_tree_world)

# Prints speed and memory; no test.
lockstep_executable(tree_bench
  SOURCES bench/tree_bench.cpp LIBRARIES lockstep::vault_tree lockstep_test_support)
