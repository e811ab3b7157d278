# SPDX-License-Identifier: Apache-2.0
"""OPTIONS: sipsak's, and the heartbeat that C answers itself."""
import signal
import subprocess

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone
from harness.sipp import have


def sipsak(t, daemon, uri):
    return subprocess.run([have("sipsak", "sipsak"), "-vv", "-s", uri], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=20, check=False)


@test(limit=40)
def sipsak_options(t):
    daemon = Daemon(t)
    known = sipsak(t, daemon, f"sip:ok@127.0.0.1:{daemon.port}")
    check(known.returncode == 0 and "200" in known.stdout, f"{known.returncode}: {known.stdout}")
    gone = sipsak(t, daemon, f"sip:gone@127.0.0.1:{daemon.port}")
    check("410" in gone.stdout, gone.stdout)


@test()
def the_heartbeat_never_reaches_the_policy(t):
    daemon = Daemon(t, policy="return function(req) error('asked') end\n")
    phone = Phone(t, daemon.address())
    answer = phone.ask("OPTIONS", uri=f"sip:127.0.0.1:{daemon.port}", user=None, status=200)
    check(answer.get("allow") and answer.get("accept") and answer.get("supported") is not None, "headers are missing")
    phone.ask("OPTIONS", "anybody", 500)


@test()
def the_heartbeat_says_503_while_draining(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    uri = f"sip:127.0.0.1:{daemon.port}"
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    phone.send(phone.ack_of(invite, ok))
    equal(daemon.post("/v1/drain"), (200, {"draining": True}), "drain")
    answer = phone.ask("OPTIONS", uri=uri, user=None, status=503)
    check(answer.get("retry-after"), "no Retry-After")
    for user in ("ok", "gone", "nobody"):
        refused = phone.ask("INVITE", user, 503)
        check(refused.get("retry-after"), "no Retry-After")
    phone.send(phone.bye_of(invite, ok))  # the call goes on as ever
    phone.expect(200, method="BYE")
    equal(daemon.post("/v1/drain", {"on": False}), (200, {"draining": False}), "drain")
    phone.ask("OPTIONS", uri=uri, user=None, status=200)
    phone.ask("INVITE", "gone", 410)


@test()
def options_get_what_an_invite_would_get(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    for user, status in (("ok", 200), ("gone", 410), ("nobody", 404)):
        first = phone.ask("OPTIONS", user, status)
        check(first.tag("to"), "no To tag")
    request = phone.request("OPTIONS", "gone")
    phone.send(request)
    first = phone.expect(410)
    phone.send(request)
    equal(phone.expect(410).raw, first.raw, "the answer to a copy, without state")


@test(limit=30)
def sigterm_is_503_and_bye_never_410(t):
    daemon = Daemon(t, args=["--t1-ms", 100])
    phone, other = Phone(t, daemon.address()), Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    phone.send(phone.ack_of(invite, ok))
    waiting = other.request("INVITE", "ok")
    other.send(waiting)
    unacknowledged = other.expect(200)
    daemon.signal(signal.SIGTERM)
    bye = phone.expect_request("BYE")
    late = Phone(t, daemon.address())
    late.send(late.request("INVITE", "gone"))
    answer = late.receive(1)
    check(answer is not None and answer.status == 503, f"a request while it ends: {answer}")
    check(answer.get("retry-after"), "no Retry-After")
    phone.answer(bye)
    check(daemon.alive(), "it ended with an answer that is not acknowledged")
    byes = [m for m in other.collect(0.5) if m.method == "BYE"]
    equal(byes, [], "BYE before the ACK")
    other.send(other.ack_of(waiting, unacknowledged))
    end = wait_until(lambda: next((m for m in other.collect(0.3) if m.method == "BYE"), None), 3, "the BYE")
    other.answer(end)
    equal(daemon.wait_end(), 0, "exit code")
