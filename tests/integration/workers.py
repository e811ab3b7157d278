#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs integration tests with 1, 2 and 7 workers, with everything landing on the wrong one, and compares what was decided.

    tests/integration/workers.py            a choice of them, in about a minute
    tests/integration/workers.py --all      every test that does not measure
    tests/integration/workers.py NAME...    those whose names have one of these parts

With one worker nothing can be misplaced; with 2 and 7 each datagram and each connection goes to a worker by chance
(harness/placement.py).  Every run must pass, and the decision logs of a test's runs must hold the same events: kind,
method, status, verdict, rule, note and target, in any order (which worker writes first is no matter).
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
CHOICE = ["invite_200_ack_bye", "invite_410_ack", "delayed_offer", "cancel_early", "cancel_late", "ringing_then_answered",
          "what_is_in_no_dialog", "by_two_ways_is_482", "our_bye_goes_where", "a_bye_before_the_ack", "an_ack_with_wrong_tags",
          "a_late_ack", "tcp_", "a_connection_that_goes", "ipv6", "the_heartbeat", "a_transport_in_the_contact",
          "ws_calls", "tls_calls", "each_state_has", "bytes_after"]
# They send one thing right behind another, which on its way over two workers may be overtaken, as on any network: an
# INVITE that is sent again just before its ACK arrives is answered again.
ORDERED = ("a_retransmitted_invite_after_the_ack",)
FIELDS = ("event", "method", "status", "verdict", "rule", "note")
# Their events depend on time or on chance (how often SIPp was quicker than a reload, how far a flood got), or on a cap
# that each worker has for itself.
NOT_COMPARED = ("reload", "save", "soak", "flood", "overload", "random", "thousand", "lost_ack", "log", "answers_without_an_ack")


def run(workers, events, names):
    environment = dict(os.environ, VERDICT_TEST_WORKERS=str(workers), VERDICT_TEST_EVENTS=events)
    if workers > 1:
        environment["VERDICT_TEST_MISROUTE"] = "1"
    done = subprocess.run([str(HERE / "run.py"), "--not-measuring", "-j", "6", *sum((["--without", n] for n in ORDERED), []), *names], env=environment, capture_output=True, text=True)
    print(f"{workers} workers: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]}")
    for line in done.stdout.splitlines():
        if line.startswith("FAIL"):
            print("  " + line)
    return done.returncode == 0


def events_of(folder):
    """For each daemon of each test, its events and how often each came."""
    found = {}
    for path in pathlib.Path(folder).glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
        found[path.name] = collections.Counter(tuple(str(line.get(f, "")) for f in FIELDS) for line in lines)
    return found


def compare(one, other, workers):
    wrong = 0
    for name in sorted(one):
        if any(part in name for part in NOT_COMPARED) or name not in other:
            continue
        missing, extra = one[name] - other[name], other[name] - one[name]
        if missing or extra:
            wrong += 1
            print(f"  {name}: {workers} workers differ: missing {dict(missing)}, more {dict(extra)}")
    return wrong


def main():
    names = [] if sys.argv[1:] == ["--all"] else sys.argv[1:] or CHOICE
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        logs = {}
        for workers in (1, 2, 7):
            events = os.path.join(folder, str(workers))
            os.mkdir(events)
            fine = run(workers, events, names)
            passed, failed = passed + fine, failed + (not fine)
            logs[workers] = events_of(events)
        for workers in (2, 7):
            wrong = compare(logs[1], logs[workers], workers)
            passed, failed = passed + (not wrong), failed + bool(wrong)
        compared = [n for n in logs[1] if not any(part in n for part in NOT_COMPARED)]
        print(f"{len(compared)} decision logs with {sum(sum(logs[1][n].values()) for n in compared)} events compared")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
