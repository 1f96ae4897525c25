// Every screen in one look (see variant()): drawn, nothing clipped, nothing on top of something
// else, all named for assistive technology. The pictures stay in build/.../screens/.
#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAccessible>
#include <QComboBox>
#include <QDir>
#include <QLabel>
#include <QLayout>
#include <QLineEdit>
#include <QScrollArea>
#include <QtTest>

#include "gui/windows/main_window.h"
#include "gui/windows/unlock_dialog.h"
#include "tests/gui/gui_samples.h"
#include "tests/gui/gui_test.h"

namespace lockstep::gui {

class ScreenTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase();
    void mainWindow();
    void notRunning();
    void unlock();

  private:
    void shoot(QWidget& window, const QString& name);

    QString directory_;
};

namespace {

api::DataPaths nowhere() {
    return {"/nonexistent/config", "/nonexistent/state", "/nonexistent/data",
            "/nonexistent/runtime"};
}

struct Sample {
    DaemonLink link{"/nonexistent/control.sock"};
    DaemonState state{link};
    DaemonStarter starter{nowhere()};
};

QString name_of(const QWidget* widget) {
    return QString::fromLatin1(widget->metaObject()->className()) + QLatin1Char(' ') +
           widget->objectName();
}

QString clipped(const QWidget* widget) {
    if (const auto* label = qobject_cast<const QLabel*>(widget)) {
        const QString text = label->text();
        if (text.isEmpty()) return {};
        const bool is_high_enough =
            !label->wordWrap() || label->height() >= label->heightForWidth(label->width());
        const bool is_wide_enough =
            label->wordWrap() || label->width() >= label->sizeHint().width();
        return is_high_enough && is_wide_enough
                   ? QString()
                   : QStringLiteral("clipped: %1 \"%2\"").arg(name_of(label), text);
    }
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
        const bool fits = button->width() >= button->minimumSizeHint().width() &&
                          button->height() >= button->minimumSizeHint().height();
        return fits || button->text().isEmpty()
                   ? QString()
                   : QStringLiteral("clipped: %1 \"%2\"").arg(name_of(button), button->text());
    }
    return {};
}

QString nameless(QWidget* widget) {
    if (!(widget->focusPolicy() & Qt::TabFocus) || !widget->isEnabled()) return {};
    const bool is_input = qobject_cast<QLineEdit*>(widget) || qobject_cast<QComboBox*>(widget) ||
                          qobject_cast<QAbstractItemView*>(widget) ||
                          qobject_cast<QAbstractButton*>(widget);
    if (!is_input || widget->objectName().startsWith(QLatin1String("qt_"))) return {};
    const QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(widget);
    if (accessible != nullptr && !accessible->text(QAccessible::Name).isEmpty()) return {};
    if (widget->parentWidget() != nullptr && qobject_cast<QComboBox*>(widget->parentWidget()))
        return {};
    return QStringLiteral("no accessible name: ") + name_of(widget);
}

QStringList overlapping(const QWidget* parent) {
    QStringList faults;
    if (parent->layout() == nullptr) return faults;
    std::vector<const QWidget*> shown;
    for (int index = 0; index < parent->layout()->count(); ++index)
        if (const QWidget* widget = parent->layout()->itemAt(index)->widget();
            widget && widget->isVisible())
            shown.push_back(widget);
    for (std::size_t first = 0; first < shown.size(); ++first)
        for (std::size_t second = first + 1; second < shown.size(); ++second)
            if (shown[first]->geometry().intersects(shown[second]->geometry()))
                faults += QStringLiteral("on top of each other: %1, %2")
                              .arg(name_of(shown[first]), name_of(shown[second]));
    return faults;
}

bool is_blank(const QImage& image) {
    const QRgb first = image.pixel(0, 0);
    int others = 0;
    for (int y = 0; y < image.height(); y += 2)
        for (int x = 0; x < image.width(); x += 2) others += image.pixel(x, y) != first ? 1 : 0;
    return others < image.width() * image.height() / 4 / 500;
}

}  // namespace

