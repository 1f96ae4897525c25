#!/usr/bin/python3
"""The layer check finds what it is there for: violations are planted in a temporary tree."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_layers  # noqa: E402


def check(**files):
    """The exit code and the output for a tree with one include in each file."""
    with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()) as out:
        for name, include in files.items():
            path = Path(root, name.replace("__", "/") + ".cpp")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"// First line.\n#include {include}\n")
        code = check_layers.main(root)
    return code, out.getvalue()


class CheckLayersTest(unittest.TestCase):
    def test_arrows_that_are_drawn_pass(self):
        code, out = check(base__a='"base/result.h"', vault__tree__b='"vault/tree/tree.h"', fuse__c='"vault/file_system.h"',
                          sync__d='"relay/protocol/announce.h"', daemon__e='"sync/sync_engine.h"', relay__f='<sodium.h>',
                          daemon__cli__offline_g='"vault/vault.h"', daemon__cli__h='"daemon/api/client.h"')
        self.assertEqual(0, code, out)

    def assert_fault(self, text, **files):
        code, out = check(**files)
        self.assertEqual(1, code)
        self.assertIn(text, out)

    def test_a_violation_is_named_with_file_and_line(self):
        self.assert_fault("relay/tracker.cpp:2: relay may not include vault", relay__tracker='"vault/types.h"')
        self.assert_fault("vault/a.cpp:2: vault may not include sync", vault__a='"sync/sync_engine.h"')
        self.assert_fault("base/a.cpp:2: base may not include vault", base__a='"vault/types.h"')
        self.assert_fault("relay/protocol/a.cpp:2:", relay__protocol__a='"relay/tracker.h"')
        self.assert_fault("daemon/cli/a.cpp:2:", daemon__cli__a='"daemon/daemon.h"')
        self.assert_fault("gui/a.cpp:2:", gui__a='"vault/vault.h"')

    def test_the_exception_for_offline_commands_is_one_header_in_some_files(self):
        self.assert_fault("daemon/cli/commands.cpp:2:", daemon__cli__commands='"vault/vault.h"')
        self.assert_fault("daemon/cli/offline_a.cpp:2:", daemon__cli__offline_a='"vault/replica.h"')

    def test_rooms_and_fenced_libraries(self):
        self.assert_fault("may not enter a room", fuse__a='"vault/tree/tree.h"')
        self.assert_fault("<boost/beast/http.hpp> belongs to base", sync__a="<boost/beast/http.hpp>")
        self.assert_fault("<sodium.h> belongs to", daemon__a="<sodium.h>")

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(1, check()[0])


if __name__ == "__main__":
    unittest.main()
