#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Offers three times what the engine can serve, in an open loop, and holds what comes of it against what is asked.

    scripts/bench overload [--over udp,tcp] [--kinds options,call] [--seconds 5] [--times 3] [--connections 16] [--sipblast]

The engine has one core, the load (tests/bench/flood.c) another.  Peak first, in a closed loop; then the flood, with calls
that stand: each is asked something and then ended while it lasts; then a third of the peak, to see when all is served
again.  The flood's figures are those of its whole length, its first moment included.  Nothing is sent twice, so what the
network drops counts as lost.  Asked: served of the peak 80 % in calls and 70 % in OPTIONS, p99 of what is served 100 ms, no
answer but 200 and 503, one final a request, requests inside of calls within the same 100 ms, all served again
within a second.  --sipblast: the same flood once more by ../shared/load/sipblast.c, over UDP.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import Engine, Verdicts, share  # noqa: E402

FLOOD = ROOT / "build/release/tests/bench/flood"
LOAD = pathlib.Path(os.environ.get("LOAD", ROOT / "../shared/load"))
SERVED = {"options": 0.7, "call": 0.8}
POLICY = "return function(req) return ok {} end\n"
HELD = 300


def flood(engine, kind, over, options):
    """One dict a phase: peak, flood, afterwards."""
    command = ["taskset", "-c", "1", FLOOD, "-k", kind, "-x", over, "-c", options.connections if over == "tcp" else 1, "127.0.0.1",
               engine.port, "closed:256:2", f"hold:{HELD}", f"open:{options.times}x:{options.seconds}", "open:0.33x:2"]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if run.returncode or len(lines) != 4:
        raise SystemExit(f"overload: the load ended with {run.returncode}: {run.stderr}{run.stdout[-500:]}")
    return lines[0], lines[2], lines[3]


def judge(verdicts, kind, over, phases):
    peak, during, after = phases
    of_peak = during["served_per_s"] / peak["served_per_s"]
    offered = (during["sent_per_s"] + during["unsent"] / max(during["wanted_per_s"], 1)) / peak["served_per_s"]
    name = f"{over} {kind}"
    print(f"{name}: peak {peak['served_per_s']:,.0f}/s; {offered:.1f} times that got on its way ({during['unsent']:,} held back), "
          f"{during['served_per_s']:,.0f}/s served, p50 {during['p50_ms']:.1f} ms; codes {during['codes']}, "
          f"200 sent again {during['again']}", flush=True)
    verdicts.at_least(f"{name}: served of the peak", of_peak, SERVED[kind])
    verdicts.at_most(f"{name}: p99 of what is served, ms", during["p99_ms"], 100)
    verdicts.at_most(f"{name}: other answers than 200 and 503", len({*during["codes"], *after["codes"]} - {"200", "503"}), 0)
    verdicts.at_most(f"{name}: requests with two finals", during["twice"] + after["twice"], 0)
    verdicts.at_least(f"{name}: answered inside of calls", share(during["probes_answered"], during["probes"]), 0.95)
    verdicts.at_most(f"{name}: p99 inside of calls, ms", during["probes_p99_ms"], 100)
    verdicts.at_most(f"{name}: all served again after, ms", after["unserved_until_ms"], 1000)


def sipblast(verdicts, engine, kind, options, folder):
    def run(*arguments):
        command = ["taskset", "-c", "1", f"{folder}/sipblast", "-m", kind, *map(str, arguments), "127.0.0.1", str(engine.port)]
        return json.loads(subprocess.run(command, capture_output=True, text=True).stdout)

    peak = run("-w", 256, "-t", 2)
    during = run("-r", options.times * peak["per_s"], "-t", options.seconds)
    served = (during["done"] - during["codes"].get("503", 0)) / during["seconds"]
    name = f"sipblast {kind}"
    print(f"{name}: peak {peak['per_s']:,.0f}/s, {during['sent'] / during['seconds'] / peak['per_s']:.1f} times that sent, codes {during['codes']}")
    verdicts.at_least(f"{name}: served of the peak", served / peak["per_s"], SERVED[kind])
    verdicts.at_most(f"{name}: p99 of what is answered, ms", during["p99_us"] / 1000, 100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--over", default="udp,tcp")
    parser.add_argument("--kinds", default="options,call")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--times", type=float, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--sipblast", action="store_true")
    options = parser.parse_args()
    if os.cpu_count() < 2:
        raise SystemExit("overload: engine and load need a core each")
    verdicts = Verdicts("overload")
    for over in options.over.split(","):
        for kind in options.kinds.split(","):
            with Engine(POLICY, core=0) as engine:
                judge(verdicts, kind, over, flood(engine, kind, over, options))
    if options.sipblast:
        if not (LOAD / "sipblast.c").exists():
            raise SystemExit(f"overload: there is no {LOAD}/sipblast.c; $LOAD names its folder")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["gcc", "-O2", "-w", "-o", f"{folder}/sipblast", str(LOAD / "sipblast.c")], check=True)
            for kind in options.kinds.split(","):
                with Engine(POLICY, core=0) as engine:
                    sipblast(verdicts, engine, kind, options, folder)
    verdicts.end()


main()
