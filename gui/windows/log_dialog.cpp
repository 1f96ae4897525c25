#include "gui/windows/log_dialog.h"

#include <QDateTime>
#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include "gui/models/text.h"

namespace lockstep::gui {

LogDialog::LogDialog(DaemonState& state, QWidget* parent)
    : QDialog(parent), state_(state), text_(new QPlainTextEdit(this)) {
    setObjectName(QStringLiteral("logDialog"));
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Log of the service"));
    resize(820, 480);
    auto* words = new QLabel(
        tr("The last 1000 lines, the newest below. They may name vaults and folders."), this);
    words->setWordWrap(true);
    text_->setReadOnly(true);
    text_->setLineWrapMode(QPlainTextEdit::NoWrap);
    text_->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    text_->setAccessibleName(tr("Lines of the log"));
    text_->setObjectName(QStringLiteral("logLines"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    QPushButton* again = buttons->addButton(tr("&Read again"), QDialogButtonBox::ActionRole);
    connect(again, &QPushButton::clicked, this, &LogDialog::ask);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* all = new QVBoxLayout(this);
    all->addWidget(words);
    all->addWidget(text_, 1);
    all->addWidget(buttons);
    ask();
}

void LogDialog::ask() {
    state_.link().ask(
        this, [](api::DaemonClient& client) { return client.log(); },
        [this](Result<api::LogLineList> log) {
            if (log.ok()) return show(*log);
            text_->setPlainText(text_of(log.error().message));
        });
}

void LogDialog::show(const api::LogLineList& log) {
    QStringList lines;
    for (const api::LogLineInfo& line : log.lines)
        lines += QDateTime::fromMSecsSinceEpoch(line.time_ms).toString(Qt::ISODateWithMs) +
                 QLatin1Char(' ') + text_of(line.level + ' ' + line.area + ": " + line.message);
    text_->setPlainText(lines.join(QLatin1Char('\n')));
    text_->moveCursor(QTextCursor::End);
    text_->moveCursor(QTextCursor::StartOfLine);
}

}  // namespace lockstep::gui
