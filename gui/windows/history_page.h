// A vault's past: its folders at a chosen time, what was deleted, the versions of one file, and how
// they come back.
#pragma once

#include <QCheckBox>
#include <QComboBox>
#include <QDateTimeEdit>
#include <QDialog>
#include <QElapsedTimer>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSlider>
#include <QTimer>
#include <QTreeView>
#include <QWidget>
#include <optional>

#include "gui/client/daemon_state.h"
#include "gui/client/past_files.h"
#include "gui/models/past_model.h"

namespace lockstep::gui {

class HistoryPage : public QWidget {
    Q_OBJECT

  public:
    explicit HistoryPage(DaemonState& state, QWidget* parent = nullptr);

    // Shows a folder, or a file's versions in its folder.
    void open(const QString& vault, const std::string& path, bool is_folder);
    // Shows the files of all folders that have changed since then.
    void openChanges(const QString& vault, std::int64_t since_ms);
    // For tests and screenshots: as if the daemon had said this.
    void show(const api::EntryList& list, const api::HistoryAnswer& folder,
              const api::HistoryAnswer& file);
    using QWidget::show;

    PastModel& past() { return past_; }
    VersionModel& versions() { return versions_; }

  protected:
    void showEvent(QShowEvent* event) override;

  private:
    QLayout* makePlace();
    QLayout* makeMoment();
    QWidget* makeTables();
    QLayout* makeButtons();
    // False, and says so, when it is locked.
    bool chooseVault(const QString& vault);
    void fillVaults();
    void fillButtons();
    void chooseMoment(std::optional<std::int64_t> at_ms);
    void ask();
    // Asks for what is shown once more: something has changed in the vault.
    void refresh();
    void askShown();
    void askFolder();
    void askDifferences();
    void askVersions();
    // Selection and scroll position stay as far as what they are about is still there.
    void fill(PastModel::Entries entries);
    void fillVersions(std::vector<api::VersionInfo> versions);
    void enter();
    void preview();
    void restore();
    void saveElsewhere();
    void say(const QString& text);

    struct Chosen {
        PastEntry entry;
        api::DaemonClient::Moment moment;
        bool is_version = false;  // one of the file's versions was chosen
    };
    std::optional<Chosen> chosen() const;
    std::string vault() const { return vaults_->currentData().toString().toStdString(); }

    DaemonState& state_;
    PastModel past_;
    VersionModel versions_;
    QComboBox* vaults_;
    QLineEdit* path_;
    QPushButton* up_;
    QSlider* slider_;
    QDateTimeEdit* time_;
    QCheckBox* changes_;
    QTreeView *table_, *version_table_;
    QLabel *none_, *result_;
    QPushButton *preview_, *restore_, *save_;
    QTimer settle_;                      // the slider has come to rest
    QTimer refresh_;                     // something has changed in the vault
    QElapsedTimer asking_;               // since the last question
    std::string shown_folder_;           // that was asked for
    std::string versions_of_;            // the path whose versions are shown
    std::optional<std::int64_t> at_ms_;  // nullopt: now
    std::string wanted_;                 // the path to be selected when its folder is there
    std::uint64_t asked_ = 0;            // answers to earlier questions come too late
    std::uint64_t versions_asked_ = 0;
};

// Text as it is, pictures as they look, and of everything else how large it is.
class PreviewDialog : public QDialog {
    Q_OBJECT

  public:
    PreviewDialog(const QString& name, const Preview& preview, QWidget* parent = nullptr);
};

}  // namespace lockstep::gui
