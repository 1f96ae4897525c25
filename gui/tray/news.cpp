#include "gui/tray/news.h"

#include <QCoreApplication>
#include <algorithm>

#include "gui/client/daemon_state.h"
#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

struct NewsText {
    Q_DECLARE_TR_FUNCTIONS(NewsText)
};

}  // namespace

std::optional<NewsItem> news_of(const api::Event& event) {
    const bool by_itself = event.subject == "idle" || event.subject == "suspend";
    if (event.type != "vault.locked" || !by_itself) return std::nullopt;
    const QString name = text_of(event.vault);
    return NewsItem{Notice::Locked,
                    QLatin1String("locked/") + name,
                    NewsText::tr("%1 is locked").arg(name),
                    event.subject == "idle"
                        ? NewsText::tr("Nobody has used it for a while.")
                        : NewsText::tr("It was locked before this device went to sleep."),
                    NewsText::tr("Unlock"),
                    name};
}

void News::compareVault(const api::VaultInfo& vault, Known& known, std::vector<NewsItem>& news) {
    const VaultView view = view_of(vault);
    const QString name = text_of(vault.name), reference = text_of(reference_of(vault));
    const auto add = [&](Notice notice, const char* key, const QString& title, const QString& body,
                         const QString& action) {
        news.push_back({notice, QLatin1String(key) + reference, title, body, action, reference});
    };
    if (view.look == Look::Error && known.look != Look::Error)
        add(Notice::Problem, "problem/", NewsText::tr("%1: something needs you").arg(name),
            view.explanation, NewsText::tr("Show"));
    if (view.look == Look::Frozen && known.look != Look::Frozen)
        add(Notice::Brake, "brake/", NewsText::tr("%1: a mass of changes is held").arg(name),
            view.explanation, NewsText::tr("Review"));
    if (vault.conflicts > known.conflicts && vault.state != "locked")
        add(Notice::Conflict, "conflict/",
            NewsText::tr("%1: %n conflict(s)", "", static_cast<int>(vault.conflicts)).arg(name),
            NewsText::tr(
                "Two devices have changed the same file. Both versions are kept until you choose."),
            NewsText::tr("Resolve"));
    known.was_incomplete = known.was_incomplete || (known.is_first && vault.missing_packs > 0);
    if (known.was_incomplete && view.look == Look::UpToDate) {
        known.was_incomplete = false;
        add(Notice::FirstSync, "complete/", NewsText::tr("%1 is complete").arg(name),
            NewsText::tr("All of its content is on this device."), NewsText::tr("Open"));
    }
    known.look = view.look;
    // A locked vault tells no number.
    if (vault.state != "locked") known.conflicts = vault.conflicts;
    known.is_first = false;
}

std::vector<NewsItem> News::compare(const std::vector<api::VaultInfo>& vaults) {
    std::vector<NewsItem> news;
    for (const api::VaultInfo& vault : vaults)
        compareVault(vault, vaults_[reference_of(vault)], news);
    std::erase_if(vaults_, [&](const auto& known) {
        return std::ranges::find(vaults, known.first, reference_of) == vaults.end();
    });
    return news;
}

std::vector<NewsItem> News::compare(const std::vector<api::DeviceInfo>& devices) {
    std::vector<NewsItem> news;
    std::set<std::string> now;
    for (const api::DeviceInfo& device : devices) {
        if (!device.is_pending) continue;
        // Another device with the same invite is another request.
        now.insert(device.id + device.digits);
        if (requests_.contains(device.id + device.digits)) continue;
        news.push_back(
            {Notice::Request, QLatin1String("request/") + text_of(device.id),
             NewsText::tr("%1 asks to join %2").arg(text_of(device.label), text_of(device.vault)),
             NewsText::tr("It must show these digits: %1").arg(digits_text(device.digits)),
             NewsText::tr("Answer"), text_of(device.id)});
    }
    requests_ = std::move(now);
    return news;
}

}  // namespace lockstep::gui
