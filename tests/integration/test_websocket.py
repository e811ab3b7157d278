# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket: upgrades, frames, calls over WS and WSS."""
import re
import socket
import threading

from harness.daemon import Daemon, cli
from harness.registry import check, equal, test
from harness.sip import Phone, contact_of, token
from harness.tls import Authority
from harness.ws import BINARY, CLOSE, PING, PONG, TEXT, WsPhone, frame, upgrade
from test_tls import NAME


def a_call(phone, transport):
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    check(contact_of(ok).endswith(";transport=ws"), f"Contact over {transport}: {contact_of(ok)}")
    check(re.search(r";received=127\.0\.0\.1", ok.get("via")), f"Via over {transport}: {ok.get('via')}")
    check(re.search(r";rport=\d+", ok.get("via")), f"Via over {transport}: {ok.get('via')}")
    phone.send(phone.ack_of(invite, ok))
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")
    phone.ask("INVITE", "gone", 410)
    phone.ask("OPTIONS", "ok", 200)


@test(limit=30)
def ws_calls(t):
    daemon = Daemon(t, listen=("ws:127.0.0.1:0",), args=["--t1-ms", "20"])
    for opcode in (TEXT, BINARY):
        phone = WsPhone(t, daemon.address("ws"))
        phone.opcode = opcode
        a_call(phone, "ws")
    # Our own request goes over the same connection: a call that is never acknowledged gets a BYE.
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    ok = phone.expect(200)
    bye = phone.collect(1.8, answering=True)
    byes = [one for one in bye if one.method == "BYE"]
    check(len(byes) == 1, f"no BYE for a lost ACK over WS: {bye}")
    check(byes[0].get("via").startswith("SIP/2.0/WS "), byes[0].get("via"))
    equal(len([one for one in bye if one.status == 200]), 10, "200s that were sent again")


@test(limit=30)
def wss_calls(t):
    authority = Authority(t)
    pair = authority.issue("server", f"DNS:{NAME}")
    daemon = Daemon(t, listen=("wss:127.0.0.1:0",), args=pair.flags())
    phone = WsPhone(t, daemon.address("wss"), "wss", context=authority.context(), name=NAME)
    a_call(phone, "wss")
    daemon.signal(15)
    phone.expect_close(1001, 5)


@test(limit=30)
def ws_frames(t):
    daemon = Daemon(t, listen=("ws:127.0.0.1:0",))
    server = daemon.address("ws")
    phone = WsPhone(t, server)
    data = phone.bytes_of(phone.request("OPTIONS", "ok"))
    # In fragments, with a ping between them; byte by byte; two frames in one piece.
    phone.send_bytes(frame(data[:10], TEXT, fin=False) + frame(b"between", PING) + frame(data[10:50], 0, fin=False) + frame(data[50:], 0))
    equal(phone.next_frame(), (PONG, b"between"), "the pong")
    phone.expect(200)
    for byte in frame(phone.bytes_of(phone.request("OPTIONS", "gone"))):
        phone.send_bytes(bytes([byte]))
    phone.expect(410)
    phone.send_bytes(frame(phone.bytes_of(phone.request("OPTIONS", "ok"))) + frame(phone.bytes_of(phone.request("OPTIONS", "gone"))))
    equal({phone.receive().status, phone.receive().status}, {200, 410}, "two messages in one piece")
    # The end of a message is its frame's end: without a Content-Length its body reaches up to there.
    bare = re.sub(rb"Content-Length: \d+\r\n", b"", phone.bytes_of(phone.request("MESSAGE", "gone", body="hello")))
    phone.send_raw(bare)
    phone.expect(410)
    # Keep-alives.
    phone.send_raw(b"\r\n\r\n")
    equal(phone.next_frame(), (TEXT, b"\r\n"), "the answer to a keep-alive")
    phone.send_raw(b"\r\n")
    phone.send_bytes(frame(b"", PONG) + frame(b"", TEXT))
    phone.ask("OPTIONS", "ok", 200)
    # What is no UTF-8 comes back in a binary frame.
    phone.opcode = BINARY
    phone.send_raw(phone.bytes_of(phone.request("OPTIONS", "ok")).replace(b"From: <", b"From: \"\xff\xfe\" <"))
    equal(phone.next_frame()[0], BINARY, "the frame of an answer that is no text")
    phone.send_bytes(frame((1000).to_bytes(2, "big"), CLOSE))
    phone.expect_close(1000)


