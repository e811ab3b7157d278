#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the engine over a directory of many users whose pages are on the disk alone, and asks it while they come in.

    scripts/bench start [--entries 1000000] [--rate 2000] [--seconds 5] [--rounds 3]

The directory is imported once and kept under build/bench.  Before each start its pages are dropped from the page cache.  Asked: the
engine answers within a second of its start.  Beside it: the waits of a light open load from that moment on, over all
users, while the pages are brought in in the background; and the same once they are there.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import FLOOD, Engine, Verdicts, resident_bytes  # noqa: E402
from users import directory_of  # noqa: E402


def drop(folder):
    """Out of the page cache; returns how large the files are."""
    total = 0
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
            total += path.stat().st_blocks * 512
    return total


def ask(engine, options, seconds):
    run = subprocess.run([str(FLOOD), "-u", str(options.entries), "127.0.0.1", str(engine.port), f"open:{options.rate}:{seconds}"],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    data = directory_of(options.entries)
    verdicts, starts, unserved = Verdicts("start"), [], 0
    for number in range(options.rounds):
        size = drop(data)
        began = time.monotonic()
        with Engine(str(ROOT / "policies/lifecycle"), config="log = 'off'", data=data) as engine:
            starts.append(time.monotonic() - began)
            cold = ask(engine, options, options.seconds)
            warm = ask(engine, options, 2)
            print(f"start {number + 1}: {1000 * starts[-1]:.0f} ms over {options.entries:,} users in {size / 2**20:.0f} MiB; meanwhile p50 "
                  f"{cold['p50_ms']} ms, p99 {cold['p99_ms']}, p99.9 {cold['p999_ms']}, longest {cold['max_ms']}; afterwards p99.9 "
                  f"{warm['p999_ms']}; codes {cold['codes']}; resident {resident_bytes(engine.pid) / 2**20:.0f} MiB", flush=True)
            unserved += sum(count for code, count in cold["codes"].items() if code not in ("200", "410"))
    verdicts.at_most(f"start with {options.entries:,} users, s (median of {options.rounds})", statistics.median(starts), 1)
    verdicts.at_most("other answers than 200 and 410 meanwhile", unserved, 0)
    verdicts.end()


main()
