// Passphrases, recovery codes and roles through the CLI, as a user does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

constexpr const char* kOld = "correct horse\n";
constexpr const char* kNew = "battery staple\n";

class KeyBinariesTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(home_.start());
        home_.create("papers");
        home_.must({"put", "papers:a.txt", "-"}, "hello");
    }
    int unlock(const std::string& secret) {
        home_.must({"vault", "lock", "papers"});
        return home_.run({"vault", "unlock", "papers", "--passphrase-stdin"}, secret).exit_code;
    }
    std::string hello() const { return home_.must({"get", "papers:a.txt", "-"}).output; }
    nlohmann::json passphrases() const {
        return home_.must({"vault", "passphrase", "list", "papers", "--json"})
            .json()["passphrases"];
    }

    LockstepHome home_;
};

TEST_F(KeyBinariesTest, PasswdChangesThePassphrase) {
    const std::vector<std::string> passwd = {"vault", "passwd", "papers", "--passphrase-stdin",
                                             "--new-passphrase-stdin"};
    EXPECT_EQ(home_.run(passwd, std::string("wrong\n") + kNew).exit_code, 12);
    home_.must(passwd, std::string(kOld) + kNew);
    EXPECT_EQ(unlock(kOld), 12);
    EXPECT_EQ(unlock(kNew), 0);
    EXPECT_EQ(hello(), "hello");
    // Forgotten, but the device is unlocked.
    home_.must({"vault", "passwd", "papers", "--forgotten", "--new-passphrase-stdin"}, kOld);
    EXPECT_EQ(unlock(kNew), 12);
    EXPECT_EQ(unlock(kOld), 0);
    // And without a daemon.
    EXPECT_EQ(home_.stop(), 0);
    const std::string directory = (home_ / "data" / "papers.vault").native();
    home_.must(
        {"vault", "decrypt", directory, "--to", (home_ / "out").native(), "--passphrase-stdin"},
        kOld);
    EXPECT_EQ(read_text(home_ / "out" / "a.txt"), "hello");
}

TEST_F(KeyBinariesTest, SeveralPassphrasesAreListedAddedAndRemoved) {
    EXPECT_EQ(passphrases().size(), 2U);  // with the recovery code
    home_.must(
        {"vault", "passphrase", "add", "papers", "--passphrase-stdin", "--new-passphrase-stdin"},
        std::string(kOld) + kNew);
    ASSERT_EQ(passphrases().size(), 3U);
    EXPECT_EQ(unlock(kOld), 0);
    EXPECT_EQ(unlock(kNew), 0);
    // One of this device alone.
    home_.must({"vault", "passphrase", "add", "papers", "--forgotten", "--stays-here",
                "--new-passphrase-stdin"},
               "only here\n");
    EXPECT_EQ(unlock("only here\n"), 0);
    home_.must({"vault", "passphrase", "remove", "papers", "here", "--forgotten"});
    EXPECT_EQ(unlock("only here\n"), 12);
    EXPECT_EQ(unlock(kNew), 0);
    EXPECT_EQ(home_
                  .run({"vault", "passphrase", "remove", "papers", "0123456789abcdef",
                        "--passphrase-stdin"},
                       kNew)
                  .exit_code,
              10);
    const auto list = passphrases();
    for (const auto& one : list)
        if (one["kind"] == "passphrase" && passphrases().size() > 2)
            home_.must({"vault", "passphrase", "remove", "papers", one["id"], "--forgotten"});
    EXPECT_EQ(passphrases().size(), 2U);
}

TEST_F(KeyBinariesTest, ARecoverySheetIsPrintedTriedAndOpensTheVault) {
    const std::string sheet =
        home_.must({"vault", "recovery", "create", "papers", "--passphrase-stdin"}, kOld).output;
    // The four lines with their words, as one line.
    std::string code;
    for (const char* line : {"    1.  ", "    2.  ", "    3.  ", "    4.  "}) {
        const std::size_t at = sheet.find(line), end = sheet.find('\n', at);
        ASSERT_NE(end, std::string::npos) << sheet;
        code += sheet.substr(at, end - at) + " ";
    }
    home_.must({"vault", "recovery", "test", "papers", "--passphrase-stdin"}, code + "\n");
    EXPECT_EQ(unlock(code + "\n"), 0);
    EXPECT_EQ(hello(), "hello");
    std::string mistyped = code;
    char& letter = mistyped[mistyped.find("2.  ") + 4];
    letter = letter == '7' ? '8' : '7';
    const Ran refused =
        home_.run({"vault", "recovery", "test", "papers", "--passphrase-stdin"}, mistyped + "\n");
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.errors.find("line 2"), std::string::npos) << refused.errors;
    // A newer one replaces it.
    home_.must({"vault", "recovery", "create", "papers", "--forgotten", "--out",
                (home_ / "sheet").native()});
    EXPECT_NE(read_text(home_ / "sheet").find("papers"), std::string::npos);
    EXPECT_EQ(home_.run({"vault", "recovery", "test", "papers", "--passphrase-stdin"}, code + "\n")
                  .exit_code,
              12);
}

