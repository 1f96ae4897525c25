# Attacks that no folder's own tests try, named after the rows of SECURITY.md. ./dev attacks prints the whole table.
lockstep_test(attacks_test
  SOURCES attacks/key_commitment_test.cpp attacks/locked_memory_test.cpp attacks/rollback_test.cpp attacks/type_confusion_test.cpp vault/log_samples.cpp
  LIBRARIES lockstep_vault_device)
