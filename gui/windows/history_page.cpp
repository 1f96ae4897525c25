#include "gui/windows/history_page.h"

#include <QBuffer>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QImageReader>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStringDecoder>
#include <QVBoxLayout>
#include <algorithm>

#include "daemon/api/config.h"
#include "gui/models/text.h"
#include "gui/widgets/icons.h"
#include "gui/widgets/table.h"

namespace lockstep::gui {

namespace {

// The slider's steps, of an hour each, to the right end: now.
constexpr int kHoursBack = 30 * 24;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr int kSettleMs = 300;
constexpr int kRefreshMs = 500, kRefreshMsMax = 5000;

std::int64_t moment_of(int step) {
    return now_ms() - (kHoursBack - step) * kHourMs;
}

template <typename Request>
void set_past_path(Request& request, const std::string& path) {
    if (api::is_utf8(path))
        request.path = path;
    else
        request.path_hex = QByteArray::fromStdString(path).toHex().toStdString();
}

}  // namespace

HistoryPage::HistoryPage(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      vaults_(new QComboBox(this)),
      path_(new QLineEdit(this)),
      up_(new QPushButton(tr("&Up"), this)),
      slider_(new QSlider(Qt::Horizontal, this)),
      time_(new QDateTimeEdit(this)),
      changes_(new QCheckBox(tr("Only what has &changed since then"), this)),
      none_(new QLabel(tr("The history of a vault shows while it is unlocked."), this)),
      result_(new QLabel(this)) {
    auto* all = new QVBoxLayout(this);
    none_->setWordWrap(true);
    result_->setWordWrap(true);
    result_->setObjectName(QStringLiteral("historyResult"));
    all->addLayout(makePlace());
    all->addLayout(makeMoment());
    all->addWidget(none_);
    all->addWidget(makeTables(), 1);
    all->addWidget(result_);
    all->addLayout(makeButtons());
    settle_.setSingleShot(true);
    settle_.setInterval(kSettleMs);
    connect(&settle_, &QTimer::timeout, this, &HistoryPage::ask);
    refresh_.setSingleShot(true);
    refresh_.setInterval(kRefreshMs);
    connect(&refresh_, &QTimer::timeout, this, &HistoryPage::refresh);
    connect(&state_, &DaemonState::happened, this, [this](const api::Event& event, bool is_past) {
        const api::VaultInfo* shown = state_.vault(vaults_->currentData().toString());
        const bool is_about_it =
            event.type == "resync" ||
            (event.type == "vault.files" && shown != nullptr && event.vault == shown->name);
        // What goes on and on is shown now and then, not when it has ended.
        if (is_about_it && !is_past && !refresh_.isActive()) refresh_.start();
    });
    connect(&state_, &DaemonState::statusChanged, this, &HistoryPage::fillVaults);
    fillVaults();
    fillButtons();
}

QLayout* HistoryPage::makePlace() {
    vaults_->setAccessibleName(tr("Vault"));
    vaults_->setObjectName(QStringLiteral("historyVault"));
    path_->setAccessibleName(tr("Folder"));
    path_->setObjectName(QStringLiteral("historyPath"));
    path_->setPlaceholderText(tr("all of the vault"));
    up_->setObjectName(QStringLiteral("historyUp"));
    connect(vaults_, &QComboBox::currentIndexChanged, this, [this] {
        path_->clear();
        versions_of_.clear();
        chooseMoment(std::nullopt);
        ask();
    });
    connect(path_, &QLineEdit::returnPressed, this, &HistoryPage::ask);
    connect(up_, &QPushButton::clicked, this, [this] {
        wanted_ = path_->text().toStdString();
        path_->setText(text_of(parent_of(wanted_)));
        ask();
    });
    auto* row = new QHBoxLayout;
    row->addWidget(vaults_);
    row->addWidget(path_, 1);
    row->addWidget(up_);
    return row;
}

QLayout* HistoryPage::makeMoment() {
    slider_->setRange(0, kHoursBack);
    slider_->setPageStep(24);
    slider_->setValue(kHoursBack);
    slider_->setAccessibleName(tr("Time, from 30 days ago until now"));
    slider_->setObjectName(QStringLiteral("historySlider"));
    time_->setAccessibleName(tr("Time"));
    time_->setObjectName(QStringLiteral("historyTime"));
    time_->setCalendarPopup(true);
    auto* now = new QPushButton(tr("&Now"), this);
    changes_->setObjectName(QStringLiteral("historyChanges"));
    chooseMoment(std::nullopt);
    connect(slider_, &QSlider::valueChanged, this, [this](int step) {
        chooseMoment(step == kHoursBack ? std::nullopt : std::optional(moment_of(step)));
        settle_.start();
    });
    connect(time_, &QDateTimeEdit::editingFinished, this, [this] {
        const std::int64_t wish = time_->dateTime().toMSecsSinceEpoch();
        // Shown in minutes: what was not touched is no wish.
        if (wish / 60'000 == at_ms_.value_or(now_ms()) / 60'000) return;
        chooseMoment(wish >= now_ms() ? std::nullopt : std::optional(wish));
        ask();
    });
    connect(now, &QPushButton::clicked, this, [this] {
        chooseMoment(std::nullopt);
        ask();
    });
    connect(changes_, &QCheckBox::toggled, this, &HistoryPage::ask);
    auto* row = new QHBoxLayout;
    row->addWidget(slider_, 1);
    row->addWidget(time_);
    row->addWidget(now);
    auto* both = new QVBoxLayout;
    both->addLayout(row);
    both->addWidget(changes_);
    return both;
}

QWidget* HistoryPage::makeTables() {
    auto* splitter = new QSplitter(Qt::Horizontal, this);
    table_ = make_table(&past_, tr("Files then"), splitter);
    table_->setObjectName(QStringLiteral("pastTable"));
    version_table_ = make_table(&versions_, tr("Versions of the file"), splitter);
    version_table_->setObjectName(QStringLiteral("versionTable"));
    splitter->addWidget(table_);
    splitter->addWidget(version_table_);
    splitter->setChildrenCollapsible(false);
    splitter->setStretchFactor(0, 1);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({1000, 1000});
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
        // What a person chooses while an answer is awaited stays chosen.
        wanted_.clear();
        askVersions();
        fillButtons();
    });
    connect(version_table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &HistoryPage::fillButtons);
    connect(table_, &QTreeView::activated, this, &HistoryPage::enter);
    connect(version_table_, &QTreeView::activated, this, &HistoryPage::preview);
    return splitter;
}

