# The desktop app: its models and dialogs offscreen, and against a real daemon and a second device. The test sets up
# its platform, language and homes itself. gui_test CLASS [VARIANT] runs one class.
add_executable(gui_test gui/gui_test.cpp gui/model_test.cpp gui/screen_test.cpp gui/screens.cpp gui/daemon_window_test.cpp gui/daemon_window_settings_test.cpp gui/desktop_parts_test.cpp gui/keychain_test.cpp gui/gui_samples.cpp daemon/lockstep_home.cpp)
target_link_libraries(gui_test PRIVATE lockstep::gui lockstep_test_support Qt6::Test nlohmann_json::nlohmann_json GTest::gtest)
target_compile_definitions(gui_test PRIVATE
  LOCKSTEP_BIN_DIR="${CMAKE_BINARY_DIR}/bin" LOCKSTEP_SCREENS_DIR="${CMAKE_BINARY_DIR}/screens" LOCKSTEP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
# Few compilations, as of the app itself (LockstepQt.cmake).
if(NOT CMAKE_EXPORT_COMPILE_COMMANDS)
  set_target_properties(gui_test PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 5)
  set_source_files_properties(daemon/lockstep_home.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endif()
set_target_properties(gui_test PROPERTIES AUTOMOC ON RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
lockstep_compile(gui_test)
add_dependencies(gui_test lockstep lockstepd)
foreach(class ModelTest DesktopPartsTest DaemonWindowTest KeychainTest)
  add_test(NAME gui.${class} COMMAND gui_test ${class})
  set_tests_properties(gui.${class} PROPERTIES LABELS gui TIMEOUT 240)
endforeach()
foreach(variant light dark double german mirrored pseudo)
  add_test(NAME gui.ScreenTest.${variant} COMMAND gui_test ScreenTest ${variant})
  set_tests_properties(gui.ScreenTest.${variant} PROPERTIES LABELS gui TIMEOUT 120)
endforeach()
# The program itself under Xvfb, driven through AT-SPI, with real daemons. Exit code 77: something is not installed.
add_test(NAME gui.desktop COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/desktop_test.py)
set_tests_properties(gui.desktop PROPERTIES
  LABELS gui TIMEOUT 240 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
add_test(NAME gui.tray COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/tray_test.py)
set_tests_properties(gui.tray PROPERTIES
  LABELS gui TIMEOUT 240 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
add_test(NAME gui.journey COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/journey_test.py)
set_tests_properties(gui.journey PROPERTIES
  LABELS gui TIMEOUT 480 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
find_program(LOCKSTEP_LUPDATE lupdate HINTS /usr/lib/qt6/bin)
add_test(NAME gui.translation COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/translation_test.py ${CMAKE_SOURCE_DIR} ${LOCKSTEP_LUPDATE})
set_tests_properties(gui.translation PROPERTIES LABELS gui TIMEOUT 120 SKIP_RETURN_CODE 77)
