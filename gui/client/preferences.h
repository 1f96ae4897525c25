// What this app remembers by itself: which notifications are wanted, and where the window was.
#pragma once

#include <QByteArray>
#include <QList>
#include <QSettings>
#include <QString>
#include <filesystem>

namespace lockstep::gui {

enum class Notice { Request, Conflict, Problem, Brake, FirstSync, Locked };

inline const QList<Notice> kNotices = {Notice::Request, Notice::Conflict,  Notice::Problem,
                                       Notice::Brake,   Notice::FirstSync, Notice::Locked};

QString notice_text(Notice notice);

// THREADS: the GUI's.
class Preferences {
  public:
    explicit Preferences(const std::filesystem::path& file);

    bool wants(Notice notice) const;
    void setWanted(Notice notice, bool is_wanted);
    // Which of the vault's passphrases lies in the keychain, by the vault's id; empty: none.
    QString keychainSlot(const QString& vault) const;
    void setKeychainSlot(const QString& vault, const QString& slot);
    QByteArray windowPlace() const;
    void setWindowPlace(const QByteArray& place);

  private:
    QSettings settings_;
};

}  // namespace lockstep::gui
