#include "gui/windows/commands.h"

#include <QDateTime>
#include <QDesktopServices>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QMessageBox>
#include <QPushButton>
#include <QUrl>
#include <algorithm>

#include "gui/models/past_model.h"
#include "gui/models/text.h"
#include "gui/models/vault_view.h"

namespace lockstep::gui {

namespace {

// The names with which requests are asked for; answers of two kinds are told alike.
Status status_of(Status status) {
    return status;
}

template <typename T>
Status status_of(Result<T> result) {
    if (result.ok()) return {};
    return std::move(result).error();
}

}  // namespace

std::uint64_t seconds_until_tomorrow() {
    const QDateTime now = QDateTime::currentDateTime();
    const QDateTime morning(now.date().addDays(1), QTime(8, 0));
    return static_cast<std::uint64_t>(std::max<qint64>(60, now.secsTo(morning)));
}

Commands::Commands(DaemonState& state, Preferences& preferences, QWidget* window)
    : QObject(window), state_(state), keep_unlocked_(state, preferences), window_(window) {}

template <typename Question>
void Commands::tell(const QString& what, Question question) {
    state_.link().ask(
        this,
        [question = std::move(question)](api::DaemonClient& client) mutable {
            return status_of(question(client));
        },
        [this, what](Status done) {
            state_.refresh();
            if (!done.ok()) showError(what, done.error());
        });
}

void Commands::run(VaultAction action, const QString& vault) {
    switch (action) {
        case VaultAction::Remove:
            return remove(vault);
        case VaultAction::Remount:
            return remount(vault);
        case VaultAction::CheckVault:
            return check(vault);
        case VaultAction::ReviewDeletes:
            return reviewDeletes(vault);
        case VaultAction::ResolveConflicts:
            Q_EMIT conflictsWanted(vault);
            return;
        case VaultAction::Unlock:
            return unlock(vault);
        case VaultAction::Resume:
            return resume(vault);
        case VaultAction::Pause:
            return pause(vault, 0);
        case VaultAction::Invite:
            Q_EMIT inviteWanted(vault);
            return;
        case VaultAction::Mount:
            return mount(vault);
        case VaultAction::SetQuota:
            return setQuota(vault);
        case VaultAction::OpenFolder:
            return openFolder(vault);
    }
}

void Commands::setAlternativeLimits(bool is_on) {
    tell(tr("The limits cannot be switched."), [is_on](api::DaemonClient& client) {
        return client.set_config({"network.alternative.now", is_on ? "on" : "off"});
    });
}

void Commands::setQuota(const QString& vault) {
    const api::VaultInfo* info = state_.vault(vault);
    if (info == nullptr || !is_blind(*info)) return;
    constexpr double kGib = 1 << 30;
    auto* dialog = new QInputDialog(window_);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setObjectName(QStringLiteral("quotaDialog"));
    dialog->setWindowTitle(tr("Room for %1").arg(text_of(info->name)));
    dialog->setLabelText(
        tr("GiB that this device gives to it (0: as much as it needs).\n"
           "What is here and does not fit goes when other devices keep it:"));
    dialog->setInputMode(QInputDialog::DoubleInput);
    dialog->setDoubleRange(0, 1 << 20);
    dialog->setDoubleDecimals(1);
    dialog->setDoubleValue(static_cast<double>(info->quota_bytes) / kGib);
    connect(dialog, &QInputDialog::doubleValueSelected, this, [this, vault](double gib) {
        tell(tr("The room cannot be changed."),
             [name = vault.toStdString(),
              wish = api::SetQuota{static_cast<std::uint64_t>(gib * kGib)}](
                 api::DaemonClient& client) { return client.set_quota(name, wish); });
    });
    dialog->open();
}

// What the keychain keeps need not be typed; when it does not fit any more, it must be.
void Commands::unlock(const QString& id_or_name) {
    const api::VaultInfo* info = state_.vault(id_or_name);
    if (info == nullptr) return;
    const QString vault = text_of(reference_of(*info));
    if (!keep_unlocked_.isKept(vault)) return askPassphrase(vault);
    keep_unlocked_.unlock(vault, [this, vault](const Status& unlocked) {
        if (!unlocked.ok()) askPassphrase(vault);
    });
}

void Commands::askPassphrase(const QString& vault) {
    const api::VaultInfo* info = state_.vault(vault);
    if (info == nullptr) return;
    auto* dialog = new UnlockDialog(text_of(info->name), keep_unlocked_.hasKeychain(), window_);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setKept(info->unlock_at_start || keep_unlocked_.isKept(vault) ? KeepChoice::Always
                    : info->idle_lock_seconds > 0                         ? KeepChoice::UntilIdle
                                                                          : KeepChoice::UntilLocked,
                    info->idle_lock_seconds);
    connect(dialog, &UnlockDialog::unlockRequested, this, [this, dialog, vault] {
        auto request = std::make_shared<api::UnlockVault>();
        request->passphrase = dialog->takePassphrase();
        state_.link().ask(
            dialog,
            [request, name = vault.toStdString()](api::DaemonClient& client) {
                return client.unlock(name, *request);
            },
            [this, dialog, vault](Result<api::VaultInfo> unlocked) {
                state_.refresh();
                if (!unlocked.ok()) return dialog->setFailure(unlocked.error());
                keepAsChosen(vault, dialog->kept(), dialog->idleSeconds());
                dialog->accept();
            });
    });
    dialog->open();
}

void Commands::keepAsChosen(const QString& vault, KeepChoice choice, std::uint64_t idle_seconds) {
    const api::VaultInfo* info = state_.vault(vault);
    const bool is_always = choice == KeepChoice::Always;
    const bool has_keychain = keep_unlocked_.hasKeychain();
    api::SetAutoLock wish;
    if (info != nullptr && info->idle_lock_seconds != idle_seconds)
        wish.idle_seconds = idle_seconds;
    // With a keychain no key need lie in a file.
    const bool at_start = is_always && !has_keychain;
    if (info != nullptr && info->unlock_at_start != at_start) wish.unlock_at_start = at_start;
    const auto keep = [this, vault, is_always, has_keychain] {
        const auto told = [this](const Status& done) {
            if (!done.ok()) showError(tr("The vault cannot be unlocked by itself."), done.error());
        };
        if (is_always && has_keychain && !keep_unlocked_.isKept(vault))
            keep_unlocked_.keep(vault, told);
        if (!is_always && keep_unlocked_.isKept(vault)) keep_unlocked_.forget(vault, told);
    };
    if (!wish.idle_seconds && !wish.unlock_at_start) return keep();
    state_.link().ask(
        this,
        [wish, name = vault.toStdString()](api::DaemonClient& client) {
            return client.set_auto_lock(name, wish);
        },
        [this, keep](Result<api::VaultInfo> set) {
            state_.refresh();
            if (!set.ok()) return showError(tr("That could not be set."), set.error());
            keep();
        });
}

void Commands::lock(const QString& vault) {
    state_.link().ask(
        this,
        [name = vault.toStdString()](api::DaemonClient& client) { return client.lock(name, {}); },
        [this, vault](Result<api::VaultInfo> locked) {
            state_.refresh();
            if (locked.ok()) return;
            if (locked.error().kind == ErrorKind::Busy)
                return lockForced(vault, text_of(locked.error().message));
            showError(tr("The vault could not be locked."), locked.error());
        });
}

void Commands::lockForced(const QString& vault, const QString& who) {
    confirm(tr("Files are open"),
            tr("Programs still use files of the vault:\n\n%1\n\nWhat they have not saved yet would "
               "be lost to them.")
                .arg(who),
            tr("&Lock anyway"), QStringLiteral("lockForced"), [this, vault] {
                tell(tr("The vault could not be locked."),
                     [name = vault.toStdString()](api::DaemonClient& client) {
                         return client.lock(name, {.is_forced = true});
                     });
            });
}

void Commands::lockAll() {
    for (const api::VaultInfo& vault : state_.status().vaults)
        if (!vault.id.empty() && vault.state != "locked") lock(text_of(vault.id));
}

void Commands::pause(const QString& vault, std::uint64_t seconds) {
    tell(tr("Syncing could not be paused."),
         [name = vault.toStdString(), seconds](api::DaemonClient& client) {
             return client.pause(name, {.seconds = seconds});
         });
}

void Commands::resume(const QString& vault) {
    tell(tr("Syncing could not be resumed."),
         [name = vault.toStdString()](api::DaemonClient& client) { return client.resume(name); });
}

void Commands::openFolder(const QString& vault) {
    const api::VaultInfo* info = state_.vault(vault);
    const QString folder = info == nullptr ? QString() : folder_of(*info);
    if (!folder.isEmpty()) showFolder(folder);
}

void Commands::showFolder(const QString& folder) {
    if (!QDesktopServices::openUrl(QUrl::fromLocalFile(folder)))
        showError(tr("No program to show folders was found."),
                  {ErrorKind::NotFound, folder.toStdString()});
}

void Commands::openFolderOf(const QString& vault, const std::string& path) {
    const api::VaultInfo* info = state_.vault(vault);
    if (info == nullptr) return;
    QStringList folders;
    for (std::string folder = parent_of(path);; folder = parent_of(folder)) {
        if (const QString place = folder_of(*info, folder); !place.isEmpty()) folders += place;
        if (folder.empty()) break;
    }
    if (folders.isEmpty()) return openFolder(vault);
    // A mount may answer late: which of them is there is looked up by the asking threads.
    state_.link().ask(
        this,
        [folders](api::DaemonClient&) -> Result<QString> {
            for (const QString& folder : folders)
                if (QFileInfo(folder).isDir()) return folder;
            return Error{ErrorKind::NotFound, folders.back().toStdString()};
        },
        [this](Result<QString> folder) {
            if (folder.ok()) return showFolder(*folder);
            showError(tr("The folder is not there."), folder.error());
        });
}

void Commands::mount(const QString& vault) {
    auto* dialog = new QFileDialog(window_, tr("An empty folder to show the vault in"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, [this, vault](const QString& directory) {
        tell(tr("The vault could not be shown there."),
             [name = vault.toStdString(),
              directory = directory.toStdString()](api::DaemonClient& client) {
                 api::MountVault request;
                 request.directory = directory;
                 return client.mount(name, request);
             });
    });
    dialog->open();
}

void Commands::unmount(const QString& vault) {
    tell(tr("The folder could not be taken away."),
         [name = vault.toStdString()](api::DaemonClient& client) {
             return client.unmount(name, {});
         });
}

void Commands::remount(const QString& vault) {
    tell(
        tr("The vault could not be mounted."),
        [name = vault.toStdString()](api::DaemonClient& client) { return client.mount(name, {}); });
}

void Commands::check(const QString& vault) {
    state_.link().ask(
        this,
        [name = vault.toStdString()](api::DaemonClient& client) { return client.check(name, {}); },
        [this](Result<api::CheckAnswer> answer) {
            if (!answer.ok())
                return showError(tr("The vault could not be checked."), answer.error());
            QStringList lines = {tr("Verified: %1 packs, %2 segments, %3 files.")
                                     .arg(answer->packs)
                                     .arg(answer->segments)
                                     .arg(answer->files)};
            for (const std::string& error : answer->errors) lines += text_of(error);
            for (const std::string& note : answer->notes) lines += text_of(note);
            if (answer->errors.empty()) lines += tr("No damage was found.");
            auto* box = new QMessageBox(
                answer->errors.empty() ? QMessageBox::Information : QMessageBox::Warning,
                tr("Check"), lines.join(QLatin1Char('\n')), QMessageBox::Close, window_);
            box->setObjectName(QStringLiteral("checkReport"));
            box->setAttribute(Qt::WA_DeleteOnClose);
            box->open();
        });
}

void Commands::remove(const QString& vault) {
    const api::VaultInfo* info = state_.vault(vault);
    if (info == nullptr) return;
    confirm(tr("Take %1 off the list?").arg(text_of(info->name)),
            tr("This device does not keep the vault in step any more. Its files stay, encrypted, "
               "in %1, and the vault can be opened from there again.")
                .arg(text_of(info->directory)),
            tr("&Take off the list"), QStringLiteral("removeVault"), [this, vault] {
                tell(tr("The vault could not be taken off the list."),
                     [name = vault.toStdString()](api::DaemonClient& client) {
                         return client.remove_vault(name, false);
                     });
            });
}

void Commands::reviewDeletes(const QString& vault) {
    const api::VaultInfo* info = state_.vault(vault);
    if (info == nullptr) return;
    if (!info->rewrites.empty()) return reviewRewrites(*info);
    QStringList lines;
    for (const api::MirrorInfo& mirror : info->mirrors) {
        if (mirror.state != "held") continue;
        lines +=
            tr("Mirror %1: %2 files would be deleted in the folder, %3 in the vault, among them:")
                .arg(text_of(mirror.directory))
                .arg(mirror.held_in_folder)
                .arg(mirror.held_in_vault);
        for (const std::string& path : mirror.held_examples)
            lines += QStringLiteral("    ") + text_of(path);
    }
    lines +=
        tr("If that is not what you want, put the files back where they are missing: what is there "
           "again is not deleted.");
    confirm(tr("Delete these files?"), lines.join(QLatin1Char('\n')), tr("&Delete them"),
            QStringLiteral("releaseBrake"), [this, vault] {
                tell(tr("The deletes could not be released."),
                     [name = vault.toStdString()](api::DaemonClient& client) {
                         return client.release_brake(name);
                     });
            });
}

void Commands::reviewRewrites(const api::VaultInfo& vault) {
    const QString reference = text_of(reference_of(vault));
    QStringList lines;
    for (const api::HeldRewritesInfo& held : vault.rewrites) {
        lines += tr("%1 has rewritten %2 files since %3, among them:")
                     .arg(text_of(held.label))
                     .arg(held.files)
                     .arg(moment_text(static_cast<std::int64_t>(held.since_ms), now_ms()));
        for (const std::string& path : held.examples)
            lines += QStringLiteral("    ") + text_of(path);
    }
    lines +=
        tr("Taken back, the files are as they were before, on every device. Let through, they "
           "are as that device wrote them; earlier versions stay in the history.");
    auto* box =
        new QMessageBox(QMessageBox::Warning, tr("A mass of rewrites"),
                        QStringLiteral("<b>%1</b>").arg(tr("Was this meant?").toHtmlEscaped()),
                        QMessageBox::Cancel, window_);
    box->setObjectName(QStringLiteral("reviewRewrites"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(lines.join(QLatin1Char('\n')));
    QPushButton* undo = box->addButton(tr("&Take it back"), QMessageBox::AcceptRole);
    undo->setObjectName(QStringLiteral("undoRewrites"));
    QPushButton* release = box->addButton(tr("&Let it through"), QMessageBox::DestructiveRole);
    release->setObjectName(QStringLiteral("releaseRewrites"));
    box->setDefaultButton(QMessageBox::Cancel);
    connect(undo, &QPushButton::clicked, this, [this, reference] { undoRewrites(reference); });
    connect(release, &QPushButton::clicked, this, [this, reference] {
        tell(tr("It could not be let through."),
             [name = reference.toStdString()](api::DaemonClient& client) {
                 return client.release_brake(name);
             });
    });
    box->open();
}

void Commands::undoRewrites(const QString& vault) {
    state_.link().ask(
        this,
        [name = vault.toStdString()](api::DaemonClient& client) {
            return client.undo_brake(name, {});
        },
        [this](Result<api::UndoAnswer> answer) {
            state_.refresh();
            if (!answer.ok()) return showError(tr("It could not be taken back."), answer.error());
            QStringList lines = {
                tr("%n change(s) were taken back.", "", static_cast<int>(answer->done.size()))};
            for (const std::string& left : answer->left) lines += text_of(left);
            auto* box = new QMessageBox(QMessageBox::Information, tr("A mass of rewrites"),
                                        lines.join(QLatin1Char('\n')), QMessageBox::Close, window_);
            box->setObjectName(QStringLiteral("undoReport"));
            box->setAttribute(Qt::WA_DeleteOnClose);
            box->open();
        });
}

void Commands::renameDevice() {
    auto* dialog = new QInputDialog(window_);
    dialog->setObjectName(QStringLiteral("renameDevice"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Rename this device"));
    dialog->setLabelText(tr("&Name of this device, as others see it:"));
    dialog->setTextValue(text_of(state_.status().device.label));
    connect(dialog, &QInputDialog::textValueSelected, this, [this](const QString& name) {
        tell(tr("The device could not be renamed."),
             [name = name.toStdString()](api::DaemonClient& client) {
                 return client.rename_device("self", {name});
             });
    });
    dialog->open();
}

void Commands::actOnDevice(const api::DeviceInfo& device, const std::string& action,
                           const QString& what) {
    tell(what, [id = device.id, vault = device.vault, action](api::DaemonClient& client) {
        return client.act_on_device(id, action, {vault});
    });
}

void Commands::revokeDevice(const api::DeviceInfo& device) {
    confirm(tr("Remove %1 from %2?").arg(text_of(device.label), text_of(device.vault)),
            tr("• It is a member no longer, and gets nothing any more.\n"
               "• What is written from now on it cannot read.\n"
               "• What it already has it keeps: nothing can take that back.\n"
               "• What it wrote that no other device has seen yet is kept aside, and can be taken "
               "over.\n\n"
               "If the passphrase may be known to others too, make a new vault and move the files "
               "there."),
            tr("&Remove the device"), QStringLiteral("revokeDevice"), [this, device] {
                actOnDevice(device, "revoke", tr("The device could not be removed."));
            });
}

void Commands::retireDevice(const api::DeviceInfo& device) {
    confirm(tr("Stop waiting for %1?").arg(text_of(device.label)),
            tr("It stays a member, but others do not wait for it any more before they free space. "
               "Do this for a device that is lost or not used."),
            tr("&Stop waiting"), QStringLiteral("retireDevice"), [this, device] {
                actOnDevice(device, "retire", tr("The device could not be retired."));
            });
}

void Commands::setRole(const api::DeviceInfo& device, const std::string& role) {
    const QString what = role == "owner" ? tr("It may change files, and decide who is a member.")
                         : role == "writer"
                             ? tr("It may change files. It does not decide who is a member.")
                             : tr("It sees everything and changes nothing. What it has written and "
                                  "nobody has seen yet is kept aside.");
    confirm(
        tr("Make %1 %2 of %3?").arg(text_of(device.label), role_text(role), text_of(device.vault)),
        what, tr("&Change the role"), QStringLiteral("setRole"), [this, device, role] {
            tell(tr("The role could not be changed."),
                 [id = device.id, vault = device.vault, role](api::DaemonClient& client) {
                     return client.set_role(id, {.vault = vault, .role = role});
                 });
        });
}

void Commands::adoptDevice(const api::DeviceInfo& device) {
    confirm(tr("Take over what %1 wrote?").arg(text_of(device.label)),
            tr("What it wrote after it was removed is published as this device's own."),
            tr("&Take over"), QStringLiteral("adoptDevice"),
            [this, device] { actOnDevice(device, "adopt", tr("It could not be taken over.")); });
}

void Commands::confirm(const QString& title, const QString& text, const QString& button,
                       const QString& name, std::function<void()> then) {
    auto* box = new QMessageBox(QMessageBox::Warning, title,
                                QStringLiteral("<b>%1</b>").arg(title.toHtmlEscaped()),
                                QMessageBox::Cancel, window_);
    box->setObjectName(name);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(text);
    QPushButton* yes = box->addButton(button, QMessageBox::AcceptRole);
    yes->setObjectName(QStringLiteral("confirm"));
    box->setDefaultButton(QMessageBox::Cancel);
    connect(yes, &QPushButton::clicked, this, [then = std::move(then)] { then(); });
    box->open();
}

void Commands::showError(const QString& what, const Error& error) {
    if (error.kind == ErrorKind::Cancelled) return;
    auto* box =
        new QMessageBox(QMessageBox::Warning, tr("Lockstep"), what, QMessageBox::Close, window_);
    box->setObjectName(QStringLiteral("error"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(text_of(error.message));
    box->open();
}

}  // namespace lockstep::gui