@test(limit=30)
def ws_frames_against_the_rules(t):
    daemon = Daemon(t, listen=("ws:127.0.0.1:0",), args=["--set", "max_message_bytes=2000"])
    server = daemon.address("ws")
    cases = (
        ("unmasked", frame(b"OPTIONS", masked=False), 1002),
        ("a reserved bit", frame(b"x", rsv=4), 1002),
        ("an unknown opcode", frame(b"x", 3), 1002),
        ("a continuation of nothing", frame(b"x", 0), 1002),
        ("a new message in the middle of one", frame(b"x", fin=False) + frame(b"y"), 1002),
        ("a fragmented ping", frame(b"x", PING, fin=False), 1002),
        ("a ping of over 125 bytes", frame(b"x" * 126, PING), 1002),
        ("text that is no UTF-8", frame(b"\xff\xfe"), 1007),
        ("one frame over the cap", frame(b"x" * 2001), 1009),
        ("fragments over the cap", frame(b"x" * 1500, fin=False) + frame(b"x" * 501, 0), 1009),
        ("a length of 2^62", bytes([0x81, 0xff]) + (1 << 62).to_bytes(8, "big") + b"maskx", 1009),
    )
    for what, data, code in cases:
        phone = WsPhone(t, server)
        phone.send_bytes(data)
        try:
            phone.expect_close(code)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
    WsPhone(t, server).ask("OPTIONS", "ok", 200)
    equal(daemon.metric("verdict_connections_closed_total", reason="websocket"), float(len(cases)), "connections closed for it")


@test(limit=30)
def ws_upgrades(t):
    daemon = Daemon(t, listen=("ws:127.0.0.1:0",), args=["--set", "origins=https://phone.example.com"])
    server = daemon.address("ws")
    host = f"127.0.0.1:{server[1]}"

    def answer(data):
        with socket.create_connection(server, timeout=5) as sock:
            sock.sendall(data)
            got = b""
            while part := sock.recv(4096):
                got += part
                if b" 101 " in got:
                    break
            return got.decode(errors="replace")

    good = upgrade(host)
    cases = (
        (good, 101, ""), (upgrade(host, Origin="https://phone.example.com"), 101, ""),
        (upgrade(host, Sec_WebSocket_Protocol="chat, sip"), 101, ""),
        (upgrade(host, Origin="https://evil.example"), 403, "Origin"),
        (upgrade(host, Origin="null"), 403, "Origin"),
        (upgrade(host, drop=("Host",)), 400, "Host"),
        (upgrade(host, drop=("Upgrade",)), 426, "WebSocket"),
        (upgrade(host, drop=("Connection",)), 426, "WebSocket"),
        (upgrade(host, Sec_WebSocket_Version="8"), 426, "Sec-WebSocket-Version: 13"),
        (upgrade(host, drop=("Sec-WebSocket-Key",)), 400, "Sec-WebSocket-Key"),
        (upgrade(host, key="short"), 400, "Sec-WebSocket-Key"),
        (upgrade(host, drop=("Sec-WebSocket-Protocol",)), 400, "sip"),
        (upgrade(host, Sec_WebSocket_Protocol="xmpp"), 400, "sip"),
        (upgrade(host, Content_Length="5"), 400, "body"),
        (good.replace(b"GET", b"POST"), 405, "Allow: GET"),
        (good.replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "HTTP/1.1"),
        (good.replace(b"\r\nUpgrade", b"\nUpgrade"), 400, "CR LF"),
        (good.replace(b"Upgrade: websocket", b"Upgrade : websocket"), 400, "malformed"),
        (b"OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", 400, ""),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000, 431, "8192"),
        (b"\x16\x03\x01" + b"\r\n\r\n", 400, ""),
    )
    for data, status, text in cases:
        got = answer(data)
        check(got.startswith(f"HTTP/1.1 {status} ") and text in got, f"{data[:400]!r}: expected {status} {text}, got {got!r}")
    WsPhone(t, server, origin="https://phone.example.com").ask("OPTIONS", "ok", 200)


