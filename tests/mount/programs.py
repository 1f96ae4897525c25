#!/usr/bin/python3
"""Programs that people run on their files, as shell scripts on a mount. Each has its own empty directory there (the
working directory) and one outside (`$SIDE`), fails at the first command that fails, and leaves something that must be
the same after a restart of the daemon.

usage: programs.py [NAME...]      runs them all, or these; LOCKSTEP_BIN says where the programs are
"""
import hashlib
import os
import shutil
import stat
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from mounted_vault import Failure, MountedVault, end_orderly_when_told, run  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]

# Compares two trees to the last attribute: content, modes, times to the nanosecond, links of both kinds.
SAME = r'''
same() { local out; out=$(rsync -aHin --checksum --delete --modify-window=-1 "$1/" "$2/"); test -z "$out" ||
  { echo "$1 and $2 differ:"; echo "$out" | head -5; return 1; }; }
make_tree() {  # DIRECTORY: a few of everything
  mkdir -p "$1/sub/deep" "$1/empty" "$1/with space" && seq 1 3000 > "$1/numbers" && seq 1 60000 > "$1/sub/deep/more"
  head -c 300000 /dev/urandom > "$1/noise"; : > "$1/nothing"; printf x > "$1/with space/x y"
  ln "$1/numbers" "$1/sub/hard"; ln -s ../numbers "$1/sub/soft"; ln -s /nowhere "$1/dangling"; mkfifo "$1/fifo"
  chmod 640 "$1/noise"; chmod 755 "$1/sub/deep/more"; chmod 700 "$1/empty"; chmod 1777 "$1/with space"
  touch -d '2001-02-03 04:05:06.123456789' "$1/numbers"; touch -d '1969-07-20 20:17:40.5' "$1/nothing"
  touch -h -d '1999-12-31 23:59:59.25' "$1/dangling"; touch -d '2038-01-19 03:14:08.000000001' "$1/sub"
}
'''

