lockstep_library(vault_journal
  SOURCES
    journal/journal.cpp
    journal/journal_entry.cpp
    journal/journal_format.cpp
    journal/journal_replay.cpp
  LIBRARIES lockstep::vault_log)
