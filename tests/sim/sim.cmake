if(TARGET lockstep_vault_device)
  add_library(lockstep_simulated_world STATIC
    sim/archive.cpp
    sim/content_ledger.cpp
    sim/merge_table.cpp
    sim/remembered_signatures.cpp
    sim/simulated_blind.cpp
    sim/simulated_collection.cpp
    sim/simulated_compaction.cpp
    sim/simulated_end.cpp
    sim/simulated_faults.cpp
    sim/simulated_machines.cpp
    sim/simulated_members.cpp
    sim/simulated_network.cpp
    sim/simulated_user.cpp
    sim/simulated_world.cpp
    sim/witness.cpp)
  target_link_libraries(lockstep_simulated_world PUBLIC lockstep_vault_device lockstep_reference_model)
  target_link_options(lockstep_simulated_world PUBLIC LINKER:--wrap=crypto_sign_verify_detached)
  lockstep_compile(lockstep_simulated_world)
  lockstep_test(vault_sim_test SOURCES sim/vault_sim_test.cpp LIBRARIES lockstep_simulated_world)
  lockstep_executable(vault_sim SOURCES sim/vault_sim.cpp LIBRARIES lockstep_simulated_world)
endif()
