#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A soak of reloads under load: every answer from one version, no call lost, memory flat.

    scripts/bench reload [--count N] [--rate CALLS] [--workers N]

100,000 reloads by default, one after another, each a new version (200 and 410 by turns), every twentieth behind a broken save,
every fiftieth followed by a rollback, while SIPp calls.  JSON lines: one a tenth of the way, and one at the end; the exit
code is 1 when a call was lost, a broken policy was taken, more than three versions lived, or memory grew in the second half.
"""
import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
sys.dont_write_bytecode = True

from harness import registry, sipp  # noqa: E402
from harness.daemon import Daemon  # noqa: E402

POLICY = 'local v = %d\nreturn function(req) if v %% 2 == 0 then return ok {} end return gone { evidence = "test" } end\n'
BROKEN = ("return function(req)\n  return ok {\nend\n", "", "return 1", "error('at load')")
GROWTH_KB = 2048


def say(**values):
    print(json.dumps({"bench": "reload", **values}), flush=True)


class Soak:
    def __init__(self, t, options):
        self.options = options
        self.daemon = Daemon(t, policy=POLICY % 0, args=["--workers", options.workers, "--t1-ms", 200, "--set", "watch=false",
                                                         "--set", "log=off"])
        seconds = max(60, options.count)
        self.load = sipp.start(t, self.daemon.address(), "either.xml", calls=options.rate * seconds, rate=options.rate,
                               service="x", args=["-l", "2000", "-watchdog_interval", "0", "-recv_timeout", "60000"])
        self.wrong, self.broken, self.rollbacks, self.memory = [], 0, 0, []
        self.start = time.monotonic()

    def expect(self, what, status, wanted, report):
        if status != wanted:
            self.wrong.append(f"{what}: {status}: {report}")

    def round(self, number):
        if number % 20 == 0:
            self.daemon.save(BROKEN[number // 20 % len(BROKEN)])
            self.expect(f"broken {number}", *self._status(self.daemon.reload(), 422))
            self.broken += 1
        self.daemon.save(POLICY % number)
        self.expect(f"reload {number}", *self._status(self.daemon.reload(), 200))
        if number % 50 == 0:
            self.expect(f"rollback {number}", *self._status(self.daemon.post("/v1/rollback"), 200))
            self.rollbacks += 1

    @staticmethod
    def _status(answer, wanted):
        return answer[0], wanted, answer[1]

    def look(self, number):
        alive = [v for v in self.daemon.get("/v1/versions")[1]["versions"] if v["state"] != "discarded"]
        self.memory.append(self.daemon.memory_kb())
        say(reloads=number, seconds=round(time.monotonic() - self.start, 1), memory_kb=self.memory[-1], versions=len(alive),
            descriptors=self.daemon.descriptors(), calls=int(sipp.statistics(self.load).get("TotalCallCreated") or 0))
        if self.load.poll() is not None:
            raise registry.Failure(f"SIPp has ended by itself: {self.load.folder}/sipp.err")
        if len(alive) > 3:
            self.wrong.append(f"{len(alive)} versions live")

    def finish(self):
        self.load.send_signal(signal.SIGUSR1)  # no new calls; SIPp ends when the last is done
        calls, failed = sipp.finish(self.load, 60)
        grown = self.memory[-1] - self.memory[len(self.memory) // 2]
        if failed:
            self.wrong.append(f"{failed} calls were lost")
        if grown > GROWTH_KB:
            self.wrong.append(f"memory grew by {grown} kB in the second half")
        seconds = time.monotonic() - self.start
        say(reloads=self.options.count, broken=self.broken, rollbacks=self.rollbacks, seconds=round(seconds, 1),
            reloads_a_second=round(self.options.count / seconds, 1), calls=calls, lost=failed, memory_kb=self.memory,
            grown_in_second_half_kb=grown, wrong=self.wrong[:10])
        return 1 if self.wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100000, help="reloads")
    parser.add_argument("--rate", type=int, default=200, help="calls a second")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verdict-reload-") as folder:
        t = registry.Context(folder)
        try:
            soak = Soak(t, options)
            for number in range(1, options.count + 1):
                soak.round(number)
                if number % max(1, options.count // 10) == 0:
                    soak.look(number)
            return soak.finish()
        except registry.Skip as reason:
            print(f"bench reload: {reason}", file=sys.stderr)
            return 2
        except registry.Failure as reason:
            print(f"bench reload: {reason}", file=sys.stderr)
            return 1
        finally:
            t.close()


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
