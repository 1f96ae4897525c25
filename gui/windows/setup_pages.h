// The pages of SetupWizard.
#pragma once

#include <QCheckBox>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QRadioButton>
#include <QWizardPage>

#include "base/result.h"
#include "gui/windows/setup_wizard.h"
#include "gui/windows/unlock_dialog.h"

namespace lockstep::gui {

// A page of the wizard; one whose Next asks the daemon first overrides ask().
class SetupPage : public QWizardPage {
    Q_OBJECT

  public:
    explicit SetupPage(SetupWizard& wizard);

    bool validatePage() final;
    bool isComplete() const override { return !is_asking_; }

  protected:
    // Ends with done() or failed(). Without a question: done().
    virtual void ask() { done(); }
    void done();
    void failed(const Error& error);
    void say(const QString& failure);
    QLabel* addText(const QString& text);

    SetupWizard& wizard_;

  private:
    bool is_asking_ = false;
    bool is_done_ = false;
    QLabel* failure_;
};

// A folder to show the vault in, or none.
class FolderChoice : public QWidget {
    Q_OBJECT

  public:
    explicit FolderChoice(QWidget* parent);

    // Absolute; empty: none.
    QString folder() const;
    void setFolder(const QString& folder);

  private:
    QCheckBox* is_shown_;
    QLineEdit* line_;
};

class DevicePage : public SetupPage {
    Q_OBJECT

  public:
    explicit DevicePage(SetupWizard& wizard);
    void initializePage() override;
    bool isComplete() const override;
    int nextId() const override { return SetupWizard::Choice; }

  protected:
    void ask() override;

  private:
    QLineEdit* name_;
};

class ChoicePage : public SetupPage {
    Q_OBJECT

  public:
    explicit ChoicePage(SetupWizard& wizard);
    int nextId() const override;

  private:
    QRadioButton *new_, *join_;
};

class NewVaultPage : public SetupPage {
    Q_OBJECT

  public:
    explicit NewVaultPage(SetupWizard& wizard);
    bool isComplete() const override;
    int nextId() const override { return SetupWizard::Passphrase; }
    QString name() const { return name_->text().trimmed(); }
    QString folder() const { return folder_->folder(); }

  private:
    QLineEdit* name_;
    FolderChoice* folder_;
};

class PassphrasePage : public SetupPage {
    Q_OBJECT

  public:
    explicit PassphrasePage(SetupWizard& wizard);
    bool isComplete() const override;
    int nextId() const override { return SetupWizard::Recovery; }

  protected:
    void ask() override;

  private:
    void judge();

    PassphraseEdit *first_, *second_;
    QProgressBar* strength_;
    QLabel* judgement_;
};

class RecoveryPage : public SetupPage {
    Q_OBJECT

  public:
    explicit RecoveryPage(SetupWizard& wizard);
    void initializePage() override;
    bool isComplete() const override { return is_kept_ && SetupPage::isComplete(); }
    int nextId() const override { return SetupWizard::RecoveryCheck; }
    // 0600, and never over a file that is there.
    Status save(const QString& file);

  private:
    QString sheet() const;
    void print();

    QLabel* code_;
    bool is_kept_ = false;
};

class RecoveryCheckPage : public SetupPage {
    Q_OBJECT

  public:
    explicit RecoveryCheckPage(SetupWizard& wizard);
    void initializePage() override;
    bool isComplete() const override;
    int nextId() const override { return wizard_.afterVault(); }

  private:
    QList<int> numbers_;
    QList<QLabel*> labels_;
    QList<QLineEdit*> lines_;
};

class JoinPage : public SetupPage {
    Q_OBJECT

  public:
    explicit JoinPage(SetupWizard& wizard);
    void initializePage() override;
    bool isComplete() const override;
    int nextId() const override { return SetupWizard::Digits; }

  protected:
    void ask() override;

  private:
    QPlainTextEdit* link_;
    FolderChoice* folder_;
};

class DigitsPage : public SetupPage {
    Q_OBJECT

  public:
    explicit DigitsPage(SetupWizard& wizard);
    void initializePage() override;
    bool isComplete() const override { return is_joined_ && SetupPage::isComplete(); }
    int nextId() const override { return wizard_.afterVault(); }

  private:
    void look();
    void show(const api::JoinInfo& join);

    QLabel *text_, *digits_;
    bool is_joined_ = false;
};

class RelayPage : public SetupPage {
    Q_OBJECT

  public:
    explicit RelayPage(SetupWizard& wizard);
    bool isComplete() const override;
    int nextId() const override { return SetupWizard::Done; }

  protected:
    void ask() override;

  private:
    void test();

    QRadioButton *none_, *own_;
    QLineEdit* url_;
    QPushButton* test_;
    QLabel* result_;
};

class DonePage : public SetupPage {
    Q_OBJECT

  public:
    explicit DonePage(SetupWizard& wizard);
    void initializePage() override;
    int nextId() const override { return -1; }

  protected:
    void ask() override;

  private:
    QLabel* text_;
    QCheckBox *autostart_, *open_;
};

}  // namespace lockstep::gui
