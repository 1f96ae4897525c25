# The tree in memory: records in, what people see out.
lockstep_library(vault_tree
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/derived_names.cpp
    ${CMAKE_CURRENT_LIST_DIR}/directory_moves.cpp
    ${CMAKE_CURRENT_LIST_DIR}/file_rules.cpp
    ${CMAKE_CURRENT_LIST_DIR}/link_rules.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_coalescing.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_facts.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_history.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_operations.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_questions.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_touch.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_view.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tree_writes.cpp
  LIBRARIES lockstep::base)