QLayout* HistoryPage::makeButtons() {
    preview_ = new QPushButton(tr("&Look at it"), this);
    preview_->setObjectName(QStringLiteral("historyPreview"));
    restore_ = new QPushButton(icon(QStringLiteral("history")), tr("&Restore"), this);
    restore_->setObjectName(QStringLiteral("historyRestore"));
    save_ = new QPushButton(tr("&Save elsewhere…"), this);
    save_->setObjectName(QStringLiteral("historySave"));
    connect(preview_, &QPushButton::clicked, this, &HistoryPage::preview);
    connect(restore_, &QPushButton::clicked, this, &HistoryPage::restore);
    connect(save_, &QPushButton::clicked, this, &HistoryPage::saveElsewhere);
    auto* row = new QHBoxLayout;
    for (QPushButton* button : {preview_, restore_, save_}) row->addWidget(button);
    row->addStretch(1);
    return row;
}

void HistoryPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (const PastEntry* entry = past_.entry(selected_row(table_)); entry && wanted_.empty())
        wanted_ = entry->path;
    ask();
}

void HistoryPage::fillVaults() {
    QStringList now, shown;
    for (const api::VaultInfo& vault : state_.status().vaults)
        if (!vault.id.empty() && vault.state != "locked") now += text_of(vault.id);
    for (int index = 0; index < vaults_->count(); ++index)
        shown += vaults_->itemData(index).toString();
    if (now == shown) return;
    const QVariant current = vaults_->currentData();
    {
        const QSignalBlocker blocker(vaults_);
        vaults_->clear();
        for (const api::VaultInfo& vault : state_.status().vaults)
            if (!vault.id.empty() && vault.state != "locked")
                vaults_->addItem(text_of(vault.name), text_of(vault.id));
        vaults_->setCurrentIndex(std::max(0, vaults_->findData(current)));
    }
    none_->setVisible(vaults_->count() == 0);
    // What a locked vault has shown is not shown any more.
    if (vaults_->currentData() != current) {
        path_->clear();
        versions_of_.clear();
    }
    if (vaults_->count() == 0) {
        // Nor what is on its way.
        ++asked_;
        ++versions_asked_;
        past_.clear();
        versions_.show({});
        fillButtons();
    }
    ask();
}

bool HistoryPage::chooseVault(const QString& vault) {
    fillVaults();  // it may hear of the same news after who calls this
    const int index = vaults_->findData(vault);
    if (index < 0) {
        say(none_->text());
        return false;
    }
    const QSignalBlocker blocker(vaults_);
    vaults_->setCurrentIndex(index);
    return true;
}

