lockstep_test(vault_packs_test
  SOURCES
    vault/chunks_chunker_test.cpp
    vault/chunks_codec_test.cpp
    vault/content_list_test.cpp
    vault/content_store_test.cpp
    vault/packs_merkle_test.cpp
    vault/packs_pack_test.cpp
    vault/packs_store_test.cpp
  LIBRARIES lockstep::vault_packs lockstep_test_support)
target_compile_definitions(vault_packs_test PRIVATE LOCKSTEP_GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/golden")

# libtorrent's opinion of our torrents; alone, because its headers are slow to compile.
lockstep_test(vault_pack_torrent_test
  SOURCES vault/packs_torrent_libtorrent_test.cpp
  LIBRARIES lockstep::vault_packs lockstep_test_support LibtorrentRasterbar::torrent-rasterbar)
lockstep_heavy(vault_pack_torrent_test)
