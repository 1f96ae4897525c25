// Crash points: power fails at every call of the disk that changes anything, in a script of writes,
// fsyncs and publishes. Whatever the script was told is durable must be there afterwards, and the
// vault must open and go on.
#include <gtest/gtest.h>

#include "tests/support/vault_device.h"

namespace lockstep {
namespace {

// What the script was promised, as far as it came.
struct Promises {
    std::map<std::string, std::string> durable;  // path -> content
    bool is_finished = false;
};

std::string noise(std::size_t size) {
    SeededRandom random(size);
    return std::string(as_text(random.bytes(size)));
}

Promises run_script(VaultDevice& device) {
    Promises out;
    std::string small = "small text", chunked = noise(60000), packed = noise(1500000);
    auto script = [&]() -> Status {
        TRY_OK(device.write("d/small", small));
        TRY_OK(device.sync("d/small"));
        out.durable["d/small"] = small;
        TRY_OK(device.write("d/chunked", chunked));
        TRY_OK(device.sync("d/chunked"));
        out.durable["d/chunked"] = chunked;
        TRY_OK(device.publish());
        TRY_OK(device.write("packed", packed));
        TRY_OK(device.write("d/small", "changed"));
        out.durable.erase("d/small");  // the old one or the new one, until the next promise
        TRY_OK(device.sync("packed"));
        out.durable["packed"] = packed;
        out.durable["d/small"] = "changed";
        out.durable.erase("d/chunked");  // it may have its old name or its new one
        TRY_OK(device.rename("d/chunked", "moved"));
        TRY_OK(device.publish());
        out.durable["moved"] = chunked;
        TRY_OK(device.remove("packed"));
        out.durable.erase("packed");
        TRY_OK(device.write("last", "last"));
        TRY_OK(device.publish());
        out.durable["last"] = "last";
        return {};
    };
    out.is_finished = script().ok();
    return out;
}

// A file that stays open is written here and there and fsynced, as databases do: the journal holds
// what no version holds yet.
Promises run_database_script(VaultDevice& device) {
    Promises out;
    std::string content = noise(200000);
    auto script = [&]() -> Status {
        TRY_OK(device.write("db", content));
        TRY_OK(device.write("doomed", content));
        TRY_OK(device.sync("db"));
        out.durable["db"] = content;
        FileSystem& files = device.vault().files();
        TRY(NodeId node, device.node("db"));
        TRY(HandleId handle, files.open(node, {.read = true, .write = true}));
        const auto write = [&](std::uint64_t offset, std::string_view text) -> Status {
            out.durable.erase("db");
            if (content.size() < offset + text.size()) content.resize(offset + text.size());
            content.replace(offset, text.size(), text);
            return files.write(handle, offset, as_bytes(text));
        };
        const auto resize = [&](std::uint64_t size) -> Status {
            out.durable.erase("db");
            content.resize(size);
            AttributeChange change;
            change.size = size;
            TRY(Attributes changed, files.set_attributes(node, change, handle));
            static_cast<void>(changed);
            return {};
        };
        const auto sync = [&]() -> Status {
            TRY_OK(files.sync(handle));
            out.durable["db"] = content;
            return {};
        };
        TRY_OK(write(70000, "a page"));
        TRY_OK(write(190000, noise(4096)));
        TRY_OK(sync());
        TRY_OK(write(70003, "and over it"));
        TRY_OK(resize(150000));
        TRY_OK(write(160000, "behind a hole"));
        TRY_OK(sync());
        // Another file goes while what was written to it stands in the journal.
        TRY(NodeId doomed, device.node("doomed"));
        TRY(HandleId other, files.open(doomed, {.read = true, .write = true}));
        TRY_OK(files.write(other, 5000, as_bytes("in vain")));
        TRY_OK(files.sync(other));
        TRY_OK(device.remove("doomed"));
        files.release(other);
        TRY_OK(device.publish());
        TRY_OK(write(10, "after the publish"));
        TRY_OK(sync());
        files.release(handle);
        out.durable.erase("db");
        TRY_OK(device.append("db", "closed"));
        content += "closed";
        TRY_OK(device.sync("db"));
        out.durable["db"] = content;
        return {};
    };
    out.is_finished = script().ok();
    return out;
}

struct Script {
    const char* name;
    Promises (*run)(VaultDevice&);
};
void PrintTo(const Script& script, std::ostream* out) {
    *out << script.name;
}

class VaultCrashTest : public ::testing::TestWithParam<Script> {
  protected:
    void SetUp() override { ASSERT_TRUE(base_.found().ok()); }

