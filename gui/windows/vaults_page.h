// The vaults, and everything about the selected one.
#pragma once

#include <QTreeView>
#include <QWidget>

#include "gui/models/vault_model.h"
#include "gui/windows/vault_detail.h"

namespace lockstep::gui {

class VaultsPage : public QWidget {
    Q_OBJECT

  public:
    VaultsPage(DaemonState& state, Commands& commands, QWidget* parent = nullptr);

    // Reference of the selected vault; empty: none.
    QString selected() const;
    void select(const QString& vault);

  Q_SIGNALS:
    void newVaultWanted();
    void joinWanted();

  private:
    void keepSelection();
    QWidget* makeWelcome();

    VaultModel model_;
    QTreeView* table_;
    VaultDetail* detail_;
    QWidget *welcome_, *content_;
    QString selected_;
};

}  // namespace lockstep::gui
