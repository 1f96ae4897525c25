# What can be checked by reading: fast enough for every run of ctest.
add_test(NAME lint_layers COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check_layers.py ${CMAKE_SOURCE_DIR})
add_test(NAME lint_layers_finds_violations COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check_layers_test.py)
add_test(NAME lint_security COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check_security.py ${CMAKE_SOURCE_DIR})
set_tests_properties(lint_security lint_layers lint_layers_finds_violations PROPERTIES LABELS lint TIMEOUT 60)
