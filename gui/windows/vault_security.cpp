#include "gui/windows/vault_security.h"

#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFontDatabase>
#include <QFormLayout>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPrintDialog>
#include <QPrinter>
#include <QTextDocument>
#include <QVBoxLayout>

#include "gui/client/secret_file.h"
#include "gui/models/passphrase_strength.h"
#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

constexpr int kUnusedMinutesMax = 30 * 24 * 60;

QString passphrase_text(const api::PassphraseInfo& info) {
    const QString kind = info.kind == "recovery" ? VaultSecurity::tr("recovery code")
                         : info.kind == "local"  ? VaultSecurity::tr("passphrase of this device")
                                                 : VaultSecurity::tr("passphrase");
    if (info.added_ms == 0) return kind;
    const QString when = moment_text(info.added_ms, now_ms());
    return info.added_by.empty()
               ? VaultSecurity::tr("%1, made %2").arg(kind, when)
               : VaultSecurity::tr("%1, made %2 on %3").arg(kind, when, text_of(info.added_by));
}

}  // namespace

VaultSecurity::VaultSecurity(DaemonState& state, KeepUnlocked& keep_unlocked, QWidget* parent)
    : QWidget(parent),
      state_(state),
      keep_unlocked_(keep_unlocked),
      vaults_(new QComboBox(this)),
      opens_(new QLabel(this)),
      result_(new QLabel(this)),
      content_(new QWidget(this)) {
    vaults_->setAccessibleName(tr("Vault"));
    vaults_->setObjectName(QStringLiteral("securityVault"));
    result_->setWordWrap(true);
    result_->setObjectName(QStringLiteral("securityResult"));
    auto* inner = new QVBoxLayout(content_);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->addWidget(makeLocking());
    inner->addWidget(makePassphrases());
    inner->addWidget(makeRecovery());
    auto* all = new QVBoxLayout(this);
    all->addWidget(vaults_);
    all->addWidget(content_);
    all->addWidget(result_);
    all->addStretch(1);
    connect(vaults_, &QComboBox::currentIndexChanged, this, [this] {
        result_->clear();
        fill();
    });
    connect(&state_, &DaemonState::statusChanged, this, &VaultSecurity::fillVaults);
    connect(&state_, &DaemonState::happened, this, [this](const api::Event& event, bool is_past) {
        if (!is_past && event.type == "vault.keys") askPassphrases();
    });
    fillVaults();
}

QWidget* VaultSecurity::makeLocking() {
    auto* box = new QGroupBox(tr("Locking"), content_);
    idle_ = new QSpinBox(box);
    idle_->setObjectName(QStringLiteral("idleLock"));
    idle_->setRange(0, kUnusedMinutesMax);
    idle_->setSuffix(tr(" minutes"));
    idle_->setSpecialValueText(tr("never"));
    suspend_ = new QCheckBox(tr("Lock it &before this device goes to sleep"), box);
    suspend_->setObjectName(QStringLiteral("suspendLock"));
    opens_->setWordWrap(true);
    ask_again_ = new QPushButton(tr("&Ask for the passphrase again"), box);
    ask_again_->setObjectName(QStringLiteral("askAgain"));
    ask_again_->setAutoDefault(false);
    connect(idle_, &QSpinBox::editingFinished, this, [this] {
        const auto seconds = static_cast<std::uint64_t>(idle_->value()) * 60;
        const api::VaultInfo* vault = state_.vault(id());
        if (vault == nullptr || (vault->idle_lock_seconds + 59) / 60 * 60 == seconds) return;
        setAutoLock({.idle_seconds = seconds, .on_suspend = {}, .unlock_at_start = {}});
    });
    connect(suspend_, &QCheckBox::clicked, this, [this](bool is_on) {
        setAutoLock({.idle_seconds = {}, .on_suspend = is_on, .unlock_at_start = {}});
    });
    connect(ask_again_, &QPushButton::clicked, this, &VaultSecurity::askAgain);
    auto* form = new QFormLayout;
    form->addRow(tr("&Lock it when it was not used for:"), idle_);
    auto* all = new QVBoxLayout(box);
    all->addLayout(form);
    all->addWidget(suspend_);
    all->addWidget(opens_);
    all->addWidget(ask_again_, 0, Qt::AlignLeft);
    return box;
}

