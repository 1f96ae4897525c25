#include "gui/tray/tray_icon.h"

#include "gui/models/text.h"
#include "gui/models/vault_view.h"
#include "gui/widgets/icons.h"
#include "gui/windows/pause_menu.h"

namespace lockstep::gui {

TrayIcon::TrayIcon(DaemonState& state, Commands& commands, QObject* parent)
    : QObject(parent), state_(state), commands_(commands) {
    icon_.setContextMenu(&menu_);
    connect(&icon_, &QSystemTrayIcon::activated, this,
            [this](QSystemTrayIcon::ActivationReason reason) {
                if (reason != QSystemTrayIcon::Context) Q_EMIT openWanted();
            });
    connect(&state_, &DaemonState::statusChanged, this, &TrayIcon::fill);
    connect(&state_, &DaemonState::linkChanged, this, &TrayIcon::fill);
    fill();
    icon_.show();
}

TrayIcon::~TrayIcon() {
    icon_.hide();
}

void TrayIcon::fill() {
    const bool is_connected = state_.linkState() == DaemonState::Link::Connected;
    const Look look = is_connected ? look_of(state_.status().vaults) : Look::Disconnected;
    const QString shape = icon_name(look);
    summary_ = is_connected ? look_text(look) : tr("The service does not run");
    if (shape != shape_) {
        shape_ = shape;
        icon_.setIcon(icon(shape));
    }
    icon_.setToolTip(tr("Lockstep: %1").arg(summary_));
    fillMenu();
}

void TrayIcon::addVault(const api::VaultInfo& vault) {
    const QString reference = text_of(reference_of(vault));
    const VaultView view = view_of(vault);
    QMenu* menu = menu_.addMenu(icon(icon_name(view.look)),
                                tr("%1: %2").arg(text_of(vault.name), view.headline));
    QAction* open = menu->addAction(icon(QStringLiteral("folder")), tr("&Open folder"), &commands_,
                                    [this, reference] { commands_.openFolder(reference); });
    open->setEnabled(!folder_of(vault).isEmpty());
    if (vault.id.empty()) return;
    if (is_blind(vault)) {
        // Nothing of it can be read here.
    } else if (vault.state == "locked")
        menu->addAction(icon(QStringLiteral("unlock")), tr("&Unlock…"), &commands_,
                        [this, reference] { commands_.unlock(reference); });
    else
        menu->addAction(icon(QStringLiteral("state-locked")), tr("&Lock"), &commands_,
                        [this, reference] { commands_.lock(reference); });
    fill_pause_menu(menu->addMenu(icon(QStringLiteral("state-paused")), tr("&Pause")), state_,
                    commands_, reference);
    if (vault.state != "locked")
        menu->addAction(icon(QStringLiteral("history")), tr("&History"), &commands_,
                        [this, reference] { Q_EMIT commands_.historyWanted(reference); });
    if (vault.state != "locked")
        menu->addAction(icon(QStringLiteral("invite")), tr("&Invite a device…"), &commands_,
                        [this, reference] { Q_EMIT commands_.inviteWanted(reference); });
}

void TrayIcon::fillMenu() {
    // Made anew only when it would be another: it may be open.
    QString made_of = summary_;
    std::uint64_t conflicts = 0;
    for (const api::VaultInfo& vault : state_.status().vaults) {
        conflicts += vault.conflicts;
        made_of += QLatin1Char('\n') +
                   text_of(vault.name + '\t' + vault.state + '\t' + vault.mount) +
                   view_of(vault).headline + folder_of(vault);
    }
    if (made_of == shown_) return;
    shown_ = made_of;
    menu_.clear();
    menu_.addAction(app_icon(), tr("&Open Lockstep"), this, &TrayIcon::openWanted);
    menu_.addAction(icon(shape_), summary_)->setEnabled(false);
    menu_.addSeparator();
    for (const api::VaultInfo& vault : state_.status().vaults) addVault(vault);
    menu_.addSeparator();
    menu_.addAction(tr("Lock &all"), &commands_, &Commands::lockAll);
    fill_pause_menu(menu_.addMenu(icon(QStringLiteral("state-paused")), tr("&Pause all")), state_,
                    commands_, {});
    QAction* list =
        menu_.addAction(icon(QStringLiteral("state-conflict")),
                        tr("&Conflicts (%1)").arg(conflicts), this, &TrayIcon::conflictsWanted);
    list->setEnabled(conflicts > 0);
    menu_.addAction(icon(QStringLiteral("activity")), tr("&Recent changes"), this,
                    &TrayIcon::activityWanted);
    menu_.addAction(icon(QStringLiteral("settings")), tr("&Settings…"), this,
                    &TrayIcon::settingsWanted);
    menu_.addSeparator();
    menu_.addAction(tr("&Quit…"), this, &TrayIcon::quitWanted);
}

}  // namespace lockstep::gui
