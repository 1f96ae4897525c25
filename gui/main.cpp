// lockstep-gui: vaults and devices without a terminal.
#include <cstdio>

#include "gui/application.h"

namespace {

int run(QApplication& app) {
    using namespace lockstep;
    Result<api::DataPaths> paths = api::data_paths();
    Result<std::filesystem::path> socket =
        paths.ok() ? paths->control_socket() : Result<std::filesystem::path>(paths.error());
    if (!socket.ok()) {
        std::fprintf(stderr, "lockstep-gui: %s\n", socket.error().message.c_str());
        return 1;
    }
    gui::prepare(app);
    gui::Application application(*paths, std::move(*socket));
    application.window().show();
    return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
    QApplication app(argc, argv);
    return run(app);
}
