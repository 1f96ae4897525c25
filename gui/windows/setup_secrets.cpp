// The pages of the wizard about what must not be lost: the passphrase and the recovery code.
#include <QFileDialog>
#include <QFontDatabase>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QPrintDialog>
#include <QPrinter>
#include <QRandomGenerator>
#include <QTextDocument>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/client/secret_file.h"
#include "gui/models/passphrase_strength.h"
#include "gui/models/text.h"
#include "gui/windows/setup_pages.h"

namespace lockstep::gui {

namespace {

constexpr int kGroupsAsked = 3;

QStringList groups_of(const QString& code) {
    return code.split(QLatin1Char('-'), Qt::SkipEmptyParts);
}

}  // namespace

PassphrasePage::PassphrasePage(SetupWizard& wizard)
    : SetupPage(wizard),
      first_(new PassphraseEdit(tr("Passphrase"), this)),
      second_(new PassphraseEdit(tr("The passphrase again"), this)),
      strength_(new QProgressBar(this)) {
    setTitle(tr("Passphrase"));
    addText(
        tr("It opens the vault on every device. Nobody can tell it to you again: several words "
           "that do not belong together are easy to remember and hard to guess."));
    second_->line()->setObjectName(QStringLiteral("passphraseAgain"));
    strength_->setRange(0, 4);
    strength_->setTextVisible(false);
    strength_->setAccessibleName(tr("Strength"));
    auto* form = new QFormLayout;
    form->addRow(tr("&Passphrase:"), first_);
    form->addRow(tr("&Again:"), second_);
    form->addRow(tr("Strength:"), strength_);
    static_cast<QVBoxLayout*>(layout())->addLayout(form);
    judgement_ = addText({});
    judgement_->setObjectName(QStringLiteral("judgement"));
    setCommitPage(true);
    setButtonText(QWizard::CommitButton, tr("&Make the vault"));
    for (PassphraseEdit* edit : {first_, second_})
        connect(edit->line(), &QLineEdit::textChanged, this, &PassphrasePage::judge);
}

bool PassphrasePage::isComplete() const {
    const QString first = first_->line()->text();
    return SetupPage::isComplete() && !first.isEmpty() && first == second_->line()->text();
}

void PassphrasePage::judge() {
    const QString name =
        static_cast<NewVaultPage*>(wizard_.page(SetupWizard::NewVaultPage))->name();
    const api::SecretText text(first_->line()->text().toStdString());
    const Strength strength = strength_of(text.reveal(), name.toStdString());
    strength_->setValue(text.empty() ? 0 : static_cast<int>(strength) + 1);
    const bool differs =
        !second_->line()->text().isEmpty() && first_->line()->text() != second_->line()->text();
    judgement_->setText(text.empty() ? QString()
                        : differs    ? tr("The two are not the same.")
                                     : strength_text(strength));
    Q_EMIT completeChanged();
}

void PassphrasePage::ask() {
    const auto* place = static_cast<NewVaultPage*>(wizard_.page(SetupWizard::NewVaultPage));
    auto request = std::make_shared<api::CreateVault>();
    request->name = place->name().toStdString();
    request->mount = place->folder().toStdString();
    request->passphrase = api::SecretText(first_->line()->text().toStdString());
    wizard_.state().link().ask(
        this, [request](api::DaemonClient& client) { return client.create_vault(*request); },
        [this](Result<api::VaultCreated> created) {
            wizard_.state().refresh();
            if (!created.ok()) return failed(created.error());
            Setup& setup = wizard_.setup();
            setup.vault = text_of(created->vault.name);
            setup.folder = text_of(created->vault.mount);
            setup.problem = text_of(created->vault.problem);
            setup.recovery_code = text_of(created->recovery_code.reveal());
            first_->line()->clear();
            second_->line()->clear();
            done();
            wizard_.next();
        });
}

RecoveryPage::RecoveryPage(SetupWizard& wizard) : SetupPage(wizard), code_(new QLabel(this)) {
    setTitle(tr("Recovery sheet"));
    addText(
        tr("Whoever has this code can open the vault without the passphrase. Print it or save it "
           "where only you find it, apart from this device. It is shown this once."));
    code_->setObjectName(QStringLiteral("recoveryCode"));
    code_->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    code_->setAlignment(Qt::AlignCenter);
    code_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    auto* save = new QPushButton(tr("&Save…"), this);
    auto* print = new QPushButton(tr("&Print…"), this);
    connect(print, &QPushButton::clicked, this, &RecoveryPage::print);
    connect(save, &QPushButton::clicked, this, [this] {
        auto* dialog = new QFileDialog(this, tr("Save the recovery sheet"));
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->setOption(QFileDialog::DontConfirmOverwrite);
        dialog->selectFile(tr("recovery of %1.txt").arg(wizard_.setup().vault));
        connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
            if (Status saved = this->save(file); !saved.ok()) say(text_of(saved.error().message));
        });
        dialog->open();
    });
    layout()->addWidget(code_);
    auto* row = new QHBoxLayout;
    row->addStretch(1);
    row->addWidget(save);
    row->addWidget(print);
    static_cast<QVBoxLayout*>(layout())->addLayout(row);
}

