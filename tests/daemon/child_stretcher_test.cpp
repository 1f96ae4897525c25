// The passphrase is stretched elsewhere, with the same result; what goes wrong there is said here.
#include "daemon/child_stretcher.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace lockstep {
namespace {

constexpr const char* kDaemon = LOCKSTEP_BIN_DIR "/lockstepd";

class ChildStretcherTest : public testing::Test {
  protected:
    Result<StretchedPassphrase> stretch_with(const std::string& program,
                                             PassphraseCost cost = kPassphraseCostMin) {
        ChildStretcher stretcher(program);
        return stretcher.stretch(passphrase_, salt_, cost);
    }
    std::string script(const std::string& text) const {
        const std::string path = directory_ / "script";
        std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
        ::chmod(path.c_str(), 0700);
        return path;
    }

    TempDir directory_;
    const SecretBytes passphrase_ = SecretBytes::from_text("correct horse");
    const PassphraseSalt salt_ = PassphraseSalt::from(as_bytes("0123456789abcdef"));
};

TEST_F(ChildStretcherTest, GivesTheSameKeyAsThisProcess) {
    const auto there = stretch_with(kDaemon);
    ASSERT_TRUE(there.ok()) << there.error().message;
    const auto here = in_process_stretcher().stretch(passphrase_, salt_, kPassphraseCostMin);
    ASSERT_TRUE(here.ok());
    EXPECT_EQ(to_bytes(there->reveal()), to_bytes(here->reveal()));
}

TEST_F(ChildStretcherTest, RefusalsComeBackAsTheyAre) {
    EXPECT_EQ(stretch_with(kDaemon, {8192, 1}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(stretch_with(kDaemon, {~0ULL << 10, 3}).error().kind, ErrorKind::Refused);
    ChildStretcher stretcher(kDaemon);
    EXPECT_EQ(stretcher.stretch(SecretBytes(), salt_, kPassphraseCostMin).error().kind,
              ErrorKind::Invalid);
}

TEST_F(ChildStretcherTest, TooLittleMemoryIsSaid) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's own memory does not fit under the limit";
#endif
    const auto failed =
        stretch_with(script("ulimit -v 200000; exec " + std::string(kDaemon) + " \"$@\""),
                     {std::uint64_t{512} << 20, 3});
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind, ErrorKind::NoSpace) << failed.error().message;
}

TEST_F(ChildStretcherTest, AChildThatDoesNotSurviveIsAnError) {
    const auto killed = stretch_with(script("kill -9 $$"));
    ASSERT_FALSE(killed.ok());
    EXPECT_EQ(killed.error().kind, ErrorKind::NoSpace);
    EXPECT_NE(killed.error().message.find("too little memory"), std::string::npos);
    for (const char* text :
         {"exit 0", "exit 7", "kill -TERM $$", "cat >/dev/null; printf 0123456789"}) {
        const auto failed = stretch_with(script(text));
        ASSERT_FALSE(failed.ok()) << text;
        EXPECT_EQ(failed.error().kind, ErrorKind::Io) << text;
    }
    EXPECT_EQ(stretch_with(directory_ / "missing").error().kind, ErrorKind::Io);
}

}  // namespace
}  // namespace lockstep
