// What this device keeps of a vault's content, and how long the vault keeps what was replaced.
#pragma once

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QSpinBox>
#include <QWidget>

#include "gui/client/daemon_state.h"

namespace lockstep::gui {

class VaultContent : public QWidget {
    Q_OBJECT

  public:
    explicit VaultContent(DaemonState& state, QWidget* parent = nullptr);

    // Empty: none. Asks when it is another vault, or was locked.
    void setVault(const QString& id);
    // For tests and screenshots: as if the daemon had said this.
    void show(const api::KeepAnswer& keep);
    void show(const api::RetentionAnswer& retention);
    using QWidget::show;

  Q_SIGNALS:
    void said(const QString& text);

  private:
    QWidget* makeKept();
    QLayout* makeCache();
    QWidget* makeRetention();
    void showCache(const api::VaultInfo& vault);
    void setCache();
    void ask();
    void setKeep(const QString& path, const QString& keep);
    void setRetention();
    void evict();
    std::string vault() const { return asked_.toStdString(); }

    DaemonState& state_;
    QString asked_;  // of an unlocked vault
    QComboBox *whole_, *how_, *retention_;
    QListWidget* rules_;
    QLineEdit* path_;
    QLabel* own_;
    QPushButton* forget_;
    QSpinBox* cache_;  // MiB; 0: as for all vaults
    bool is_cache_edited_ = false;
};

}  // namespace lockstep::gui
