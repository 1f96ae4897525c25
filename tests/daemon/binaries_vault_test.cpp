// Vaults through the CLI: make, mount, lock, unlock, check, decrypt, remove.
#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "tests/daemon/lockstep_home.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class VaultBinariesTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(home_.start()); }

    std::vector<std::string> with_passphrase(std::vector<std::string> arguments) const {
        arguments.push_back("--passphrase-file");
        arguments.push_back(home_.password_file());
        return arguments;
    }
    fs::path mount() const { return home_ / "mnt"; }
    fs::path vault_directory() const { return home_ / "data" / "papers.vault"; }

    LockstepHome home_;
};

TEST_F(VaultBinariesTest, ANewVaultIsUnlockedAndListed) {
    const nlohmann::json created = home_.create("papers").json();
    EXPECT_EQ(created["name"], "papers");
    EXPECT_EQ(created["state"], "unlocked");
    EXPECT_EQ(created["directory"], vault_directory().native());
    EXPECT_TRUE(fs::exists(vault_directory() / "lockstep.vault"));
    EXPECT_EQ(home_.must({"vault", "list", "--json"}).json()["vaults"].size(), 1U);
    home_.must({"wait", "papers"});
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["status"], "Up to Date");
    EXPECT_EQ(home_.must({"vault", "show", created["id"], "--json"}).json()["name"], "papers");
}

TEST_F(VaultBinariesTest, NamesAndPlacesAreTakenOnce) {
    home_.create("papers");
    auto again = with_passphrase({"vault", "create", "papers", "--kdf-memory", "64"});
    EXPECT_EQ(home_.run(again).exit_code, 1);
    EXPECT_EQ(home_.run(with_passphrase({"vault", "create", "a/b"})).exit_code, 2);
    EXPECT_EQ(home_.run({"vault", "show", "nothing"}).exit_code, 10);
}

TEST_F(VaultBinariesTest, LockedIsLockedAndAWrongPassphraseExits12) {
    home_.create("papers");
    home_.must({"vault", "lock", "papers"});
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["state"], "locked");
    EXPECT_EQ(home_.run({"ls", "papers:"}).exit_code, 11);
    EXPECT_EQ(home_.run({"invite", "papers", "--yes"}).exit_code, 11);
    EXPECT_EQ(home_.run({"mount", "papers", mount()}).exit_code, 11);
    EXPECT_EQ(home_.run({"vault", "unlock", "papers"}).exit_code, 11);
    EXPECT_EQ(home_.run({"vault", "unlock", "papers", "--passphrase-stdin"}, "wrong\n").exit_code,
              12);
    home_.must({"vault", "unlock", "papers", "--passphrase-stdin"}, "correct horse\n");
    home_.must({"ls", "papers:"});
}

TEST_F(VaultBinariesTest, ARestartLocksUnlessItUnlocksAtTheStart) {
    home_.create("papers");
    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["state"], "locked");
    home_.must(with_passphrase({"vault", "unlock", "papers", "--at-start"}));
    EXPECT_EQ(home_.stop(), 0);
    ASSERT_TRUE(home_.start());
    EXPECT_EQ(home_.must({"vault", "show", "papers", "--json"}).json()["state"], "unlocked");
}

TEST_F(VaultBinariesTest, AnIndexThatIsThrownAwayIsMadeAnewAtTheNextUnlock) {
    home_.create("papers");
    home_.must({"put", "papers:a.txt", "-"}, "hello");
    home_.must({"wait", "papers"});
    auto index = [this] {
        for (const auto& entry : fs::recursive_directory_iterator(home_ / "state"))
            if (entry.path().filename() == "index.db") return entry.path();
        return fs::path();
    };
    EXPECT_FALSE(index().empty());
    const nlohmann::json report =
        home_.must({"vault", "check", "papers", "--rebuild-index", "--json"}).json();
    EXPECT_EQ(report["errors"].size(), 0U);
    EXPECT_EQ(report["notes"].size(), 1U);
    EXPECT_TRUE(index().empty());
    EXPECT_EQ(home_.must({"get", "papers:a.txt", "-"}).output, "hello");
    home_.must({"vault", "lock", "papers"});
    home_.must(with_passphrase({"vault", "unlock", "papers"}));
    EXPECT_FALSE(index().empty());
    EXPECT_EQ(home_.must({"get", "papers:a.txt", "-"}).output, "hello");
    home_.must({"vault", "check", "papers"});
    EXPECT_NE(home_.run({"vault", "check", vault_directory(), "--rebuild-index"}).exit_code, 0);
}

