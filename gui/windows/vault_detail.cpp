#include "gui/windows/vault_detail.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QMenu>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/models/text.h"
#include "gui/widgets/icons.h"
#include "gui/widgets/table.h"
#include "gui/windows/pause_menu.h"

namespace lockstep::gui {

namespace {

constexpr int kPictureSize = 40;
constexpr int kRowsOfFiles = 6;  // that are seen at once
constexpr int kAskFilesMs = 1000;

QLabel* fact_label(QWidget* parent) {
    auto* label = new QLabel(parent);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    return label;
}

}  // namespace

VaultDetail::VaultDetail(DaemonState& state, Commands& commands, QWidget* parent)
    : QWidget(parent),
      state_(state),
      commands_(commands),
      picture_(new QLabel(this)),
      name_(new QLabel(this)),
      headline_(new QLabel(this)),
      explanation_(fact_label(this)),
      progress_text_(new QLabel(this)),
      progress_(new QProgressBar(this)),
      files_(make_table(&files_model_, tr("Files on their way here"), this)),
      action_(new QPushButton(this)),
      folder_(fact_label(this)),
      directory_(fact_label(this)),
      content_(fact_label(this)),
      rates_(fact_label(this)),
      members_(fact_label(this)),
      notes_(fact_label(this)) {
    QFont large = name_->font();
    large.setPointSizeF(large.pointSizeF() * 1.4);
    large.setBold(true);
    name_->setFont(large);
    name_->setTextFormat(Qt::PlainText);
    headline_->setObjectName(QStringLiteral("headline"));
    explanation_->setObjectName(QStringLiteral("explanation"));
    action_->setObjectName(QStringLiteral("nextAction"));
    progress_->setRange(0, 1000);
    progress_->setAccessibleName(tr("Content that is here"));
    files_->setObjectName(QStringLiteral("filesUnderWay"));
    files_->setColumnWidth(UnderWayModel::Name, 420);
    files_->setVisible(false);
    ask_again_.setSingleShot(true);
    ask_again_.setInterval(kAskFilesMs);
    connect(&ask_again_, &QTimer::timeout, this, &VaultDetail::askFiles);
    connect(action_, &QPushButton::clicked, this, [this] { commands_.run(next_, vault_); });

    auto* words = new QVBoxLayout;
    words->addWidget(name_);
    words->addWidget(headline_);
    auto* head = new QHBoxLayout;
    head->addWidget(picture_);
    head->addLayout(words, 1);
    auto* facts = new QFormLayout;
    facts->addRow(tr("Folder:"), folder_);
    facts->addRow(tr("Encrypted in:"), directory_);
    facts->addRow(tr("Content:"), content_);
    facts->addRow(tr("Rates:"), rates_);
    facts->addRow(tr("Other devices:"), members_);
    facts->addRow(tr("Notes:"), notes_);
    facts->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);

    auto* all = new QVBoxLayout(this);
    all->addLayout(head);
    all->addWidget(explanation_);
    all->addWidget(progress_);
    all->addWidget(progress_text_);
    all->addWidget(files_);
    all->addWidget(action_, 0, Qt::AlignLeft);
    all->addLayout(facts);
    all->addStretch(1);
    all->addWidget(makeButtons());
    connect(&state_, &DaemonState::statusChanged, this, &VaultDetail::fill);
    fill();
}

QWidget* VaultDetail::makeButtons() {
    auto* row = new QWidget(this);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    const auto add = [&](const QString& text, const QString& name) {
        auto* button = new QPushButton(text, row);
        button->setIcon(icon(name));
        layout->addWidget(button);
        return button;
    };
    open_ = add(tr("&Open folder"), QStringLiteral("folder"));
    lock_ = add(tr("&Lock"), QStringLiteral("state-locked"));
    lock_->setObjectName(QStringLiteral("lockButton"));
    pause_ = add(tr("&Pause…"), QStringLiteral("state-paused"));
    invite_ = add(tr("&Invite…"), QStringLiteral("invite"));
    invite_->setObjectName(QStringLiteral("inviteButton"));
    layout->addStretch(1);
    connect(open_, &QPushButton::clicked, this, [this] { commands_.openFolder(vault_); });
    connect(lock_, &QPushButton::clicked, this, [this] {
        const api::VaultInfo* vault = state_.vault(vault_);
        if (vault != nullptr && vault->state == "locked") return commands_.unlock(vault_);
        commands_.lock(vault_);
    });
    connect(invite_, &QPushButton::clicked, this,
            [this] { Q_EMIT commands_.inviteWanted(vault_); });
    auto* menu = new QMenu(pause_);
    connect(menu, &QMenu::aboutToShow, this,
            [this, menu] { fill_pause_menu(menu, state_, commands_, vault_); });
    // Not setMenu(): that runs the menu before it answers, and assistive technology that presses
    // the button waits for the answer.
    connect(pause_, &QPushButton::clicked, menu,
            [this, menu] { menu->popup(pause_->mapToGlobal(QPoint(0, pause_->height()))); });
    return row;
}