@test()
def ws_pings(t):
    """Who is silent is asked; who does not answer is dead, and his registration ends with his connection."""
    authority = Authority(t)
    daemon = Daemon(t, policy="return function() return ok {} end\n", listen=("udp:127.0.0.1:0", "ws:127.0.0.1:0", "wss:127.0.0.1:0"),
                    args=[*authority.issue("server", f"DNS:{NAME}").flags(), "--set", "ping_interval_ms=200", "--set", "ping_timeout_ms=300"])
    watcher = Phone(t, daemon.address("udp"))
    for transport in ("ws", "wss"):
        context = authority.context() if transport == "wss" else None
        live, dead = (WsPhone(t, daemon.address(transport), transport, context=context, name=context and NAME) for _ in range(2))
        for user, phone in (("live", live), ("dead", dead)):
            phone.register(f"sip:{user}@example.com", [f'<sip:a@{phone.invalid};transport=ws;ob>;reg-id=1;+sip.instance="<urn:uuid:{token()}>"'],
                           extra=["Supported: outbound"])
        for _ in range(4):
            equal(live.next_frame(2), (PING, b""), f"{transport}: what comes to who is silent")
            live.send_bytes(frame(b"", PONG))
        equal(dead.next_frame(), (PING, b""), f"{transport}: the question")
        equal(dead.next_frame(), (None, b""), f"{transport}: the end")
        check(watcher.contacts_of("sip:live@example.com"), f"{transport}: the live one is not registered any more")
        equal(watcher.contacts_of("sip:dead@example.com"), [], f"{transport}: contacts of the dead one")
        live.sock.close()
    equal(daemon.metric("verdict_connections_closed_total", reason="dead"), 2.0, "dead connections")


@test(limit=40)
def ws_probe(t):
    """`verdict probe` over WS and WSS: a whole call each, and what it says of servers that are none."""
    authority = Authority(t)
    pair = authority.issue("server", "IP:127.0.0.1")
    daemon = Daemon(t, listen=("ws:127.0.0.1:0", "wss:127.0.0.1:0", "tcp:127.0.0.1:0"), args=pair.flags())
    ws, wss, tcp = (daemon.address(transport)[1] for transport in ("ws", "wss", "tcp"))
    trust = ("--server-ca", authority.file)
    for uri, args, code in ((f"sip:ok@127.0.0.1:{ws};transport=ws", (), 200), (f"sip:gone@127.0.0.1:{ws}", ("--transport", "ws"), 410),
                            (f"sip:ok@127.0.0.1:{wss};transport=wss", trust, 200), (f"sips:gone@127.0.0.1:{wss};transport=ws", trust, 410)):
        done = cli("probe", uri, *args, "--expect", code)
        equal(done.returncode, 0, f"probe {uri}: {done.stdout}{done.stderr}")
        check(code != 200 or "BYE" in done.stdout, f"no whole call: {done.stdout}")
    equal(daemon.metric("verdict_missing_acks_total"), 0.0, "missing ACKs")
    equal(daemon.metric("verdict_calls"), 0.0, "calls that were not ended")

    def refused(port, text, *args, transport="ws"):
        done = cli("probe", f"sip:ok@127.0.0.1:{port};transport={transport}", *args)
        check(done.returncode == 1 and text in done.stderr, f"expected {text}: {done.returncode} {done.stdout}{done.stderr}")

    refused(tcp, "closed the connection, and does not seem to speak WebSocket")
    refused(wss, "certificate", transport="wss")
    server = socket.create_server(("127.0.0.1", 0))
    t.on_end(server.close)

    def serve():
        for answer in (b"HTTP/1.1 404 Not Found\r\n\r\nno such page\n", b""):
            connection = server.accept()[0]
            connection.recv(4096)
            connection.sendall(answer)
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    refused(server.getsockname()[1], "refused the upgrade to WebSocket: HTTP/1.1 404 Not Found: no such page")
    refused(server.getsockname()[1], "closed the connection")
    thread.join()
