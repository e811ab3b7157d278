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
# Left out of these runs, and why.
LEFT_OUT = {
    "a_retransmitted_invite_after_the_ack": "it sends one thing right behind another, which on its way over two workers may be overtaken, as on any "
                                            "network: an INVITE that is sent again just before its ACK arrives is answered again",
    "errors_alone": "it is about what is logged by its own setting; here every decision is",
    "one_upstream_uses_all_workers": "it counts the workers that read; here everybody reads what is anybody's",
    "explain_is_live": "it compares fuel: the first decision of a VM that nests deeply also pays for the VM's stack, and there are as many first ones "
                       "as workers",
}
FIELDS = ("event", "method", "status", "verdict", "rule", "note")
# They run and have to pass, but how many events of a kind there are is no matter of workers.  By a part of the name.
CHANCE = "as much as there was time for: it asks until something has happened, or for as long as a load lasts"
KILLED = "it kills the daemon in the middle, where the log ends by chance"
NOT_COMPARED = {
    "reload": CHANCE, "save": CHANCE, "soak": CHANCE, "flood": CHANCE, "overload": CHANCE, "thousand": CHANCE,
    "a_policy_that_410s_everybody": CHANCE, "callers_cannot_roll_back": CHANCE, "errors_and_kills_are_rolled_back": CHANCE,
    "data_changes_without_code": CHANCE, "a_flow_that_ends": CHANCE, "a_gruu_leads": CHANCE, "peers_that_do_not_read": CHANCE,
    "a_softphone": "a softphone of others, ended when what was looked for has come: its last ACK may or may not have",
    "a_sink": "a log that stands still on purpose", "log": "what is logged is cut, rotated or lost on purpose",
    "random": "its messages are drawn anew", "packets_are_lost": "what is lost is drawn anew", "lost_ack": "timers against a machine's speed",
    "kill_9": KILLED, "kamailio_when_verdict": KILLED,
    "answers_without_an_ack": "a cap of a few, in equal parts by worker",
}


def run(workers, events, names):
    environment = dict(os.environ, VERDICT_TEST_WORKERS=str(workers), VERDICT_TEST_EVENTS=events)
    if workers > 1:
        environment["VERDICT_TEST_MISROUTE"] = "1"
    done = subprocess.run([str(HERE / "run.py"), "--not-measuring", "-j", "6", *sum((["--without", n] for n in LEFT_OUT), []), *names], env=environment, capture_output=True, text=True)
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
