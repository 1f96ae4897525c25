// The verbs of `lockstep`, one function each.
#pragma once

#include "daemon/cli/session.h"

namespace lockstep::cli {

// commands_vault.cpp
ExitCode vault_create(Session& session);
ExitCode vault_open(Session& session);
ExitCode vault_list(Session& session);
ExitCode vault_show(Session& session);
ExitCode vault_unlock(Session& session);
ExitCode vault_lock(Session& session);
ExitCode vault_autolock(Session& session);
ExitCode vault_check(Session& session);  // of a vault the daemon has, else offline
ExitCode vault_collect(Session& session);
ExitCode vault_remove(Session& session);
ExitCode mount_vault(Session& session);
ExitCode unmount_vault(Session& session);

// commands_keys.cpp
ExitCode vault_passwd(Session& session);
ExitCode passphrase_list(Session& session);
ExitCode passphrase_add(Session& session);
ExitCode passphrase_remove(Session& session);
ExitCode recovery_create(Session& session);
ExitCode recovery_test(Session& session);
ExitCode vault_rotate(Session& session);
ExitCode device_role(Session& session);

// commands_doctor.cpp
ExitCode doctor(Session& session);
// Of the vaults, the machine and the network; of the machine alone while no daemon answers.
Result<std::vector<api::FindingInfo>> all_findings(Session& session);

// commands_diagnostics.cpp
ExitCode write_diagnostics(Session& session);

// commands_mirror.cpp
ExitCode mirror_add(Session& session);
ExitCode mirror_list(Session& session);
ExitCode mirror_remove(Session& session);
ExitCode mirror_ignore_test(Session& session);
ExitCode brake_show(Session& session);
ExitCode brake_release(Session& session);
ExitCode device_let_in(Session& session);
ExitCode device_quota(Session& session);
ExitCode brake_undo(Session& session);
ExitCode brake_on(Session& session);
ExitCode brake_off(Session& session);
ExitCode print_undone(Session& session, const Result<api::UndoAnswer>& answer);
// "/home/ana/desk (folder letters): up to date, 12 files"
std::string mirror_text(const api::MirrorInfo& mirror);

// offline_decrypt.cpp, offline_check.cpp: no daemon, no local state
ExitCode vault_decrypt(Session& session);
ExitCode check_directory(Session& session, const std::string& directory);

// commands_pairing.cpp
ExitCode invite(Session& session);
ExitCode join(Session& session);
ExitCode device_list(Session& session);
ExitCode device_accept(Session& session);
ExitCode device_reject(Session& session);
ExitCode device_rename(Session& session);
ExitCode device_revoke(Session& session);
ExitCode device_retire(Session& session);
ExitCode device_adopt(Session& session);

// commands_status.cpp
ExitCode show_status(Session& session);
ExitCode wait_for_vault(Session& session);
ExitCode pause_sync(Session& session);
ExitCode resume_sync(Session& session);
ExitCode conflicts_list(Session& session);
ExitCode conflicts_resolve(Session& session);
ExitCode explain_file(Session& session);
ExitCode follow_events(Session& session);
ExitCode relay_add(Session& session);
ExitCode relay_list(Session& session);
ExitCode relay_remove(Session& session);
ExitCode relay_test(Session& session);

// commands_files.cpp
ExitCode list_files(Session& session);
ExitCode get_file(Session& session);
ExitCode put_file(Session& session);

// commands_presence.cpp
ExitCode keep_path(Session& session);
ExitCode pin_path(Session& session);
ExitCode unpin_path(Session& session);
ExitCode evict_path(Session& session);
ExitCode whereis_path(Session& session);
ExitCode set_quota(Session& session);

// The file or folder at that moment as a new one of this machine, all or nothing for each file.
// Returns how many files.
Result<std::uint64_t> download_tree(Session& session, const VaultPath& from,
                                    const api::DaemonClient::Moment& moment, const std::string& to);

// commands_history.cpp
ExitCode show_history(Session& session);
ExitCode restore_path(Session& session);
ExitCode show_difference(Session& session);
ExitCode undo_device(Session& session);
ExitCode make_snapshot(Session& session);
ExitCode list_snapshots(Session& session);
ExitCode remove_snapshot(Session& session);
ExitCode show_or_set_retention(Session& session);

// commands_config.cpp
ExitCode config_get(Session& session);
ExitCode config_set(Session& session);
ExitCode config_check(Session& session);
ExitCode config_path(Session& session);

// Writes it where only the user can read it; Exists rather than overwriting.
Status write_secret_file(const std::string& path, const api::SecretText& text);
// Shared by verbs that end with a look at a vault.
void print_vault(const api::VaultInfo& vault);
// "/home/ana/papers, /home/ana/letters": where it is mounted now.
std::string mounted_text(const api::VaultInfo& vault);
// "papers: [#####...............]  25 % 1.0 GiB of 4.0 GiB, 12 MiB/s, about 5 min left"
std::string sync_progress_text(const api::VaultInfo& vault);
std::string time_left_text(const api::VaultInfo& vault);
// Exit 3 when the vault has a problem beside what was asked for (it is open, but not mounted).
ExitCode finish_with_vault(Session& session, const api::VaultInfo& vault);
ExitCode print_check(Session& session, const api::CheckAnswer& report);

}  // namespace lockstep::cli
