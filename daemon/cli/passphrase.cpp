#include "daemon/cli/passphrase.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "daemon/api/passphrase_command.h"

namespace lockstep::cli {

namespace {

using api::kPassphraseSizeMax;
using api::SecretText;

// Switches the terminal's echo off while it lives.
class QuietTerminal {
  public:
    QuietTerminal() : is_changed_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_changed_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    ~QuietTerminal() {
        if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;
    bool is_quiet() const { return is_changed_; }

  private:
    termios before_{};
    bool is_changed_;
};

Error errno_error(std::string_view what) {
    return {ErrorKind::Io, fmt::format("{}: {}", what, std::strerror(errno))};
}

// Everything `fd` gives, to its end or to the first line's when `is_line`.
Result<std::string> read_all(int fd, bool is_line) {
    std::string text;
    text.reserve(kPassphraseSizeMax + 1);  // never moved, so that no copy stays behind
    char c = 0;
    while (true) {
        const ssize_t size = ::read(fd, &c, 1);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno_error("read");
        if (size == 0 || (is_line && c == '\n')) return text;
        if (text.size() >= kPassphraseSizeMax) {
            api::wipe(text);
            return Error{ErrorKind::TooLarge, "longer than 4096 bytes"};
        }
        text += c;
    }
}

Result<SecretText> from_file(const std::string& path) {
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.ok()) return errno_error(path);
    TRY(std::string text, read_all(file.get(), false));
    return api::checked_passphrase(std::move(text));
}

Result<SecretText> from_command(const std::string& command) {
    Result<SecretText> secret = api::passphrase_of_command(command, {.may_ask = true});
    if (!secret.ok()) return std::move(secret).error().in("the passphrase command");
    return secret;
}

Result<SecretText> ask(const std::string& prompt) {
    QuietTerminal quiet;
    if (!quiet.is_quiet())
        return Error{ErrorKind::Io, "the terminal's echo cannot be switched off"};
    fmt::print(stderr, "{}: ", prompt);
    std::fflush(stderr);
    Result<std::string> text = read_all(STDIN_FILENO, true);
    fmt::print(stderr, "\n");
    TRY(std::string typed, std::move(text));
    return api::checked_passphrase(std::move(typed));
}

}  // namespace

bool can_ask() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

Result<SecretText> read_passphrase(const PassphraseSource& source, const std::string& prompt,
                                   bool is_new) {
    if (!source.file.empty()) return from_file(source.file);
    if (!source.command.empty()) return from_command(source.command);
    if (source.is_stdin) {
        TRY(std::string text, read_all(STDIN_FILENO, true));
        return api::checked_passphrase(std::move(text));
    }
    if (!can_ask()) {
        return Error{ErrorKind::Locked,
                     "a passphrase is needed and there is no terminal to ask on: use "
                     "--passphrase-file, --passphrase-stdin or --passphrase-command"};
    }
    TRY(SecretText passphrase, ask(prompt));
    if (!is_new) return passphrase;
    TRY(SecretText again, ask("The same again"));
    if (again.reveal() != passphrase.reveal()) {
        return Error{ErrorKind::Invalid, "the two passphrases differ"};
    }
    return passphrase;
}

bool ask_yes(const std::string& question) {
    if (!can_ask()) return false;
    fmt::print(stderr, "{} [y/N] ", question);
    std::fflush(stderr);
    Result<std::string> answer = read_all(STDIN_FILENO, true);
    return answer.ok() && (*answer == "y" || *answer == "Y" || *answer == "yes");
}

Result<SecretText> read_secret_line() {
    TRY(std::string text, read_all(STDIN_FILENO, true));
    return SecretText(std::move(text));
}

}  // namespace lockstep::cli