QWidget* VaultSecurity::makePassphrases() {
    auto* box = new QGroupBox(tr("What opens it"), content_);
    passphrases_ = new QListWidget(box);
    passphrases_->setAccessibleName(tr("What opens it"));
    passphrases_->setObjectName(QStringLiteral("passphrases"));
    passphrases_->setMaximumHeight(passphrases_->fontMetrics().height() * 5);
    change_ = new QPushButton(tr("&Change the passphrase…"), box);
    change_->setObjectName(QStringLiteral("changePassphrase"));
    add_ = new QPushButton(tr("A&dd one…"), box);
    remove_ = new QPushButton(tr("&Remove it"), box);
    remove_->setObjectName(QStringLiteral("removePassphrase"));
    connect(change_, &QPushButton::clicked, this, [this] { changePassphrase(false); });
    connect(add_, &QPushButton::clicked, this, [this] { changePassphrase(true); });
    connect(remove_, &QPushButton::clicked, this, &VaultSecurity::removePassphrase);
    auto* row = new QHBoxLayout;
    for (QPushButton* button : {change_, add_, remove_}) {
        button->setAutoDefault(false);
        row->addWidget(button);
    }
    row->addStretch(1);
    auto* all = new QVBoxLayout(box);
    all->addWidget(passphrases_);
    all->addLayout(row);
    return box;
}

QWidget* VaultSecurity::makeRecovery() {
    auto* box = new QGroupBox(tr("Recovery sheet and keys"), content_);
    renew_ = new QPushButton(tr("&Make a new sheet…"), box);
    renew_->setObjectName(QStringLiteral("renewRecovery"));
    auto* test = new QPushButton(tr("&Test a sheet…"), box);
    test->setObjectName(QStringLiteral("testRecovery"));
    rotate_ = new QPushButton(tr("New &keys…"), box);
    rotate_->setObjectName(QStringLiteral("rotate"));
    connect(renew_, &QPushButton::clicked, this, &VaultSecurity::renewRecovery);
    connect(test, &QPushButton::clicked, this, &VaultSecurity::testRecovery);
    connect(rotate_, &QPushButton::clicked, this, &VaultSecurity::rotate);
    auto* all = new QHBoxLayout(box);
    for (QPushButton* button : {renew_, test, rotate_}) {
        button->setAutoDefault(false);
        all->addWidget(button);
    }
    all->addStretch(1);
    return box;
}

void VaultSecurity::fillVaults() {
    QStringList now, shown;
    for (const api::VaultInfo& vault : state_.status().vaults)
        if (!vault.id.empty()) now += text_of(vault.id);
    for (int index = 0; index < vaults_->count(); ++index)
        shown += vaults_->itemData(index).toString();
    if (now != shown) {
        vaults_->clear();
        for (const api::VaultInfo& vault : state_.status().vaults)
            if (!vault.id.empty()) vaults_->addItem(text_of(vault.name), text_of(vault.id));
    }
    fill();
}

void VaultSecurity::fill() {
    const api::VaultInfo* vault = state_.vault(id());
    content_->setEnabled(vault != nullptr);
    if (vault == nullptr) return;
    const bool is_open = vault->state != "locked";
    if (!idle_->hasFocus()) idle_->setValue(static_cast<int>((vault->idle_lock_seconds + 59) / 60));
    suspend_->setChecked(vault->locks_on_suspend);
    const bool is_kept = keep_unlocked_.isKept(id());
    opens_->setText(is_kept ? tr("It unlocks by itself, with a secret in the desktop's keychain.")
                    : vault->unlock_at_start
                        ? tr("It unlocks by itself: the service keeps its key in a file of yours.")
                        : tr("It asks for its passphrase. How long it stays unlocked you choose "
                             "when you unlock it."));
    ask_again_->setVisible(is_kept || vault->unlock_at_start);
    for (QPushButton* button : {change_, add_, remove_, renew_, rotate_})
        button->setEnabled(is_open);
    if (asked_for_ != id()) askPassphrases();
}

void VaultSecurity::askPassphrases() {
    asked_for_ = id();
    if (asked_for_.isEmpty()) return;
    state_.link().ask(
        this, [vault = vault()](api::DaemonClient& client) { return client.passphrases(vault); },
        [this, asked = asked_for_](Result<api::PassphraseList> list) {
            if (asked != id()) return;
            if (list.ok()) return show(*list);
            say(text_of(list.error().message));
        });
}

void VaultSecurity::show(const api::PassphraseList& list) {
    passphrases_->clear();
    for (const api::PassphraseInfo& info : list.passphrases) {
        auto* item = new QListWidgetItem(passphrase_text(info), passphrases_);
        item->setData(Qt::UserRole, text_of(info.id));
    }
}

