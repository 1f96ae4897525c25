add_library(lockstep_fake_replica STATIC ${CMAKE_CURRENT_LIST_DIR}/../support/fake_replica.cpp)
target_link_libraries(lockstep_fake_replica PUBLIC lockstep_test_support lockstep::vault_packs PkgConfig::SODIUM)
lockstep_compile(lockstep_fake_replica)

lockstep_test(sync_test
  SOURCES
    sync/sync_codec_test.cpp
    sync/sync_join_test.cpp
    sync/sync_membership_test.cpp
    sync/sync_transfer_test.cpp
    sync/sync_two_devices_test.cpp
  LIBRARIES lockstep::sync lockstep_fake_replica)
