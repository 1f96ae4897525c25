// What the tests of gui/ share: one QApplication per process, and test classes by name.
#pragma once

#include <QObject>
#include <QString>
#include <functional>
#include <memory>

namespace lockstep::gui {

// In which look the process shows everything: light, dark, double (200 %), german, mirrored,
// pseudo (every text a third longer).
const QString& variant();

// The classes that gui_test can run.
std::unique_ptr<QObject> make_model_test();
std::unique_ptr<QObject> make_screen_test();
std::unique_ptr<QObject> make_desktop_parts_test();
std::unique_ptr<QObject> make_daemon_window_test();
std::unique_ptr<QObject> make_keychain_test();

}  // namespace lockstep::gui
