#include "gui/windows/pause_menu.h"

#include <QCoreApplication>
#include <algorithm>

#include "gui/widgets/icons.h"

namespace lockstep::gui {

namespace {

struct PauseText {
    Q_DECLARE_TR_FUNCTIONS(PauseText)
};

bool is_any_paused(DaemonState& state, const QString& vault) {
    if (const api::VaultInfo* info = state.vault(vault)) return info->is_paused;
    return std::ranges::any_of(state.status().vaults, &api::VaultInfo::is_paused);
}

}  // namespace

void fill_pause_menu(QMenu* menu, DaemonState& state, Commands& commands, const QString& vault) {
    menu->clear();
    const auto add = [&](const QString& text, auto seconds) {
        menu->addAction(text, &commands,
                        [&commands, vault, seconds] { commands.pause(vault, seconds()); });
    };
    add(PauseText::tr("For &30 minutes"), [] { return std::uint64_t{30} * 60; });
    add(PauseText::tr("For &2 hours"), [] { return std::uint64_t{2} * 3600; });
    add(PauseText::tr("Until &tomorrow"), [] { return seconds_until_tomorrow(); });
    add(PauseText::tr("Until &resumed"), [] { return std::uint64_t{0}; });
    if (!is_any_paused(state, vault)) return;
    menu->addSeparator();
    menu->addAction(icon(QStringLiteral("resume")), PauseText::tr("Re&sume now"), &commands,
                    [&commands, vault] { commands.resume(vault); });
}

}  // namespace lockstep::gui
