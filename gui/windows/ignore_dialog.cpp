#include "gui/windows/ignore_dialog.h"

#include <QDialogButtonBox>
#include <QDir>
#include <QFile>
#include <QHBoxLayout>
#include <QPushButton>
#include <QSaveFile>
#include <QVBoxLayout>

#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

constexpr qint64 kRulesSizeMax = 1 << 20;

QString rules_file(const QString& directory) {
    return QDir(directory).filePath(QStringLiteral(".lockstepignore"));
}

// Both are for an asker's thread: a folder may lie on a slow disk.
Result<QByteArray> read_rules(const QString& directory) {
    QFile file(rules_file(directory));
    if (!file.exists()) return QByteArray();
    if (!file.open(QIODevice::ReadOnly) || file.size() > kRulesSizeMax)
        return Error{ErrorKind::Io,
                     file.fileName().toStdString() + ": " + file.errorString().toStdString()};
    return file.readAll();
}

Status write_rules(const QString& directory, const QByteArray& text) {
    QSaveFile file(rules_file(directory));
    if (file.open(QIODevice::WriteOnly) && file.write(text) == text.size() && file.commit())
        return {};
    return Error{ErrorKind::Io,
                 file.fileName().toStdString() + ": " + file.errorString().toStdString()};
}

}  // namespace

IgnoreDialog::IgnoreDialog(DaemonState& state, const QString& directory, QWidget* parent)
    : QDialog(parent),
      state_(state),
      directory_(directory),
      rules_(new QPlainTextEdit(this)),
      path_(new QLineEdit(this)),
      answer_(new QLabel(this)) {
    setObjectName(QStringLiteral("ignoreDialog"));
    setWindowTitle(tr("What is ignored in %1").arg(directory));
    setAttribute(Qt::WA_DeleteOnClose);
    auto* words = new QLabel(
        tr("One pattern a line; the first that fits decides. *.o fits anywhere, /build in the "
           "folder itself, docs/ what is in it; !keep.o is not ignored after all; // begins a "
           "comment."),
        this);
    words->setWordWrap(true);
    rules_->setAccessibleName(tr("Ignore rules"));
    rules_->setObjectName(QStringLiteral("ignoreRules"));
    rules_->setTabChangesFocus(true);
    rules_->setEnabled(false);
    path_->setPlaceholderText(tr("Path of a file in the folder"));
    path_->setAccessibleName(tr("Path of a file in the folder"));
    path_->setObjectName(QStringLiteral("ignorePath"));
    answer_->setWordWrap(true);
    answer_->setTextFormat(Qt::PlainText);
    answer_->setObjectName(QStringLiteral("ignoreAnswer"));
    auto* test = new QPushButton(tr("Is it &ignored?"), this);
    test->setObjectName(QStringLiteral("ignoreTest"));
    test->setToolTip(tr("By the rules as they are saved."));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Close, this);
    buttons->button(QDialogButtonBox::Save)->setObjectName(QStringLiteral("ignoreSave"));
    for (QAbstractButton* button : buttons->buttons())
        static_cast<QPushButton*>(button)->setAutoDefault(false);
    test->setAutoDefault(false);
    connect(test, &QPushButton::clicked, this, &IgnoreDialog::test);
    connect(path_, &QLineEdit::returnPressed, this, &IgnoreDialog::test);
    connect(buttons, &QDialogButtonBox::accepted, this, &IgnoreDialog::save);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* row = new QHBoxLayout;
    row->addWidget(path_, 1);
    row->addWidget(test);
    auto* all = new QVBoxLayout(this);
    all->addWidget(words);
    all->addWidget(rules_, 1);
    all->addLayout(row);
    all->addWidget(answer_);
    all->addWidget(buttons);
    load();
}

void IgnoreDialog::load() {
    state_.link().ask(
        this, [directory = directory_](api::DaemonClient&) { return read_rules(directory); },
        [this](Result<QByteArray> text) {
            if (!text.ok()) return answer_->setText(text_of(text.error().message));
            rules_->setPlainText(QString::fromUtf8(*text));
            rules_->setEnabled(true);
        });
}

void IgnoreDialog::save() {
    // What could not be read is not overwritten.
    if (!rules_->isEnabled()) return;
    QByteArray text = rules_->toPlainText().toUtf8();
    if (!text.isEmpty() && !text.endsWith('\n')) text += '\n';
    state_.link().ask(
        this,
        [directory = directory_, text](api::DaemonClient&) { return write_rules(directory, text); },
        [this](const Status& saved) {
            answer_->setText(saved.ok() ? tr("Saved.") : text_of(saved.error().message));
        });
}

void IgnoreDialog::test() {
    const QString path = QDir(directory_).filePath(path_->text().trimmed());
    state_.link().ask(
        this,
        [path = path.toStdString()](api::DaemonClient& client) {
            return client.test_ignore({path});
        },
        [this](Result<api::IgnoreAnswer> answer) {
            if (!answer.ok()) return answer_->setText(text_of(answer.error().message));
            answer_->setText(!answer->is_ignored
                                 ? tr("It is not ignored.")
                                 : tr("It is ignored, by the rule: %1").arg(text_of(answer->rule)));
        });
}

}  // namespace lockstep::gui
