# SPDX-License-Identifier: Apache-2.0
"""Whole calls and refusals, with SIPp and by hand."""
import re

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone, contact_of, token
from harness import sipp


@test(limit=30)
def invite_200_ack_bye(t):
    daemon = Daemon(t)
    calls, failed = sipp.run(t, daemon.address(), "invite_200.xml", calls=40, rate=20, service="ok")
    equal((calls, failed), (40, 0), "calls")
    equal(daemon.metric("verdict_calls_started_total"), 40, "calls started")
    equal(daemon.metric("verdict_missing_acks_total"), 0, "missing ACKs")
    wait_until(lambda: daemon.get("/v1/status")[1]["workers"][0]["calls"] == 0, 3, "the calls to end")


@test(limit=30)
def invite_410_ack(t):
    daemon = Daemon(t)
    calls, failed = sipp.run(t, daemon.address(), "invite_410.xml", calls=40, rate=20, service="gone")
    equal((calls, failed), (40, 0), "calls")
    equal(daemon.metric("verdict_responses_total", code="410"), 40, "410s")


@test()
def the_answers_have_what_they_need(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    contact = contact_of(ok)
    check(contact and contact.startswith("sip:"), f"Contact: {ok.get('contact')}")
    check("0.0.0.0" not in ok.raw.decode(), "an answer carries 0.0.0.0")
    check("INVITE" in (ok.get("allow") or ""), f"Allow: {ok.get('allow')}")
    check(ok.get("supported") is not None, "no Supported")
    equal(ok.get("content-type"), "application/sdp", "Content-Type")
    equal(ok.body.count(b"m="), 1, "m-lines")
    check(b"a=inactive" in ok.body, f"the media is not inactive: {ok.body}")
    check(f"rport={phone.port}" in ok.get("via") and "received=127.0.0.1" in ok.get("via"), f"Via: {ok.get('via')}")
    phone.send(phone.ack_of(invite, ok))
    phone.send(phone.bye_of(invite, ok))
    equal(phone.expect(200).cseq(), (2, "BYE"), "CSeq")
    gone = phone.ask("INVITE", "gone", 410)
    check(gone.tag("to"), "the 410 has no To tag")


@test()
def delayed_offer(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok", body="")
    phone.send(invite)
    ok = phone.expect(200)
    check(b"m=audio" in ok.body, "an INVITE without SDP gets no offer")
    ack = phone.ack_of(invite, ok)
    ack["body"] = ok.body.decode().replace("a=sendonly", "a=recvonly")
    phone.send(ack)
    phone.expect_silence(1.2)
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200)


@test()
def a_retransmitted_invite_before_the_ack(t):
    daemon = Daemon(t)
    for user, status in (("ok", 200), ("gone", 410)):
        phone = Phone(t, daemon.address())
        invite = phone.request("INVITE", user)
        phone.send(invite)
        first = phone.expect(status)
        phone.send(invite)
        if status == 410:
            again = phone.expect(410, 0.4)
            equal(again.raw, first.raw, "the answer to the copy")
        else:  # RFC 6026: absorbed, the 2xx is resent by its own timer
            again = phone.expect(200, 1.0)
            equal(again.raw, first.raw, "the answer that comes again")
        phone.send(phone.ack_of(invite, first))
        late = [m for m in phone.collect(1.2) if m.status >= 200]
        check(not late, f"after the ACK came {late}")
        if status == 200:
            phone.send(phone.bye_of(invite, first))
            phone.expect(200)
    equal(daemon.metric("verdict_requests_total", method="INVITE") is not None, True, "requests metric")


@test()
def a_retransmitted_invite_after_the_ack(t):
    daemon = Daemon(t)
    for user, status in (("ok", 200), ("gone", 410)):
        phone = Phone(t, daemon.address())
        invite = phone.request("INVITE", user)
        phone.send(invite)
        final = phone.expect(status)
        phone.send(phone.ack_of(invite, final))
        phone.send(invite)
        phone.expect_silence(1.2)
        phone.send(phone.ack_of(invite, final))  # an ACK again is nothing
        phone.expect_silence(0.3)


@test(limit=30)
def cancel_early(t):
    daemon = Daemon(t)
    calls, failed = sipp.run(t, daemon.address(), "cancel_early.xml", calls=5, rate=5, service="ring")
    equal((calls, failed), (5, 0), "calls")
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ring")
    phone.send(invite)
    ringing = phone.expect(180)
    phone.send(phone.cancel_of(invite))
    answers = {phone_answer.cseq()[1]: phone_answer for phone_answer in (phone.receive(), phone.receive())}
    equal(answers["CANCEL"].status, 200, "the CANCEL's answer")
    equal(answers["INVITE"].status, 487, "the INVITE's answer")
    equal(answers["CANCEL"].tag("to"), answers["INVITE"].tag("to"), "RFC 3261 9.2: To tags")
    equal(ringing.tag("to"), answers["INVITE"].tag("to"), "the 180's To tag")
    phone.send(phone.ack_of(invite, answers["INVITE"]))
    phone.expect_silence(1.0)


@test()
def cancel_late(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    phone.send(phone.cancel_of(invite))
    equal(phone.expect(200, method="CANCEL").tag("to"), ok.tag("to"), "To tag of the CANCEL's 200")
    phone.send(phone.ack_of(invite, ok))
    phone.expect_silence(0.7)  # the call goes on
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")
    stray = phone.request("CANCEL", "ok")
    phone.send(stray)
    phone.expect(481)


@test()
def ringing_then_answered(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ring")
    phone.send(invite)
    ringing = phone.expect(180)
    phone.send(invite)  # Proceeding: the last 1xx again
    equal(phone.expect(180).raw, ringing.raw, "the 180 again")
    ok = phone.expect(200, 4)
    equal(ok.tag("to"), ringing.tag("to"), "To tag")
    phone.send(phone.ack_of(invite, ok))
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")


@test()
def what_is_in_no_dialog_is_481(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    for method in ("BYE", "INFO", "UPDATE", "NOTIFY"):
        phone.ask(method, "ok", 481, to_tag=token())
    phone.send(phone.request("ACK", "ok", to_tag=token()))
    phone.expect_silence(0.3)


@test()
def one_request_by_two_ways_is_482(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    merged = dict(invite, branch="z9hG4bK" + token())
    phone.send(merged)
    answers = [m for m in phone.collect(0.4) if m.status == 482]
    equal(len(answers), 1, "482s")
    phone.send(phone.ack_of(merged, answers[0]))
    phone.send(phone.ack_of(invite, ok))
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")


@test()
def the_order_of_rfc_3261_8_2(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    equal(phone.ask("NONSENSE", "ok").status in (405, 501), True, "an unknown method is refused")
    required = phone.ask("INVITE", "ok", 420, extra=["Require: nothing-we-know"])
    equal(required.get("unsupported"), "nothing-we-know", "Unsupported")
    body = phone.request("INVITE", "ok", extra=["Content-Type: application/nonsense"], body="x")
    raw = phone.bytes_of(body).replace(b"Content-Type: application/sdp\r\n", b"")
    phone.send(raw)
    refused = phone.expect(415)
    check("application/sdp" in (refused.get("accept") or ""), f"Accept: {refused.get('accept')}")
    phone.send(phone.ack_of(body, refused))
    phone.ask("OPTIONS", "ok", 416, uri="http://example.com/")


@test()
def noise_gets_no_answer(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    # A STUN indication and a STUN request without its cookie among them: only a whole request is answered (RFC 5389 7.3).
    for noise in (b"\r\n\r\n", b"\0\0\0\0", b"\x00\x11\x00\x00\x21\x12\xa4\x42" + bytes(12), b"\x00\x01\x00\x00" + bytes(16), b"hello", b"\xff" * 2000,
                  b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.2.3.4\r\n\r\n", b"INVITE sip:x SIP/2.0\r\n\r\n"):
        phone.send(noise)
    phone.expect_silence(0.5)
    phone.ask("OPTIONS", "ok", 200)


@test()
def a_bad_request_is_told_what_is_wrong(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    raw = phone.bytes_of(phone.request("OPTIONS", "ok")).replace(b"Max-Forwards: 70", b"Max-Forwards: many")
    phone.send(raw)
    answer = phone.expect(400)
    check(len(answer.start.split(" ", 2)[2]) > len("Bad Request"), f"it does not say what: {answer.start}")
    zero = phone.bytes_of(phone.request("OPTIONS", "ok")).replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    phone.send(zero)
    phone.expect(200)


@test()
def our_bye_goes_where_the_request_came_from(t):
    """A Contact never makes us reach another address: here a socket that must stay silent."""
    daemon = Daemon(t, args=["--t1-ms", "20"])
    phone, victim = Phone(t, daemon.address()), Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    raw = phone.bytes_of(invite).replace(f"Contact: <sip:caller@{phone.here()}".encode(),
                                         f"Contact: <sip:caller@{victim.here()}".encode())
    phone.send(raw)
    phone.expect(200)
    byes = [m for m in phone.collect(2.0, answering=True) if m.method == "BYE"]
    equal(len({m.get("via") for m in byes}), 1, "BYEs to the caller, retransmissions apart")
    check(victim.here() in byes[0].start, f"the BYE's Request-URI: {byes[0].start}")
    victim.expect_silence(0.3)


@test()
def answers_without_an_ack_are_capped_a_source(t):
    config = t.write("verdict.lua", "return { max_unacknowledged = 20 }\n")
    trusting = t.write("trusting.lua", 'return { max_unacknowledged = 20, trusted = { "127.0.0.0/8" } }\n')
    for path, capped in ((config, True), (trusting, False)):
        daemon = Daemon(t, args=["--config", str(path), "--workers", 1])
        phone = Phone(t, daemon.address())
        codes = []
        for _ in range(40):
            request = phone.request("INVITE", "gone")
            phone.send(request)
            while (answer := phone.receive(2)).get("call-id") != request["call_id"]:
                pass
            codes.append(answer.status)
        equal(codes.count(503) > 0, capped, f"{path.name}: {codes}")
        equal(codes[:20], [410] * 20, f"{path.name}: the first ones")
        other = phone.ask("OPTIONS", "ok", 200)  # what needs no ACK is answered as ever
        check(other.tag("to"), "no To tag")


@test()
def a_call_is_refreshed_though_others_behind_its_address_are_capped(t):
    config = t.write("verdict.lua", "return { max_unacknowledged = 3 }\n")
    daemon = Daemon(t, args=["--config", str(config), "--workers", 1])
    phone, other = Phone(t, daemon.address()), Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    answer = phone.expect(200)
    phone.send(phone.ack_of(invite, answer))
    for _ in range(3):
        other.send(other.request("INVITE", "ok"))
        other.expect(200)
    other.send(other.request("INVITE", "ok"))
    check(any(m.status == 503 for m in other.collect(0.3)), "the cap was not reached")
    again = dict(invite, cseq=2, to=invite["uri"], to_tag=answer.tag(), branch="z9hG4bK" + token(), uri=contact_of(answer))
    phone.send(again)
    phone.send(phone.ack_of(again, phone.expect(200)))
    forged = dict(again, to_tag=token(), branch="z9hG4bK" + token())
    phone.send(forged)
    phone.expect(503)

IN_CALLS = """
return policy {
  name = "in_calls", on_error = reject(500) {}, default = ok { hangup_after = 3 },
  rules = { { "early", when = { user = "early" }, verdict = ok { ring = 0.2, progress = true } } },
  on_request = function(req) if req.method == "MESSAGE" then return ok { headers = { ["X-Said"] = "heard" } } end end,
}
"""


def short_sessions(t, *args):
    config = t.write("short.lua", 'return { min_se_s = 2, session_expires_s = 100, log = "all" }\n')
    return Daemon(t, policy=IN_CALLS, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"), args=["--config", str(config), *args])


@test(limit=40)
def early_media_is_acknowledged(t):
    """Also where the 183, or the PRACK's answer, is lost on the way."""
    daemon = short_sessions(t, "--t1-ms", 50)
    tcp = sipp.start(t, daemon.address("tcp"), "early_media.xml", calls=10, rate=20, service="early", transport="t1", name="tcp")
    equal(sipp.run(t, daemon.address(), "early_media.xml", calls=10, rate=20, service="early"), (10, 0), "calls")
    equal(sipp.finish(tcp), (10, 0), "calls over TCP")
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "early", extra=["Require: 100rel"])
    phone.send(invite)
    first = phone.expect(183)
    again = phone.expect(183)
    equal(first.raw, again.raw, "the 183 again")
    prack = phone.request("PRACK", "early", call_id=invite["call_id"], from_tag=invite["from_tag"], to_tag=first.tag("to"), cseq=2,
                          extra=[f"RAck: {first.get('rseq')} 1 INVITE"])
    phone.send(prack)
    answer = phone.expect(200, method="PRACK")
    phone.send(prack)
    answers = [phone.receive(), phone.receive()]
    check(answer.raw in [m.raw for m in answers], f"the answer to the PRACK again: {answers}")
    ok = next((m for m in answers if m.cseq()[1] == "INVITE"), None) or phone.expect(200, method="INVITE")
    equal(ok.body, b"", "the 200's body")
    phone.send(phone.ack_of(invite, ok))
    # And without a PRACK the INVITE fails.
    phone.send(phone.request("INVITE", "early", extra=["Require: 100rel"]))
    while (answer := phone.receive(5)).status == 183:
        pass
    equal(answer.status, 504, "the answer without a PRACK")


@test(limit=40)
def packets_are_lost(t):
    daemon = Daemon(t, args=["--t1-ms", 250])
    calls, failed = sipp.run(t, daemon.address(), "invite_200.xml", calls=20, rate=40, service="ok", args=["-lost", "10", "-max_retrans", "12"])
    equal((calls, failed), (20, 0), "calls")


@test(limit=40)
def sessions_are_refreshed(t):
    daemon = short_sessions(t)
    by_update = sipp.start(t, daemon.address(), "refresh.xml", calls=5, rate=20, service="update")
    by_invite = sipp.start(t, daemon.address(), "refresh_reinvite.xml", calls=5, rate=20, service="invite")
    over_tcp = [sipp.start(t, daemon.address("tcp"), scenario, calls=5, rate=20, service="tcp", transport="t1", name=f"tcp-{scenario}")
                for scenario in ("refresh.xml", "refresh_reinvite.xml")]
    equal(sipp.finish(by_update), (5, 0), "calls refreshed by UPDATE")
    equal(sipp.finish(by_invite), (5, 0), "calls refreshed by re-INVITE")
    equal([sipp.finish(process) for process in over_tcp], [(5, 0)] * 2, "calls refreshed over TCP")
    # The caller is to refresh, and does not.
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "silent", extra=["Supported: timer", "Session-Expires: 2;refresher=uac"])
    phone.send(invite)
    ok = phone.expect(200)
    equal(ok.get("session-expires"), "2;refresher=uac", "Session-Expires")
    phone.send(phone.ack_of(invite, ok))
    bye = phone.expect_request("BYE", 2.5)
    check("Session expired" in bye.get("reason"), f"Reason: {bye.get('reason')}")
    phone.answer(bye)


@test(limit=40)
def all_that_may_happen_in_a_call(t):
    daemon = short_sessions(t)
    udp = sipp.start(t, daemon.address(), "in_call.xml", calls=5, rate=20, service="all")
    tcp = sipp.start(t, daemon.address("tcp"), "in_call.xml", calls=5, rate=20, service="all", transport="t1", name="tcp")
    equal(sipp.finish(udp), (5, 0), "calls")
    equal(sipp.finish(tcp), (5, 0), "calls over TCP")
    equal(daemon.metric("verdict_missing_acks_total"), 0, "missing ACKs")
    said = [(d["method"], d["rule"], d["verdict"], d["status"]) for d in daemon.decisions() if d["event"] == "in_call"]
    equal(said.count(("MESSAGE", "on_request", "ok", 200)), 10, f"lines of what on_request said: {said[:4]}")
    check(("INFO", "on_request", "none", 200) in said, f"and where it said nothing: {sorted(set(said))}")


@test()
def calls_are_capped(t):
    config = t.write("caps.lua", "return { max_calls_per_user = 1, max_calls = 2 }\n")
    daemon = Daemon(t, args=["--config", str(config), "--workers", 2])
    phone = Phone(t, daemon.address())
    codes = []
    for user in ("ok1", "ok1", "ok2", "ok3"):
        invite = phone.request("INVITE", user)
        phone.send(invite)
        final = phone.receive()
        codes.append(final.status)
        phone.send(phone.ack_of(invite, final))
    equal(codes, [200, 486, 200, 503], "answers, whichever worker has the call")
