#include <gtest/gtest.h>

#include "daemon/cli/command_line.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/duration.h"
#include "daemon/cli/output.h"
#include "daemon/cli/progress.h"
#include "tests/support/temp_dir.h"

namespace lockstep::cli {
namespace {

using std::chrono::milliseconds;

std::variant<Command, ExitCode> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "lockstep");
    std::vector<char*> values;
    for (std::string& word : words) values.push_back(word.data());
    return parse_command_line(static_cast<int>(values.size()), values.data());
}

TEST(ProgressTest, ABarIsFullOnlyWhenAllIsThere) {
    EXPECT_EQ(bar_text(0, 10), "[....................]   0 %");
    EXPECT_EQ(bar_text(1, 4), "[#####...............]  25 %");
    EXPECT_EQ(bar_text(999, 1000), "[###################.]  99 %");
    EXPECT_EQ(bar_text(10, 10), "[####################] 100 %");
}

TEST(ProgressTest, ASyncSaysHowFarItIsAndHowLongItTakes) {
    api::VaultInfo vault;
    vault.name = "papers";
    vault.status = "Up to Date";
    EXPECT_EQ(sync_progress_text(vault), "papers: Up to Date");
    vault.pack_bytes = 1 << 20;
    vault.missing_pack_bytes = 3 << 20;
    vault.receive_rate = 1 << 20;
    EXPECT_EQ(sync_progress_text(vault),
              "papers: [#####...............]  25 % 1.0 MiB of 4.0 MiB, 1.0 MiB/s, about 4 s left");
    vault.receive_rate = 0;
    EXPECT_EQ(sync_progress_text(vault), "papers: [#####...............]  25 % 1.0 MiB of 4.0 MiB");
}

