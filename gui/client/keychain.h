// The desktop's keychain (Secret Service or KWallet), where secrets lie that open vaults on this
// device alone.
//
// What lies there is never a person's passphrase but one made up for this device, which stays on it
// (API.md, "Passphrases and roles"): it is taken away by itself.
#pragma once

#include <QObject>
#include <functional>

#include "base/result.h"
#include "daemon/api/secret_text.h"

namespace lockstep::gui {

// THREADS: the GUI's. Nothing blocks; a keychain may ask the person to be opened.
class Keychain : public QObject {
    Q_OBJECT

  public:
    // Looks for a keychain's service on the session bus, without waiting for it.
    explicit Keychain(QObject* parent = nullptr);

    // There is one, or one that starts when it is asked.
    bool isThere() const { return is_there_; }

    // `vault`: its id. NotFound when nothing is kept for it.
    void read(const QString& vault, std::function<void(Result<api::SecretText>)> then);
    void write(const QString& vault, const api::SecretText& secret,
               std::function<void(Status)> then);
    void remove(const QString& vault, std::function<void(Status)> then);

  private:
    void look(const QString& list);

    bool is_there_ = false;
};

// A secret that nobody could guess: 32 random bytes, as hexadecimal digits.
api::SecretText random_secret();

}  // namespace lockstep::gui