void RecoveryPage::initializePage() {
    const QStringList groups = groups_of(wizard_.setup().recovery_code);
    const qsizetype half = (groups.size() + 1) / 2;
    code_->setText(groups.mid(0, half).join(QLatin1String("  ")) + QLatin1Char('\n') +
                   groups.mid(half).join(QLatin1String("  ")));
}

QString RecoveryPage::sheet() const {
    return tr("Lockstep recovery sheet\n\nVault: %1\nRecovery code: %2\n\nWhoever has this code "
              "can open the vault.\n")
        .arg(wizard_.setup().vault, wizard_.setup().recovery_code);
}

Status RecoveryPage::save(const QString& file) {
    TRY_OK(write_secret_file(file, sheet()));
    is_kept_ = true;
    Q_EMIT completeChanged();
    return {};
}

void RecoveryPage::print() {
    auto printer = std::make_shared<QPrinter>();
    auto* dialog = new QPrintDialog(printer.get(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, qOverload<QPrinter*>(&QPrintDialog::accepted), this, [this, printer] {
        QTextDocument document;
        document.setPlainText(sheet());
        document.print(printer.get());
        is_kept_ = true;
        Q_EMIT completeChanged();
    });
    dialog->open();
}

RecoveryCheckPage::RecoveryCheckPage(SetupWizard& wizard) : SetupPage(wizard) {
    setTitle(tr("Is the sheet there?"));
    addText(tr("Type three groups of letters from the sheet that you saved or printed."));
    auto* form = new QFormLayout;
    for (int number = 0; number < kGroupsAsked; ++number) {
        auto* line = new QLineEdit(this);
        line->setObjectName(QStringLiteral("group%1").arg(number));
        auto* label = new QLabel(this);
        label->setBuddy(line);
        form->addRow(label, line);
        labels_ += label;
        lines_ += line;
        connect(line, &QLineEdit::textChanged, this, &QWizardPage::completeChanged);
    }
    static_cast<QVBoxLayout*>(layout())->addLayout(form);
}

void RecoveryCheckPage::initializePage() {
    QList<int> all(groups_of(wizard_.setup().recovery_code).size());
    std::iota(all.begin(), all.end(), 0);
    std::shuffle(all.begin(), all.end(), *QRandomGenerator::global());
    numbers_ = all.mid(0, kGroupsAsked);
    std::sort(numbers_.begin(), numbers_.end());
    for (int index = 0; index < numbers_.size(); ++index) {
        labels_[index]->setText(tr("Group %1:").arg(numbers_[index] + 1));
        lines_[index]->setAccessibleName(labels_[index]->text());
        lines_[index]->clear();
    }
}

bool RecoveryCheckPage::isComplete() const {
    const QStringList groups = groups_of(wizard_.setup().recovery_code);
    for (int index = 0; index < numbers_.size(); ++index)
        if (lines_[index]->text().trimmed().compare(groups[numbers_[index]], Qt::CaseInsensitive) !=
            0)
            return false;
    return SetupPage::isComplete();
}

}  // namespace lockstep::gui