void HistoryPage::openChanges(const QString& vault, std::int64_t since_ms) {
    if (!chooseVault(vault)) return;
    wanted_.clear();
    path_->clear();
    const QSignalBlocker blocker(changes_);
    changes_->setChecked(true);
    chooseMoment(since_ms);
    ask();
}

void HistoryPage::open(const QString& vault, const std::string& path, bool is_folder) {
    if (!chooseVault(vault)) return;
    wanted_ = is_folder ? std::string() : path;
    path_->setText(text_of(is_folder ? path : parent_of(path)));
    const QSignalBlocker blocker(changes_);
    changes_->setChecked(false);
    chooseMoment(std::nullopt);
    ask();
}

// Sets what shows it, without asking.
void HistoryPage::chooseMoment(std::optional<std::int64_t> at_ms) {
    at_ms_ = at_ms;
    const std::int64_t now = now_ms();
    const QSignalBlocker slider_blocker(slider_), time_blocker(time_);
    time_->setMaximumDateTime(QDateTime::fromMSecsSinceEpoch(now).addSecs(60));
    time_->setDateTime(QDateTime::fromMSecsSinceEpoch(at_ms.value_or(now)));
    const std::int64_t hours = (now - at_ms.value_or(now)) / kHourMs;
    slider_->setValue(kHoursBack - static_cast<int>(std::min<std::int64_t>(hours, kHoursBack)));
    if (at_ms && hours == 0) slider_->setValue(kHoursBack - 1);
}

void HistoryPage::ask() {
    settle_.stop();
    result_->clear();
    if (!isVisible() || vaults_->count() == 0) return;
    // Now goes on; what somebody is typing stays.
    if (!at_ms_ && !time_->hasFocus()) chooseMoment(std::nullopt);
    up_->setEnabled(!path_->text().isEmpty());
    askShown();
}

// Not under the hands of somebody who is typing a folder or moves the slider: that asks anyway.
void HistoryPage::refresh() {
    if (!isVisible() || vaults_->count() == 0) return;
    if (slider_->isSliderDown() || settle_.isActive()) return;
    if (path_->text().toStdString() != shown_folder_) return;
    askShown();
}

void HistoryPage::askShown() {
    shown_folder_ = path_->text().toStdString();
    asking_.start();
    if (changes_->isChecked() && at_ms_) return askDifferences();
    askFolder();
}

namespace {

// Null: that is what is shown already. A folder may have 100,000 files: compared by who asks.
PastModel::Entries unless_shown(PastModel::Entries now, const PastModel::Entries& shown) {
    return *now == *shown ? nullptr : std::move(now);
}

}  // namespace

void HistoryPage::fill(PastModel::Entries entries) {
    // What takes long to answer is asked for seldom.
    refresh_.setInterval(
        static_cast<int>(std::clamp<qint64>(asking_.elapsed() * 5, kRefreshMs, kRefreshMsMax)));
    const bool is_other = entries != nullptr;
    const PastEntry* entry = past_.entry(selected_row(table_));
    const bool is_wanted = !wanted_.empty();
    const std::string before = entry == nullptr ? std::string() : entry->path;
    const std::string wanted = is_wanted ? std::exchange(wanted_, {}) : before;
    const int scrolled = table_->verticalScrollBar()->value();
    if (is_other) past_.show(std::move(entries));
    if (is_other || is_wanted) {
        const int row = past_.rowOf(wanted);
        if (past_.rowCount() > 0) table_->setCurrentIndex(past_.index(std::max(0, row), 0));
    }
    if (is_other)
        for (int column = 0; column < PastModel::What; ++column)
            table_->resizeColumnToContents(column);
    // Who has scrolled elsewhere stays there.
    if (is_other && !is_wanted) table_->verticalScrollBar()->setValue(scrolled);
    askVersions();
    fillButtons();
}

void HistoryPage::askFolder() {
    const std::uint64_t number = ++asked_;
    state_.link().ask(
        this,
        [vault = vault(), folder = shown_folder_, at_ms = at_ms_,
         shown = past_.entries()](api::DaemonClient& client) -> Result<PastModel::Entries> {
            TRY(api::EntryList list, client.list(vault, folder, {.at_ms = at_ms, .version = {}}));
            api::HistoryAnswer history;
            if (!at_ms) {
                TRY(history, client.history(vault, folder));
            }
            return unless_shown(PastModel::folderEntries(folder, list, history.deleted), shown);
        },
        [this, number](Result<PastModel::Entries> entries) {
            if (number != asked_) return;
            if (!entries.ok()) {
                past_.clear();
                return say(text_of(entries.error().message));
            }
            fill(std::move(*entries));
        });
}

