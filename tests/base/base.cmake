lockstep_test(base_test
  SOURCES
    base/bytes_test.cpp base/codec_test.cpp base/directory_watcher_test.cpp base/log_levels_test.cpp base/posix_disk_test.cpp base/result_test.cpp base/spelling_test.cpp base/worker_pool_test.cpp
  LIBRARIES lockstep::base lockstep_test_support)

lockstep_test(http_test
  SOURCES
    base/http_client_test.cpp base/http_events_test.cpp base/http_parts_test.cpp base/http_server_test.cpp
    base/http_test_peer.cpp base/http_tls_test.cpp base/proxy_test.cpp base/websocket_frame_test.cpp
  LIBRARIES lockstep::base_http lockstep_test_support)

# Apart, since it sees Boost.Beast: its client is the other end.
lockstep_test(websocket_test
  SOURCES base/websocket_server_test.cpp base/http_test_peer.cpp
  LIBRARIES lockstep::base_http Boost::headers lockstep_test_support)
lockstep_heavy(websocket_test)