void VaultSecurity::setAutoLock(const api::SetAutoLock& wish) {
    state_.link().ask(
        this,
        [vault = vault(), wish](api::DaemonClient& client) {
            return client.set_auto_lock(vault, wish);
        },
        [this](Result<api::VaultInfo> set) {
            state_.refresh();
            say(set.ok() ? QString() : text_of(set.error().message));
        });
}

void VaultSecurity::askAgain() {
    if (keep_unlocked_.isKept(id()))
        keep_unlocked_.forget(id(), [this](const Status& done) {
            fill();
            say(done.ok() ? QString() : text_of(done.error().message));
        });
    const api::VaultInfo* vault = state_.vault(id());
    if (vault != nullptr && vault->unlock_at_start)
        setAutoLock({.idle_seconds = {}, .on_suspend = {}, .unlock_at_start = false});
}

void VaultSecurity::changePassphrase(bool is_added) {
    auto* dialog = new PassphraseDialog(vaults_->currentText(), is_added, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &PassphraseDialog::wanted, this, [this, dialog, is_added] {
        auto request = std::make_shared<api::SetPassphrase>(dialog->take());
        state_.link().ask(
            dialog,
            [vault = vault(), request](api::DaemonClient& client) {
                return client.set_passphrase(vault, *request);
            },
            [this, dialog, is_added](Result<api::PassphraseList> list) {
                if (!list.ok()) return dialog->setFailure(list.error());
                show(*list);
                say(is_added ? tr("The passphrase opens it, too, from now on.")
                             : tr("The passphrase was changed. Copies of the vault's directory "
                                  "made before still open with the old one."));
                dialog->accept();
            });
    });
    dialog->open();
}