void VaultDetail::show(const QString& vault) {
    if (vault != vault_) files_model_.show({});
    vault_ = vault;
    fill();
}

void VaultDetail::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    fill();
}

void VaultDetail::fillFiles(const api::VaultInfo& vault) {
    is_arriving_ = vault.state != "locked" && vault.missing_packs > 0;
    if (!is_arriving_ || !vault.files_under_way.empty()) files_model_.show(vault.files_under_way);
    const int rows = files_model_.rowCount();
    files_->setVisible(rows > 0);
    if (rows > 0) {
        const int height = std::max(files_->sizeHintForRow(0), 1);
        files_->setFixedHeight(std::min(rows, kRowsOfFiles) * height +
                               files_->header()->sizeHint().height() + 2 * files_->frameWidth());
    }
    if (is_arriving_ && isVisible() && !is_asking_ && !ask_again_.isActive()) askFiles();
}

void VaultDetail::askFiles() {
    if (!is_arriving_ || !isVisible() || is_asking_) return;
    is_asking_ = true;
    state_.link().ask(
        this,
        [vault = vault_.toStdString()](api::DaemonClient& client) { return client.vault(vault); },
        [this, asked = vault_](Result<api::VaultInfo> vault) {
            is_asking_ = false;
            const api::VaultInfo* now = state_.vault(vault_);
            if (!vault.ok() || asked != vault_ || now == nullptr || !is_arriving_)
                return ask_again_.start();
            files_model_.show(std::move(vault->files_under_way));
            ask_again_.start();
            fillFiles(*now);
            for (int column = 0; column < UnderWayModel::Rate; ++column)
                files_->resizeColumnToContents(column);
        });
}

void VaultDetail::fill() {
    const api::VaultInfo* vault = state_.vault(vault_);
    setVisible(vault != nullptr);
    if (vault == nullptr) return;
    const VaultView view = view_of(*vault);
    next_ = view.action;
    name_->setText(text_of(vault->name));
    picture_->setPixmap(icon(icon_name(view.look)).pixmap(kPictureSize, kPictureSize));
    picture_->setAccessibleName(view.headline);
    headline_->setText(view.headline);
    explanation_->setText(view.explanation);
    action_->setText(action_text(view.action));
    progress_->setVisible(!view.progress.isEmpty());
    progress_text_->setVisible(!view.progress.isEmpty());
    progress_->setValue(view.permille);
    progress_text_->setText(view.progress);
    fillFiles(*vault);
    const bool is_usable = !vault->id.empty();
    const bool is_locked = vault->state == "locked";
    open_->setEnabled(!folder_of(*vault).isEmpty());
    lock_->setEnabled(is_usable && !is_blind(*vault));
    lock_->setText(is_locked ? tr("Un&lock…") : tr("&Lock"));
    lock_->setIcon(icon(is_locked ? QStringLiteral("unlock") : QStringLiteral("state-locked")));
    pause_->setEnabled(is_usable);
    invite_->setEnabled(is_usable && !is_locked);
    fillFacts(*vault);
}

void VaultDetail::fillFacts(const api::VaultInfo& vault) {
    const QString folder = folder_of(vault);
    folder_->setText(folder.isEmpty() ? tr("not shown as a folder now") : folder);
    directory_->setText(text_of(vault.directory));
    QString content = vault.state == "locked"
                          ? tr("%1 in %2 packs").arg(size_text(vault.pack_bytes)).arg(vault.packs)
                          : tr("%1 files, %2 folders, %3")
                                .arg(vault.files)
                                .arg(vault.directories)
                                .arg(size_text(vault.pack_bytes));
    if (is_blind(vault))
        content += QStringLiteral(", ") +
                   (vault.quota_bytes == 0
                        ? tr("as much room as it needs")
                        : tr("of %1 that it may take").arg(size_text(vault.quota_bytes)));
    content_->setText(content);
    rates_->setText(
        tr("%1 down, %2 up").arg(rate_text(vault.receive_rate), rate_text(vault.send_rate)));
    QStringList peers;
    for (const api::PeerInfo& peer : vault.peers) peers += member_text(peer, now_ms());
    members_->setText(peers.isEmpty() ? tr("none yet") : peers.join(QLatin1Char('\n')));
    QStringList notes;
    for (const std::string& note : vault.notes) notes += text_of(note);
    notes_->setText(notes.isEmpty() ? tr("none") : notes.join(QLatin1Char('\n')));
}

}  // namespace lockstep::gui
