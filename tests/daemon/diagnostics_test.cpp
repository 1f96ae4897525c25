// What goes into a bundle for somebody who helps: texts without names, in an archive that tar
// reads; figures as Prometheus reads them; areas of log lines.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/log_levels.h"
#include "base/prometheus_text.h"
#include "daemon/cli/redactor.h"
#include "daemon/cli/tar_gz.h"
#include "daemon/metrics.h"
#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

TEST(RedactorTest, SentencesLoseWhatNamesSomething) {
    cli::Redactor redactor;
    redactor.name("vault", "papers");
    redactor.name("device", "ana's laptop");
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"papers: mount: /home/ana/my papers/x: Permission denied",
         "vault-1: mount: [path]: Permission denied"},
        {"wallpapers and papers2 stay", "wallpapers and papers2 stay"},
        {"peer 192.0.2.7:22100 left", "peer [address] left"},
        {"peer [2001:db8::1]:22100 left", "peer [address] left"},
        {"asks relay.example.org: no answer", "asks [name]: no answer"},
        {"cannot read july.txt now", "cannot read [name] now"},
        {"GET https://relay.example.org/x failed", "GET [path] failed"},
        {"there is no 'secret plan' here", "there is no [quoted] here"},
        {"pack 0123456789abcdef0123 is damaged", "pack [id] is damaged"},
        {"the relay's clock, 3 s off", "the relay's clock, 3 s off"},
        {"lockstep:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "[name]"},
        {"news of ana's laptop", "news of device-1"},
        {"lockstepd 0.1.0 runs; port 22100", "lockstepd 0.1.0 runs; port 22100"}};
    for (const auto& [text, without] : cases) EXPECT_EQ(redactor.sentence(text), without);
}

TEST(RedactorTest, OfJsonNumbersFlagsAndOwnWordsStay) {
    cli::Redactor redactor;
    const auto told = redactor.json(nlohmann::json::parse(
        R"({"state":"mounted","name":"papers","files":7,"paused":false,"problem":"at /x/y: no",
            "peers":[{"label":"phone","role":"writer"},{"label":"desk"}],"other":"papers","new":""})"));
    EXPECT_EQ(told, nlohmann::json::parse(
                        R"({"state":"mounted","name":"name-1","files":7,"paused":false,
            "problem":"at [path]: no","peers":[{"label":"label-1","role":"writer"},{"label":"label-2"}],
            "other":"name-1","new":""})"));
}

TEST(RedactorTest, OfMetricsLabelsLoseNames) {
    cli::Redactor redactor;
    EXPECT_EQ(redactor.metrics("a{vault=\"my \\\"x\\\"\"} 1\nb{relay=\"http://r:1\",k=\"v\"} 2\n"),
              "a{vault=\"vault-1\"} 1\nb{relay=\"relay-1\",k=\"v\"} 2\n");
}

TEST(TarGzTest, TarGivesEveryTextBack) {
    TempDir directory;
    const std::string large(200'000, 'x');
    const std::vector<cli::ArchiveEntry> entries = {
        {"a.txt", "hello\n"}, {"empty.txt", ""}, {"large.txt", large}};
    const Bytes packed = cli::make_tar_gz(entries, 1'764'000'000);
    std::ofstream(directory / "x.tar.gz") << as_text(packed);
    const std::string command =
        "cd '" + directory.path().native() + "' && gzip -t x.tar.gz && tar -xzf x.tar.gz";
    ASSERT_EQ(std::system(command.c_str()), 0);
    for (const auto& entry : entries)
        EXPECT_EQ(as_text(posix_disk().read_file(directory / entry.name, 1 << 20).value()),
                  entry.text);
}

TEST(PrometheusTextTest, LabelsAreEscaped) {
    PrometheusText out("x_");
    out.gauge("a", "What a is.", 1);
    out.metric("b_total", "counter", "What b is.");
    out.value(2, prometheus_label("name", "a\"b\\c\nd"));
    out.value(0.25);
    EXPECT_EQ(out.take(),
              "# HELP x_a What a is.\n# TYPE x_a gauge\nx_a 1\n"
              "# HELP x_b_total What b is.\n# TYPE x_b_total counter\n"
              "x_b_total{name=\"a\\\"b\\\\c\\nd\"} 2\nx_b_total 0.25\n");
}

TEST(MetricsTest, OfEveryVaultAndRelayItTells) {
    api::StatusReport status;
    status.version = "0.1.0";
    api::VaultInfo papers;
    papers.name = "papers";
    papers.state = "mounted";
    papers.status = "Up to Date";
    papers.alarms = {"rollback"};
    papers.peers.resize(2);
    papers.peers[0].is_connected = true;
    api::VaultInfo films;
    films.name = "films";
    films.state = "locked";
    status.vaults = {papers, films};
    status.relays.resize(1);
    status.relays[0].url = "https://relay.example.org";
    status.relays[0].round_trip_ms = 250;
    DaemonFigures figures;
    figures.free_bytes = {7, 8};
    const std::string text = metrics_text(status, figures);
    for (const char* line :
         {"lockstepd_build_info{version=\"0.1.0\"} 1", "lockstepd_vaults 2",
          "lockstepd_vault_unlocked{vault=\"papers\"} 1",
          "lockstepd_vault_unlocked{vault=\"films\"} 0",
          "lockstepd_vault_in_step{vault=\"papers\"} 1",
          "lockstepd_vault_alarms{vault=\"papers\"} 1",
          "lockstepd_vault_members{vault=\"papers\"} 2",
          "lockstepd_vault_members_connected{vault=\"papers\"} 1",
          "lockstepd_vault_free_bytes{vault=\"films\"} 8",
          "lockstepd_relay_reachable{relay=\"https://relay.example.org\"} 0", "} 0.25"})
        EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
}

// The areas that the configuration takes are those that lines have.
TEST(LogAreasTest, EveryLineHasAKnownArea) {
    namespace fs = std::filesystem;
    const std::regex line("log_(?:debug|info|warning|error)\\(\\s*\"([a-z_-]+)\"");
    std::set<std::string> used;
    for (const char* folder : {"base", "vault", "fuse", "sync", "daemon"})
        for (const auto& file :
             fs::recursive_directory_iterator(fs::path(LOCKSTEP_SOURCE_DIR) / folder)) {
            if (file.path().extension() != ".cpp") continue;
            std::ifstream in(file.path());
            const std::string text(std::istreambuf_iterator<char>(in), {});
            for (std::sregex_iterator found(text.begin(), text.end(), line), end; found != end;
                 ++found)
                used.insert((*found)[1]);
        }
    EXPECT_EQ(used, std::set<std::string>(kLogAreas.begin(), kLogAreas.end()));
}

}  // namespace
}  // namespace lockstep