void VaultSecurity::removePassphrase() {
    const QListWidgetItem* item = passphrases_->currentItem();
    if (item == nullptr) return say(tr("Choose in the list what is to be removed."));
    auto* box =
        new QMessageBox(QMessageBox::Warning, tr("Remove it?"),
                        tr("Nothing that is written from now on opens with: %1").arg(item->text()),
                        QMessageBox::Cancel, this);
    box->setObjectName(QStringLiteral("confirmRemove"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* yes = box->addButton(tr("&Remove it"), QMessageBox::AcceptRole);
    box->setDefaultButton(QMessageBox::Cancel);
    connect(yes, &QPushButton::clicked, this,
            [this, slot = item->data(Qt::UserRole).toString().toStdString()] {
                state_.link().ask(
                    this,
                    [vault = vault(), slot](api::DaemonClient& client) {
                        api::RemovePassphrase request;
                        request.id = slot;
                        request.by_device = true;
                        return client.remove_passphrase(vault, request);
                    },
                    [this](Result<api::PassphraseList> list) {
                        if (!list.ok()) return say(text_of(list.error().message));
                        show(*list);
                        say({});
                    });
            });
    box->open();
}

void VaultSecurity::renewRecovery() {
    auto* box = new QMessageBox(
        QMessageBox::Warning, tr("Make a new sheet?"),
        tr("The sheet that you have now will not open what is written from then on."),
        QMessageBox::Cancel, this);
    box->setObjectName(QStringLiteral("confirmRenew"));
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* yes = box->addButton(tr("&Make a new sheet"), QMessageBox::AcceptRole);
    yes->setObjectName(QStringLiteral("confirm"));
    connect(yes, &QPushButton::clicked, this, [this] {
        state_.link().ask(
            this,
            [vault = vault()](api::DaemonClient& client) {
                api::RenewRecovery request;
                request.by_device = true;
                return client.renew_recovery(vault, request);
            },
            [this, name = vaults_->currentText()](Result<api::RecoveryAnswer> answer) {
                if (!answer.ok()) return say(text_of(answer.error().message));
                (new RecoverySheetDialog(name, *answer, this))->open();
            });
    });
    box->open();
}

void VaultSecurity::testRecovery() {
    auto* dialog = new RecoveryTestDialog(state_, vault(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

void VaultSecurity::rotate() {
    auto* box = new QMessageBox(
        QMessageBox::Question, tr("New keys?"),
        tr("What is written from then on has keys that nobody had before. All members get them by "
           "themselves. Do this when somebody may have seen a key."),
        QMessageBox::Cancel, this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* yes = box->addButton(tr("&New keys"), QMessageBox::AcceptRole);
    connect(yes, &QPushButton::clicked, this, [this] {
        state_.link().ask(
            this, [vault = vault()](api::DaemonClient& client) { return client.rotate(vault); },
            [this](Result<api::VaultInfo> done) {
                say(done.ok() ? tr("It has new keys.") : text_of(done.error().message));
            });
    });
    box->open();
}

void VaultSecurity::say(const QString& text) {
    result_->setText(text);
}

PassphraseDialog::PassphraseDialog(const QString& vault, bool is_added, QWidget* parent)
    : QDialog(parent),
      is_added_(is_added),
      vault_(vault),
      current_(new PassphraseEdit(tr("Current passphrase"), this)),
      first_(new PassphraseEdit(tr("New passphrase"), this)),
      second_(new PassphraseEdit(tr("The new passphrase again"), this)),
      forgotten_(new QCheckBox(tr("&Without it: this device is unlocked"), this)),
      stays_here_(new QCheckBox(tr("It opens the vault on &this device only"), this)),
      strength_(new QProgressBar(this)),
      judgement_(new QLabel(this)),
      failure_(new QLabel(this)) {
    setObjectName(QStringLiteral("passphraseDialog"));
    setWindowTitle(is_added ? tr("One more passphrase of %1").arg(vault)
                            : tr("Another passphrase of %1").arg(vault));
    current_->line()->setObjectName(QStringLiteral("currentPassphrase"));
    first_->line()->setObjectName(QStringLiteral("newPassphrase"));
    second_->line()->setObjectName(QStringLiteral("newPassphraseAgain"));
    forgotten_->setObjectName(QStringLiteral("forgotten"));
    strength_->setRange(0, 4);
    strength_->setTextVisible(false);
    strength_->setAccessibleName(tr("Strength"));
    judgement_->setWordWrap(true);
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    failure_->setObjectName(QStringLiteral("failure"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    set_ = buttons->addButton(is_added ? tr("&Add it") : tr("&Change it"),
                              QDialogButtonBox::AcceptRole);
    set_->setObjectName(QStringLiteral("setPassphrase"));
    set_->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, [this] {
        failure_->setVisible(false);
        set_->setEnabled(false);
        Q_EMIT wanted();
    });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    for (PassphraseEdit* edit : {current_, first_, second_})
        connect(edit->line(), &QLineEdit::textChanged, this, &PassphraseDialog::judge);
    connect(forgotten_, &QCheckBox::toggled, this, [this](bool is_forgotten) {
        current_->setEnabled(!is_forgotten);
        judge();
    });
    auto* form = new QFormLayout;
    form->addRow(tr("C&urrent passphrase:"), current_);
    form->addRow(forgotten_);
    form->addRow(tr("&New passphrase:"), first_);
    form->addRow(tr("A&gain:"), second_);
    form->addRow(tr("Strength:"), strength_);
    if (is_added_) form->addRow(stays_here_);
    stays_here_->setVisible(is_added_);
    auto* all = new QVBoxLayout(this);
    all->addLayout(form);
    all->addWidget(judgement_);
    all->addWidget(failure_);
    all->addStretch(1);
    all->addWidget(buttons);
    setMinimumWidth(480);
    judge();
}

void PassphraseDialog::judge() {
    const api::SecretText text(first_->line()->text().toStdString());
    const bool is_same = first_->line()->text() == second_->line()->text();
    const Strength strength = strength_of(text.reveal(), vault_.toStdString());
    strength_->setValue(text.empty() ? 0 : static_cast<int>(strength) + 1);
    const bool differs = !second_->line()->text().isEmpty() && !is_same;
    judgement_->setText(text.empty() ? QString()
                        : differs    ? tr("The two are not the same.")
                                     : strength_text(strength));
    const bool is_proved = forgotten_->isChecked() || !current_->line()->text().isEmpty();
    set_->setEnabled(is_proved && !text.empty() && is_same);
}

api::SetPassphrase PassphraseDialog::take() {
    api::SetPassphrase request;
    request.by_device = forgotten_->isChecked();
    if (!request.by_device) request.current = current_->take();
    request.passphrase = first_->take();
    second_->line()->clear();
    request.is_added = is_added_;
    request.stays_here = is_added_ && stays_here_->isChecked();
    return request;
}

void PassphraseDialog::setFailure(const Error& error) {
    failure_->setText(error.kind == ErrorKind::WrongKey ? tr("That is not the current passphrase.")
                                                        : text_of(error.message));
    failure_->setVisible(true);
    judge();
}

RecoverySheetDialog::RecoverySheetDialog(const QString& vault, const api::RecoveryAnswer& answer,
                                         QWidget* parent)
    : QDialog(parent), sheet_(text_of(answer.sheet.reveal())), failure_(new QLabel(this)) {
    setObjectName(QStringLiteral("recoverySheet"));
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Recovery sheet of %1").arg(vault));
    auto* words = new QLabel(
        tr("Whoever has this sheet can open the vault without the passphrase. Print it or save it "
           "where only you find it. It is shown this once."),
        this);
    words->setWordWrap(true);
    auto* text = new QPlainTextEdit(sheet_, this);
    text->setReadOnly(true);
    text->setLineWrapMode(QPlainTextEdit::NoWrap);
    text->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    text->setAccessibleName(tr("Recovery sheet"));
    text->setObjectName(QStringLiteral("sheetText"));
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    auto* buttons = new QDialogButtonBox(this);
    auto* save = buttons->addButton(tr("&Save…"), QDialogButtonBox::ActionRole);
    auto* print = buttons->addButton(tr("&Print…"), QDialogButtonBox::ActionRole);
    close_ = buttons->addButton(tr("&Close without a copy"), QDialogButtonBox::RejectRole);
    close_->setObjectName(QStringLiteral("closeSheet"));
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(print, &QPushButton::clicked, this, &RecoverySheetDialog::print);
    connect(save, &QPushButton::clicked, this, [this, vault] {
        auto* dialog = new QFileDialog(this, tr("Save the recovery sheet"));
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->setOption(QFileDialog::DontConfirmOverwrite);
        dialog->selectFile(tr("recovery of %1.txt").arg(vault));
        connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
            const Status saved = this->save(file);
            failure_->setVisible(!saved.ok());
            if (!saved.ok()) failure_->setText(text_of(saved.error().message));
        });
        dialog->open();
    });
    auto* all = new QVBoxLayout(this);
    all->addWidget(words);
    all->addWidget(text, 1);
    all->addWidget(failure_);
    all->addWidget(buttons);
    resize(560, 400);
}

void RecoverySheetDialog::setKept() {
    close_->setText(tr("&Close"));
}

Status RecoverySheetDialog::save(const QString& file) {
    TRY_OK(write_secret_file(file, sheet_));
    setKept();
    return {};
}

void RecoverySheetDialog::print() {
    auto printer = std::make_shared<QPrinter>();
    auto* dialog = new QPrintDialog(printer.get(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, qOverload<QPrinter*>(&QPrintDialog::accepted), this, [this, printer] {
        QTextDocument document;
        document.setPlainText(sheet_);
        document.print(printer.get());
        setKept();
    });
    dialog->open();
}

RecoveryTestDialog::RecoveryTestDialog(DaemonState& state, const std::string& vault,
                                       QWidget* parent)
    : QDialog(parent) {
    setObjectName(QStringLiteral("recoveryTest"));
    setWindowTitle(tr("Test a recovery sheet"));
    auto* words = new QLabel(
        tr("Type the code, or the lines with their checking words, from the sheet. Nothing is "
           "unlocked by it."),
        this);
    words->setWordWrap(true);
    auto* text = new QPlainTextEdit(this);
    text->setObjectName(QStringLiteral("sheetTyped"));
    text->setAccessibleName(tr("Text of the sheet"));
    text->setTabChangesFocus(true);
    auto* answer = new QLabel(this);
    answer->setObjectName(QStringLiteral("sheetAnswer"));
    answer->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    auto* test = buttons->addButton(tr("&Test it"), QDialogButtonBox::ActionRole);
    test->setObjectName(QStringLiteral("testSheet"));
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(test, &QPushButton::clicked, this, [this, &state, vault, text, answer] {
        auto request = std::make_shared<api::TestRecovery>();
        request->code = api::SecretText(text->toPlainText().toStdString());
        answer->setText(tr("Testing…"));
        state.link().ask(
            this,
            [vault, request](api::DaemonClient& client) {
                return client.test_recovery(vault, *request);
            },
            [answer](const Status& done) {
                answer->setText(done.ok() ? tr("It is right: it opens this vault.")
                                : done.error().kind == ErrorKind::WrongKey
                                    ? tr("It does not open this vault.")
                                    : text_of(done.error().message));
            });
    });
    auto* all = new QVBoxLayout(this);
    all->addWidget(words);
    all->addWidget(text, 1);
    all->addWidget(answer);
    all->addWidget(buttons);
    setMinimumWidth(480);
}

}  // namespace lockstep::gui