TEST_F(KeyBinariesTest, TooManyWrongPassphrasesMustWait) {
    EXPECT_EQ(unlock("wrong\n"), 12);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(
            home_.run({"vault", "unlock", "papers", "--passphrase-stdin"}, "wrong\n").exit_code,
            12);
    const Ran early = home_.run({"vault", "unlock", "papers", "--passphrase-stdin"}, kOld);
    EXPECT_TRUE(early.exit_code == 11 || early.exit_code == 0) << early.errors;
}

TEST_F(KeyBinariesTest, APassphraseThatStaysHereOpensNoCopyOfTheDirectory) {
    home_.must({"vault", "create", "own", "--kdf-memory", "64", "--passphrase-stays-here",
                "--passphrase-stdin"},
               kOld);
    home_.must({"put", "own:b.txt", "-"}, "mine");
    home_.must({"vault", "lock", "own"});
    home_.must({"vault", "unlock", "own", "--passphrase-stdin"}, kOld);
    EXPECT_EQ(home_.must({"get", "own:b.txt", "-"}).output, "mine");
    EXPECT_EQ(home_
                  .run({"vault", "decrypt", (home_ / "data" / "own.vault").native(), "--to",
                        (home_ / "out").native(), "--passphrase-stdin"},
                       kOld)
                  .exit_code,
              12);
    home_.must({"vault", "rotate", "own"});
    home_.must({"put", "own:c.txt", "-"}, "new keys");
    EXPECT_EQ(home_.must({"get", "own:c.txt", "-"}).output, "new keys");
}

TEST_F(KeyBinariesTest, TheDoctorExplainsADirectoryThatWasPutBack) {
    EXPECT_EQ(home_.run({"doctor"}).output.find("ALARM"), std::string::npos);
    home_.must({"wait", "papers", "--published"});
    home_.must({"vault", "lock", "papers"});
    EXPECT_EQ(home_.stop(), 0);
    std::filesystem::path last;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(home_ / "data" / "papers.vault" / "log"))
        if (file.path().extension() == ".seg" &&
            (last.empty() || std::stoull(file.path().stem()) > std::stoull(last.stem())))
            last = file.path();
    ASSERT_FALSE(last.empty());
    std::filesystem::remove(last);
    for (int restart = 0; restart < 2; ++restart) {
        ASSERT_TRUE(home_.start());
        home_.must({"vault", "unlock", "papers", "--passphrase-stdin"}, kOld);
        const Ran told = home_.run({"doctor"});
        EXPECT_EQ(told.exit_code, 25);
        EXPECT_NE(told.output.find("rollback"), std::string::npos) << told.output;
        EXPECT_EQ(home_.run({"status", "--exit-code"}).exit_code, 25);
        home_.must({"put", "papers:c.txt", "-"}, "goes on");
        EXPECT_EQ(home_.stop(), 0);
    }
}

TEST_F(KeyBinariesTest, AReaderCannotWriteAndIsToldSo) {
    LockstepHome desk;
    ASSERT_TRUE(desk.start());
    desk.must({"device", "rename", "self", "desk"});
    std::string ticket = home_.must({"invite", "papers", "--yes"}).output;
    desk.must({"join", "-", "--name", "shared"}, ticket);
    desk.must({"wait", "shared", "--copies", "1", "--timeout", "60s"});
    EXPECT_EQ(home_.run({"device", "role", "papers", "desk", "king"}).exit_code, 2);
    EXPECT_EQ(home_.run({"device", "role", "papers", "nobody", "reader"}).exit_code, 10);
    home_.must({"device", "role", "papers", "desk", "reader"});
    const auto is_reader = [&] {
        const auto list = desk.must({"device", "list", "shared", "--json"}).json();
        for (const auto& device : list["devices"])
            if (device["thisDevice"] == true && device["role"] == "reader") return true;
        return false;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!is_reader() && std::chrono::steady_clock::now() < deadline) {
        // The key object is on its way.
    }
    ASSERT_TRUE(is_reader());
    const Ran refused = desk.run({"put", "shared:b.txt", "-"}, "no");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.errors.find("may only read"), std::string::npos) << refused.errors;
    EXPECT_EQ(desk.must({"get", "shared:a.txt", "-"}).output, "hello");
    if (can_mount()) {
        const std::string mount = (desk / "mnt").native();
        desk.must({"mount", "shared", mount});
        UniqueFd file(::open((mount + "/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        EXPECT_FALSE(file.ok());
        EXPECT_EQ(errno, EROFS);
        desk.must({"unmount", "shared"});
    }
    EXPECT_EQ(desk.run({"device", "role", "shared", "desk", "writer"}).exit_code, 1);
    home_.must({"device", "role", "papers", "desk", "writer"});
    home_.must({"wait", "papers", "--copies", "1", "--timeout", "60s"});
}

}  // namespace
}  // namespace lockstep
