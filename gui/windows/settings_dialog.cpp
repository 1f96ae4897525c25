#include "gui/windows/settings_dialog.h"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QProcess>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QVBoxLayout>

#include "daemon/api/bandwidth.h"
#include "daemon/api/config.h"
#include "gui/client/autostart.h"
#include "gui/models/text.h"
#include "gui/widgets/week_grid.h"
#include "gui/windows/log_dialog.h"
#include "gui/windows/proxy_form.h"
#include "gui/windows/relay_list.h"
#include "gui/windows/vault_security.h"
#include "gui/windows/vault_settings.h"

namespace lockstep::gui {

namespace {

QString flag_value(bool is_on) {
    return is_on ? QStringLiteral("true") : QStringLiteral("false");
}

// What helps to find a fault, and names no file, no vault and no key.
QString diagnostics_of(const api::StatusReport& status) {
    QStringList lines = {
        QStringLiteral("lockstepd %1, Qt %2, %3")
            .arg(text_of(status.version), QLatin1String(qVersion()), QSysInfo::prettyProductName()),
        QStringLiteral("relays: %1, vaults: %2")
            .arg(status.relays.size())
            .arg(status.vaults.size())};
    int number = 0;
    for (const api::VaultInfo& vault : status.vaults)
        lines += QStringLiteral(
                     "vault %1: %2, %3; packs %4, missing %5; unmerged %6; conflicts %7; alarms "
                     "%8; peers %9")
                     .arg(++number)
                     .arg(text_of(vault.state), text_of(vault.status))
                     .arg(vault.packs)
                     .arg(vault.missing_packs)
                     .arg(vault.unmerged_segments)
                     .arg(vault.conflicts)
                     .arg(vault.alarms.size())
                     .arg(vault.peers.size());
    return lines.join(QLatin1Char('\n'));
}

}  // namespace

SettingsDialog::SettingsDialog(DaemonState& state, Commands& commands, Preferences& preferences,
                               QWidget* parent)
    : QDialog(parent),
      state_(state),
      commands_(commands),
      preferences_(preferences),
      tabs_(new QTabWidget(this)),
      failure_(new QLabel(this)),
      config_path_(new QLabel(this)) {
    setObjectName(QStringLiteral("settingsDialog"));
    setWindowTitle(tr("Settings"));
    setAttribute(Qt::WA_DeleteOnClose);
    failure_->setWordWrap(true);
    failure_->setVisible(false);
    failure_->setObjectName(QStringLiteral("failure"));
    tabs_->addTab(makeGeneral(), tr("&General"));
    tabs_->addTab(makeNetwork(), tr("&Network"));
    tabs_->addTab(new VaultSettings(state_, tabs_), tr("&Vaults"));
    tabs_->addTab(new VaultSecurity(state_, commands_.keepUnlocked(), tabs_), tr("&Security"));
    tabs_->addTab(makeAdvanced(), tr("&Advanced"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* all = new QVBoxLayout(this);
    all->addWidget(tabs_, 1);
    all->addWidget(failure_);
    all->addWidget(buttons);
    connect(&state_, &DaemonState::happened, this, [this](const api::Event& event, bool is_past) {
        if (!is_past && event.type == "config.changed") askConfig();
    });
    askConfig();
}

QWidget* SettingsDialog::makeGeneral() {
    auto* page = new QWidget(tabs_);
    auto* all = new QVBoxLayout(page);
    auto* name = new QLabel(page);
    const auto fill = [this, name] {
        name->setText(tr("This device is called %1.").arg(text_of(state_.status().device.label)));
    };
    connect(&state_, &DaemonState::statusChanged, name, fill);
    fill();
    auto* rename = new QPushButton(tr("&Rename…"), page);
    connect(rename, &QPushButton::clicked, &commands_, &Commands::renameDevice);
    auto* row = new QHBoxLayout;
    row->addWidget(name, 1);
    row->addWidget(rename);
    all->addLayout(row);
    auto* autostart = new QCheckBox(tr("&Start Lockstep with my session"), page);
    autostart->setObjectName(QStringLiteral("autostart"));
    autostart->setChecked(is_autostarted());
    connect(autostart, &QCheckBox::toggled, this, [this](bool is_on) {
        if (Status set = set_autostarted(is_on); !set.ok()) say(set.error());
    });
    all->addWidget(autostart);
    auto* notices = new QGroupBox(tr("Notify me when"), page);
    auto* list = new QVBoxLayout(notices);
    for (const Notice notice : kNotices) {
        auto* box = new QCheckBox(notice_text(notice), notices);
        box->setChecked(preferences_.wants(notice));
        connect(box, &QCheckBox::toggled, this,
                [this, notice](bool is_on) { preferences_.setWanted(notice, is_on); });
        list->addWidget(box);
    }
    all->addWidget(notices);
    all->addStretch(1);
    return page;
}

QWidget* SettingsDialog::makeNetwork() {
    auto* page = new QWidget(tabs_);
    auto* relays = new QGroupBox(tr("Relays"), page);
    (new QVBoxLayout(relays))->addWidget(new RelayList(state_, relays));
    auto* proxy = new QGroupBox(tr("Proxy"), page);
    auto* through = new ProxyForm(state_, proxy);
    (new QVBoxLayout(proxy))->addWidget(through);
    fields_[QStringLiteral("network.proxy")] = [through](const QString& url) {
        through->show(url);
    };
    auto* limits = new QGroupBox(tr("Limits for all other devices together"), page);
    auto* form = new QFormLayout(limits);
    const QString unit = tr(" KiB/s"), none = tr("none");
    addNumber(form, tr("&Down:"), QStringLiteral("network.limit_down"), api::kLimitKibMax, unit,
              none);
    addNumber(form, tr("&Up:"), QStringLiteral("network.limit_up"), api::kLimitKibMax, unit, none);
    addFlag(form, tr("They count on the &local network, too"), QStringLiteral("network.limit_lan"));
    addFlag(form, tr("Sync nothing while the network is &metered"),
            QStringLiteral("network.pause_when_metered"));
    auto* other =
        new QGroupBox(tr("Other limits, for some hours or when they are switched on"), page);
    form = new QFormLayout(other);
    addNumber(form, tr("D&own:"), QStringLiteral("network.alternative.limit_down"),
              api::kLimitKibMax, unit, none);
    addNumber(form, tr("U&p:"), QStringLiteral("network.alternative.limit_up"), api::kLimitKibMax,
              unit, none);
    addWeek(form, QStringLiteral("network.alternative.hours"));
    auto* more = new QGroupBox(tr("From the next start of the service on"), page);
    form = new QFormLayout(more);
    addFlag(form, tr("Find devices on the local &network"),
            QStringLiteral("network.lan_discovery"));
    addNumber(form, tr("&Port:"), QStringLiteral("network.listen_port"), 65535, {},
              tr("any free one"));
    auto* all = new QVBoxLayout(page);
    for (QGroupBox* box : {relays, proxy, limits, other, more}) all->addWidget(box);
    all->addStretch(1);
    return page;
}

QWidget* SettingsDialog::makeAdvanced() {
    auto* page = new QWidget(tabs_);
    auto* form = new QFormLayout(page);
    const auto fact = [page](const QString& text) {
        auto* label = new QLabel(text, page);
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        return label;
    };
    QStringList addresses;
    for (const std::string& address : state_.status().addresses) addresses += text_of(address);
    form->addRow(tr("Service:"), fact(tr("version %1, port %2")
                                          .arg(text_of(state_.status().version))
                                          .arg(state_.status().listen_port)));
    form->addRow(tr("Addresses:"),
                 fact(addresses.isEmpty() ? tr("none") : addresses.join(QStringLiteral(", "))));
    form->addRow(tr("This device:"), fact(text_of(state_.status().device.id)));
    form->addRow(tr("Socket:"), fact(QString::fromStdString(state_.link().socket().native())));
    config_path_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    form->addRow(tr("Configuration:"), config_path_);
    addNumber(form, tr("&Memory for each unlocked vault:"), QStringLiteral("cache.content_mib"),
              65536, tr(" MiB"), {});
    addNumber(form, tr("&Disk for content on demand, for each vault:"),
              QStringLiteral("cache.on_demand_mib"), static_cast<int>(api::kOnDemandMibMax),
              tr(" MiB"), {});
    addNumber(form, tr("&Other devices that promise to keep what goes:"),
              QStringLiteral("cache.copies"), static_cast<int>(api::kEvictionCopiesMax), {}, {});
    form->addRow(makeHelp(page));
    return page;
}

QLayout* SettingsDialog::makeHelp(QWidget* page) {
    auto* log = new QPushButton(tr("Show the &log…"), page);
    log->setObjectName(QStringLiteral("showLog"));
    auto* save = new QPushButton(tr("Save a &bundle for bug reports…"), page);
    save->setToolTip(tr("States, findings and the log, without names and secrets"));
    auto* copy = new QPushButton(tr("&Copy a description"), page);
    copy->setToolTip(tr("It names no vault, no file and no device."));
    connect(log, &QPushButton::clicked, this, [this] { (new LogDialog(state_, this))->open(); });
    connect(copy, &QPushButton::clicked, this,
            [this] { QApplication::clipboard()->setText(diagnostics_of(state_.status())); });
    connect(save, &QPushButton::clicked, this, [this] {
        auto* dialog = new QFileDialog(this, tr("A new file for the bundle"));
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->selectFile(QStringLiteral("lockstep-diagnostics.tar.gz"));
        connect(dialog, &QFileDialog::fileSelected, this, &SettingsDialog::saveDiagnostics);
        dialog->open();
    });
    auto* row = new QHBoxLayout;
    for (QPushButton* button : {log, save, copy}) {
        button->setAutoDefault(false);
        row->addWidget(button);
    }
    row->addStretch(1);
    return row;
}

// `lockstep` asks the service and takes out what names something, as it does in a terminal.
void SettingsDialog::saveDiagnostics(const QString& file) {
    QString program = QCoreApplication::applicationDirPath() + QStringLiteral("/lockstep");
    if (!QFileInfo(program).isExecutable()) program = QStringLiteral("lockstep");
    auto* process = new QProcess(this);
    process->setProcessChannelMode(QProcess::MergedChannels);
    connect(process, &QProcess::finished, this, [this, process, file](int code) {
        process->deleteLater();
        say(code == 0 ? tr("%1 is written. Look through it before you hand it on.").arg(file)
                      : QString::fromUtf8(process->readAll()).trimmed());
    });
    connect(process, &QProcess::errorOccurred, this, [this, process](QProcess::ProcessError what) {
        if (what != QProcess::FailedToStart) return;
        process->deleteLater();
        say(tr("The program lockstep is not installed."));
    });
    say(tr("Collecting…"));
    process->start(program, {QStringLiteral("diagnostics"), file}, QIODevice::ReadOnly);
}

void SettingsDialog::addFlag(QFormLayout* form, const QString& text, const QString& key) {
    auto* box = new QCheckBox(text, form->parentWidget());
    box->setObjectName(key);
    form->addRow(box);
    connect(box, &QCheckBox::clicked, this,
            [this, key](bool is_on) { set(key, flag_value(is_on)); });
    fields_[key] = [box](const QString& value) { box->setChecked(value == QLatin1String("true")); };
}

void SettingsDialog::addNumber(QFormLayout* form, const QString& text, const QString& key, int most,
                               const QString& unit, const QString& none) {
    auto* box = new QSpinBox(form->parentWidget());
    box->setObjectName(key);
    box->setRange(0, most);
    box->setSuffix(unit);
    box->setSpecialValueText(none);
    form->addRow(text, box);
    // Once the person has gone on, not with every digit.
    connect(box, &QSpinBox::valueChanged, this, [this, key] { edited_.insert(key); });
    connect(box, &QSpinBox::editingFinished, this, [this, box, key] {
        if (edited_.remove(key)) set(key, QString::number(box->value()));
    });
    fields_[key] = [box](const QString& value) {
        const QSignalBlocker quiet(box);
        box->setValue(value.toInt());
    };
}

void SettingsDialog::addWeek(QFormLayout* form, const QString& key) {
    auto* grid = new WeekGrid(form->parentWidget());
    grid->setObjectName(key);
    grid->setAccessibleName(tr("Hours in which the other limits count"));
    auto* words = new QLabel(form->parentWidget());
    words->setWordWrap(true);
    const auto say = [grid, words] {
        words->setText(tr("Hours: %1").arg(hours_text(api::hours_of(grid->hours()))));
    };
    say();
    form->addRow(grid);
    form->addRow(words);
    connect(grid, &WeekGrid::changed, this, [this, grid, key, say] {
        say();
        set(key, text_of(api::format_hours(api::hours_of(grid->hours()))));
    });
    fields_[key] = [grid, words](const QString& value) {
        const auto hours = api::parse_hours(value.toStdString());
        if (!hours.ok() || grid->isPainting()) return;
        grid->show(api::grid_of(*hours));
        words->setText(tr("Hours: %1").arg(hours_text(*hours)));
    };
}

void SettingsDialog::askConfig() {
    state_.link().ask(
        this, [](api::DaemonClient& client) { return client.config(); },
        [this](Result<api::ConfigList> config) {
            if (!config.ok()) return say(config.error());
            show(*config);
        });
}

void SettingsDialog::show(const api::ConfigList& config) {
    config_path_->setText(text_of(config.path));
    for (const api::ConfigValue& value : config.values) {
        // An answer to an earlier question does not undo what is being typed.
        const QString key = text_of(value.key);
        const auto field = fields_.find(key);
        if (field != fields_.end() && !edited_.contains(key)) field->second(text_of(value.value));
    }
}

void SettingsDialog::set(const QString& key, const QString& value) {
    failure_->setVisible(false);
    state_.link().ask(
        this,
        [wish = api::ConfigValue{key.toStdString(), value.toStdString()}](
            api::DaemonClient& client) { return client.set_config(wish); },
        [this](Result<api::ConfigList> config) {
            if (config.ok()) return show(*config);
            say(config.error());
            askConfig();
        });
}

void SettingsDialog::say(const Error& error) {
    say(text_of(error.message));
}

void SettingsDialog::say(const QString& text) {
    failure_->setText(text);
    failure_->setVisible(true);
}

}  // namespace lockstep::gui
