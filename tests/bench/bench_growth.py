#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what a request costs as things grow: rules, live transactions, TCP connections, entries of the directory.

    scripts/bench growth [--most-entries N] [--curves rules,transactions,connections,directory]

Ten million entries take some minutes to import (the default is a million).  Each row has the figure, its ratio to the first of its
curve and whether that is at most 1.2.  The directory has two curves: a lookup beside a bare mdb_get on the same keys, at
most 1.3 times that where the entries are most (with a thousand of them, all in the cache, what checks a record is more than that), and a whole request, decided by policies/lifecycle, less that lookup.  Connections: eight requests are under way,
each over the next connection, so that no number of them makes larger batches than another.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import Engine, Verdicts, free_port, request_ns, wait_for_port  # noqa: E402
from users import directory_of  # noqa: E402

PROGRAMS = ROOT / "build/release/tests/bench"
FLAT = 1.2
POLICY = "return function(req) return ok {} end\n"


class Curve:
    """Rows of one curve, each held against its first."""

    def __init__(self, verdicts, name):
        self.verdicts, self.name, self.first = verdicts, name, None

    def row(self, at, ns):
        self.first = self.first or ns
        print(f"{self.name:14} {at:>10,} {ns:9.0f} ns", flush=True)
        self.verdicts.at_most(f"{self.name}, {at:,}: of the first", ns / self.first, FLAT)


def lines_of(program, *arguments):
    run = subprocess.run([PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def rules(verdicts, _):
    curve = Curve(verdicts, "rules")
    for line in lines_of("bench_rules", 1000000):
        curve.row(line["rules"], line["ns"])


def transactions(verdicts, _):
    curve = Curve(verdicts, "transactions")
    for line in lines_of("bench_transactions"):
        curve.row(line["live"], line["ns"])


class Echo:
    """The least that answering over TCP takes: what it grows by is the kernel's."""

    def __enter__(self):
        self.port = free_port()
        self.process = subprocess.Popen([PROGRAMS / "echo", str(self.port)])
        self.pid = self.process.pid
        wait_for_port(self.port, self.process)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def connections(verdicts, _):
    """Interleaved: the machine changes in the course of a minute more than the figures do."""
    counts, found, bare = (10, 100, 1000, 10000), {}, {}
    for _ in range(5):
        for count in counts:
            arguments = ("-x", "tcp", "-c", count)
            with Engine(POLICY, config="max_connections_per_source = 20000, log = 'off', log_level = 'error'") as engine:
                found.setdefault(count, []).append(request_ns(engine, *arguments, window=8, seconds=1)[0])
            with Echo() as echo:
                bare.setdefault(count, []).append(request_ns(echo, *arguments, window=8, seconds=1)[0])
    curve = Curve(verdicts, "connections")
    first = statistics.median(bare[counts[0]])
    for count in counts:
        ns = statistics.median(bare[count])
        print(f"bare loop      {count:>10,} {ns:9.0f} ns, {ns / first:.2f} of the first: the kernel's part")
        ours = statistics.median(found[count])
        curve.row(count, ours)
        verdicts.at_most(f"connections, {count:,}: less what the bare loop grew by", (ours - ns + first) / curve.first, FLAT)


def sizes_up_to(most):
    entries = 1000
    while entries <= most:
        yield entries
        entries *= 10


def directory(verdicts, options):
    """The lookup alone, by bench_directory; then a request with it, less the lookup."""
    curve = Curve(verdicts, "request")
    for entries in sizes_up_to(options.most_entries):
        found = {line["what"]: line for line in lines_of("bench_directory", entries)}
        ours, bare = found["lookup-uniform"]["ns"], found["bare-uniform"]["ns"]
        print(f"directory      {entries:>10,} {ours:9.0f} ns a lookup, {ours / max(bare, 1):.2f} of a bare mdb_get ({bare:.0f} ns), "
              f"hot {found['lookup-hot']['ns']:.0f} ns, open {found['open']['us'] / 1000:.1f} ms", flush=True)
        if entries * 10 > options.most_entries:
            verdicts.at_most(f"directory, {entries:,}: a lookup, of a bare mdb_get", ours / max(bare, 1), 1.3)
        with Engine(str(ROOT / "policies/lifecycle"), config="log = 'off'", data=directory_of(entries)) as engine:
            whole = statistics.median(request_ns(engine, "-u", entries, seconds=1.5)[0] for _ in range(3))
        curve.row(entries, whole - ours)


CURVES = {"rules": rules, "transactions": transactions, "connections": connections, "directory": directory}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most-entries", type=int, default=1000000)
    parser.add_argument("--curves", default=",".join(CURVES))
    options = parser.parse_args()
    verdicts = Verdicts("growth")
    for name in options.curves.split(","):
        CURVES[name](verdicts, options)
    verdicts.end()


main()
