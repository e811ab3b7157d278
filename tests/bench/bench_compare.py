#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The comparison with the floor, with one decision in a hundred logged (the default) and with all of them, in turn.

    scripts/bench compare [--modes options,gone,call] [--rounds 3] [--seconds 3] [--quick]

Floor, load and comparison are those of ../shared/load (compare.py); $LOAD names another folder.  Asked, as ratios to the floor of the same
round: OPTIONS 1.6, gone 2, call 2.2; and with `log = "all"` 0.4 more.  --quick leaves out --steady.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import Verdicts  # noqa: E402

LOAD = pathlib.Path(os.environ.get("LOAD", ROOT / "../shared/load"))
ASKED = {"options": 1.6, "gone": 2.0, "call": 2.2}
LOGS = {"sample 100": "", "all": "--set log=all"}


def compare(options, log, figures):
    command = [sys.executable, str(LOAD / "compare.py"), "--modes", options.modes, "--rounds", "1", "--seconds", str(options.seconds),
               *([] if options.quick else ["--steady"]), "floor", "verdict"]
    run = subprocess.run(command, cwd=ROOT, env=dict(os.environ, VERDICT_ARGS=LOGS[log], JSON=figures), capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"compare: {run.stderr[-1000:]}")
    return json.loads(pathlib.Path(figures).read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modes", default="options,gone,call")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if not (LOAD / "compare.py").exists():
        raise SystemExit(f"compare: there is no {LOAD}/compare.py; $LOAD names its folder")
    found, bad = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for log in LOGS:
                for name, row in compare(options, log, f"{folder}/figures").items():
                    mode, contender = name.split("/")
                    if contender != "verdict":
                        continue
                    found.setdefault((mode, log), []).append(row["ratio"])
                    bad |= {f"{mode}, {log}"} if row["bad"] else set()
                    print(f"round {number + 1}: {mode:8} log {log:10} {row['cpu_us']:6.2f} us, {row['ratio']:.2f} of the floor"
                          f"{', BAD' if row['bad'] else ''}", flush=True)
    verdicts = Verdicts("compare")
    for mode in options.modes.split(","):
        sample, whole = (statistics.median(found[mode, log]) for log in LOGS)
        verdicts.at_most(f"{mode}: of the floor", sample, ASKED[mode])
        verdicts.at_most(f"{mode}: more with every decision logged, of the floor", whole - sample, 0.4)
    verdicts.at_most(f"rows that are bad {sorted(bad) or ''}", len(bad), 0)
    verdicts.end()


main()
