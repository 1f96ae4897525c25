file(GLOB LOCKSTEP_KEYS_TESTS CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/vault/crypto_*_test.cpp
  ${CMAKE_CURRENT_SOURCE_DIR}/vault/keys_*_test.cpp)
if(LOCKSTEP_KEYS_TESTS)
  lockstep_test(vault_keys_test
    SOURCES ${LOCKSTEP_KEYS_TESTS}
    LIBRARIES lockstep::vault_keys lockstep::vault_crypto lockstep_test_support)
  target_compile_definitions(vault_keys_test PRIVATE
    LOCKSTEP_GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/golden"
    LOCKSTEP_FORMAT_DOCUMENT="${CMAKE_SOURCE_DIR}/vault/FORMAT.md")
endif()
