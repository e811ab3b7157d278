#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what a request costs as things grow: rules, live transactions, TCP connections, entries of the directory.

    scripts/bench growth [--most-entries N]     (default 1,000,000; ten million take some minutes to import)

Each row has the figure and its ratio to the first of its curve; flat is 1.2 at most.  A lookup in the directory is beside
a bare mdb_get on the same keys.
"""
import argparse
import json
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/release/tests/bench"
VERDICT = os.environ.get("VERDICT", str(ROOT / "build/release/verdict"))


def row(curve, at, ns, ratio, more=""):
    print(f"{curve:14} {at:>10,} {ns:9.0f} ns  {ratio:5.2f}  {more}", flush=True)


def lines_of(program, *arguments):
    run = subprocess.run([PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def rules():
    for line in lines_of("bench_rules", 300000):
        row("rules", line["rules"], line["ns"], line["of_first"])


def transactions():
    for line in lines_of("bench_transactions"):
        row("transactions", line["live"], line["ns"], line["of_first"])


def directory(most):
    first, entries = None, 1000
    while entries <= most:
        found = {line["what"]: line for line in lines_of("bench_directory", entries)}
        ours, bare = found["lookup-uniform"]["ns"], found["bare-uniform"]["ns"]
        first = first or ours
        row("directory", entries, ours, ours / first, f"{ours / max(bare, 1):.2f} of a bare mdb_get ({bare:.0f} ns), "
            f"hot {found['lookup-hot']['ns']:.0f} ns, open {found['open']['us'] / 1000:.1f} ms")
        entries *= 10


def cpu_ns(pid):
    """Of all threads, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


REQUEST = ("OPTIONS sip:ok@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{0};rport\r\nMax-Forwards: 70\r\n"
           "From: <sip:a@example.com>;tag=1\r\nTo: <sip:ok@127.0.0.1>\r\nCall-ID: {0}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


def ask(sockets, count, pid):
    """One request after another, each over the next connection."""
    before = cpu_ns(pid)
    for i in range(count):
        sock = sockets[i * 7919 % len(sockets)]
        sock.sendall(REQUEST.format(i).encode())
        if not sock.recv(4096).startswith(b"SIP/2.0 200"):
            raise SystemExit("growth: a request over TCP was not answered")
    return (cpu_ns(pid) - before) / count


def connections():
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(32768, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "verdict.lua")
        config.write_text("return { max_connections_per_source = 20000, log_level = 'error', log = 'off' }\n")
        policy = pathlib.Path(folder, "policy.lua")
        policy.write_text("return function(req) return ok {} end\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        daemon = subprocess.Popen([VERDICT, "run", "--listen", f"tcp:127.0.0.1:{port}", "--workers", "1", "--control",
                                   f"{folder}/control", "--config", str(config), str(policy)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            sockets, first = [], None
            for count in (10, 100, 1000, 10000):
                while len(sockets) < count:
                    sock = socket.create_connection(("127.0.0.1", port))
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sockets.append(sock)
                ask(sockets, max(count, 3000), daemon.pid)
                ns = min(ask(sockets, 3000, daemon.pid) for _ in range(3))
                first = first or ns
                row("connections", count, ns, ns / first)
        finally:
            daemon.kill()
            daemon.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most-entries", type=int, default=1000000)
    options = parser.parse_args()
    rules()
    transactions()
    connections()
    directory(options.most_entries)


main()
