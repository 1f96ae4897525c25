# Frozen objects of released formats. The reader has nothing of ours: the format is documented if it passes.
if(TARGET lockstep)
  add_test(NAME golden_vault
    COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/golden_vault_test.py $<TARGET_FILE:lockstep>)
  set_tests_properties(golden_vault PROPERTIES TIMEOUT 120)
endif()
