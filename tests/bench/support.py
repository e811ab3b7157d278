# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks in Python have in common: an engine of their own, and figures held against what is asked of them."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from harness.ports import free_port  # noqa: E402

VERDICT = os.environ.get("VERDICT", str(ROOT / "build/release/verdict"))


def share(part, whole):
    return part / whole if whole else 0


class Verdicts:
    """One line a figure, with PASS or MISS; the last is JSON."""

    def __init__(self, bench):
        self.bench, self.missed, self.count = bench, [], 0

    def _note(self, what, figure, sign, asked, fine):
        self.count += 1
        if not fine:
            self.missed.append(what)
        print(f"  {'PASS' if fine else 'MISS'}  {what}: {figure:,.3g} ({sign} {asked:,.3g})", flush=True)
        return fine

    def at_most(self, what, figure, asked):
        return self._note(what, figure, "<=", asked, figure <= asked)

    def at_least(self, what, figure, asked):
        return self._note(what, figure, ">=", asked, figure >= asked)

    def end(self):
        print(json.dumps({"bench": self.bench, "figures": self.count, "missed": self.missed}))
        sys.exit(1 if self.missed else 0)


def cpu_ns(pid):
    """Of all threads, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def wait_for_port(port, process, text=lambda: ""):
    """Until the process accepts connections: the engine binds its ports last."""
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args[0]} did not start: {text()[-1000:]}") from None
            time.sleep(0.002)


class Engine:
    """One worker at UDP and TCP of a port of its own, until it is left.  `config` is Lua inside of the braces."""

    def __init__(self, policy, config="", core=None, arguments=(), data=None):
        self.policy, self.config, self.core, self.arguments, self.data = policy, config, core, list(arguments), data

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        self.port, self.control = free_port(), str(folder / "control")
        self.data = self.data or str(folder / "data")
        policy = pathlib.Path(self.policy) if os.sep in self.policy and "\n" not in self.policy else folder / "policy.lua"
        if policy.parent == folder:
            policy.write_text(self.policy)
        (folder / "verdict.lua").write_text(f"return {{ {self.config} }}\n")
        os.makedirs(self.data, exist_ok=True)
        self.log = open(folder / "log", "w+")
        prefix = [] if self.core is None else ["taskset", "-c", str(self.core)]
        self.process = subprocess.Popen(
            [*prefix, VERDICT, "run", "--listen", f"udp:127.0.0.1:{self.port}", "--listen", f"tcp:127.0.0.1:{self.port}",
             "--data", self.data, "--control", self.control, "--config", str(folder / "verdict.lua"), "--workers", "1",
             *self.arguments, str(policy)],
            stdout=subprocess.DEVNULL, stderr=self.log)
        self.pid = self.process.pid
        wait_for_port(self.port, self.process, self.text)
        return self

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


FLOOD = ROOT / "build/release/tests/bench/flood"


def request_ns(engine, *options, window=64, seconds=2.0):
    """CPU nanoseconds that the engine takes for a transaction of a closed loop, and how many it served a second."""
    command = [FLOOD, *options, "127.0.0.1", engine.port, f"closed:{window}:{seconds / 4}", "pause:0.3",
               f"closed:{window}:{seconds}", "pause:0.3"]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) as run:
        run.stdout.readline()  # the first is over, and nothing is sent for a moment
        time.sleep(0.05)
        before = cpu_ns(engine.pid)
        line = run.stdout.readline()
        time.sleep(0.05)
        spent = cpu_ns(engine.pid) - before
    if not line:
        raise SystemExit(f"the load ended early: {' '.join(map(str, command))}")
    phase = json.loads(line)
    others = sum(count for code, count in phase["codes"].items() if code not in ("200", "410"))
    if not phase["codes"] or others > 0.01 * sum(phase["codes"].values()):
        raise SystemExit(f"the load was answered by {phase['codes']}")
    return spent / (phase["served_per_s"] * seconds), phase["served_per_s"]
