// Real programs on a mount.
#include "tests/fuse/mounted_test.h"

namespace lockstep {
namespace {

class MountProgramsTest : public MountedTest {
  protected:
    bool has(const char* program) const {
        return std::system(("command -v " + std::string(program) + " >/dev/null").c_str()) == 0;
    }
};

#define NEEDS(program) \
    if (!has(program)) GTEST_SKIP() << program << " is not installed"

TEST_F(MountProgramsTest, Git) {
    NEEDS("git");
    run(R"sh(
        export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
               GIT_COMMITTER_EMAIL=a@b
        git config --global safe.directory '*'
        git init -q repo && cd repo
        for i in 1 2 3 4 5 6 7 8; do mkdir -p d$i; seq 1 $((i * 500)) > d$i/file; done
        git add -A && git commit -q -m first
        seq 1 10 > d3/file && git commit -q -a -m second
        git gc -q && git fsck --strict
        git checkout -q HEAD~1 && test "$(wc -l < d3/file)" = 1500
        test -z "$(git status --porcelain)"
        git clone -q . "$SIDE/clone" && diff -r d8 "$SIDE/clone/d8"
    )sh");
}

TEST_F(MountProgramsTest, Sqlite) {
    NEEDS("sqlite3");
    run(R"sh(
        sqlite3 a.db 'create table t(x); insert into t values(1),(2);'
        sqlite3 a.db "with recursive n(i) as (select 1 union all select i+1 from n where i<5000)
                      insert into t select i from n;"
        test "$(sqlite3 a.db 'select count(*) from t; pragma integrity_check;' | tr '\n' ' ')" = '5002 ok '
        sqlite3 a.db 'pragma journal_mode=wal; insert into t values(3); delete from t where x > 100; vacuum;'
        test "$(sqlite3 a.db 'pragma integrity_check;')" = ok
    )sh");
}

TEST_F(MountProgramsTest, TarRsyncAndCpKeepEverything) {
    NEEDS("rsync");
    run(R"sh(
        mkdir -p "$SIDE/tree/sub/deep" && cd "$SIDE/tree"
        cp /etc/passwd sub/ ; seq 1 20000 > sub/deep/numbers ; ln -s ../sub link ; ln sub/passwd hard
        chmod 640 sub/deep/numbers ; touch -d '2001-02-03 04:05:06.789' sub/passwd ; mkfifo fifo
        cd - >/dev/null
        cp -a "$SIDE/tree" cp
        rsync -aH "$SIDE/tree/" rsync/
        tar -C "$SIDE" -cf - tree | tar -xpf - && mv tree tar
        for copy in cp rsync tar; do
            out=$(rsync -aHin --omit-dir-times --checksum --delete "$SIDE/tree/" $copy/)
            test -z "$out" || { echo "$copy: $out"; exit 1; }
        done
        rm -r cp rsync && test "$(ls)" = tar
    )sh");
}

TEST_F(MountProgramsTest, ShellAppendsAndDd) {
    run(R"sh(
        for i in 1 2 3; do echo line $i >> log; done
        printf 'line 1\nline 2\nline 3\n' | cmp - log
        dd if=/dev/zero of=zeros bs=64k count=100 status=none
        dd if=log of=zeros conv=notrunc oflag=append status=none
        test "$(stat -c %s zeros)" = 6553621
        dd if=/dev/zero of=zeros bs=1 count=3 seek=2 conv=notrunc,fsync status=none
        tail -c 21 zeros | cmp - log
    )sh");
}

TEST_F(MountProgramsTest, EditorsSave) {
    run(R"sh(
        echo one > text
        # write beside, sync, rename over
        echo two > .text.tmp && sync .text.tmp && mv .text.tmp text && test "$(cat text)" = two
        # back up by rename, write anew
        mv text text~ && echo three > text && rm text~ && test "$(cat text)" = three
        # in place
        sed -i s/three/four/ text && test "$(cat text)" = four && test "$(ls -A)" = text
    )sh");
}

TEST_F(MountProgramsTest, ProgramsRunFromTheMount) {
    run(R"sh(
        cp /bin/true . && ./true
        printf '#!/bin/sh\necho ran\n' > script && chmod +x script && test "$(./script)" = ran
    )sh");
}

}  // namespace
}  // namespace lockstep