SCRIPTS = {
    "git": r'''
export GIT_CONFIG_GLOBAL=$SIDE/gitconfig GIT_CONFIG_NOSYSTEM=1
git config --global safe.directory '*'; git config --global user.name a; git config --global user.email a@b
git config --global init.defaultBranch main; git config --global gc.auto 0
git init -q repo; cd repo
for i in 1 2 3 4 5 6; do mkdir -p d$i; seq 1 $((i * 700)) > d$i/file; head -c 20000 /dev/urandom > d$i/noise; done
ln -s d1/file link; chmod +x d2/file; git add -A; git commit -qm first
for i in 1 2 3 4 5; do seq $i 100 > d3/file; git commit -qam "change $i"; done
git checkout -qb side HEAD~3; echo side > d1/side; git add -A; git commit -qm side
git checkout -q main; git merge -q -m merge side; git tag v1
git gc -q --prune=now; git fsck --strict --no-progress; test -z "$(git status --porcelain)"
git clone -q . ../clone; git clone -q --no-hardlinks . "$SIDE/out"; git clone -q "$SIDE/out" ../back
for copy in ../clone ../back; do
  git -C $copy fsck --strict --no-progress; test "$(git -C $copy rev-parse HEAD)" = "$(git rev-parse HEAD)"
done
git stash list; echo more >> d4/file; git stash -q; test -z "$(git status --porcelain)"; git stash pop -q
git worktree add -q ../tree v1; test -f ../tree/d1/side; git commit -qam last; git rebase -q HEAD~2
''',
    "sqlite": r'''
for mode in delete truncate persist wal memory; do
  sqlite3 $mode.db "pragma journal_mode=$mode; create table t(id integer primary key, x blob);" >/dev/null
  for i in 1 2 3; do
    sqlite3 $mode.db "begin; with recursive n(i) as (select 1 union all select i+1 from n where i<700)
      insert into t(x) select randomblob(i % 900) from n; update t set x = randomblob(50) where id % 7 = $i; commit;"
  done
  sqlite3 $mode.db 'begin; delete from t; rollback; delete from t where id % 3 = 0; vacuum;'
  test "$(sqlite3 $mode.db 'select count(*) from t; pragma integrity_check;' | tr '\n' ' ')" = '1400 ok '
done
sqlite3 wal.db .dump > "$SIDE/dump"; sqlite3 again.db < "$SIDE/dump"
test "$(sqlite3 wal.db 'select sum(length(x)) from t')" = "$(sqlite3 again.db 'select sum(length(x)) from t')"
sqlite3 again.db ".backup backup.db"; test "$(sqlite3 backup.db 'pragma integrity_check')" = ok
''',
    "python": r'''
python3 - <<'PY'
import os, shutil, sqlite3, tempfile, threading, zipfile, json, fcntl, mmap
# One writer and readers at once, write-ahead log and rollback journal.
for mode in ("wal", "delete"):
    name = f"{mode}.db"
    with sqlite3.connect(name, timeout=30) as made:
        made.execute(f"pragma journal_mode={mode}")
        made.execute("create table account(id integer primary key, cents integer)")
        made.executemany("insert into account values(?, 100)", [(i,) for i in range(20)])
    wrong, done = [], threading.Event()
    def read():
        reader = sqlite3.connect(name, timeout=30)
        while not done.is_set():
            total = reader.execute("select sum(cents) from account").fetchone()[0]
            if total != 2000: wrong.append(total)
        reader.close()
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers: reader.start()
    writer = sqlite3.connect(name, timeout=30)
    for i in range(60):
        with writer:
            writer.execute("update account set cents = cents - 1 where id = ?", (i % 20,))
            writer.execute("update account set cents = cents + 1 where id = ?", ((i * 7 + 1) % 20,))
    done.set()
    for reader in readers: reader.join()
    writer.close()
    assert not wrong, wrong
    assert sqlite3.connect(name).execute("pragma integrity_check").fetchone() == ("ok",)
os.makedirs("tree/a/b")
for i in range(30):
    with open(f"tree/a/b/{i}", "w") as file: file.write(str(i) * i)
shutil.copytree("tree", "copy", symlinks=True); shutil.move("copy", "moved"); shutil.copy2("tree/a/b/7", "seven")
shutil.make_archive("packed", "zip", "tree"); shutil.unpack_archive("packed.zip", "unpacked")
assert sorted(os.listdir("unpacked/a/b")) == sorted(os.listdir("tree/a/b"))
shutil.rmtree("moved"); assert not os.path.exists("moved")
with tempfile.NamedTemporaryFile(dir=".", delete=False) as file: file.write(b"x" * 100000)
os.replace(file.name, "replaced"); assert os.path.getsize("replaced") == 100000
with tempfile.TemporaryFile(dir=".") as file:
    file.write(b"nameless"); file.flush(); os.fsync(file.fileno()); file.write(b" file"); file.seek(0)
    assert file.read() == b"nameless file"
with open("mapped", "w+b") as file:
    file.truncate(300000)
    with mmap.mmap(file.fileno(), 0) as mapped: mapped[200000:200005] = b"hello"; mapped.flush()
    file.seek(200000); assert file.read(5) == b"hello"
with open("locked", "w") as one, open("locked") as two:
    fcntl.flock(one, fcntl.LOCK_EX)
    try: fcntl.flock(two, fcntl.LOCK_SH | fcntl.LOCK_NB); raise SystemExit("locked twice")
    except BlockingIOError: pass
PY
''',
    "make": r'''
cat > a.c <<'C'
#include <stdio.h>
#include "b.h"
int main(void) { printf("%d\n", b(41)); return 0; }
C
echo 'int b(int x);' > b.h; printf '#include "b.h"\nint b(int x) { return x + 1; }\n' > b.c
printf 'CFLAGS = -O1 -g\nprogram: a.o b.o lib.a\n\t$(CC) -o $@ a.o lib.a\nlib.a: b.o\n\tar rcs $@ b.o\na.o b.o: b.h\n' > Makefile
make -s -j2; test "$(./program)" = 42; make -q
sleep 0.01; touch b.h; ! make -q; sed -i 's/+ 1/+ 2/' b.c; make -s; test "$(./program)" = 43; make -q
printf '#!/bin/sh\n./program\n' > script; chmod +x script; test "$(./script)" = 43
''',
    "rsync": r'''
make_tree "$SIDE/tree"; rsync -aH --modify-window=-1 "$SIDE/tree/" in/; same "$SIDE/tree" in; rsync -aH --modify-window=-1 in/ "$SIDE/out/"; same in "$SIDE/out"
seq 5 9 > "$SIDE/tree/numbers"; rm "$SIDE/tree/nothing"; mv "$SIDE/tree/sub" "$SIDE/tree/other"; chmod 600 "$SIDE/tree/noise"
rsync -aH --modify-window=-1 --delete "$SIDE/tree/" in/; same "$SIDE/tree" in
head -c 1000 /dev/urandom | dd of="$SIDE/tree/other/deep/more" bs=1 seek=5000 conv=notrunc status=none
rsync -aH --modify-window=-1 --inplace --no-whole-file "$SIDE/tree/" in/; same "$SIDE/tree" in
rsync -aHX --modify-window=-1 --link-dest="$PWD/in" "$SIDE/tree/" linked/; same in linked; test linked/noise -ef in/noise
''',
    "copies": r'''
make_tree "$SIDE/tree"
cp -a "$SIDE/tree" cp; same "$SIDE/tree" cp; cp -a cp again; same cp again; cp -a again "$SIDE/back"; same cp "$SIDE/back"
tar -C "$SIDE" --format=posix -cf - tree | tar -xpf -; same "$SIDE/tree" tree; tar --format=posix -czf tree.tgz tree; mkdir un; tar -C un -xpzf tree.tgz; same tree un/tree
cp --sparse=always --reflink=auto cp/sub/deep/more sparse; cmp cp/sub/deep/more sparse
mv tree moved; same cp moved; mkdir into; mv moved un into/; same cp into/moved; mv into/moved/sub into/sub; test -f into/sub/deep/more
test "$(find into -type f | wc -l)" -ge 8; find into -name 'more' -newer cp/numbers -exec grep -q 60000 {} +
rm -rf into again; test ! -e into
''',
    "times": r'''
touch a; touch -d '2001-02-03 04:05:06.789012345' a; test "$(stat -c %y a | cut -c1-29)" = '2001-02-03 04:05:06.789012345'
touch -r a b; test "$(stat -c %Y b)" = "$(stat -c %Y a)"; echo x >> a; test a -nt b
touch -d @0 a; test "$(stat -c %Y a)" = 0; touch -d @-100000 a; test "$(stat -c %Y a)" = -100000
touch -d @5000000000 a; test "$(stat -c %Y a)" = 5000000000; touch -m -d @77 a; test "$(stat -c %Y a)" = 77
mkdir d; touch -d @1000 d; touch d/new; test "$(stat -c %Y d)" -gt 1000; touch -d @1000 d; rm d/new; test "$(stat -c %Y d)" -gt 1000
cp -p b c; test "$(stat -c %Y c)" = "$(stat -c %Y b)"; mv c e; test "$(stat -c %Y e)" = "$(stat -c %Y b)"
dd if=/dev/zero of=z bs=64k count=20 conv=fsync status=none; dd if=b of=z bs=1 count=1 seek=5 conv=notrunc,fsync status=none
test "$(stat -c %s z)" = 1310720; dd if=z of=y bs=1M oflag=direct iflag=direct status=none; cmp z y
dd if=/dev/urandom of=w bs=10k count=3 oflag=sync status=none; dd if=w of=w2 conv=fdatasync status=none; cmp w w2
truncate -s 10G huge; test "$(du -k huge | cut -f1)" -lt 100; truncate -s 5 huge; test "$(wc -c < huge)" = 5
''',
    "editors": r'''
echo one > text; ln text other-name; chmod 640 text
# beside, fsynced, renamed over: gedit, VS Code (atomic), Kate
echo two > .text.tmp; chmod --reference=text .text.tmp; sync .text.tmp; mv .text.tmp text; test "$(cat text)" = two; test "$(cat other-name)" = one
# vim: swap file, backup by rename or by copy, write anew, fsync, remove the backup
printf swap > .text.swp; sync .text.swp; printf x | dd of=4913 status=none; rm 4913
mv text text~; echo three > text; sync text; chmod --reference=text~ text; rm text~ .text.swp; test "$(cat text)" = three; test "$(stat -c %a text)" = 640
cp -p text text~; : > text; echo four >> text; sync text; rm text~; test "$(cat text)" = four
# emacs: lock as a dangling symlink, auto-save, backup
ln -s "me@host.1234:5678" '.#text'; echo five > '#text#'; mv text text~; echo five > text; sync text; rm '#text#' '.#text'; test "$(cat text text~ | tr '\n' ' ')" = 'five four '
# LibreOffice: lock file, temporary, copy over the old content in place, truncate
printf ',me,host,;' > '.~lock.text#'; head -c 70000 /dev/urandom > lu1234.tmp; cat lu1234.tmp > text; cmp lu1234.tmp text
head -c 30000 lu1234.tmp | dd of=text conv=notrunc status=none; truncate -s 30000 text; head -c 30000 lu1234.tmp | cmp - text; rm lu1234.tmp '.~lock.text#'
# in place, truncated by opening; nano, echo, the shell
for i in 1 2 3 4 5; do echo $i > text; test "$(cat text)" = $i; done
sed -i s/5/6/ text; test "$(cat text)" = 6; (flock 9; echo 7 > text) 9> lockfile
python3 -c "import os; f=os.open('text', os.O_RDWR); os.ftruncate(f, 0); os.pwrite(f, b'8', 0); os.fsync(f)"; test "$(cat text)" = 8
# Word: the new one and the old one change places
echo nine > ~WRL.tmp; mv text ~WRD.tmp; mv ~WRL.tmp text; rm ~WRD.tmp; test "$(cat text)" = nine
test "$(ls -A | tr '\n' ' ')" = 'lockfile other-name text text~ '
if command -v vim >/dev/null; then
  vim -u NONE -es -c 'set backup backupcopy=no' -c 'normal Gotyped in vim' -c wq text || true; grep -q 'typed in vim' text
  vim -u NONE -es -c 'set backup backupcopy=yes' -c 'normal Goagain' -c wq text || true; grep -q again text; test -f text~
fi
''',
    "links": r'''
mkdir farm store; for i in $(seq 1 40); do echo $i > store/$i; done
for copy in 1 2 3 4 5 6; do cp -al store farm/$copy; done
test "$(stat -c %h store/7)" = 7; test store/7 -ef farm/3/7; echo changed > farm/3/7; test "$(cat farm/6/7)" = changed
rm -r farm/1 farm/2; test "$(stat -c %h store/7)" = 5; mv farm/3/7 farm/3/8; test "$(stat -c %h store/7)" = 5; test "$(cat store/8)" = 8
test "$(stat -c %h store/8)" = 4; cp -a --remove-destination store/9 farm/4/9; test "$(stat -c %h store/9)" = 4
for i in $(seq 1 300); do ln store/1 farm/many-$i; done; test "$(stat -c %h store/1)" = 305; rm farm/many-*; test "$(stat -c %h store/1)" = 5
ln -s store/1 soft; ln -P soft soft2; test "$(readlink soft2)" = store/1; test "$(stat -c %h soft)" = 2
mkdir -p deep/$(seq -s/ 1 60); find deep -depth -type d | tail -1 | grep -qx deep; rm -r deep
''',
    "repository": r'''
export GIT_CONFIG_GLOBAL=$SIDE/gitconfig GIT_CONFIG_NOSYSTEM=1; git config --global safe.directory '*'
git clone -q --no-hardlinks "$SOURCE" here; cd here; git fsck --strict --no-progress; git gc -q --aggressive --prune=now; git fsck --no-progress
git checkout -q HEAD~5; git checkout -q -; test -z "$(git status --porcelain)"; git log -p > ../log; git grep -c the > ../words
git archive HEAD | tar -x -C "$SIDE"; for top in tests vault base; do diff -r $top "$SIDE/$top"; done
''',
    "headers": r'''
cp -a /usr/include include; same /usr/include include; find include -type f -print0 | xargs -0 cat | wc -c > size
rsync -aH --modify-window=-1 include/ "$SIDE/include/"; same include "$SIDE/include"; grep -rl printf include | wc -l > found; mv include renamed; rm -r renamed
''',
}
LONG = ["repository", "headers"]
SHORT = [name for name in SCRIPTS if name not in LONG]
NEEDS = {"git": ["git"], "repository": ["git"], "sqlite": ["sqlite3"], "make": ["make", "cc"], "rsync": ["rsync"],
         "copies": ["rsync"], "headers": ["rsync"]}