void HistoryPage::askDifferences() {
    const std::uint64_t number = ++asked_;
    state_.link().ask(
        this,
        [vault = vault(), from = *at_ms_,
         shown = past_.entries()](api::DaemonClient& client) -> Result<PastModel::Entries> {
            TRY(api::DifferenceList list, client.difference(vault, from, std::nullopt));
            return unless_shown(PastModel::differenceEntries(list.differences), shown);
        },
        [this, number](Result<PastModel::Entries> entries) {
            if (number != asked_) return;
            if (!entries.ok()) {
                past_.clear();
                return say(text_of(entries.error().message));
            }
            fill(std::move(*entries));
            const QString nothing = tr("Nothing has changed since then.");
            if (past_.rowCount() == 0) say(nothing);
            if (past_.rowCount() > 0 && result_->text() == nothing) say({});
        });
}

void HistoryPage::askVersions() {
    const PastEntry* entry = past_.entry(selected_row(table_));
    const std::uint64_t number = ++versions_asked_;
    const std::string file = entry != nullptr && entry->type == "file" ? entry->path : "";
    if (file != versions_of_ || file.empty()) versions_.show({});
    versions_of_ = file;
    if (file.empty()) return;
    state_.link().ask(
        this,
        [vault = vault(), path = entry->path](api::DaemonClient& client) {
            return client.history(vault, path);
        },
        [this, number](Result<api::HistoryAnswer> answer) {
            if (number != versions_asked_) return;
            if (!answer.ok()) return say(text_of(answer.error().message));
            fillVersions(std::move(answer->versions));
        });
}

void HistoryPage::fillVersions(std::vector<api::VersionInfo> versions) {
    const api::VersionInfo* chosen = versions_.version(selected_row(version_table_));
    const std::string id = chosen == nullptr ? std::string() : chosen->id;
    versions_.show(std::move(versions));
    for (int row = 0; !id.empty() && row < versions_.rowCount(); ++row)
        if (versions_.version(row)->id == id)
            version_table_->setCurrentIndex(versions_.index(row, 0));
    for (int column = 0; column < VersionModel::End; ++column)
        version_table_->resizeColumnToContents(column);
    fillButtons();
}

void HistoryPage::show(const api::EntryList& list, const api::HistoryAnswer& folder,
                       const api::HistoryAnswer& file) {
    ++asked_;
    past_.show(PastModel::folderEntries(path_->text().toStdString(), list, folder.deleted));
    if (past_.rowCount() > 0) table_->setCurrentIndex(past_.index(past_.rowCount() - 1, 0));
    ++versions_asked_;
    versions_.show(file.versions);
    table_->resizeColumnToContents(PastModel::Name);
    fillButtons();
}

std::optional<HistoryPage::Chosen> HistoryPage::chosen() const {
    const PastEntry* entry = past_.entry(selected_row(table_));
    if (entry == nullptr) return std::nullopt;
    Chosen chosen{*entry, {}, false};
    if (const api::VersionInfo* version = versions_.version(selected_row(version_table_))) {
        chosen.moment.version = version->id;
        chosen.is_version = true;
    } else {
        chosen.moment.at_ms = at_ms_;
    }
    return chosen;
}

void HistoryPage::fillButtons() {
    const std::optional<Chosen> chosen = this->chosen();
    // What was deleted can be looked at by one of its versions.
    const bool has_content =
        chosen && (chosen->is_version || !chosen->entry.is_deleted || changes_->isChecked());
    preview_->setEnabled(has_content && chosen->entry.type == "file");
    save_->setEnabled(has_content);
    const bool is_another =
        chosen && (chosen->is_version || chosen->entry.is_deleted || at_ms_.has_value());
    restore_->setEnabled(is_another);
}

void HistoryPage::enter() {
    const PastEntry* entry = past_.entry(selected_row(table_));
    if (entry == nullptr) return;
    if (!entry->isFolder() || entry->is_deleted) return preview();
    path_->setText(text_of(entry->path));
    const QSignalBlocker blocker(changes_);
    changes_->setChecked(false);
    ask();
}

void HistoryPage::preview() {
    const std::optional<Chosen> chosen = this->chosen();
    if (!chosen || !preview_->isEnabled()) return;
    state_.link().ask(
        this,
        [vault = vault(), path = chosen->entry.path, moment = chosen->moment](
            api::DaemonClient& client) { return preview_of(client, vault, path, moment); },
        [this, name = chosen->entry.name](Result<Preview> preview) {
            if (!preview.ok()) return say(text_of(preview.error().message));
            (new PreviewDialog(name, *preview, this))->open();
        });
}

