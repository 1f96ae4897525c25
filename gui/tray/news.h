// What is worth a notification, found by comparing what the daemon says now with what it said
// before. Pure.
#pragma once

#include <QString>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/api/messages.h"
#include "gui/client/preferences.h"
#include "gui/models/vault_view.h"

namespace lockstep::gui {

struct NewsItem {
    Notice notice = Notice::Problem;
    // What it is about: news with the same key replace one another.
    QString key;
    QString title, body;
    QString action;     // text of a button
    QString reference;  // of the vault, or the invite of a request
};

// A vault that was locked by itself; empty for other events.
std::optional<NewsItem> news_of(const api::Event& event);

class News {
  public:
    // Of the first status nothing is news but what waits for a person.
    std::vector<NewsItem> compare(const std::vector<api::VaultInfo>& vaults);
    std::vector<NewsItem> compare(const std::vector<api::DeviceInfo>& devices);

  private:
    struct Known {
        Look look = Look::UpToDate;
        std::uint64_t conflicts = 0;
        bool was_incomplete = false;
        bool is_first = true;
    };
    void compareVault(const api::VaultInfo& vault, Known& known, std::vector<NewsItem>& news);

    std::map<std::string, Known> vaults_;
    std::set<std::string> requests_;
};

}  // namespace lockstep::gui