def tree_of(top):
    """What lies below a directory, to be compared later."""
    found = {}
    for directory, directories, names in os.walk(top):
        for name in directories + names:
            path = os.path.join(directory, name)
            info = os.lstat(path)
            content = ""
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            size = info.st_size if not stat.S_ISDIR(info.st_mode) else 0
            found[os.path.relpath(path, top)] = (info.st_mode, info.st_nlink, info.st_mtime_ns, size, content)
    return found


KEPT = {}


def run_script(vault, name):
    """A Failure says what the script said; nothing when a program that it needs is not installed."""
    if missing := [program for program in NEEDS.get(name, []) if not shutil.which(program)]:
        print(f"{name}: skipped, {', '.join(missing)} is not installed")
        return
    here, side = vault.mount / name, vault.directory / f"side-{name}"
    here.mkdir()
    side.mkdir()
    environment = {**os.environ, "SIDE": str(side), "SOURCE": str(SOURCE), "HOME": str(side), "LC_ALL": "C.UTF-8"}
    run(["bash", "-euc", "set -o pipefail; umask 022\n" + SAME + SCRIPTS[name]], cwd=here, env=environment, timeout=900)
    KEPT[name] = tree_of(here)


def check_kept(vault, names):
    """After a restart or the like: everything that the scripts left is as it was."""
    for name in names:
        if name not in KEPT:
            continue
        now = tree_of(vault.mount / name)
        wrong = [path for path in sorted({*now, *KEPT[name]}) if now.get(path) != KEPT[name].get(path)]
        if wrong:
            raise Failure(f"{name}: {len(wrong)} differ after a restart; {wrong[0]}: {now.get(wrong[0])}, "
                          f"was {KEPT[name].get(wrong[0])}")


if __name__ == "__main__":
    end_orderly_when_told()
    with MountedVault() as the_vault:
        failed = 0
        names = sys.argv[1:] or list(SCRIPTS)
        for script in names:
            began = time.monotonic()
            try:
                run_script(the_vault, script)
                print(f"{script}: ok, {time.monotonic() - began:.1f} s", flush=True)
            except Failure as failure:
                failed += 1
                print(f"{script}: FAILED: {str(failure)[-1500:]}", flush=True)
        the_vault.restart()
        check_kept(the_vault, names)
        the_vault.check()
    sys.exit(1 if failed else 0)
