# Real daemons, relay and mounts; each test makes and removes a world of its own, so they may run side by side.
set(LOCKSTEP_E2E_TESTS
  Sync.test_two_devices_with_a_relay
  Sync.test_two_devices_without_a_relay
  Sync.test_remote_changes_show_in_open_and_mapped_files
  Sync.test_a_third_device_gets_everything_from_the_second
  Sync.test_conflict_keeps_both_versions_on_both
  Sync.test_a_conflict_is_ended_as_told_on_both
  Sync.test_explain_names_what_a_file_waits_for
  Sync.test_bandwidth_limits_count_and_are_lifted
  Sync.test_a_restored_device_that_wrote_before_it_met_anybody_loses_nothing
  Sync.test_edit_survives_a_delete
  Sync.test_a_locked_device_still_stores
  Relay.test_devices_meet_through_a_relay_that_wants_tickets
  Relay.test_a_token_is_needed_where_the_relay_wants_one
  DropBox.test_two_devices_on_one_directory_stay_in_step
  DropBox.test_two_directories_kept_equal_by_rsync_stay_in_step
  DropBox.test_a_locked_device_stores_and_serves_what_is_dropped_in
  DropBox.test_foreign_files_are_left_alone_and_reported
  Crash.test_kill_and_restart_lose_nothing_that_was_fsynced
  Crash.test_an_orderly_stop_publishes_and_unmounts
  Offline.test_decrypt_gives_every_file_back
  Offline.test_a_changed_byte_in_any_object_is_found_and_named
  ExitCodes.test_mistakes_have_their_own_exit_codes
  Secrecy.test_memory_keeps_no_passphrase
  Secrecy.test_no_plaintext_in_state_or_on_the_wire
  Secrecy.test_secret_files_are_the_users_alone
  Secrecy.test_what_dies_with_keys_in_memory_leaves_no_core)
foreach(test IN LISTS LOCKSTEP_E2E_TESTS)
  add_test(NAME e2e.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/e2e_test.py ${test})
  set_tests_properties(e2e.${test} PROPERTIES
    LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
set(LOCKSTEP_MIRROR_TESTS
  test_edits_renames_and_deletes_reach_the_other_folder
  test_changes_while_both_were_away_are_joined
  test_a_mass_of_deletes_asks_first
  test_a_mass_of_rewrites_to_noise_is_frozen_and_undone
  test_a_folder_without_its_marker_stops_the_mirror
  test_what_is_refused_and_what_is_ignored)
foreach(test IN LISTS LOCKSTEP_MIRROR_TESTS)
  add_test(NAME mirror.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/mirror_test.py Mirrors.${test})
  set_tests_properties(mirror.${test} PROPERTIES
    LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
# One storm, with a seed of its own each time: what is done is told by it when it fails. Its large files make packs of
# more than 1 MiB, which go by torrent.
add_test(NAME weather COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/weather_test.py --gusts 3 --large-kib 1536 --pause 0.06)
set_tests_properties(weather PROPERTIES
  LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
set(LOCKSTEP_ON_DEMAND_TESTS
  test_a_device_that_joins_on_demand_fetches_no_content_unasked
  test_lists_everything_and_reads_a_range_without_the_rest
  test_pinned_folders_come_whole_and_stay
  test_evicts_what_another_device_keeps_and_reads_it_again
  test_the_only_copy_is_never_evicted
  test_two_that_evict_at_once_do_not_rely_on_each_other
  test_nothing_is_evicted_from_a_directory_that_two_devices_use
  test_a_vault_has_a_cache_of_its_own_size
  test_readers_of_what_nobody_has_get_an_error_and_do_not_hold_up_a_lock
  test_words_for_what_cannot_be)
foreach(test IN LISTS LOCKSTEP_ON_DEMAND_TESTS)
  add_test(NAME on_demand.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/on_demand_test.py OnDemand.${test})
  set_tests_properties(on_demand.${test} PROPERTIES
    LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
set(LOCKSTEP_BLIND_TESTS
  test_a_server_holds_and_hands_on_what_it_cannot_open
  test_a_quota_is_kept_and_can_be_changed
  test_it_counts_as_a_copy_when_it_has_shown_what_it_holds
  test_who_cannot_show_a_block_counts_no_more_until_it_can
  test_a_full_removal_goes_on_after_a_kill
  test_words_for_what_cannot_be)
foreach(test IN LISTS LOCKSTEP_BLIND_TESTS)
  add_test(NAME blind.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/blind_test.py Blind.${test})
  set_tests_properties(blind.${test} PROPERTIES
    LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
add_test(NAME metered COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/metered_test.py)
set_tests_properties(metered PROPERTIES
  LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
set(LOCKSTEP_HISTORY_TESTS
  test_a_file_a_folder_and_deleted_things_come_back
  test_the_past_is_shown_by_mounts_and_snapshots
  test_an_undo_takes_back_one_devices_changes_everywhere
  test_retention_is_chosen_for_all_and_words_for_what_cannot_be
  test_a_damaged_pack_is_fetched_again)
foreach(test IN LISTS LOCKSTEP_HISTORY_TESTS)
  add_test(NAME history.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/history_test.py History.${test})
  set_tests_properties(history.${test} PROPERTIES
    LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
set(LOCKSTEP_TUNNEL_TESTS
  Tunnels.test_two_behind_nats_join_and_stay_in_step_through_the_relay
  Tunnels.test_a_restarted_relay_is_found_again
  Tunnels.test_a_direct_way_is_taken_again_when_there_is_one
  Mailboxes.test_what_laptop_wrote_is_on_desk_the_next_day
  Mailboxes.test_nothing_is_left_there_when_all_are_connected
  Access.test_a_token_opens_a_relay_that_wants_one
  Access.test_a_relay_under_tls_is_known_by_its_key_and_no_other_takes_its_place)
foreach(test IN LISTS LOCKSTEP_TUNNEL_TESTS)
  add_test(NAME e2e.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/tunnel_test.py ${test})
  set_tests_properties(e2e.${test} PROPERTIES
    LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
set(LOCKSTEP_RELAYS_TESTS
  test_the_next_one_carries_on_when_one_dies_and_a_probe_finds_it_again
  test_hash_meets_at_two_and_moves_and_the_others_meet_everywhere
  test_dns_names_them_to_a_guest_who_has_none)
foreach(test IN LISTS LOCKSTEP_RELAYS_TESTS)
  add_test(NAME relays.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/relays_test.py Relays.${test})
  set_tests_properties(relays.${test} PROPERTIES
    LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
set(LOCKSTEP_PROXY_TESTS
  test_two_behind_a_socks_proxy_meet_at_a_relay_and_nothing_goes_around
  test_a_device_elsewhere_is_reached_through_an_http_proxy_and_a_wrong_password_is_said
  test_it_counts_at_once_and_what_was_connected_directly_is_cut)
foreach(test IN LISTS LOCKSTEP_PROXY_TESTS)
  add_test(NAME proxy.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/proxy_test.py Proxies.${test})
  set_tests_properties(proxy.${test} PROPERTIES
    LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
foreach(test test_an_unused_vault_is_locked_and_a_used_one_is_not test_the_machine_sleeps_when_vaults_are_locked)
  add_test(NAME autolock.${test} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/autolock_test.py AutoLock.${test})
  set_tests_properties(autolock.${test} PROPERTIES
    LABELS e2e TIMEOUT 180 SKIP_RETURN_CODE 77 ENVIRONMENT LOCKSTEP_BIN=${CMAKE_BINARY_DIR}/bin)
endforeach()
