#include "gui/windows/setup_wizard.h"

#include <QMessageBox>
#include <QPushButton>

#include "gui/windows/setup_pages.h"

namespace lockstep::gui {

SetupWizard::SetupWizard(DaemonState& state, Kind kind, const QString& link, QWidget* parent)
    : QWizard(parent), state_(state), kind_(kind) {
    setObjectName(QStringLiteral("setupWizard"));
    setWindowTitle(kind == Kind::Join       ? tr("Join a vault")
                   : kind == Kind::NewVault ? tr("New vault")
                                            : tr("Welcome to Lockstep"));
    setAttribute(Qt::WA_DeleteOnClose);
    setWizardStyle(QWizard::ModernStyle);
    setOption(QWizard::NoBackButtonOnStartPage);
    setOption(QWizard::NoBackButtonOnLastPage);
    setup_.ticket = link;
    setPage(Device, new DevicePage(*this));
    setPage(Choice, new ChoicePage(*this));
    setPage(NewVaultPage, new gui::NewVaultPage(*this));
    setPage(Passphrase, new PassphrasePage(*this));
    setPage(Recovery, new RecoveryPage(*this));
    setPage(RecoveryCheck, new RecoveryCheckPage(*this));
    setPage(JoinPage, new gui::JoinPage(*this));
    setPage(Digits, new DigitsPage(*this));
    setPage(Relay, new RelayPage(*this));
    setPage(Done, new DonePage(*this));
    setStartId(kind == Kind::FirstRun ? Device : kind == Kind::NewVault ? NewVaultPage : JoinPage);
    setMinimumSize(560, 440);
}

void SetupWizard::reject() {
    if (currentId() != Recovery && currentId() != RecoveryCheck) return QWizard::reject();
    auto* box = new QMessageBox(QMessageBox::Warning, windowTitle(),
                                tr("Close without a recovery sheet?"), QMessageBox::Cancel, this);
    box->setObjectName(QStringLiteral("loseSheet"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setInformativeText(
        tr("The vault is made. Its recovery code is not shown again: without it the passphrase is "
           "the only way in."));
    const QPushButton* yes = box->addButton(tr("&Close all the same"), QMessageBox::AcceptRole);
    box->setDefaultButton(QMessageBox::Cancel);
    connect(yes, &QPushButton::clicked, this, [this] { QWizard::reject(); });
    box->open();
}

}  // namespace lockstep::gui
