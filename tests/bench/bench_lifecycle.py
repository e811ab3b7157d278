#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the default policy over a directory of a million costs more than the policy of the comparison without one.

    scripts/bench lifecycle [--entries 1000000] [--rounds 7] [--seconds 2]

Two engines side by side, asked in turn over the same users in no order, one transaction after another in a closed loop: CPU microseconds
of the whole process for OPTIONS.  Asked: policies/lifecycle with the directory at most 1.5 us more.
"""
import argparse
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import Engine, Verdicts, request_ns  # noqa: E402
from users import directory_of  # noqa: E402

PLAIN = """
return function(req)
  if req.target.user:sub(1, 4) == "gone" then
    return gone { evidence = "load test" }
  end
  return ok {}
end
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    data = directory_of(options.entries)
    verdicts, found = Verdicts("lifecycle"), {"bench": [], "lifecycle": []}
    with Engine(PLAIN) as plain, Engine(str(ROOT / "policies/lifecycle"), data=data) as lifecycle:
        for number in range(options.rounds):
            for name, engine in (("bench", plain), ("lifecycle", lifecycle)):
                ns, per_s = request_ns(engine, "-u", options.entries, seconds=options.seconds)
                found[name].append(ns / 1000)
                print(f"round {number + 1}: {name:9} {ns / 1000:6.2f} us, {per_s:,.0f}/s", flush=True)
    more = [b - a for a, b in zip(found["bench"], found["lifecycle"])]
    print(f"medians: bench {statistics.median(found['bench']):.2f} us, lifecycle {statistics.median(found['lifecycle']):.2f} us")
    verdicts.at_most(f"lifecycle over {options.entries:,} entries costs more, us (median of {options.rounds} pairs)", statistics.median(more), 1.5)
    verdicts.end()


main()