void ScreenTest::initTestCase() {
    directory_ = QStringLiteral(LOCKSTEP_SCREENS_DIR "/") + variant();
    QVERIFY(QDir().mkpath(directory_));
}

void ScreenTest::shoot(QWidget& window, const QString& name) {
    window.show();
    QVERIFY(QTest::qWaitForWindowExposed(&window));
    QCoreApplication::processEvents();
    const QImage image = window.grab().toImage();
    QVERIFY(image.save(directory_ + QLatin1Char('/') + name + QStringLiteral(".png")));
    QVERIFY2(!is_blank(image), qPrintable(name));
    QStringList faults = overlapping(&window);
    for (QWidget* widget : window.findChildren<QWidget*>()) {
        if (!widget->isVisible()) continue;
        faults += overlapping(widget);
        faults += clipped(widget);
        faults += nameless(widget);
    }
    faults.removeAll(QString());
    QVERIFY2(faults.isEmpty(), qPrintable(faults.join(QLatin1Char('\n'))));
}

void ScreenTest::mainWindow() {
    Sample sample;
    MainWindow window(sample.state, sample.starter);
    sample.state.show(sample_status(), sample_devices());
    for (std::uint64_t number = 0; number < 8; ++number)
        Q_EMIT sample.state.happened(sample_event(number, "papers", "vault.unlocked", "unlocked"),
                                     true);
    shoot(window, QStringLiteral("vaults"));
    auto* table = window.findChild<QTreeView*>(QStringLiteral("vaultTable"));
    for (int row = 1; row < 5; ++row) {
        table->setCurrentIndex(table->model()->index(row, 0));
        shoot(window, QStringLiteral("vault-%1").arg(row));
    }
    window.showPage(MainWindow::Page::Devices);
    shoot(window, QStringLiteral("devices"));
    window.showPage(MainWindow::Page::Activity);
    shoot(window, QStringLiteral("activity"));
}

void ScreenTest::notRunning() {
    Sample sample;
    MainWindow window(sample.state, sample.starter);
    QTRY_COMPARE(sample.state.linkState(), DaemonState::Link::Missing);
    shoot(window, QStringLiteral("not-running"));
    QVERIFY(window.findChild<QPushButton*>(QStringLiteral("startService"))->isVisible());
}

void ScreenTest::unlock() {
    UnlockDialog dialog(QStringLiteral("papers"));
    shoot(dialog, QStringLiteral("unlock"));
    auto* line = dialog.findChild<QLineEdit*>(QStringLiteral("passphrase"));
    auto* caps = dialog.findChild<QLabel*>(QStringLiteral("capsLock"));
    QTest::keyClicks(line, QStringLiteral("a"));
    QVERIFY(!caps->isVisible());
    QTest::keyClick(line, Qt::Key_B, Qt::NoModifier);
    QTest::sendKeyEvent(QTest::Click, line, Qt::Key_C, QStringLiteral("C"), Qt::NoModifier);
    QVERIFY(caps->isVisible());
    const QSignalSpy asked(&dialog, &UnlockDialog::unlockRequested);
    QTest::keyClick(line, Qt::Key_Return);
    QCOMPARE(asked.count(), 1);
    const api::SecretText taken = dialog.takePassphrase();
    QCOMPARE(taken.reveal().size(), std::size_t{3});
    dialog.setFailure({ErrorKind::WrongKey, "wrong"});
    shoot(dialog, QStringLiteral("unlock-wrong"));
    QVERIFY(dialog.findChild<QLabel*>(QStringLiteral("failure"))->isVisible());
    QVERIFY(line->hasFocus() || !dialog.isActiveWindow());
}

std::unique_ptr<QObject> make_screen_test() {
    return std::make_unique<ScreenTest>();
}

}  // namespace lockstep::gui

#include "screen_test.moc"
