// lockstep-gui: vaults and devices without a terminal.
#include <QCommandLineParser>
#include <cstdio>

#include "gui/application.h"
#include "gui/models/history_request.h"
#include "gui/watched_application.h"

namespace {

int run(QApplication& app) {
    using namespace lockstep;
    gui::prepare(app);
    QCommandLineParser parser;
    parser.setApplicationDescription(
        QCoreApplication::translate("main", "Keeps encrypted vaults in step across your devices"));
    const QCommandLineOption quiet(
        QStringLiteral("tray"),
        QCoreApplication::translate("main", "Only the tray icon, where there is a tray"));
    parser.addOption(quiet);
    const QCommandLineOption past(
        QStringLiteral("history"),
        QCoreApplication::translate("main", "The versions of a file, as V:PATH or as a path here"),
        QStringLiteral("FILE"));
    parser.addOption(past);
    parser.addPositionalArgument(QStringLiteral("LINK"),
                                 QCoreApplication::translate("main", "an invitation: lockstep:..."),
                                 QStringLiteral("[LINK]"));
    parser.addHelpOption();
    parser.process(app);
    const QString link = parser.positionalArguments().value(0);
    const QString file = parser.isSet(past) || !link.isEmpty()
                             ? parser.value(past)
                             : qEnvironmentVariable("LOCKSTEP_GUI_HISTORY");
    const QString wish = file.isEmpty() ? link : gui::history_request(file);

    Result<api::DataPaths> paths = api::data_paths();
    Result<std::filesystem::path> socket =
        paths.ok() ? paths->control_socket() : Result<std::filesystem::path>(paths.error());
    if (!socket.ok()) {
        std::fprintf(stderr, "lockstep-gui: %s\n", socket.error().message.c_str());
        return 1;
    }
    gui::SingleInstance instance(paths->runtime_directory);
    if (instance.handOver(wish)) return 0;
    gui::Application application(*paths, std::move(*socket), instance);
    const bool is_quiet = parser.isSet(quiet) || qgetenv("LOCKSTEP_GUI_TRAY") == "true";
    application.begin(wish, is_quiet);
    return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
    lockstep::gui::WatchedApplication app(argc, argv);
    return run(app);
}
