#include "gui/windows/vault_content.h"

#include <QGroupBox>
#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include "daemon/api/config.h"
#include "gui/models/text.h"
#include "gui/widgets/icons.h"

namespace lockstep::gui {

VaultContent::VaultContent(DaemonState& state, QWidget* parent)
    : QWidget(parent),
      state_(state),
      whole_(new QComboBox(this)),
      how_(new QComboBox(this)),
      retention_(new QComboBox(this)),
      rules_(new QListWidget(this)),
      path_(new QLineEdit(this)),
      own_(new QLabel(this)),
      forget_(new QPushButton(tr("&As the folder above"), this)),
      cache_(new QSpinBox(this)) {
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addWidget(makeKept());
    all->addWidget(makeRetention());
    all->addStretch(1);
    setEnabled(false);
}

QWidget* VaultContent::makeKept() {
    auto* box = new QGroupBox(tr("Content on this device"), this);
    whole_->setAccessibleName(tr("Of the whole vault"));
    whole_->setObjectName(QStringLiteral("keepWhole"));
    whole_->addItem(tr("Everything is here"), QStringLiteral("full"));
    whole_->addItem(tr("On demand: what was used, as long as there is room"),
                    QStringLiteral("on-demand"));
    connect(whole_, &QComboBox::activated, this,
            [this] { setKeep({}, whole_->currentData().toString()); });
    rules_->setAccessibleName(tr("Folders and files with a choice of their own"));
    rules_->setObjectName(QStringLiteral("keepRules"));
    rules_->setMaximumHeight(rules_->fontMetrics().height() * 5);
    path_->setPlaceholderText(tr("Folder or file in the vault"));
    path_->setAccessibleName(tr("Folder or file in the vault"));
    path_->setObjectName(QStringLiteral("keepPath"));
    how_->setAccessibleName(tr("What is kept of it"));
    how_->setObjectName(QStringLiteral("keepHow"));
    how_->addItem(tr("always here"), QStringLiteral("pinned"));
    how_->addItem(tr("on demand"), QStringLiteral("on-demand"));
    how_->addItem(tr("here"), QStringLiteral("full"));
    auto* set = new QPushButton(tr("&Set"), box);
    set->setObjectName(QStringLiteral("keepSet"));
    forget_->setObjectName(QStringLiteral("keepForget"));
    auto* evict = new QPushButton(tr("Free what &need not be here"), box);
    evict->setObjectName(QStringLiteral("evict"));
    for (QPushButton* button : {set, forget_, evict}) button->setAutoDefault(false);
    connect(set, &QPushButton::clicked, this, [this] {
        const QString path = path_->text().trimmed();
        if (!path.isEmpty()) setKeep(path, how_->currentData().toString());
    });
    connect(forget_, &QPushButton::clicked, this, [this] {
        if (const QListWidgetItem* item = rules_->currentItem())
            setKeep(item->data(Qt::UserRole).toString(), QStringLiteral("inherited"));
    });
    connect(rules_, &QListWidget::currentRowChanged, this,
            [this](int row) { forget_->setEnabled(row >= 0); });
    connect(evict, &QPushButton::clicked, this, &VaultContent::evict);
    auto* add = new QHBoxLayout;
    add->addWidget(path_, 1);
    add->addWidget(how_);
    add->addWidget(set);
    auto* row = new QHBoxLayout;
    row->addWidget(forget_);
    row->addWidget(evict);
    row->addStretch(1);
    auto* all = new QVBoxLayout(box);
    all->addWidget(whole_);
    all->addWidget(rules_);
    all->addLayout(add);
    all->addLayout(row);
    all->addLayout(makeCache());
    return box;
}

QLayout* VaultContent::makeCache() {
    cache_->setObjectName(QStringLiteral("cacheSize"));
    cache_->setRange(0, static_cast<int>(api::kOnDemandMibMax));
    cache_->setSingleStep(1024);
    cache_->setSuffix(tr(" MiB"));
    cache_->setSpecialValueText(tr("as for all vaults"));
    auto* label = new QLabel(tr("Space for what is on &demand:"), this);
    label->setBuddy(cache_);
    connect(cache_, &QSpinBox::valueChanged, this, [this] { is_cache_edited_ = true; });
    connect(cache_, &QSpinBox::editingFinished, this, [this] {
        if (is_cache_edited_ && !asked_.isEmpty()) setCache();
    });
    auto* row = new QHBoxLayout;
    row->addWidget(label);
    row->addWidget(cache_);
    row->addStretch(1);
    return row;
}

QWidget* VaultContent::makeRetention() {
    auto* box = new QGroupBox(tr("Versions of the past, on every device"), this);
    retention_->setEditable(true);
    retention_->setAccessibleName(tr("What is kept of the past"));
    retention_->setObjectName(QStringLiteral("retention"));
    retention_->setToolTip(
        tr("all 30d: every version of 30 days. daily 1y: what was shown at the beginning of each "
           "day, for a year. Also hourly, weekly, monthly, yearly; h, d, w, y."));
    for (const char* policy :
         {"all 30d", "all 7d", "all 30d, daily 1y", "all 30d, daily 90d, weekly 1y, monthly 10y"})
        retention_->addItem(QLatin1String(policy));
    auto* set = new QPushButton(tr("S&et"), box);
    set->setObjectName(QStringLiteral("retentionSet"));
    set->setAutoDefault(false);
    connect(set, &QPushButton::clicked, this, &VaultContent::setRetention);
    own_->setWordWrap(true);
    auto* row = new QHBoxLayout;
    row->addWidget(retention_, 1);
    row->addWidget(set);
    auto* all = new QVBoxLayout(box);
    all->addWidget(own_);
    all->addLayout(row);
    return box;
}

void VaultContent::setVault(const QString& id) {
    const api::VaultInfo* vault = state_.vault(id);
    const bool is_open = vault != nullptr && vault->state != "locked";
    setEnabled(is_open);
    const QString wanted = is_open ? id : QString();
    if (wanted == asked_) return is_open ? showCache(*vault) : void();
    asked_ = wanted;
    is_cache_edited_ = false;
    if (is_open) showCache(*vault);
    rules_->clear();
    forget_->setEnabled(false);
    own_->clear();
    if (!asked_.isEmpty()) ask();
}

void VaultContent::ask() {
    state_.link().ask(
        this, [vault = vault()](api::DaemonClient& client) { return client.keep(vault, {}); },
        [this, asked = asked_](Result<api::KeepAnswer> keep) {
            if (asked == asked_ && keep.ok()) show(*keep);
        });
    state_.link().ask(
        this, [vault = vault()](api::DaemonClient& client) { return client.retention(vault); },
        [this, asked = asked_](Result<api::RetentionAnswer> retention) {
            if (asked == asked_ && retention.ok()) show(*retention);
        });
}

void VaultContent::show(const api::KeepAnswer& keep) {
    std::string whole = "full";
    const QListWidgetItem* chosen = rules_->currentItem();
    const QString path = chosen == nullptr ? QString() : chosen->data(Qt::UserRole).toString();
    rules_->clear();
    for (const api::KeepInfo& rule : keep.rules) {
        if (rule.path.empty()) {
            whole = rule.keep;
            continue;
        }
        const int how = how_->findData(text_of(rule.keep));
        auto* item =
            new QListWidgetItem(icon(QStringLiteral("folder")),
                                tr("%1: %2").arg(text_of(rule.path), how < 0 ? text_of(rule.keep)
                                                                             : how_->itemText(how)),
                                rules_);
        item->setData(Qt::UserRole, text_of(rule.path));
        if (text_of(rule.path) == path) rules_->setCurrentItem(item);
    }
    forget_->setEnabled(rules_->currentRow() >= 0);
    // Pinned as a whole is all of it, too.
    whole_->setCurrentIndex(whole == "on-demand" ? 1 : 0);
}

void VaultContent::show(const api::RetentionAnswer& retention) {
    own_->setText(retention.is_own
                      ? tr("Kept now: %1").arg(text_of(retention.policy))
                      : tr("Kept now: %1, as nothing was chosen").arg(text_of(retention.policy)));
    if (!retention_->lineEdit()->hasFocus()) retention_->setCurrentText(text_of(retention.policy));
}

void VaultContent::setKeep(const QString& path, const QString& keep) {
    state_.link().ask(
        this,
        [vault = vault(), wish = api::SetKeep{path.toStdString(), {}, keep.toStdString()}](
            api::DaemonClient& client) { return client.set_keep(vault, wish); },
        [this, asked = asked_](Result<api::KeepAnswer> set) {
            if (asked != asked_) return;
            Q_EMIT said(set.ok() ? QString() : text_of(set.error().message));
            if (!set.ok()) return ask();
            path_->clear();
            show(*set);
        });
}

// What is being typed stays.
void VaultContent::showCache(const api::VaultInfo& vault) {
    if (is_cache_edited_) return;
    const QSignalBlocker quiet(cache_);
    cache_->setValue(static_cast<int>(vault.quota_bytes >> 20));
}

void VaultContent::setCache() {
    const int mib = cache_->value();
    state_.link().ask(
        this,
        [vault = vault(), wish = api::SetQuota{static_cast<std::uint64_t>(mib) << 20}](
            api::DaemonClient& client) { return client.set_quota(vault, wish); },
        [this, asked = asked_, mib](Result<api::VaultInfo> set) {
            state_.refresh();
            if (asked != asked_) return;
            if (cache_->value() == mib) is_cache_edited_ = false;
            Q_EMIT said(set.ok() ? QString() : text_of(set.error().message));
            if (const api::VaultInfo* known = set.ok() ? &*set : state_.vault(asked_))
                showCache(*known);
        });
}

void VaultContent::setRetention() {
    state_.link().ask(
        this,
        [vault = vault(), wish = api::SetRetention{retention_->currentText().toStdString()}](
            api::DaemonClient& client) { return client.set_retention(vault, wish); },
        [this, asked = asked_](Result<api::RetentionAnswer> set) {
            if (asked != asked_) return;
            Q_EMIT said(set.ok() ? QString() : text_of(set.error().message));
            if (set.ok()) show(*set);
        });
}

void VaultContent::evict() {
    Q_EMIT said(tr("Asking the other devices to keep it…"));
    state_.link().ask(
        this, [vault = vault()](api::DaemonClient& client) { return client.evict(vault, {}); },
        [this](Result<api::EvictAnswer> answer) {
            if (!answer.ok()) return Q_EMIT said(text_of(answer.error().message));
            QStringList lines = {tr("%1 are free now.").arg(size_text(answer->bytes))};
            for (const api::EvictKept& kept : answer->kept)
                lines += tr("%1: stays here (%2)").arg(text_of(kept.reason)).arg(kept.count);
            Q_EMIT said(lines.join(QLatin1Char('\n')));
            state_.refresh();
        });
}

}  // namespace lockstep::gui
