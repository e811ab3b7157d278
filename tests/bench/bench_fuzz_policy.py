#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts from a grammar that likes what is expensive, against the release build, for as long as wanted: each decision, with
values made at load, ends within 10 ms of thread CPU time.  The seed is today's date unless given, and is printed."""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(datetime.date.today().strftime("%Y%m%d")) * 1000000)
    args = parser.parse_args()
    environment = dict(os.environ, VERDICT_FUZZ_SECONDS=str(args.seconds), VERDICT_FUZZ_SEED=str(args.seed))
    run = subprocess.run([ROOT / "build/release/unit_vm_test_fuzz"], env=environment, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=args.seconds + 120)
    found = re.search(r"(\d+) scripts: the longest (\d+) us; (\d+) fine, (\d+) errors, killed by fuel (\d+), memory (\d+),"
                      r" clock (\d+)", run.stdout)
    if found:
        names = ("scripts", "longest_us", "fine", "errors", "killed_fuel", "killed_memory", "killed_clock")
        print(json.dumps({"bench": "fuzz_policy", "seconds": args.seconds, "seed": args.seed,
                          **dict(zip(names, map(int, found.groups())))}))
    if run.returncode != 0 or not found:
        sys.stderr.write(run.stdout[-20000:])
        return 1
    return 0


sys.exit(main())
