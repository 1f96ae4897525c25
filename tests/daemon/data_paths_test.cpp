#include "daemon/api/data_paths.h"

#include <map>

#include <gtest/gtest.h>

namespace lockstep::api {
namespace {

Environment environment(std::map<std::string, std::string> variables) {
    return [variables](const char* name) -> std::optional<std::string> {
        auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

TEST(DataPathsTest, LockstepHomeHoldsEverything) {
    auto paths =
        data_paths(environment({{"LOCKSTEP_HOME", "/tmp/laptop/"}, {"HOME", "/home/ana"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ(paths->config_file(), "/tmp/laptop/config/config.toml");
    EXPECT_EQ(paths->state_directory, "/tmp/laptop/state");
    EXPECT_EQ(paths->vault_directory("papers"), "/tmp/laptop/data/papers.vault");
    EXPECT_EQ(paths->control_socket().value(), "/tmp/laptop/runtime/control.sock");
}

TEST(DataPathsTest, OtherwiseXdgDecides) {
    auto paths = data_paths(environment({{"HOME", "/home/ana"},
                                         {"XDG_CONFIG_HOME", "/c"},
                                         {"XDG_STATE_HOME", "/s"},
                                         {"XDG_DATA_HOME", "/d"},
                                         {"XDG_RUNTIME_DIR", "/run/user/1"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ(paths->config_file(), "/c/lockstep/config.toml");
    EXPECT_EQ(paths->state_directory, "/s/lockstep");
    EXPECT_EQ(paths->vault_directory("x"), "/d/lockstep/x.vault");
    EXPECT_EQ(paths->control_socket().value(), "/run/user/1/lockstep/control.sock");
}

TEST(DataPathsTest, WithoutXdgTheHomeDirectoryServes) {
    auto paths = data_paths(environment({{"HOME", "/home/ana"}, {"XDG_STATE_HOME", "relative"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ(paths->config_directory, "/home/ana/.config/lockstep");
    EXPECT_EQ(paths->state_directory, "/home/ana/.local/state/lockstep");
    EXPECT_EQ(paths->runtime_directory, "/home/ana/.local/state/lockstep/runtime");
}

TEST(DataPathsTest, WithoutAnyHomeItSaysSo) {
    auto paths = data_paths(environment({}));
    ASSERT_FALSE(paths.ok());
    EXPECT_EQ(paths.error().kind, ErrorKind::Invalid);
}

TEST(DataPathsTest, ASocketPathAtTheLimitIsTakenAndOnePastIsExplained) {
    const std::string tail = "/runtime/control.sock";
    const std::string fits = "/" + std::string(kSocketPathMax - tail.size() - 1, 'a');
    auto paths = data_paths(environment({{"LOCKSTEP_HOME", fits}}));
    EXPECT_EQ(paths->control_socket().value().native().size(), kSocketPathMax);
    auto longer = data_paths(environment({{"LOCKSTEP_HOME", fits + "a"}}));
    Result<fs::path> socket = longer->control_socket();
    ASSERT_FALSE(socket.ok());
    EXPECT_NE(socket.error().message.find("108 bytes and the system allows 107"),
              std::string::npos);
}

}  // namespace
}  // namespace lockstep::api
