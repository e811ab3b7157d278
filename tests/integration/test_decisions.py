# SPDX-License-Identifier: Apache-2.0
"""The decision log: what it says, that it can be moved away, and that a sink that stands still stops nobody."""
import json
import os
import signal
import time

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone


def config(t, text):
    return ["--config", str(t.write("verdict.lua", f"return {{ {text} }}\n"))]


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@test()
def a_line_a_decision(t):
    log = t.path("decisions.jsonl")
    daemon = Daemon(t, args=config(t, f'log = "all", log_file = "{log}"') + ["--t1-ms", "20"])
    phone = Phone(t, daemon.address())
    gone = phone.request("INVITE", "gone-for-good")
    phone.send(gone)
    phone.send(phone.ack_of(gone, phone.expect(410)))
    phone.ask("OPTIONS", "ok", 200)
    lost = phone.request("INVITE", "gone-lost")
    phone.send(lost)
    phone.collect(1.6)
    lines = wait_until(lambda: (found := lines_of(log)) and len(found) >= 5 and found, 5, "the lines")
    first = next(line for line in lines if line.get("call_id") == gone["call_id"])
    check(first["status"] == 410 and first["verdict"] == "gone" and first["method"] == "INVITE", f"{first}")
    for key in ("time", "source", "from", "target", "version"):
        check(first.get(key), f"no {key}: {first}")
    acks = [line for line in lines if line.get("call_id") == gone["call_id"] and "ack" in json.dumps(line)]
    check(acks, f"nothing about its ACK: {lines}")
    missing = [line for line in lines if line.get("call_id") == lost["call_id"]]
    equal(len(missing), 2, f"lines about the call without an ACK: {missing}")


@test()
def to_standard_output(t):
    daemon = Daemon(t, args=config(t, 'log = "all"'))
    Phone(t, daemon.address()).ask("INVITE", "gone", 410)
    wait_until(lambda: [d for d in daemon.decisions() if d.get("status") == 410], 3, "the line")


@test()
def errors_alone(t):
    log = t.path("decisions.jsonl")
    daemon = Daemon(t, policy='return function(req) if req.target.user == "bad" then error("x") end return ok {} end\n',
                    args=config(t, f'log = "errors", log_file = "{log}"'))
    phone = Phone(t, daemon.address())
    for _ in range(5):
        phone.ask("OPTIONS", "fine", 200)
    phone.ask("OPTIONS", "bad", 500)
    lines = wait_until(lambda: lines_of(log), 3, "the line")
    equal([line["status"] for line in lines], [500], "lines")


@test()
def what_c_refuses_has_a_line_too(t):
    log = t.path("decisions.jsonl")
    daemon = Daemon(t, args=config(t, f'log = "all", log_file = "{log}", domains = {{ "example.com" }}'))
    phone = Phone(t, daemon.address())
    phone.ask("BREW", "pot", 501)
    phone.ask("OPTIONS", "x", 404, uri="sip:x@elsewhere.example")
    lines = wait_until(lambda: lines_of(log) if len(lines_of(log)) == 2 else None, 3, "two lines")
    equal(sorted((line["verdict"], line["status"]) for line in lines), [("refused", 404), ("refused", 501)], "lines")
    check(all("rule" not in line and "version" not in line for line in lines), f"no policy was asked: {lines}")


@test()
def reopened_on_sigusr1(t):
    log = t.path("decisions.jsonl")
    daemon = Daemon(t, args=config(t, f'log = "all", log_file = "{log}"'))
    phone = Phone(t, daemon.address())
    phone.ask("OPTIONS", "ok", 200)
    wait_until(lambda: len(lines_of(log)) == 1, 3, "the first line")
    log.rename(t.path("decisions.1"))
    daemon.signal(signal.SIGUSR1)
    wait_until(log.exists, 3, "the new file")
    phone.ask("OPTIONS", "gone", 410)
    wait_until(lambda: [line["status"] for line in lines_of(log)] == [410], 3, "the second line in the new file")
    equal(len(lines_of(t.path("decisions.1"))), 1, "lines in the old file")


@test()
def rotated_by_size(t):
    log = t.path("decisions.jsonl")
    daemon = Daemon(t, args=config(t, f'log = "all", log_file = "{log}", log_max_bytes = 4096, log_keep = 2'))
    phone = Phone(t, daemon.address())

    def rotated():
        for _ in range(30):
            phone.ask("OPTIONS", "ok", 200)
        return len(list(t.folder.glob("decisions.jsonl*"))) >= 3

    wait_until(rotated, 5, "the rotated files")
    check(len(list(t.folder.glob("decisions.jsonl*"))) <= 3, f"{list(t.folder.glob('decisions.jsonl*'))}")
    check(log.stat().st_size <= 65536, f"{log.stat().st_size} bytes")


@test(limit=60, alone=True, measures=True)
def a_sink_that_stands_still(t):
    """A pipe that nobody reads: answers do not slow down, drops are counted."""
    pipe = t.path("pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # open, and never read
    daemon = Daemon(t, args=config(t, f'log = "all", log_file = "{pipe}"'))
    phone = Phone(t, daemon.address())
    worst, count = 0.0, 0
    end = time.monotonic() + 4
    while time.monotonic() < end:
        requests = [phone.bytes_of(phone.request("OPTIONS", "ok")) for _ in range(50)]
        start = time.monotonic()
        for request in requests:
            phone.send(request)
        for _ in requests:
            phone.expect(200)
            count += 1
        worst = max(worst, time.monotonic() - start)
    check(worst < 0.5, f"50 answers took {worst:.2f} s")
    dropped = wait_until(lambda: daemon.metric("verdict_decision_log_dropped"), 5, "drops")
    check(dropped > 0, "nothing was dropped")
    t.note(f"{count} answers, {dropped:.0f} lines dropped, worst batch of 50 {worst * 1000:.1f} ms")
    os.close(reader)
    equal(daemon.stop(15), 0, "exit code with a sink that stands still")
