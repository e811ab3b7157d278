# SPDX-License-Identifier: Apache-2.0
"""A real softphone calls in, is answered, holds, resumes, hangs up, and is hung up on."""
import re
import urllib.parse

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.softphone import Softphone

POLICY = """
return function(req)
  local user = req.target.user or ""
  if user == "brief" then return ok { hangup_after = 1 } end
  if user == "early" then return ok { ring = 1, progress = true } end
  if user == "gone" then return gone { evidence = "test" } end
  return ok { sdp = "sendrecv" }
end
"""
DIRECTIONS = ("sendonly", "recvonly", "inactive", "sendrecv")

def calls(daemon):
    return sum(worker["calls"] for worker in daemon.get("/v1/status")[1]["workers"])


def sessions(daemon, call_id):
    """What each INVITE of a call offered, how it was answered, and with which direction; in their order."""
    rows = {}
    for message in daemon.get("/v1/calls/show?call_id=" + urllib.parse.quote(call_id, safe=""))[1]["messages"]:
        head, _, body = message["text"].partition("\r\n\r\n")
        number = re.search(r"^CSeq: *(\d+) INVITE", head, re.M)
        direction = next((d for d in DIRECTIONS if f"a={d}" in body), "sendrecv")
        if number and head.startswith("INVITE "):
            rows.setdefault(int(number[1]), {})["offer"] = direction
        elif number and int(head[8:11]) >= 200:
            rows[int(number[1])].update(status=int(head[8:11]), answer=direction)
    return [tuple(row.get(name) for name in ("offer", "status", "answer")) for _, row in sorted(rows.items())]


def one_phone(t, daemon, transport, port):
    phone = Softphone(t, transport)
    phone.dial("alice", ("127.0.0.1", port))
    established = phone.expect("CALL_ESTABLISHED")
    wait_until(lambda: daemon.metric("verdict_calls_started_total") >= 1, 3, "the call")
    call_id = daemon.get("/v1/calls")[1]["calls"][0]["call_id"]
    expected = [("sendrecv", 200, "sendrecv")]
    for command, offer, answer in (("hold", "sendonly", "recvonly"), ("resume", "sendrecv", "sendrecv"), ("hold", "sendonly", "recvonly")):
        phone.command(command)
        expected.append((offer, 200, answer))
        wait_until(lambda: len(rows := sessions(daemon, call_id)) >= len(expected) and rows[-1][1], 3, f"the answer to {command}")
        equal(sessions(daemon, call_id), expected, f"offers and answers up to {command}")
    phone.command("hangup")
    phone.expect("CALL_CLOSED")
    wait_until(lambda: calls(daemon) == 0, 3, "its BYE")
    phone.dial("brief", ("127.0.0.1", port))
    phone.expect("CALL_ESTABLISHED")
    closed = phone.expect("CALL_CLOSED", 4)  # we hang up
    check(closed.get("direction") == "outgoing", f"{closed}")
    wait_until(lambda: calls(daemon) == 0, 3, "the 200 to our BYE")
    phone.dial("gone", ("127.0.0.1", port))
    closed = phone.expect("CALL_CLOSED")
    check("410" in str(closed.get("param")), f"the refusal: {closed}")
    phone.dial("early", ("127.0.0.1", port))
    phone.expect("CALL_PROGRESS")
    phone.expect("CALL_ESTABLISHED")
    phone.command("hangup")
    phone.expect("CALL_CLOSED")
    return established


@test(limit=60)
def a_softphone_over_udp(t):
    daemon = Daemon(t, policy=POLICY)
    one_phone(t, daemon, "udp", daemon.address()[1])
    equal(daemon.metric("verdict_missing_acks_total"), 0, "missing ACKs")


@test(limit=60)
def a_softphone_over_tcp(t):
    daemon = Daemon(t, policy=POLICY, listen=("tcp:127.0.0.1:0",))
    one_phone(t, daemon, "tcp", daemon.address("tcp")[1])
    equal(daemon.metric("verdict_missing_acks_total"), 0, "missing ACKs")
