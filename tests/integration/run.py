#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the integration tests: the real daemon against real peers.

    tests/integration/run.py [-j N] [-k] [--sanitized] [NAME...]

NAME is a test's name or a part of it.  Each test runs in a process group of its own, with a time limit and a folder of its
own; nothing that it started is left behind.  -k keeps the folders.  --sanitized is for a daemon under a sanitizer: tests that
measure time or memory are left out, limits are longer, and a word of the sanitizer in a log is a failure.  The daemon is build/release/verdict or $VERDICT.
"""
import argparse
import importlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

from harness import daemon, registry  # noqa: E402

MODULES = [
    "test_calls",
    "test_register",
    "test_outbound",
    "test_softphone",
    "test_lost_acks",
    "test_observe",
    "test_transports",
    "test_tls",
    "test_reuse",
    "test_websocket",
    "test_browser",
    "test_peers",
    "test_service",
    "test_connections",
    "test_ways",
    "test_presence",
    "test_torture",
    "test_heartbeat",
    "test_policy",
    "test_reload",
    "test_release",
    "test_life",
    "test_control",
    "test_decisions",
    "test_directory",
    "test_auth",
    "test_retirement",
    "test_replay",
    "test_namespace",
    "test_config",
    "test_examples",
    "test_scale",
    "test_soak",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", "--jobs", type=int, default=max(4, 2 * (os.cpu_count() or 2)), help="tests at the same time")
    parser.add_argument("-k", "--keep", action="store_true", help="keep the tests' folders")
    parser.add_argument("-l", "--list", action="store_true", help="print the names and end")
    parser.add_argument("--sanitized", action="store_true", help="the daemon runs under a sanitizer")
    parser.add_argument("--not-measuring", action="store_true", help="leave out tests that measure time or memory")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="leave out this test")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    for module in MODULES:
        importlib.import_module(module)
    registry.SANITIZED = options.sanitized
    if options.sanitized:
        os.environ.setdefault("VERDICT_RELOADS", "100")
        os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=0 exitcode=66")
    chosen = registry.choose(options.names)
    if options.not_measuring:
        chosen = [test for test in chosen if not test.measures]
    chosen = [test for test in chosen if test.name not in options.without]
    if options.list:
        for test in chosen:
            print(test.name)
        return 0
    if not chosen:
        print(f"no test is called {' or '.join(options.names)}")
        return 2
    if not os.access(daemon.VERDICT, os.X_OK):
        print(f"there is no {daemon.VERDICT}: build it first (scripts/build release), or set $VERDICT")
        return 2
    return registry.run(chosen, options.jobs, options.keep)


if __name__ == "__main__":
    sys.exit(main())
