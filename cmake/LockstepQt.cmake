# The libraries of the desktop app, and how its targets are made. Without them it is left out, with a line that says so.
find_package(Qt6 6.4 QUIET COMPONENTS Widgets Svg DBus Network PrintSupport Test)
pkg_check_modules(QRENCODE QUIET IMPORTED_TARGET libqrencode)
find_library(LOCKSTEP_ZXCVBN zxcvbn)
find_package(Qt6Keychain QUIET)
find_program(LOCKSTEP_LRELEASE lrelease HINTS /usr/lib/qt6/bin)
if(Qt6_FOUND AND QRENCODE_FOUND AND LOCKSTEP_ZXCVBN AND Qt6Keychain_FOUND AND LOCKSTEP_LRELEASE)
  set(LOCKSTEP_HAS_QT ON)
else()
  set(LOCKSTEP_HAS_QT OFF)
  message(STATUS "lockstep-gui is left out: it needs Qt 6.4 (Widgets, Svg), lrelease, libqrencode, libzxcvbn and QtKeychain (./dev setup)")
endif()

# lockstep_qt(TARGET): moc, and few compilations: Qt's headers are most of what there is to compile.
# Apart only where tools want each source by itself.
function(lockstep_qt target)
  set_target_properties(${target} PROPERTIES AUTOMOC ON AUTORCC ON)
  if(NOT CMAKE_EXPORT_COMPILE_COMMANDS)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
  target_compile_definitions(${target} PRIVATE QT_NO_KEYWORDS QT_NO_CAST_FROM_BYTEARRAY QT_DISABLE_DEPRECATED_BEFORE=0x060400)
endfunction()