TEST_F(VaultBinariesTest, ARemovedVaultCanBeOpenedAgainWithItsFiles) {
    home_.create("papers");
    home_.must({"put", "papers:a.txt", "-"}, "hello");
    home_.must({"vault", "remove", "papers"});
    EXPECT_EQ(home_.run({"vault", "show", "papers"}).exit_code, 10);
    const std::string moved = home_ / "moved.vault";
    fs::rename(vault_directory(), moved);
    home_.must(with_passphrase({"vault", "open", moved}));
    EXPECT_EQ(home_.must({"get", "moved:a.txt", "-"}).output, "hello");
    EXPECT_EQ(home_.run({"vault", "remove", "moved", "--delete-data"}).exit_code, 2);
    home_.must({"vault", "remove", "moved", "--delete-data", "--yes"});
    EXPECT_FALSE(fs::exists(moved));
}

TEST_F(VaultBinariesTest, OpeningWhatIsNoVaultExits10) {
    fs::create_directories(home_ / "empty");
    EXPECT_EQ(home_.run(with_passphrase({"vault", "open", home_ / "empty"})).exit_code, 10);
    EXPECT_EQ(home_.run(with_passphrase({"vault", "open", home_ / "nowhere"})).exit_code, 10);
}

TEST_F(VaultBinariesTest, CheckAndDecryptWorkWithoutTheDaemon) {
    home_.create("papers");
    home_.must({"put", "papers:a.txt", "-"}, std::string(100'000, 'a'));
    home_.must({"wait", "papers", "--published"});
    home_.must({"vault", "check", "papers"});
    EXPECT_EQ(home_.stop(), 0);

    home_.must({"vault", "check", vault_directory()});
    home_.must(with_passphrase({"vault", "check", vault_directory()}));
    const fs::path out = home_ / "out";
    home_.must(with_passphrase({"vault", "decrypt", vault_directory(), "--to", out}));
    EXPECT_EQ(read_text(out / "a.txt"), std::string(100'000, 'a'));
    EXPECT_EQ(home_
                  .run({"vault", "decrypt", vault_directory(), "--to", home_ / "o2",
                        "--passphrase-stdin"},
                       "wrong")
                  .exit_code,
              12);
    EXPECT_EQ(home_.run(with_passphrase({"vault", "decrypt", home_ / "no", "--to", home_ / "o3"}))
                  .exit_code,
              10);
}

TEST_F(VaultBinariesTest, DamageIsFoundByCheckAndSurvivedByDecrypt) {
    home_.create("papers");
    // Does not compress, so that an eighth into its pack lies content; the rest from 100 kB on is
    // padding.
    std::mt19937 random(1);
    std::string content(100'000, '\0');
    for (char& c : content) c = static_cast<char>(random());
    home_.must({"put", "papers:a.txt", "-"}, content);
    home_.must({"put", "papers:small.txt", "-"}, "small");
    home_.must({"wait", "papers", "--published"});
    EXPECT_EQ(home_.stop(), 0);
    for (const auto& item : fs::recursive_directory_iterator(vault_directory() / "packs")) {
        if (item.path().extension() != ".pack") continue;
        std::string bytes = read_text(item.path());
        bytes[bytes.size() / 8] = static_cast<char>(bytes[bytes.size() / 8] ^ 1);
        write_text(item.path(), bytes);
    }
    EXPECT_EQ(home_.run({"vault", "check", vault_directory()}).exit_code, 26);
    Ran ran =
        home_.run(with_passphrase({"vault", "decrypt", vault_directory(), "--to", home_ / "out"}));
    EXPECT_EQ(ran.exit_code, 3);
    EXPECT_EQ(read_text(home_ / "out" / "small.txt"), "small");
    EXPECT_NE(ran.errors.find("a.txt"), std::string::npos) << ran.errors;
    EXPECT_FALSE(fs::exists(home_ / "out" / "a.txt"));
}

TEST_F(VaultBinariesTest, AMountShowsTheFilesAndLockNamesWhoUsesIt) {
    if (!can_mount()) GTEST_SKIP();
    EXPECT_EQ(home_.create("papers", mount()).json()["state"], "mounted");
    write_text(mount() / "a.txt", "through the mount");
    EXPECT_EQ(home_.must({"get", "papers:a.txt", "-"}).output, "through the mount");
    home_.must({"put", "papers:b.txt", "-"}, "through the API");
    EXPECT_EQ(read_text(mount() / "b.txt"), "through the API");
    {
        UniqueFd open_file(::open((mount() / "a.txt").c_str(), O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(open_file.ok());
        Ran busy = home_.run({"vault", "lock", "papers"});
        EXPECT_EQ(busy.exit_code, 11);
        EXPECT_NE(busy.errors.find(std::to_string(::getpid())), std::string::npos) << busy.errors;
        EXPECT_EQ(home_.run({"unmount", mount()}).exit_code, 11);
        home_.must({"vault", "lock", "papers", "--force"});
    }
    EXPECT_FALSE(fs::exists(mount() / "a.txt"));
    home_.must(with_passphrase({"vault", "unlock", "papers"}));
    EXPECT_EQ(read_text(mount() / "a.txt"), "through the mount");
    home_.must({"unmount", mount()});
    EXPECT_FALSE(fs::exists(mount() / "a.txt"));
    EXPECT_EQ(home_.run({"unmount", "papers"}).exit_code, 10);
    home_.must({"mount", "papers"});
    EXPECT_EQ(read_text(mount() / "b.txt"), "through the API");
}

TEST_F(VaultBinariesTest, AMountWhereItMustNotBeIsRefused) {
    if (!can_mount()) GTEST_SKIP();
    home_.create("papers");
    EXPECT_EQ(home_.run({"mount", "papers", vault_directory()}).exit_code, 2);
    EXPECT_EQ(home_.run({"mount", "papers", home_ / "state" / "m"}).exit_code, 2);
    EXPECT_EQ(home_.run({"mount", "papers", home_.path()}).exit_code, 2);
    EXPECT_EQ(home_.run({"mount", "papers"}).exit_code, 2);
    fs::create_directories(mount());
    write_text(mount() / "there", "x");
    EXPECT_EQ(home_.run({"mount", "papers", mount()}).exit_code, 1);
}

TEST_F(VaultBinariesTest, TheMountOfAKilledDaemonIsTakenAway) {
    if (!can_mount()) GTEST_SKIP();
    home_.create("papers", mount());
    write_text(mount() / "a.txt", "kept");
    home_.must({"wait", "papers", "--published"});
    home_.kill();
    std::error_code failure;
    EXPECT_FALSE(fs::exists(mount() / "a.txt", failure));
    ASSERT_TRUE(home_.start());
    EXPECT_TRUE(fs::is_directory(mount()));
    home_.must(with_passphrase({"vault", "unlock", "papers"}));
    EXPECT_EQ(read_text(mount() / "a.txt"), "kept");
    EXPECT_EQ(home_.stop(), 0);
    EXPECT_FALSE(fs::exists(mount() / "a.txt"));
}

}  // namespace
}  // namespace lockstep
