// T42: passphrases and other secrets of variable length lie in memory that is neither swapped nor
// dumped. A core is forced, with everything that forbids one taken away, and searched.
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"
#include "vault/crypto/secret_key.h"

namespace lockstep {
namespace {

// VmFlags of the mapping that holds `address`; empty when /proc does not tell.
std::string flags_of(const void* address) {
    std::ifstream maps("/proc/self/smaps");
    std::string line;
    bool is_inside = false;
    while (std::getline(maps, line)) {
        unsigned long first = 0, last = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2) {
            const auto at = reinterpret_cast<unsigned long>(address);
            is_inside = first <= at && at < last;
        } else if (is_inside && line.starts_with("VmFlags:")) {
            return line + " ";
        }
    }
    return "";
}

TEST(T42_LockedMemoryTest, PagesOfPassphrasesAreLockedAndLeftOutOfDumps) {
    const SecretBytes secret = SecretBytes::from_text("correct horse battery staple");
    const std::string flags = flags_of(secret.reveal().data());
    ASSERT_FALSE(flags.empty());
    EXPECT_NE(flags.find(" dd "), std::string::npos) << "not for dumps: " << flags;
    EXPECT_NE(flags.find(" lo "), std::string::npos) << "not for swap: " << flags;
    EXPECT_EQ(flags_of(&flags).find(" dd "), std::string::npos)
        << "and of others it does not say so";
}

// The two canaries are never in memory in one piece but where they are meant to be.
std::string canary(std::string_view name) {
    std::string out(name);
    out += std::to_string(::getppid());
    for (char& c : out) c = static_cast<char>(c ^ 1);
    return out;
}

[[noreturn]] void die_with_canaries() {
    const rlimit any{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_CORE, &any) != 0) ::_exit(2);
    ::prctl(PR_SET_DUMPABLE, 1);
    std::array<char, 64> plain{};
    auto* locked = new SecretBytes(SecretBytes::from_text(std::string(64, ' ')));
    {
        std::string text = canary("plain canary ");
        std::memcpy(plain.data(), text.data(), text.size());
        text = canary("locked canary ");
        std::memcpy(const_cast<std::byte*>(locked->reveal().data()), text.data(), text.size());
        wipe(std::as_writable_bytes(std::span(text)));
    }
    // The compiler must think that both are looked at.
    asm volatile("" : : "r"(plain.data()), "r"(locked) : "memory");
    ::abort();
}

TEST(T42_LockedMemoryTest, ACoreHoldsWhatIsOnTheStackAndNoPassphrase) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "their shadow makes cores of terabytes";
#endif
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern") >> std::ws, pattern);
    if (pattern.empty() || pattern[0] == '|' || pattern[0] == '/' ||
        pattern.find('/') != pattern.npos)
        GTEST_SKIP() << "cores go elsewhere here: " << pattern;
    TempDir directory;
    const pid_t child = ::fork();
    if (child == 0) {
        if (::chdir(directory.path().c_str()) != 0) ::_exit(2);
        die_with_canaries();
    }
    int state = 0;
    ASSERT_EQ(child, ::waitpid(child, &state, 0));
    if (!WIFSIGNALED(state) || !WCOREDUMP(state)) GTEST_SKIP() << "no core may be had here";
    std::string core;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        std::stringstream text;
        text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        core = text.str();
    }
    ASSERT_FALSE(core.empty());
    const auto holds = [&](std::string_view name) {
        std::string text(name);
        text += std::to_string(::getpid());
        for (char& c : text) c = static_cast<char>(c ^ 1);
        return core.find(text) != std::string::npos;
    };
    EXPECT_TRUE(holds("plain canary ")) << "else the search finds nothing";
    EXPECT_FALSE(holds("locked canary "));
}

}  // namespace
}  // namespace lockstep