TEST(DurationTest, UnitsAreRead) {
    EXPECT_EQ(parse_duration("500ms").value(), milliseconds(500));
    EXPECT_EQ(parse_duration("60s").value(), milliseconds(60'000));
    EXPECT_EQ(parse_duration("7").value(), milliseconds(7'000));
    EXPECT_EQ(parse_duration("10m").value(), milliseconds(600'000));
    EXPECT_EQ(parse_duration("24h").value(), milliseconds(86'400'000));
    EXPECT_EQ(parse_duration("2d").value(), milliseconds(172'800'000));
}

TEST(DurationTest, WhatIsNoneIsRefused) {
    for (const char* text :
         {"", "s", "-1s", "1w", "1.5h", "1 s", "99999999999999999999s", "3651d"}) {
        EXPECT_FALSE(parse_duration(text).ok()) << text;
    }
    EXPECT_TRUE(parse_duration("3650d").ok());
}

TEST(OutputTest, SizesAreShort) {
    EXPECT_EQ(size_text(0), "0 B");
    EXPECT_EQ(size_text(1023), "1023 B");
    EXPECT_EQ(size_text(1024), "1.0 KiB");
    EXPECT_EQ(size_text(1536 * 1024), "1.5 MiB");
}

TEST(OutputTest, ControlBytesDoNotReachTheTerminal) {
    EXPECT_EQ(printable("a\x1b[31mb\n"), "a?[31mb?");
    EXPECT_EQ(printable_lines("a\x1b\nb"), "a?\nb");
    EXPECT_EQ(mode_text(0754), "rwxr-xr--");
}

TEST(VaultPathTest, VaultAndPathAreSplitAtTheFirstColon) {
    auto path = parse_vault_path("papers:a:b/c");
    ASSERT_TRUE(path.ok());
    EXPECT_EQ(path->vault, "papers");
    EXPECT_EQ(path->path, "a:b/c");
    EXPECT_FALSE(parse_vault_path("papers").ok());
    EXPECT_FALSE(parse_vault_path(":x").ok());
}

TEST(VaultPathTest, APathOfThisMachineIsFoundInTheInnermostMountOrMirror) {
    api::VaultInfo papers, films;
    papers.name = "papers";
    papers.mounts.resize(4);
    papers.mounts[0].directory = "/home/ana/papers";
    papers.mounts[1].directory = "/mnt/letters";
    papers.mounts[1].path = "letters";
    papers.mounts[2].directory = "/mnt/off";
    papers.mounts[3].directory = "/mnt/past";
    papers.mounts[3].at_ms = 1;
    for (const std::size_t shown : {0U, 1U, 3U}) papers.mounts[shown].is_mounted = true;
    films.name = "films";
    films.mirrors.resize(1);
    films.mirrors[0].directory = "/home/ana/papers/films";
    films.mirrors[0].path = "all";
    const auto place = [&](const std::string& path) {
        const auto found = place_below({papers, films}, path);
        return found ? found->vault + ":" + found->path : "none";
    };
    EXPECT_EQ(place("/home/ana/papers"), "papers:");
    EXPECT_EQ(place("/home/ana/papers/a:b/c"), "papers:a:b/c");
    EXPECT_EQ(place("/mnt/letters"), "papers:letters");
    EXPECT_EQ(place("/mnt/letters/july"), "papers:letters/july");
    EXPECT_EQ(place("/home/ana/papers/films/one"), "films:all/one");
    EXPECT_EQ(place("/home/ana/papers2/x"), "none");
    EXPECT_EQ(place("/mnt/off/x"), "none");
    EXPECT_EQ(place("/mnt/past/x"), "none") << "what is there now may be something else";
}

TEST(CommandLineTest, AVerbGetsItsArguments) {
    auto parsed = parse({"wait", "papers", "--copies", "2", "--timeout", "5s", "--json"});
    ASSERT_TRUE(std::holds_alternative<Command>(parsed));
    const Command& command = std::get<Command>(parsed);
    EXPECT_EQ(command.verb, &wait_for_vault);
    EXPECT_EQ(command.arguments.vault, "papers");
    EXPECT_EQ(command.arguments.copies, 2U);
    EXPECT_EQ(command.arguments.timeout, "5s");
    EXPECT_TRUE(command.arguments.is_json);
}

TEST(CommandLineTest, MistakesAreUsageErrors) {
    for (std::vector<std::string> words : {std::vector<std::string>{},
                                           {"vault"},
                                           {"nonsense"},
                                           {"wait"},
                                           {"wait", "v", "--nonsense"},
                                           {"vault", "create", "v", "--kdf-memory", "63"},
                                           {"events", "--since", "x"}}) {
        auto parsed = parse(words);
        ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed));
        EXPECT_EQ(std::get<ExitCode>(parsed), ExitCode::Usage);
    }
}

TEST(CommandLineTest, APassphraseIsNeverAnArgument) {
    for (const char* flag : {"--passphrase", "-p"}) {
        auto parsed = parse({"vault", "unlock", "v", flag, "secret"});
        EXPECT_TRUE(std::holds_alternative<ExitCode>(parsed));
    }
    EXPECT_TRUE(std::holds_alternative<ExitCode>(
        parse({"vault", "unlock", "v", "--passphrase-stdin", "--passphrase-file", "x"})));
}

TEST(PassphraseTest, OneLineEndIsNotPartOfIt) {
    PassphraseSource source;
    source.command = "printf 'two words \\r\\n'";
    EXPECT_EQ(read_passphrase(source, "", false)->reveal(), "two words ");
    source.command = "printf 'x\\n\\n'";
    EXPECT_EQ(read_passphrase(source, "", false)->reveal(), "x\n");
}

TEST(PassphraseTest, FailuresOfTheSourceAreErrors) {
    PassphraseSource source;
    source.command = "exit 3";
    EXPECT_EQ(read_passphrase(source, "", false).error().kind, ErrorKind::Invalid);
    source.command = "true";  // prints nothing
    EXPECT_EQ(read_passphrase(source, "", false).error().kind, ErrorKind::Invalid);
    source.command = "printf '\\377'";
    EXPECT_EQ(read_passphrase(source, "", false).error().kind, ErrorKind::Invalid);
    source.command = "head -c 5000 /dev/zero";
    EXPECT_EQ(read_passphrase(source, "", false).error().kind, ErrorKind::TooLarge);
    source.command.clear();
    source.file = "/nowhere/at/all";
    EXPECT_EQ(read_passphrase(source, "", false).error().kind, ErrorKind::Io);
}

}  // namespace
}  // namespace lockstep::cli
