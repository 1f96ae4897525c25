add_library(lockstep_fake_replica STATIC ${CMAKE_CURRENT_LIST_DIR}/../support/fake_replica.cpp)
target_link_libraries(lockstep_fake_replica PUBLIC lockstep_test_support lockstep::vault_packs PkgConfig::SODIUM)
lockstep_compile(lockstep_fake_replica)

lockstep_test(sync_test
  SOURCES
    sync/fetch_plan_test.cpp
    sync/mailbox_test.cpp
    sync/signs_of_life_test.cpp
    sync/network_watch_test.cpp
    sync/proxied_peers_test.cpp
    sync/relay_client_test.cpp
    sync/relay_pool_test.cpp
    sync/relay_watch_test.cpp
    sync/srv_resolver_test.cpp
    sync/sync_attacks_test.cpp
    sync/sync_codec_test.cpp
    sync/sync_join_test.cpp
    sync/sync_membership_test.cpp
    sync/sync_presence_test.cpp
    sync/sync_swarm_test.cpp
    sync/sync_transfer_test.cpp
    sync/sync_tunnel_test.cpp
    sync/tunnel_plan_test.cpp
    sync/sync_two_devices_test.cpp
  LIBRARIES lockstep::sync lockstep::relay lockstep_fake_replica)

lockstep_test(pack_disk_test SOURCES sync/pack_disk_test.cpp LIBRARIES lockstep::sync_torrent lockstep_test_support)
target_link_libraries(pack_disk_test PRIVATE PkgConfig::LIBTORRENT)
lockstep_heavy(pack_disk_test)

lockstep_test(relay_scale_test SOURCES sync/relay_scale_test.cpp LIBRARIES lockstep::sync lockstep_test_support)
target_compile_definitions(relay_scale_test PRIVATE LOCKSTEP_RELAY_PROGRAM="$<TARGET_FILE:lockstep-relay>")
add_dependencies(relay_scale_test lockstep-relay)

if(TARGET lockstep_vault_device)
  add_library(lockstep_mirror_world STATIC ${CMAKE_CURRENT_LIST_DIR}/mirror_world.cpp)
  target_link_libraries(lockstep_mirror_world PUBLIC lockstep::sync_mirror lockstep_vault_device GTest::gtest)
  lockstep_compile(lockstep_mirror_world)

  lockstep_test(mirror_test
    SOURCES sync/mirror_parts_test.cpp sync/mirror_reconciler_test.cpp sync/mirror_thread_test.cpp sync/two_mirrors_test.cpp
    LIBRARIES lockstep_mirror_world)
endif()
