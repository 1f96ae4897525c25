# BLAKE2b of several messages at once, for processors that have the registers: chosen when it runs.
set(blake2b_lanes)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(blake2b_lanes crypto/blake2b_avx2.cpp crypto/blake2b_avx512.cpp)
  set_source_files_properties(crypto/blake2b_avx2.cpp PROPERTIES COMPILE_OPTIONS "-O2;-mavx2")
  set_source_files_properties(crypto/blake2b_avx512.cpp PROPERTIES COMPILE_OPTIONS "-O2;-mavx512f")
endif()

lockstep_library(vault_crypto
  SOURCES
    ${blake2b_lanes}
    crypto/aead.cpp
    crypto/hash.cpp
    crypto/kdf.cpp
    crypto/passphrase.cpp
    crypto/sealed_box.cpp
    crypto/secret_key.cpp
    crypto/signature.cpp
  LIBRARIES lockstep::base PkgConfig::SODIUM OpenSSL::Crypto)
