# What is installed beside the programs, and the programs beside a service manager.
add_test(NAME installers.units
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/units_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.units PROPERTIES LABELS e2e TIMEOUT 120 SKIP_RETURN_CODE 77)

add_test(NAME installers.service COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/service_test.py ${CMAKE_BINARY_DIR}/bin)
set_tests_properties(installers.service PROPERTIES LABELS e2e TIMEOUT 240)

add_test(NAME installers.containers
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/containers_test.py $<TARGET_FILE:lockstep-relay> ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.containers PROPERTIES LABELS e2e TIMEOUT 240 SKIP_RETURN_CODE 77)

add_test(NAME installers.manuals
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/manuals_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.manuals PROPERTIES LABELS e2e TIMEOUT 240 SKIP_RETURN_CODE 77)

add_test(NAME installers.monitoring
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/monitoring_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.monitoring PROPERTIES LABELS e2e TIMEOUT 120 SKIP_RETURN_CODE 77)
add_test(NAME installers.file_managers
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/file_manager_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.file_managers PROPERTIES LABELS e2e TIMEOUT 240 SKIP_RETURN_CODE 77)

# Two minutes on a busy machine: all that the documents show, with real daemons.
add_test(NAME installers.readme
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/readme_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.readme PROPERTIES LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77)

add_test(NAME installers.documents
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/documents_test.py ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(installers.documents PROPERTIES LABELS e2e TIMEOUT 120)
