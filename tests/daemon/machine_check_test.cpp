// What is judged of a machine's facts: nothing where all is well, and for every lack a finding with
// the one line that fixes it.
#include "daemon/api/machine_check.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/http/listen_socket.h"
#include "tests/support/temp_dir.h"

namespace lockstep::api {
namespace {

MachineFacts good() {
    MachineFacts facts;
    facts.wants_mounts = true;
    facts.needs_fusermount = true;
    facts.watched_folders = 3;
    facts.mirrors = 1;
    facts.descriptors_open = 40;
    facts.spaces = {{"/home/ana", 50ULL << 30, 1'000'000}};
    return facts;
}

TEST(MachineCheckTest, OfAGoodMachineNothingIsSaid) {
    EXPECT_TRUE(judge_machine(good()).empty());
}

TEST(MachineCheckTest, EveryLackIsAProblemWithTheLineThatFixesIt) {
    const std::vector<std::pair<const char*, void (*)(MachineFacts&)>> lacks = {
        {"fuse.device",
         [](MachineFacts& f) { f.has_fuse_device = f.may_open_fuse_device = false; }},
        {"fuse.access", [](MachineFacts& f) { f.may_open_fuse_device = false; }},
        {"fuse.fusermount", [](MachineFacts& f) { f.has_fusermount = false; }},
        {"fuse.setuid", [](MachineFacts& f) { f.is_fusermount_setuid = false; }},
        {"fuse.privileges", [](MachineFacts& f) { f.may_gain_privileges = false; }},
        {"inotify.instances", [](MachineFacts& f) { f.inotify_instances_max = 16; }},
        {"inotify.watches", [](MachineFacts& f) { f.inotify_watches_max = 8192; }},
        {"files.limit", [](MachineFacts& f) { f.descriptors_max = 256; }},
        {"files.limit", [](MachineFacts& f) { f.descriptors_open = 65000; }},
        {"space.bytes", [](MachineFacts& f) { f.spaces[0].free_bytes = 1 << 20; }},
        {"space.inodes", [](MachineFacts& f) { f.spaces[0].free_inodes = 7; }},
    };
    for (const auto& [id, break_it] : lacks) {
        MachineFacts facts = good();
        break_it(facts);
        const std::vector<FindingInfo> found = judge_machine(facts);
        ASSERT_EQ(found.size(), 1U) << id;
        EXPECT_EQ(found[0].id, id);
        EXPECT_EQ(found[0].severity, severity::kProblem);
        EXPECT_FALSE(found[0].fix.empty()) << id;
        for (const std::string& line : {found[0].what, found[0].advice, found[0].fix})
            EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
}

TEST(MachineCheckTest, WhatIsNotWantedIsANote) {
    MachineFacts facts = good();
    facts.wants_mounts = false;
    facts.has_fuse_device = facts.may_open_fuse_device = false;
    facts.mirrors = 0;
    facts.inotify_watches_max = 8192;
    facts.is_clock_kept = false;
    const std::vector<FindingInfo> found = judge_machine(facts);
    ASSERT_EQ(found.size(), 3U);
    for (const FindingInfo& each : found) EXPECT_EQ(each.severity, severity::kNote) << each.id;
}

TEST(MachineCheckTest, RootNeedsNoFusermount) {
    MachineFacts facts = good();
    facts.needs_fusermount = false;
    facts.has_fusermount = facts.is_fusermount_setuid = facts.may_gain_privileges = false;
    EXPECT_TRUE(judge_machine(facts).empty());
}

TEST(MachineCheckTest, ThisMachineIsLookedAt) {
    TempDir home;
    const DataPaths paths{home.path(), home.path(), home.path(), home.path()};
    Config config;
    config.vaults.resize(2);
    config.vaults[0].directory = home.path().native();
    config.vaults[0].mounts.resize(1);
    config.vaults[1].mirrors.resize(2);
    const MachineFacts facts = look_at_machine(paths, config, true);
    EXPECT_TRUE(facts.wants_mounts);
    EXPECT_EQ(facts.watched_folders, 4U);
    EXPECT_GT(facts.descriptors_max, 0U);
    EXPECT_GT(facts.descriptors_open, 0U);
    ASSERT_EQ(facts.spaces.size(), 1U);  // all of it lies on one file system
    EXPECT_GT(facts.spaces[0].free_bytes, 0U);
    EXPECT_FALSE(look_at_machine(paths, config, false).wants_mounts);
}

TEST(MachineCheckTest, APortThatSomebodyHasIsTaken) {
    Result<TcpListenSocket> other = open_tcp_listen_socket("127.0.0.1", 0);
    ASSERT_TRUE(other.ok());
    const std::vector<FindingInfo> found = judge_port(other->port);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "port.taken");
    EXPECT_NE(found[0].fix.find(std::to_string(other->port)), std::string::npos);
    EXPECT_TRUE(judge_port(0).empty());
}

}  // namespace
}  // namespace lockstep::api
