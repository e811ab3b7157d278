# SPDX-License-Identifier: Apache-2.0
"""No ACK: each final answer is sent exactly as often as the RFC says, then a BYE for the 200 and silence for the 410."""
from harness.daemon import Daemon
from harness.registry import check, equal, test
from harness.sip import Phone
from harness import sipp

TIMES = 11  # RFC 3261: 0, T1, 3*T1, 7*T1, then every T2 = 8*T1 up to 64*T1


def expected_times(t1):
    times, at, step = [0.0], 0.0, t1
    while at + step < 64 * t1:
        at += step
        times.append(at)
        step = min(step * 2, 8 * t1)
    return times


def lost_ack(t, daemon, user, status, t1, transport="udp"):
    """Sends an INVITE and never an ACK; gives the final answers and what else came, until well after 64*T1."""
    phone = Phone(t, daemon.address(transport), transport)
    invite = phone.request("INVITE", user)
    phone.send(invite)
    finals, others = [], []
    end_s = 64 * t1 + max(4 * t1, 0.5)
    first = phone.expect(status)
    finals.append(first)
    for message in phone.collect(end_s, answering=True):
        if message.status == status:
            finals.append(message)
        elif message.status < 100 or message.status >= 200:
            others.append(message)
    check(all(m.raw == first.raw for m in finals), "the answers are not the same bytes")
    return finals, others


def check_times(finals, t1, slack):
    for message, wanted in zip(finals, expected_times(t1)):
        got = message.at - finals[0].at
        check(abs(got - wanted) <= slack, f"an answer after {got:.3f} s, expected {wanted:.3f} s")


def check_bye(others, finals, t1):
    byes = [m for m in others if m.method == "BYE"]
    equal(len(byes), 1, "BYEs")
    equal(len(others), 1, "messages besides the answers and the BYE")
    reason = byes[0].get("reason") or ""
    check("SIP" in reason and "cause=408" in reason, f"Reason: {reason}")
    check(abs(byes[0].at - finals[0].at - 64 * t1) < 0.5, f"the BYE came after {byes[0].at - finals[0].at:.2f} s")


@test(limit=30)
def lost_ack_of_200_scaled(t):
    daemon = Daemon(t, args=["--t1-ms", 40])
    finals, others = lost_ack(t, daemon, "ok", 200, 0.04)
    equal(len(finals), TIMES, "times that the 200 was sent")
    check_bye(others, finals, 0.04)
    equal(daemon.metric("verdict_missing_acks_total"), 1, "missing ACKs")
    daemon.wait_log("ACK", 2)


@test(limit=30)
def lost_ack_of_410_scaled(t):
    daemon = Daemon(t, args=["--t1-ms", 40])
    finals, others = lost_ack(t, daemon, "gone", 410, 0.04)
    equal(len(finals), TIMES, "times that the 410 was sent")
    equal(others, [], "what came besides")
    check(daemon.metric("verdict_unacknowledged_refusals_total"), "it is not counted")


@test(limit=30)
def lost_ack_over_tcp(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0",), args=["--t1-ms", 40])
    finals, others = lost_ack(t, daemon, "ok", 200, 0.04, "tcp")
    equal(len(finals), TIMES, "times that the 200 was sent: a stream's too, RFC 3261 13.3.1.4")
    check_bye(others, finals, 0.04)
    finals, others = lost_ack(t, daemon, "gone", 410, 0.04, "tcp")
    equal(len(finals), 1, "times that the 410 was sent over a stream")
    equal(others, [], "what came besides")
    equal(daemon.metric("verdict_unacknowledged_refusals_total"), 1, "timer H runs on every transport")


@test(limit=60)
def lost_ack_of_200_with_default_timers(t):
    daemon = Daemon(t)
    finals, others = lost_ack(t, daemon, "ok", 200, 0.5)
    equal(len(finals), TIMES, "times that the 200 was sent")
    check_times(finals, 0.5, 0.25)
    check_bye(others, finals, 0.5)


@test(limit=60)
def lost_ack_of_410_with_default_timers(t):
    daemon = Daemon(t)
    finals, others = lost_ack(t, daemon, "gone", 410, 0.5)
    equal(len(finals), TIMES, "times that the 410 was sent")
    check_times(finals, 0.5, 0.25)
    equal(others, [], "what came besides")


@test(limit=30)
def sipp_loses_the_ack(t):
    daemon = Daemon(t, args=["--t1-ms", 40])
    calls, failed = sipp.run(t, daemon.address(), "lost_ack_200.xml", calls=5, rate=50, service="ok")
    equal((calls, failed), (5, 0), "calls")


@test(limit=30)
def a_late_ack_stops_the_answers(t):
    daemon = Daemon(t, args=["--t1-ms", 100])
    for user, status in (("ok", 200), ("gone", 410)):
        phone = Phone(t, daemon.address())
        invite = phone.request("INVITE", user)
        phone.send(invite)
        for _ in range(3):
            final = phone.expect(status)
        phone.send(phone.ack_of(invite, final))
        phone.expect_silence(1.2)
    acks = daemon.get("/v1/status")[1]["acks"]
    check(sum(v for k, v in acks.items() if isinstance(v, int)) >= 2, f"the ledger: {acks}")


@test(limit=30)
def a_bye_before_the_ack_stops_the_200(t):
    daemon = Daemon(t, args=["--t1-ms", 100])
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    phone.send(phone.bye_of(invite, ok))
    late = [m for m in phone.collect(1.5) if not (m.status == 200 and m.cseq()[1] == "BYE")]
    check(len(late) <= 1, f"after the BYE came {late}")


@test(limit=30)
def an_ack_with_wrong_tags_is_no_ack(t):
    daemon = Daemon(t, args=["--t1-ms", 40])
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    phone.send(dict(phone.ack_of(invite, ok), to_tag="wrong"))
    phone.send(dict(phone.ack_of(invite, ok), cseq=7))
    again = [m for m in phone.collect(1.0) if m.status == 200]
    check(len(again) >= 3, f"the 200 came {len(again)} times more")
    phone.send(phone.ack_of(invite, ok))
    check(not [m for m in phone.collect(0.8) if m.status == 200][1:], "the right ACK does not stop it")
