lockstep_test(relay_test
  SOURCES
    relay/admission_test.cpp relay/announce_codec_test.cpp relay/bencode_test.cpp relay/coordinator_test.cpp
    relay/mailbox_test.cpp
    relay/open_id_test.cpp relay/peer_table_test.cpp relay/relay_config_test.cpp relay/relay_http_test.cpp relay/tunnel_test.cpp
  LIBRARIES lockstep::relay lockstep_test_support)

# The binary itself: signals, exit codes, logs.
lockstep_test(relay_program_test
  SOURCES relay/relay_program_test.cpp relay/relay_attacks_test.cpp base/http_test_peer.cpp
  LIBRARIES lockstep::relay lockstep_test_support)
target_compile_definitions(relay_program_test PRIVATE LOCKSTEP_RELAY_PROGRAM="$<TARGET_FILE:lockstep-relay>")
add_dependencies(relay_program_test lockstep-relay)

# Transmission and aria2; skipped where they are not installed.
add_test(NAME relay.bittorrent_clients
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/bittorrent_clients_test.py $<TARGET_FILE:lockstep-relay>)
set_tests_properties(relay.bittorrent_clients PROPERTIES LABELS e2e TIMEOUT 240 SKIP_RETURN_CODE 77)

# A real OpenID provider; skipped where node or the provider is not installed.
add_test(NAME relay.openid_provider
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/openid_provider_test.py $<TARGET_FILE:lockstep-relay>)
set_tests_properties(relay.openid_provider PROPERTIES LABELS e2e TIMEOUT 240 SKIP_RETURN_CODE 77)

# The status page in headless Chromium; skipped where that or its driver is not installed.
add_test(NAME relay.status_page
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/status_page_test.py $<TARGET_FILE:lockstep-relay>)
set_tests_properties(relay.status_page PROPERTIES LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77)

add_test(NAME relay.installers
  COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/installers_test.py $<TARGET_FILE:lockstep-relay> ${CMAKE_SOURCE_DIR})
set_tests_properties(relay.installers PROPERTIES LABELS e2e TIMEOUT 120 SKIP_RETURN_CODE 77)
