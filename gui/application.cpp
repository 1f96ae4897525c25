#include "gui/application.h"

#include <QLocale>

#include "gui/widgets/icons.h"

// Outside of any namespace, as Qt asks.
static void lockstep_init_resources() {
    Q_INIT_RESOURCE(resources);
    Q_INIT_RESOURCE(translations);
}

namespace lockstep::gui {

void prepare(QApplication& app) {
    lockstep_init_resources();
    QApplication::setApplicationName(QStringLiteral("lockstep-gui"));
    QApplication::setApplicationDisplayName(QStringLiteral("Lockstep"));
    QApplication::setDesktopFileName(QStringLiteral("lockstep-gui"));
    QApplication::setWindowIcon(app_icon());
    // English first: it has the plurals; then the person's language over it.
    for (const QLocale& locale : {QLocale(QLocale::English), QLocale()}) {
        auto* translator = new QTranslator(&app);
        if (translator->load(locale, QStringLiteral("lockstep"), QStringLiteral("_"),
                             QStringLiteral(":/translations")))
            QApplication::installTranslator(translator);
    }
}

Application::Application(const api::DataPaths& paths, std::filesystem::path socket)
    : link_(std::move(socket)),
      state_(link_),
      starter_(paths),
      window_(std::make_unique<MainWindow>(state_, starter_)) {}

Application::~Application() = default;

}  // namespace lockstep::gui
