// The whole window against a real daemon: a person at the window of a home. What is set in it:
// daemon_window_settings_test.cpp.
#pragma once

#include <QAbstractButton>
#include <QLabel>
#include <QtTest>

#include "gui/application.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep::gui {

class DaemonWindowTest : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void cleanup();
    void startsAServiceThatDoesNotRun();
    void unlocksWithARightPassphraseAfterAWrongOne();
    void pausesAndResumes();
    void takesAVaultOffTheList();
    void firstRunMakesAVaultAndChecksTheSheet();
    void invitesASecondDeviceThatJoins();
    void aRejectedDeviceIsToldSo();
    void conflictsAreResolvedAsChosen();
    void settingsReachTheService();
    void theProxyReachesTheService();
    void otherLimitsAreSwitchedInTheStatusBar();
    void whatHappenedBeforeTheAppIsShown();
    void whatIsKeptOfAVaultIsChosen();
    void historyBringsBackWhatWasThere();
    void securitySettingsReachTheService();
    void recoverySheetsAreMadeAndTested();
    void aDeviceGetsAnotherRole();
    void anIdleVaultIsLockedAsChosenWhenItWasUnlocked();
    void aLinkFromOutsideOpensTheWizard();
    void aFileFromOutsideShowsItsVersions();
    void whatChangedIsNamedAndLeadsToItsVersions();
    void historyFollowsWhatHappensWhileItIsShown();
    void closingKeepsTheSheetInMind();
};

inline constexpr int kPatienceMs = 30'000;

inline api::DataPaths paths_of(const LockstepHome& home) {
    return {home / "config", home / "state", home / "data", home / "runtime"};
}

// A person at the window of a home.
struct Person {
    explicit Person(const LockstepHome& home)
        : instance(home / "runtime"), application(paths_of(home), home.socket(), instance) {
        application.begin({}, false);
    }

    template <typename Widget>
    Widget* find(const char* name) {
        const auto found = application.window().findChildren<Widget*>(QString::fromLatin1(name));
        return found.isEmpty() ? nullptr : found.back();
    }
    void click(const char* name) {
        auto* button = find<QAbstractButton>(name);
        QVERIFY2(button != nullptr, name);
        QTRY_VERIFY2(button->isVisible() && button->isEnabled(), name);
        QCoreApplication::processEvents();  // what was just said may move it
        QTest::mouseClick(button, Qt::LeftButton);
    }
    QString headline() { return find<QLabel>("headline")->text(); }
    bool isConnected() { return application.state().linkState() == DaemonState::Link::Connected; }

    SingleInstance instance;
    Application application;
};

}  // namespace lockstep::gui