void HistoryPage::restore() {
    const std::optional<Chosen> chosen = this->chosen();
    if (!chosen) return;
    api::RestorePath request;
    set_past_path(request, chosen->entry.path);
    // What was deleted comes back as it was before that.
    if (chosen->is_version || !chosen->entry.is_deleted || changes_->isChecked()) {
        request.version = chosen->moment.version;
        request.at_ms = chosen->moment.at_ms;
    }
    restore_->setEnabled(false);
    say(tr("Restoring…"));
    state_.link().ask(
        this,
        [vault = vault(), request](api::DaemonClient& client) {
            return client.restore(vault, request);
        },
        [this](Result<api::RestoreAnswer> answer) {
            if (!answer.ok()) {
                fillButtons();
                return say(text_of(answer.error().message));
            }
            QString text = tr("Restored %1: %2 files, %3 folders; %4 were so already.")
                               .arg(text_of(answer->path))
                               .arg(answer->files)
                               .arg(answer->directories)
                               .arg(answer->unchanged);
            for (const std::string& problem : answer->problems)
                text += QLatin1Char('\n') + text_of(problem);
            wanted_ = answer->path;
            ask();
            say(text);
        });
}

void HistoryPage::saveElsewhere() {
    const std::optional<Chosen> chosen = this->chosen();
    if (!chosen) return;
    auto* dialog = new QFileDialog(this, tr("A folder of this device to save it in"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, [this, chosen](const QString& directory) {
        say(tr("Saving…"));
        state_.link().ask(
            this,
            [vault = vault(), chosen = *chosen,
             directory = directory.toStdString()](api::DaemonClient& client) {
                return save_past(client, vault, chosen.entry.path, chosen.entry.isFolder(),
                                 chosen.moment, directory);
            },
            [this](Result<Saved> saved) {
                if (!saved.ok()) return say(text_of(saved.error().message));
                QString text =
                    tr("Saved: %1 files, %2 folders.").arg(saved->files).arg(saved->folders);
                if (saved->left_out > 0)
                    text += QLatin1Char(' ') +
                            tr("%1 links and the like were left out.").arg(saved->left_out);
                say(text);
            });
    });
    dialog->open();
}

void HistoryPage::say(const QString& text) {
    result_->setText(text);
}

namespace {

// Empty when it is no text that a person could read.
std::optional<QString> readable_text(const QByteArray& bytes) {
    if (bytes.contains('\0')) return std::nullopt;
    QStringDecoder decoder(QStringDecoder::Utf8);
    QString text = decoder(bytes);
    if (decoder.hasError()) return std::nullopt;
    return text;
}

}  // namespace

PreviewDialog::PreviewDialog(const QString& name, const Preview& preview, QWidget* parent)
    : QDialog(parent) {
    setObjectName(QStringLiteral("previewDialog"));
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(name);
    resize(640, 480);
    const QByteArray bytes(reinterpret_cast<const char*>(preview.bytes.data()),
                           static_cast<qsizetype>(preview.bytes.size()));
    const bool is_whole = preview.bytes.size() == preview.size;
    auto* all = new QVBoxLayout(this);
    auto* facts = new QLabel(this);
    facts->setWordWrap(true);
    facts->setText(is_whole ? size_text(preview.size)
                            : tr("The beginning of %1").arg(size_text(preview.size)));
    QBuffer buffer;
    buffer.setData(bytes);
    QImageReader reader(&buffer);
    const QImage image = is_whole && reader.canRead() ? reader.read() : QImage();
    const std::optional<QString> text = readable_text(bytes);
    if (!image.isNull()) {
        auto* picture = new QLabel(this);
        picture->setAccessibleName(tr("The picture %1").arg(name));
        picture->setPixmap(QPixmap::fromImage(image));
        auto* area = new QScrollArea(this);
        area->setWidget(picture);
        all->addWidget(area, 1);
    } else if (text) {
        auto* edit = new QPlainTextEdit(*text, this);
        edit->setObjectName(QStringLiteral("previewText"));
        edit->setReadOnly(true);
        edit->setAccessibleName(tr("Content of %1").arg(name));
        all->addWidget(edit, 1);
    } else {
        facts->setText(
            tr("%1. Neither text nor a picture: save it elsewhere to open it.").arg(facts->text()));
        all->addStretch(1);
    }
    all->addWidget(facts);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    all->addWidget(buttons);
}

}  // namespace lockstep::gui
