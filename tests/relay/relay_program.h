// The lockstep-relay binary as a child process.
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/unique_fd.h"

#ifndef LOCKSTEP_RELAY_PROGRAM
#define LOCKSTEP_RELAY_PROGRAM ""
#endif

namespace lockstep {

// A child process whose stderr is a pipe that the test reads.
class Program {
  public:
    explicit Program(std::vector<std::string> arguments,
                     std::string program = LOCKSTEP_RELAY_PROGRAM) {
        int ends[2] = {};
        CHECK(::pipe2(ends, O_CLOEXEC) == 0);
        out_ = UniqueFd(ends[0]);
        UniqueFd in(ends[1]);
        arguments.insert(arguments.begin(), std::move(program));
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        CHECK(pid_ >= 0);
        if (pid_ == 0) {
            ::dup2(in.get(), STDERR_FILENO);
            ::dup2(in.get(), STDOUT_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Program() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    // Reads up to and with the first `text`, or to the end.
    std::string read_until(std::string_view text) {
        std::string got;
        char byte = 0;
        while (got.find(text) == std::string::npos && ::read(out_.get(), &byte, 1) == 1)
            got += byte;
        return got;
    }
    std::string read_to_end() { return read_until(std::string_view("\0\0never", 7)); }
    pid_t pid() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

  private:
    pid_t pid_ = -1;
    UniqueFd out_;
};

inline std::uint16_t port_in(const std::string& log) {
    std::size_t at = log.find(" port ");
    CHECK(at != std::string::npos);
    return static_cast<std::uint16_t>(std::stoi(log.substr(at + 6)));
}

}  // namespace lockstep
