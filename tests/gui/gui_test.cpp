// Runs one class of tests: gui_test CLASS [VARIANT] [QTEST ARGUMENTS].
#include "tests/gui/gui_test.h"

#include <QApplication>
#include <QLocale>
#include <QPalette>
#include <QStyleFactory>
#include <QTranslator>
#include <QtTest>

#include "gui/application.h"
#include "gui/watched_application.h"

namespace lockstep::gui {

namespace {

QString chosen_variant = QStringLiteral("light");

QPalette dark_palette() {
    QPalette palette(QColor(45, 45, 48), QColor(37, 37, 38));
    palette.setColor(QPalette::WindowText, Qt::white);
    palette.setColor(QPalette::Text, Qt::white);
    palette.setColor(QPalette::ButtonText, Qt::white);
    palette.setColor(QPalette::Base, QColor(30, 30, 30));
    palette.setColor(QPalette::AlternateBase, QColor(40, 40, 42));
    palette.setColor(QPalette::PlaceholderText, Qt::gray);
    palette.setColor(QPalette::Disabled, QPalette::Text, Qt::gray);
    palette.setColor(QPalette::Disabled, QPalette::ButtonText, Qt::gray);
    return palette;
}

// A language whose every text is longer and shows where it begins and ends: what a translator may
// need, and what no test in English sees.
class PseudoTranslator : public QTranslator {
  public:
    bool isEmpty() const override { return false; }
    QString translate(const char*, const char* source, const char*, int) const override {
        const QString text = QString::fromUtf8(source);
        return QStringLiteral("⟦") + text + QString(text.size() / 3, QLatin1Char('~')) +
               QStringLiteral("⟧");
    }
};

// Before there is a QApplication.
void set_environment() {
    if (qEnvironmentVariableIsEmpty("LOCKSTEP_GUI_TEST_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    qputenv("QT_LOGGING_RULES", "qt.qpa.*=false");
    if (chosen_variant == QLatin1String("double")) qputenv("QT_SCALE_FACTOR", "2");
    const bool is_german = chosen_variant == QLatin1String("german");
    QLocale::setDefault(is_german ? QLocale(QLocale::German, QLocale::Germany)
                                  : QLocale(QLocale::English, QLocale::UnitedStates));
}

std::unique_ptr<QObject> make(const QString& name) {
    if (name == QLatin1String("ModelTest")) return make_model_test();
    if (name == QLatin1String("ScreenTest")) return make_screen_test();
    if (name == QLatin1String("DesktopPartsTest")) return make_desktop_parts_test();
    if (name == QLatin1String("DaemonWindowTest")) return make_daemon_window_test();
    if (name == QLatin1String("KeychainTest")) return make_keychain_test();
    return nullptr;
}

}  // namespace

const QString& variant() {
    return chosen_variant;
}

static int run(int argc, char** argv) {
    if (argc < 2) return 2;
    const QString name = QString::fromLocal8Bit(argv[1]);
    int used = 2;
    if (argc > 2 && argv[2][0] != '-') {
        chosen_variant = QString::fromLocal8Bit(argv[2]);
        used = 3;
    }
    set_environment();
    WatchedApplication app(argc, argv);
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    if (chosen_variant == QLatin1String("dark")) QApplication::setPalette(dark_palette());
    if (chosen_variant == QLatin1String("mirrored"))
        QApplication::setLayoutDirection(Qt::RightToLeft);
    QApplication::setQuitOnLastWindowClosed(false);
    prepare(app);
    PseudoTranslator pseudo;
    if (chosen_variant == QLatin1String("pseudo")) QApplication::installTranslator(&pseudo);
    const std::unique_ptr<QObject> test = make(name);
    if (test == nullptr) return 2;
    std::vector<char*> rest = {argv[0]};
    rest.insert(rest.end(), argv + used, argv + argc);
    return QTest::qExec(test.get(), static_cast<int>(rest.size()), rest.data());
}

}  // namespace lockstep::gui

int main(int argc, char** argv) {
    return lockstep::gui::run(argc, argv);
}
