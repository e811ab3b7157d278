# SPDX-License-Identifier: Apache-2.0
"""The torture messages of RFC 4475 and RFC 5118 against the running engine, over UDP and TCP, where the vectors are."""
import json
import os
import subprocess
import sys

from harness.daemon import ROOT, Daemon
from harness.ports import free_port
from harness.registry import check, equal, skip, test
from harness.sip import Phone

VECTORS = ROOT.parent / "shared" / "vectors"

# Over a stream these lose the framing, or lack its end, instead of being answered (RFC 4475 3.1.2.2, 3.1.2.3, 3.3.9; RFC
# 3261 18.3): whether the connection ends at once.
FRAMING = {"clerr": False, "baddn": False, "ncl": True, "mcl01": True, "inv2543": True}


def judged(t, server, which, transport, policy):
    """The lines that replay.py writes, one a message."""
    out = t.path(f"{which}-{transport}-{policy}.jsonl")
    # An address of our own: the client binds the ports that the messages name.
    client = f"127.{1 + os.getpid() % 250}.{1 + os.getpid() // 250 % 250}.9"
    subprocess.run([sys.executable, str(VECTORS / "replay.py"), which, "--server", f"{server[0]}:{server[1]}", "--client",
                    client, "--transport", transport, "--policy", str(policy), "--wait", "0.4", "--json", str(out)],
                   stdout=subprocess.DEVNULL, timeout=300)
    check(out.exists(), f"replay.py {which} over {transport} ended before it judged anything")
    return [json.loads(line) for line in out.read_text().splitlines()]


def is_right(line, transport, code):
    name = line["name"]
    if code != 200 and line["expect"] == ["200"] and line["codes"] == [code]:
        return True  # "should succeed" is said of a registrar that knows the user
    if transport == "tcp" and name in FRAMING:
        closed = "closed" in line["note"]
        return "SERVER-DEAD" not in line["note"] and 200 not in line["codes"] and (closed or not FRAMING[name])
    if name == "insuf":  # it has no Call-ID to tell its answer from a retransmission of another's
        return "SERVER-DEAD" not in line["note"]
    return line["verdict"] in ("PASS", "PASS-ALT")


def fetch(t, daemon, transport):
    """What RFC 4475 3.1.1.4 and 3.3.13 and 3.3.14 say that a later retrieval has to show."""
    phone = Phone(t, daemon.address("udp"))
    shown = {user: phone.contacts_of(f"sip:{user}@example.com") for user in ("watson", "user", "null-%00-null")}
    # cparam02's Contact equals cparam01's (RFC 3261 19.1.4), and has replaced it.
    check(any(c.startswith("<sip:+19725552222@gw1.example.net;unknownparam>;") for c in shown["watson"]), f"cparam02: {shown}")
    check(any(c.startswith("<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;") for c in shown["user"]), f"regescrt: {shown}")
    if transport == "udp":
        equal(sorted(c.partition(";")[0] for c in shown["null-%00-null"]),
              ["<sip:%00%00@host5.example.com>", "<sip:%00@host5.example.com>"], "escnull")


def replay(t, which, code, policy):
    if not (VECTORS / which / "index.json").exists():
        skip(f"there is no {VECTORS}")
    messages = json.loads((VECTORS / which / "index.json").read_text())["messages"]
    for transport in ("udp", "tcp"):  # a daemon each: the second would meet the transactions of the first
        port = free_port()
        daemon = Daemon(t, policy=policy, listen=(f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"))
        lines = judged(t, daemon.address(transport), which, transport, code)
        equal(len(lines), len(messages), f"{which} messages judged over {transport}")
        wrong = [f"{line['name']}: got {line['codes']}, want {line['expect']} {line['note']}" for line in lines
                 if not is_right(line, transport, code)]
        check(not wrong, f"{which} over {transport}:\n" + "\n".join(wrong))
        if which == "rfc4475" and code == 200:
            fetch(t, daemon, transport)
        daemon.kill()
        t.note(f"{len(lines)} {transport}")


@test(limit=240)
def rfc4475_messages_are_treated_right(t):
    replay(t, "rfc4475", 200, "return function(req) return ok {} end\n")


@test(limit=240)
def rfc4475_messages_when_all_is_gone(t):
    replay(t, "rfc4475", 410, 'return function(req) return gone { evidence = "test" } end\n')


@test(limit=120)
def rfc5118_messages_are_treated_right(t):
    replay(t, "rfc5118", 200, "return function(req) return ok {} end\n")
