#include "gui/windows/conflict_dialog.h"

#include <QDesktopServices>
#include <QDialogButtonBox>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QUrl>
#include <QVBoxLayout>

#include "gui/models/text.h"

namespace lockstep::gui {

namespace {

QString version_text(const QString& name, const QString& device, std::int64_t wall_ms,
                     std::uint64_t size) {
    return ConflictDialog::tr("%1\nfrom %2\nwritten %3\n%4")
        .arg(name, device, moment_text(wall_ms, now_ms()), size_text(size));
}

// Where a file of the vault can be opened; empty: nowhere.
QString file_in_mount(const api::VaultInfo* vault, const std::string& path) {
    if (vault == nullptr) return {};
    for (const api::MountInfo& mount : vault->mounts)
        if (mount.is_mounted && mount.path.empty())
            return text_of(mount.directory) + QLatin1Char('/') + text_of(path);
    return {};
}

}  // namespace

ConflictDialog::ConflictDialog(DaemonState& state, VaultConflict conflict, QWidget* parent)
    : QDialog(parent),
      state_(state),
      conflict_(std::move(conflict)),
      this_facts_(new QLabel(this)),
      that_facts_(new QLabel(this)),
      failure_(new QLabel(this)) {
    setObjectName(QStringLiteral("conflictDialog"));
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Two versions of %1").arg(text_of(conflict_.conflict.path)));
    const api::ConflictInfo& info = conflict_.conflict;
    this_facts_->setText(text_of(info.path) + QStringLiteral("\n\n\n"));
    that_facts_->setText(
        version_text(text_of(info.sibling), text_of(info.device_label), info.wall_ms, info.size));
    auto* versions = new QHBoxLayout;
    versions->addWidget(
        makeVersion(tr("This version"), info.path, this_facts_, QStringLiteral("keepThis")));
    versions->addWidget(makeVersion(tr("The other version"), info.sibling, that_facts_,
                                    QStringLiteral("keepThat")));
    auto* words =
        new QLabel(tr("Two devices have changed this file while they were apart. The version that "
                      "you do not keep goes; keep both to decide later, each under its own name."),
                   this);
    words->setWordWrap(true);
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    failure_->setObjectName(QStringLiteral("failure"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    QPushButton* both = buttons->addButton(tr("Keep &both"), QDialogButtonBox::ActionRole);
    both->setObjectName(QStringLiteral("keepBoth"));
    choices_ += both;
    connect(both, &QPushButton::clicked, this, [this] { keep(conflict_.conflict.path, "both"); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* all = new QVBoxLayout(this);
    all->addWidget(words);
    all->addLayout(versions);
    all->addWidget(failure_);
    all->addStretch(1);
    all->addWidget(buttons);
    setMinimumWidth(560);
    askAboutThis();
}

QWidget* ConflictDialog::makeVersion(const QString& title, const std::string& path, QLabel* facts,
                                     const QString& keep_name) {
    auto* box = new QGroupBox(title, this);
    facts->setTextFormat(Qt::PlainText);
    facts->setWordWrap(true);
    facts->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    const bool is_this = keep_name == QLatin1String("keepThis");
    auto* open = new QPushButton(is_this ? tr("&Open") : tr("O&pen"), box);
    open->setEnabled(!file_in_mount(state_.vault(conflict_.vault), path).isEmpty());
    auto* keep = new QPushButton(is_this ? tr("Keep &this") : tr("Keep t&he other"), box);
    keep->setObjectName(keep_name);
    choices_ += keep;
    connect(open, &QPushButton::clicked, this, [this, path] { openFile(path); });
    connect(keep, &QPushButton::clicked, this, [this, path] { this->keep(path, "this"); });
    auto* all = new QVBoxLayout(box);
    all->addWidget(facts);
    all->addWidget(open);
    all->addWidget(keep);
    return box;
}

void ConflictDialog::askAboutThis() {
    state_.link().ask(
        this,
        [vault = conflict_.vault.toStdString(), path = conflict_.conflict.path](
            api::DaemonClient& client) { return client.explain(vault, path); },
        [this](Result<api::ExplainAnswer> answer) {
            if (!answer.ok()) return;
            this_facts_->setText(version_text(text_of(answer->path), text_of(answer->written_by),
                                              static_cast<std::int64_t>(answer->written_ms),
                                              answer->size));
        });
}

void ConflictDialog::openFile(const std::string& path) {
    const QString file = file_in_mount(state_.vault(conflict_.vault), path);
    if (!file.isEmpty()) QDesktopServices::openUrl(QUrl::fromLocalFile(file));
}

void ConflictDialog::keep(const std::string& path, const std::string& keep) {
    for (QPushButton* choice : choices_) choice->setEnabled(false);
    api::ResolveConflict request;
    request.path = path;
    request.keep = keep;
    state_.link().ask(
        this,
        [vault = conflict_.vault.toStdString(), request](api::DaemonClient& client) {
            return client.resolve_conflict(vault, request);
        },
        [this](const Status& done) {
            state_.refresh();
            if (done.ok()) return accept();
            for (QPushButton* choice : choices_) choice->setEnabled(true);
            failure_->setText(text_of(done.error().message));
            failure_->setVisible(true);
        });
}

}  // namespace lockstep::gui
