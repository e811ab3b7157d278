#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A million live transactions made by load, with the process's own memory, the peer at the same work beside it, and what is left
when they have ended.

    scripts/bench live [--count 1000000] [--peer-count 100000]

Each is a MESSAGE that was answered and whose answer is kept for as long as it may be sent again (RFC 3261 17.2.2, timer J: 64 times T1, 32 s).
The peer is Kamailio with tm, where it is installed, set to keep its transactions as long: fewer of them, since its
shared memory is of a size that is given.  Asked: 1 KiB each, and that memory goes back: less than a tenth of it is left.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import FLOOD, Engine, Verdicts, free_port, resident_bytes  # noqa: E402

POLICY = "return function(req) return ok {} end\n"
TIMER_J_S = 32
KAMAILIO = """#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
auto_aliases=no
alias="127.0.0.1"
listen=udp:127.0.0.1:PORT
disable_tcp=yes
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
modparam("tm", "wt_timer", 32000)
request_route {
  t_newtran();
  t_reply("200", "OK");
}
"""


def make(port, count):
    """So many transactions, as fast as they are answered; returns how long it took."""
    began = time.monotonic()
    run = subprocess.run([str(FLOOD), "-k", "message", "127.0.0.1", str(port), f"count:64:{count}"], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"live: the load ended with {run.returncode}: {run.stderr}")
    return time.monotonic() - began


def ours(verdicts, count):
    with Engine(POLICY, config="log = 'off'") as engine:
        make(engine.port, 10000)
        time.sleep(TIMER_J_S + 2)
        before = resident_bytes(engine.pid)
        took = make(engine.port, count)
        peak = resident_bytes(engine.pid)
        print(f"{count:,} made in {took:.1f} s: the process has {peak / 2**20:.0f} MiB, {(peak - before) / count:.0f} bytes each", flush=True)
        verdicts.at_most("seconds that making them took (all are alive at the end)", took, TIMER_J_S - 1)
        verdicts.at_most("bytes of the process a transaction with its answer", (peak - before) / count, 1024)
        time.sleep(TIMER_J_S + 3)
        after = resident_bytes(engine.pid)
        print(f"after they have ended: {after / 2**20:.0f} MiB, {before / 2**20:.0f} before", flush=True)
        verdicts.at_most("share of it that is left afterwards", (after - before) / (peak - before), 0.1)


def tree_bytes(pid):
    total = int(re.search(r"Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()).group(1)) * 1024
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        total += tree_bytes(int(child))
    return total


def peer(count):
    if not shutil.which("kamailio"):
        print("Kamailio is not installed: no peer")
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "kamailio.cfg")
        path.write_text(KAMAILIO.replace("PORT", str(port)))
        process = subprocess.Popen(["kamailio", "-f", str(path), "-DD", "-E", "-m", "4096", "-M", "64", "-P", f"{folder}/pid", "-Y", folder],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            before = tree_bytes(process.pid)
            took = make(port, count)
            bytes_each = (tree_bytes(process.pid) - before) / count
            print(f"Kamailio (tm): {count:,} made in {took:.1f} s, {bytes_each:.0f} bytes each of the process tree", flush=True)
        finally:
            process.terminate()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--peer-count", type=int, default=100000)
    options = parser.parse_args()
    verdicts = Verdicts("live")
    peer(options.peer_count)
    ours(verdicts, options.count)
    verdicts.end()


main()
