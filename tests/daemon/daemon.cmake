# The daemon's parts alone, then the real binaries in temporary homes.
lockstep_test(daemon_test
  SOURCES
    daemon/api_access_test.cpp daemon/bandwidth_test.cpp daemon/child_stretcher_test.cpp daemon/cli_parts_test.cpp daemon/config_store_test.cpp daemon/config_test.cpp daemon/data_paths_test.cpp daemon/diagnostics_test.cpp
    daemon/error_code_test.cpp daemon/event_log_test.cpp daemon/explain_file_test.cpp daemon/idle_timer_test.cpp daemon/instance_lock_test.cpp
    daemon/json_codec_test.cpp daemon/long_polls_test.cpp daemon/machine_check_test.cpp daemon/memory_care_test.cpp
    daemon/openapi_test.cpp daemon/proxy_setting_test.cpp daemon/relay_settings_test.cpp daemon/router_test.cpp daemon/sightings_test.cpp
    daemon/start_passphrase_test.cpp daemon/transfers_test.cpp
  LIBRARIES lockstep::daemon lockstep::cli lockstep_vault_device)
target_compile_definitions(daemon_test PRIVATE
  LOCKSTEP_SOURCE_DIR="${CMAKE_SOURCE_DIR}" LOCKSTEP_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
add_dependencies(daemon_test lockstepd)

# Drives `lockstep` and `lockstepd` as a user does. One test at a time: mounts and 64 MiB of Argon2id each.
lockstep_test(daemon_binaries_test
  SOURCES
    daemon/binaries_api_test.cpp daemon/binaries_doctor_test.cpp daemon/binaries_files_test.cpp daemon/binaries_keys_test.cpp daemon/binaries_mounts_test.cpp daemon/binaries_pairing_test.cpp
    daemon/binaries_process_test.cpp
    daemon/binaries_vault_test.cpp daemon/lockstep_home.cpp
  LIBRARIES lockstep::base lockstep::base_http lockstep_test_support nlohmann_json::nlohmann_json)
target_compile_definitions(daemon_binaries_test PRIVATE LOCKSTEP_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
add_dependencies(daemon_binaries_test lockstep lockstepd)
