# SPDX-License-Identifier: Apache-2.0
"""TCP, IPv6, streams that break off, datagrams that are too long."""
import socket

from harness.daemon import Daemon
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Phone, contact_of
from harness import sipp


@test(limit=30)
def tcp_calls(t):
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    server = daemon.address("tcp")
    equal(sipp.run(t, server, "invite_200.xml", calls=20, rate=20, service="ok", transport="t1"), (20, 0), "calls")
    equal(sipp.run(t, server, "invite_410.xml", calls=20, rate=20, service="gone", transport="t1"), (20, 0), "refusals")
    equal(sipp.run(t, server, "options.xml", calls=20, rate=20, service="ok", transport="tn"), (20, 0), "OPTIONS")


@test()
def tcp_pieces_and_keep_alives(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0",))
    phone = Phone(t, daemon.address("tcp"), "tcp")
    phone.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    phone.send_raw(b"\r\n\r\n")  # RFC 5626 keep-alive: a pong of one CRLF
    phone.sock.settimeout(2)
    equal(phone.sock.recv(16), b"\r\n", "pong")
    data = phone.bytes_of(phone.request("OPTIONS", "ok"))
    for at in range(0, len(data), 7):
        phone.send_raw(data[at:at + 7])
    phone.expect(200)
    both = phone.bytes_of(phone.request("OPTIONS", "ok")) + phone.bytes_of(phone.request("OPTIONS", "gone"))
    phone.send_raw(both)
    equal({phone.receive().status, phone.receive().status}, {200, 410}, "two requests in one piece")


@test()
def tcp_garbage_closes_the_connection_alone(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0",))
    bad = Phone(t, daemon.address("tcp"), "tcp")
    good = Phone(t, daemon.address("tcp"), "tcp")
    bad.send_raw(b"INVITE sip:x SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n")
    bad.sock.settimeout(5)
    try:
        left = bad.sock.recv(4096)
        while left:
            left = bad.sock.recv(4096)
    except ConnectionResetError:
        pass
    good.ask("OPTIONS", "ok", 200)


@test()
def ipv6(t):
    if not socket.has_ipv6:
        skip("no IPv6 here")
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))
    except OSError:
        skip("no [::1] here")
    daemon = Daemon(t, listen=("udp:[::1]:0", "tcp:[::1]:0"))
    for transport in ("udp", "tcp"):
        phone = Phone(t, daemon.address(transport), transport)
        invite = phone.request("INVITE", "ok")
        phone.send(invite)
        ok = phone.expect(200)
        check("[::1]" in contact_of(ok), f"Contact: {contact_of(ok)}")
        phone.send(phone.ack_of(invite, ok))
        phone.send(phone.bye_of(invite, ok))
        phone.expect(200, method="BYE")
        phone.ask("INVITE", "gone", 410)
    equal(sipp.run(t, daemon.address("udp"), "invite_200.xml", calls=10, rate=20, service="ok"), (10, 0), "calls")


@test()
def bytes_after_the_content_length_are_left(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    phone.send(phone.bytes_of(phone.request("OPTIONS", "ok")) + b"trailing")
    phone.expect(200)
    cut = phone.bytes_of(phone.request("OPTIONS", "ok")).replace(b"Content-Length: 0", b"Content-Length: 500")
    phone.send(cut)
    phone.expect(400)


@test()
def many_workers_one_caller(t):
    daemon = Daemon(t, args=["--workers", 4], listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    equal(sipp.run(t, daemon.address(), "invite_200.xml", calls=100, rate=100, service="ok"), (100, 0), "calls")
    equal(sipp.run(t, daemon.address("tcp"), "invite_200.xml", calls=50, rate=50, service="ok", transport="t1",
                   name="tcp"), (50, 0), "calls over TCP")
    workers = daemon.get("/v1/status")[1]["workers"]
    equal(len(workers), 4, "workers")
    check(sum(w["handed_over"] for w in workers) > 0, f"nothing was handed over: {workers}")


@test(limit=30)
def a_connection_that_goes_before_the_answer(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0", "udp:127.0.0.1:0"))
    for _ in range(30):
        phone = Phone(t, daemon.address("tcp"), "tcp")
        phone.send(phone.request("INVITE", "ring"))
        phone.sock.close()
    other = Phone(t, daemon.address("udp"))
    other.ask("OPTIONS", "ok", 200)
    wait_until(lambda: daemon.metric("verdict_connections") == 0, 5, "the connections to be gone")
