#include "gui/windows/unlock_dialog.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

constexpr int kIdleMinutes = 15;
constexpr int kIdleMinutesMax = 30 * 24 * 60;

// For what is shown now, when that is more than before.
void make_room(QWidget& window) {
    QLayout* layout = window.layout();
    if (layout == nullptr) return;
    layout->activate();
    const QSize least = layout->totalMinimumSize();
    const int width = std::max(window.width(), least.width());
    const int height =
        layout->hasHeightForWidth() ? layout->totalHeightForWidth(width) : least.height();
    window.resize(width, std::max(window.height(), height));
}

}  // namespace

PassphraseEdit::PassphraseEdit(const QString& accessible_name, QWidget* parent)
    : QWidget(parent),
      line_(new QLineEdit(this)),
      caps_lock_(new QLabel(tr("Caps Lock is on"), this)) {
    line_->setEchoMode(QLineEdit::Password);
    line_->setAccessibleName(accessible_name);
    line_->setObjectName(QStringLiteral("passphrase"));
    line_->setInputMethodHints(Qt::ImhSensitiveData | Qt::ImhNoPredictiveText |
                               Qt::ImhNoAutoUppercase);
    line_->installEventFilter(this);
    caps_lock_->setVisible(false);
    caps_lock_->setObjectName(QStringLiteral("capsLock"));
    auto* show = new QToolButton(this);
    show->setText(tr("Show"));
    show->setAccessibleName(tr("Show the passphrase"));
    show->setCheckable(true);
    connect(show, &QToolButton::toggled, this, [this](bool is_shown) {
        line_->setEchoMode(is_shown ? QLineEdit::Normal : QLineEdit::Password);
    });
    auto* row = new QHBoxLayout;
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(line_, 1);
    row->addWidget(show);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addLayout(row);
    all->addWidget(caps_lock_);
    setFocusProxy(line_);
}

api::SecretText PassphraseEdit::take() {
    QByteArray bytes = line_->text().toUtf8();
    api::SecretText secret(std::string(bytes.constData(), static_cast<std::size_t>(bytes.size())));
    bytes.fill('\0');
    line_->clear();
    return secret;
}

bool PassphraseEdit::eventFilter(QObject* watched, QEvent* event) {
    if (watched == line_ && event->type() == QEvent::KeyPress) {
        // No portable way tells the state of Caps Lock: a letter in the case that Shift does not
        // explain does.
        const auto* key = static_cast<QKeyEvent*>(event);
        const QString text = key->text();
        if (text.size() == 1 && text[0].isLetter() && text[0].toUpper() != text[0].toLower())
            caps_lock_->setVisible(text[0].isUpper() !=
                                   key->modifiers().testFlag(Qt::ShiftModifier));
    }
    return QWidget::eventFilter(watched, event);
}

UnlockDialog::UnlockDialog(const QString& vault, bool has_keychain, QWidget* parent)
    : QDialog(parent),
      has_keychain_(has_keychain),
      passphrase_(new PassphraseEdit(tr("Passphrase"), this)),
      keep_(new QComboBox(this)),
      minutes_(new QSpinBox(this)),
      explanation_(new QLabel(this)),
      failure_(new QLabel(this)) {
    setObjectName(QStringLiteral("unlockDialog"));
    setWindowTitle(tr("Unlock %1").arg(vault));
    auto* label = new QLabel(tr("&Passphrase of %1:").arg(vault), this);
    label->setBuddy(passphrase_->line());
    keep_->setObjectName(QStringLiteral("keepUnlocked"));
    keep_->addItems(
        {tr("until I lock it"), tr("until nobody has used it for"), tr("always on this device")});
    minutes_->setObjectName(QStringLiteral("idleMinutes"));
    minutes_->setAccessibleName(tr("Unused minutes"));
    minutes_->setRange(1, kIdleMinutesMax);
    minutes_->setValue(kIdleMinutes);
    minutes_->setSuffix(tr(" minutes"));
    explanation_->setWordWrap(true);
    auto* keep_label = new QLabel(tr("&Keep it unlocked"), this);
    keep_label->setBuddy(keep_);
    auto* keep_row = new QHBoxLayout;
    keep_row->addWidget(keep_label);
    keep_row->addWidget(keep_, 1);
    keep_row->addWidget(minutes_);
    connect(keep_, &QComboBox::currentIndexChanged, this, &UnlockDialog::explain);
    explain();
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    failure_->setObjectName(QStringLiteral("failure"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    unlock_ = buttons->addButton(tr("U&nlock"), QDialogButtonBox::AcceptRole);
    unlock_->setDefault(true);
    unlock_->setEnabled(false);
    connect(passphrase_->line(), &QLineEdit::textChanged, this,
            [this](const QString& text) { unlock_->setEnabled(!text.isEmpty()); });
    connect(buttons, &QDialogButtonBox::accepted, this, &UnlockDialog::request);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* all = new QVBoxLayout(this);
    all->addWidget(label);
    all->addWidget(passphrase_);
    all->addWidget(failure_);
    all->addLayout(keep_row);
    all->addWidget(explanation_);
    all->addStretch();
    all->addWidget(buttons);
    setMinimumWidth(420);
    passphrase_->setFocus();
}

void UnlockDialog::explain() {
    minutes_->setVisible(kept() == KeepChoice::UntilIdle);
    switch (kept()) {
        case KeepChoice::UntilLocked:
            explanation_->setText(
                tr("After the next start of the service the passphrase is asked for again."));
            break;
        case KeepChoice::UntilIdle:
            explanation_->setText(tr("While files of it are open it is not locked."));
            break;
        case KeepChoice::Always:
            explanation_->setText(
                has_keychain_
                    ? tr("Your desktop's keychain keeps a secret for this device: whoever can open "
                         "the keychain can read the vault.")
                    : tr("No keychain was found: the service keeps the key in a file of yours. "
                         "Whoever can use your account can read the vault."));
            break;
    }
    make_room(*this);
}

void UnlockDialog::setKept(KeepChoice choice, std::uint64_t idle_seconds) {
    keep_->setCurrentIndex(static_cast<int>(choice));
    if (idle_seconds > 0)
        minutes_->setValue(
            static_cast<int>(std::min<std::uint64_t>((idle_seconds + 59) / 60, kIdleMinutesMax)));
}

std::uint64_t UnlockDialog::idleSeconds() const {
    return kept() == KeepChoice::UntilIdle ? static_cast<std::uint64_t>(minutes_->value()) * 60 : 0;
}

void UnlockDialog::request() {
    failure_->setVisible(false);
    setWaiting(true);
    Q_EMIT unlockRequested();
}

void UnlockDialog::setWaiting(bool is_waiting) {
    passphrase_->setEnabled(!is_waiting);
    keep_->setEnabled(!is_waiting);
    minutes_->setEnabled(!is_waiting);
    unlock_->setEnabled(!is_waiting && !passphrase_->line()->text().isEmpty());
    unlock_->setText(is_waiting ? tr("Unlocking…") : tr("U&nlock"));
}

void UnlockDialog::setFailure(const Error& error) {
    setWaiting(false);
    failure_->setText(error.kind == ErrorKind::WrongKey ? tr("This is not the passphrase.")
                                                        : text_of(error.message));
    failure_->setVisible(true);
    make_room(*this);
    passphrase_->line()->clear();
    passphrase_->setFocus();
}

}  // namespace lockstep::gui
