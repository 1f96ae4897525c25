lockstep_library(vault_crypto
  SOURCES
    crypto/aead.cpp
    crypto/hash.cpp
    crypto/kdf.cpp
    crypto/passphrase.cpp
    crypto/sealed_box.cpp
    crypto/secret_key.cpp
    crypto/signature.cpp
  LIBRARIES lockstep::base PkgConfig::SODIUM OpenSSL::Crypto)