    static void expect_kept(VaultDevice& device, const Promises& promises, std::uint64_t point) {
        for (const auto& [path, content] : promises.durable) {
            auto text = device.read(path);
            ASSERT_TRUE(text.ok())
                << "point " << point << ": " << path << ": " << text.error().message;
            ASSERT_TRUE(*text == content)
                << "point " << point << ": " << path << " has another content";
        }
        EXPECT_TRUE(device.vault().conflicts().empty()) << "point " << point;
        // And it goes on from there.
        ASSERT_TRUE(device.write("after", "after").ok()) << "point " << point;
        ASSERT_TRUE(device.publish().ok()) << "point " << point;
        ASSERT_TRUE(device.kill_and_reopen().ok()) << "point " << point;
        EXPECT_EQ("after", *device.read("after"));
    }

    FakeClock clock_;
    VaultDevice base_{"laptop", 3, clock_};
};

TEST_P(VaultCrashTest, APowerCutAtAnyDiskCallLosesNothingThatWasPromised) {
    std::uint64_t point = 0;
    for (bool finished = false; !finished; ++point) {
        ASSERT_LT(point, 500u);
        auto device = base_.clone(100 + point);
        device->disk().power_off_at(point);
        Promises promises = GetParam().run(*device);
        finished = promises.is_finished;
        Status reopened = device->crash_and_reopen(point);
        ASSERT_TRUE(reopened.ok()) << "point " << point << ": " << reopened.error().message;
        expect_kept(*device, promises, point);
    }
    EXPECT_GT(point, 30u);
}

// The disk answers one call with an error and then works again: what was promised stays, and after
// a restart the vault goes on.
TEST_P(VaultCrashTest, AnErrorOfAnyDiskCallLosesNothingThatWasPromised) {
    std::uint64_t point = 0;
    for (bool finished = false; !finished; ++point) {
        ASSERT_LT(point, 500u);
        auto device = base_.clone(900 + point);
        std::uint64_t before = device->disk().change_count();
        device->disk().fail_call(point, point % 2 == 0 ? ErrorKind::Io : ErrorKind::NoSpace);
        Promises promises = GetParam().run(*device);
        finished = promises.is_finished && device->disk().change_count() - before <= point;
        device->disk().clear_failures();
        ASSERT_TRUE(device->kill_and_reopen().ok()) << "point " << point;
        expect_kept(*device, promises, point);
    }
    EXPECT_GT(point, 30u);
}

// As above, but nobody restarts: what failed is tried again, and another device gets all of it.
TEST_P(VaultCrashTest, APublishThatFailedIsTriedAgainAndReachesOthers) {
    for (std::uint64_t point = 0; point < 24; ++point) {
        auto laptop = base_.clone(2000 + point);
        VaultDevice other("desk", 3000 + point, clock_);
        ASSERT_TRUE(other.join(*laptop).ok());
        ASSERT_TRUE(laptop->write("one", noise(50000)).ok());
        laptop->disk().fail_call(point, ErrorKind::NoSpace);
        bool failed = !laptop->publish().ok();
        laptop->disk().clear_failures();
        ASSERT_TRUE(laptop->write("two", "two").ok());
        Status again = laptop->publish();
        ASSERT_TRUE(again.ok()) << "point " << point << ": " << again.error().message;
        ASSERT_TRUE(other.pull(*laptop).ok());
        EXPECT_EQ(laptop->tree(), other.tree()) << "point " << point << (failed ? ", failed" : "");
        EXPECT_EQ(2u, other.tree().size());
    }
}

// A restarted vault sees files whose names a power cut would still take, because a directory could
// not be synced: what it tells others that it has, it makes durable first.
TEST(VaultRestartTest, ReceivedSegmentsThatWereSeenAfterARestartAreNotLostToAPowerCut) {
    FakeClock clock;
    VaultDevice laptop("laptop", 3, clock), first("desk", 4, clock);
    ASSERT_TRUE(laptop.found().ok());
    ASSERT_TRUE(first.join(laptop).ok());
    ASSERT_TRUE(laptop.write("one", "1").ok());
    ASSERT_TRUE(laptop.publish().ok());
    for (std::uint64_t point = 0; point < 6; ++point) {
        auto desk = first.clone(900 + point);
        desk->disk().fail_call(point, ErrorKind::Io, DiskCall::Kind::SyncDirectory);
        static_cast<void>(desk->pull(laptop).ok());
        desk->disk().clear_failures();
        ASSERT_TRUE(desk->kill_and_reopen().ok());
        const Frontier before = desk->vault().replica()->frontier();
        ASSERT_TRUE(desk->lose_power().ok());
        EXPECT_EQ(before, desk->vault().replica()->frontier()) << "point " << point;
    }
}

INSTANTIATE_TEST_SUITE_P(Scripts, VaultCrashTest,
                         ::testing::Values(Script{"files", run_script},
                                           Script{"database", run_database_script}));

}  // namespace
}  // namespace lockstep
