// Passphrases that nobody types: from a command, or from the service manager.
#include "daemon/start_passphrase.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

using std::chrono::milliseconds;

class StartPassphraseTest : public ::testing::Test {
  protected:
    void SetUp() override {
        vault_.name = "papers";
        ::setenv("CREDENTIALS_DIRECTORY", directory_.path().c_str(), 1);
    }
    void TearDown() override { ::unsetenv("CREDENTIALS_DIRECTORY"); }

    void give(const std::string& name, const std::string& text) {
        std::ofstream(directory_.path() / name) << text;
    }
    // "none", "error: ...", or the passphrase.
    std::string passphrase(milliseconds patience = std::chrono::minutes(1)) {
        auto found = start_passphrase(vault_, patience);
        if (!found.ok()) return "error: " + found.error().message;
        return *found ? (*found)->reveal() : "none";
    }

    TempDir directory_;
    api::VaultConfig vault_;
};

TEST_F(StartPassphraseTest, NothingIsMeantForAVaultWithoutCommandAndCredential) {
    EXPECT_EQ(passphrase(), "none");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(passphrase(), "none");
}

TEST_F(StartPassphraseTest, ACredentialOfTheVaultGoesBeforeThatOfAll) {
    give("passphrase", "of all\n");
    EXPECT_EQ(passphrase(), "of all");
    give("passphrase.papers", "of papers\r\n");
    EXPECT_EQ(passphrase(), "of papers");
    vault_.name = "films";
    EXPECT_EQ(passphrase(), "of all");
}

TEST_F(StartPassphraseTest, ACommandGoesBeforeCredentialsAndFindsThem) {
    give("passphrase", "of all");
    vault_.passphrase_command = "cat \"$CREDENTIALS_DIRECTORY/passphrase\"; printf ', %s' more";
    EXPECT_EQ(passphrase(), "of all, more");
}

TEST_F(StartPassphraseTest, WhatIsNoPassphraseIsToldApart) {
    vault_.passphrase_command = "printf 'a half'; exit 3";
    EXPECT_EQ(passphrase(), "error: passphrase_command: it failed");
    vault_.passphrase_command = "true";
    EXPECT_EQ(passphrase(), "error: passphrase_command: the passphrase is empty");
    vault_.passphrase_command = "head -c 5000 /dev/zero";
    EXPECT_EQ(passphrase(), "error: passphrase_command: longer than 4096 bytes");
    vault_.passphrase_command = "cat";
    EXPECT_EQ(passphrase(), "error: passphrase_command: the passphrase is empty") << "no input";
    vault_.passphrase_command.clear();
    give("passphrase", "\xff");
    EXPECT_NE(passphrase().find("UTF-8"), std::string::npos) << passphrase();
}

TEST_F(StartPassphraseTest, ACommandThatHangsIsKilledWithAllItHasStarted) {
    vault_.passphrase_command = "sleep 1000 & sleep 1000; echo late";
    EXPECT_EQ(passphrase(milliseconds(100)), "error: passphrase_command: it took too long");
}

TEST_F(StartPassphraseTest, ACommandHasItsSignalsThoughTheDaemonBlocksThem) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    vault_.passphrase_command = "kill -TERM $$; echo alive";
    const std::string said = passphrase();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(said, "error: passphrase_command: it failed");
}

}  // namespace
}  // namespace lockstep
