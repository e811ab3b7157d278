# SPDX-License-Identifier: Apache-2.0
"""The way of our own requests (RFC 3263): a BYE to a Contact by name, with a DNS server on loopback."""
import re
import socket
import ssl
import threading

from harness.daemon import Daemon
from harness.dns import SERVFAIL, SILENCE, Dns
from harness.ports import free_port
from harness.registry import check, equal, test, wait_until
from harness.sip import Message, Phone
from harness.tls import Authority

T1 = 20
EGRESS = "127.0.0.0/8"


def daemon_with(t, dns, egress=EGRESS, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"), workers=2):
    path = t.folder / f"config-{dns.sock.getsockname()[1]}.lua"
    allowed = f'egress = {{ "{egress}" }}, ' if egress else ""
    path.write_text(f'return {{ {allowed}dns_servers = {{ "{dns.address}" }}, workers = {workers} }}\n')
    return Daemon(t, listen=listen, args=["--config", path, "--t1-ms", T1])


class Place:
    """Where a Contact leads: a UDP and a TCP socket on the same port."""

    def __init__(self, t, tcp=True):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = free_port()
        self.udp.bind(("127.0.0.1", self.port))
        t.on_end(self.udp.close)
        self.tcp = None
        if tcp:
            self.tcp = socket.create_server(("127.0.0.1", self.port))
            t.on_end(self.tcp.close)

    def bye(self, seconds=6):
        """A BYE by UDP, and where it came from."""
        self.udp.settimeout(seconds)
        data, peer = self.udp.recvfrom(65536)
        message = Message(data)
        equal(message.method, "BYE", "the request")
        return message, peer

    def bye_by_tcp(self, seconds=6):
        self.tcp.settimeout(seconds)
        connection, _ = self.tcp.accept()
        connection.settimeout(seconds)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        message = Message(data)
        equal(message.method, "BYE", "the request")
        return message, connection


def reply(message, status=200, extra=""):
    lines = [f"SIP/2.0 {status} Whatever"]
    for name in ("via", "from", "to", "call-id", "cseq"):
        lines += [f"{name}: {value}" for value in message.all(name)]
    return ("\r\n".join(lines) + f"\r\n{extra}Content-Length: 0\r\n\r\n").encode()


def lose_the_ack(t, daemon, contact, transport="udp", extra=()):
    """An INVITE whose 200 is never acknowledged: a BYE follows after 64*T1."""
    phone = Phone(t, daemon.address(transport), transport)
    invite = phone.request("INVITE", "ok", extra=list(extra))
    text = phone.bytes_of(invite).decode()
    phone.send(re.sub(r"Contact: [^\r]*", f"Contact: <{contact}>", text).encode())
    phone.expect(200)
    return phone


def calls_gone(daemon):
    wait_until(lambda: sum(w["calls"] for w in daemon.get("/v1/status")[1]["workers"]) == 0, 5, "the calls to end")


@test(limit=40)
def a_contact_by_name_is_located(t):
    place = Place(t)
    dns = Dns(t, {
        ("NAPTR", "phone.test"): [(20, 1, "SIP+D2T", "_sip._tcp.phone.test"), (10, 1, "SIP+D2U", "_sip._udp.phone.test")],
        ("SRV", "_sip._udp.phone.test"): [(1, 0, place.port, "host.phone.test")],
        ("A", "host.phone.test"): ["127.0.0.1"],
    })
    daemon = daemon_with(t, dns)
    for _ in range(2):
        phone = lose_the_ack(t, daemon, "sip:caller@phone.test")
        bye, peer = place.bye()
        check(bye.get("via").startswith("SIP/2.0/UDP "), f"Via: {bye.get('via')}")
        check(bye.start.startswith("BYE sip:caller@phone.test "), bye.start)
        place.udp.sendto(reply(bye), peer)
        check(not any(m.method == "BYE" for m in phone.collect(0.2)), "the flow got the BYE too")
        calls_gone(daemon)
    equal(dns.asked.count(("NAPTR", "phone.test")) <= 2, True, "questions, one a worker at most")
    equal(daemon.stop(), 0, "exit code")


@test(limit=40)
def a_transport_in_the_contact_is_kept(t):
    place = Place(t)
    dns = Dns(t, {("SRV", "_sip._tcp.phone.test"): [(1, 0, place.port, "host.phone.test")],
                  ("A", "host.phone.test"): ["127.0.0.1"]})
    daemon = daemon_with(t, dns)
    lose_the_ack(t, daemon, "sip:caller@phone.test;transport=tcp")
    bye, connection = place.bye_by_tcp()
    check(bye.get("via").startswith("SIP/2.0/TCP "), f"Via: {bye.get('via')}")
    connection.sendall(reply(bye))
    calls_gone(daemon)
    equal(daemon.metric("verdict_bye_failures_total"), 0, "failed BYEs")
    connection.close()


@test(limit=40)
def the_next_server_after_503_a_refused_connection_and_silence(t):
    busy, good = Place(t), Place(t)
    dead = Place(t)  # never answers
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
    t.on_end(closed.close)
    dns = Dns(t, {
        ("SRV", "_sip._tcp.phone.test"): [(1, 0, closed.getsockname()[1], "host.test"), (2, 0, busy.port, "host.test"),
                                          (3, 0, good.port, "host.test")],
        ("SRV", "_sip._udp.other.test"): [(1, 0, dead.port, "host.test"), (2, 0, good.port, "host.test")],
        ("A", "host.test"): ["127.0.0.1"],
    })
    daemon = daemon_with(t, dns)
    lose_the_ack(t, daemon, "sip:caller@phone.test;transport=tcp")
    first, one = busy.bye_by_tcp()
    one.sendall(reply(first, 503, "Retry-After: 60\r\n"))
    second, two = good.bye_by_tcp()
    check(first.get("via") != second.get("via"), "the branch is the same")
    equal(first.cseq(), second.cseq(), "CSeq")
    two.sendall(reply(second))
    calls_gone(daemon)
    lose_the_ack(t, daemon, "sip:caller@other.test;transport=udp")
    dead.bye()
    bye, peer = good.bye(8)  # after 64*T1
    good.udp.sendto(reply(bye), peer)
    calls_gone(daemon)
    equal(daemon.metric("verdict_bye_failures_total"), 0, "failed BYEs")
    for connection in (one, two):
        connection.close()


@test(limit=40)
def a_contact_never_reaches_what_egress_does_not_allow(t):
    place = Place(t)
    zone = {("A", "inner.test"): ["127.0.0.1"], ("A", "broken.test"): SERVFAIL, ("A", "silent.test"): SILENCE,
            ("AAAA", "silent.test"): SILENCE}
    dns = Dns(t, zone)
    for egress in ("192.0.2.0/24", None):
        daemon = daemon_with(t, dns, egress)
        for contact in (f"sip:caller@inner.test:{place.port}", f"sip:caller@127.0.0.1:{place.port}"):
            phone = lose_the_ack(t, daemon, contact)
            phone.answer(wait_bye(phone))
            calls_gone(daemon)
        if not egress:
            continue
        for name in ("broken.test", "nowhere.test", "silent.test"):
            phone = lose_the_ack(t, daemon, f"sip:caller@{name}:{place.port}")
            phone.answer(wait_bye(phone))
            calls_gone(daemon)
    place.udp.settimeout(0.1)
    try:
        place.udp.recvfrom(100)
        check(False, "a Contact made us reach an inner address")
    except socket.timeout:
        pass
    equal([name for _, name in dns.asked].count("inner.test") <= 4, True, "questions: none without egress")


def wait_bye(phone, seconds=10):
    for message in iter(lambda: phone.receive(seconds), None):
        if message.method == "BYE":
            return message
    raise AssertionError("no BYE over the flow")


@test(limit=40)
def a_connection_goes_first_and_the_target_when_it_has_gone(t):
    place = Place(t)
    dns = Dns(t, {("A", "phone.test"): ["127.0.0.1"]})
    daemon = daemon_with(t, dns, workers=1)
    contact = f"sip:caller@phone.test:{place.port};transport=tcp"
    phone = lose_the_ack(t, daemon, contact, "tcp")
    phone.answer(wait_bye(phone))
    calls_gone(daemon)
    equal(dns.asked, [], "questions")
    phone = lose_the_ack(t, daemon, contact, "tcp")
    phone.sock.close()
    bye, connection = place.bye_by_tcp()
    connection.sendall(reply(bye))
    calls_gone(daemon)
    # It goes while the BYE is on it.
    phone = lose_the_ack(t, daemon, contact, "tcp")
    wait_bye(phone)
    connection.close()
    phone.sock.close()
    bye, connection = place.bye_by_tcp()
    connection.sendall(reply(bye))
    calls_gone(daemon)
    connection.close()


@test(limit=40)
def a_large_bye_goes_by_tcp_and_falls_back(t):
    place, only_udp = Place(t), Place(t, tcp=False)
    dns = Dns(t, {("A", "phone.test"): ["127.0.0.1"]})
    daemon = daemon_with(t, dns)
    user = "x" * 1300
    for where, by_tcp in ((place, True), (only_udp, False)):
        route = f"Record-Route: <sip:phone.test:{where.port};lr>"
        lose_the_ack(t, daemon, f"sip:{user}@192.0.2.1", extra=[route])
        if by_tcp:
            bye, connection = where.bye_by_tcp()
            connection.sendall(reply(bye))
            check(len(bye.raw) > 1300, f"{len(bye.raw)} bytes")
        else:
            bye, peer = where.bye()
            where.udp.sendto(reply(bye), peer)
        calls_gone(daemon)
    connection.close()


@test(limit=40)
def ends_in_order_while_it_looks_for_a_way(t):
    dns = Dns(t, {("A", "silent.test"): SILENCE, ("AAAA", "silent.test"): SILENCE})
    daemon = daemon_with(t, dns)
    phone = lose_the_ack(t, daemon, "sip:caller@silent.test:9")
    wait_until(lambda: dns.asked, 5, "a question")
    daemon.process.terminate()
    bye = wait_bye(phone)  # by the flow, when the search has given up
    phone.answer(bye)
    equal(daemon.wait_end(15), 0, "exit code")
    # And at once, on the second signal, with a search under way.
    daemon.start()
    lose_the_ack(t, daemon, "sip:caller@silent.test:9")
    asked = len(dns.asked)
    wait_until(lambda: len(dns.asked) > asked, 5, "a question")
    daemon.process.terminate()
    daemon.wait_log("signal|end|shut", 5)
    daemon.process.terminate()
    check(daemon.wait_end(10) in (0, 1), "the second signal")


class SecurePlace(threading.Thread):
    """Where a Contact leads over TLS: takes connections until the test ends, and answers every BYE that comes."""

    def __init__(self, t, authority, pair):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.certificate, pair.key)
        self.context.load_verify_locations(authority.file)
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.byes, self.failures, self.clients, self.names = [], [], [], []  # of each connection: its certificate, the name asked for
        self.context.sni_callback = lambda sock, name, context: self.names.append(name)
        t.on_end(self.server.close)
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self.server.accept()
            except OSError:
                return
            try:
                plain.settimeout(5)
                sock = self.context.wrap_socket(plain, server_side=True)
                self.clients.append(sock.getpeercert())
                while data := sock.recv(65536):
                    self.byes.append(Message(data))
                    sock.sendall(reply(self.byes[-1]))
            except OSError as error:
                self.failures.append(str(error))


@test(limit=40)
def a_bye_over_tls_goes_to_whom_it_is_for(t):
    authority, others = Authority(t), Authority(t, "others")
    ours = authority.issue("ours", "DNS:sip.example.com")
    right = SecurePlace(t, authority, authority.issue("right", "DNS:other.test", "URI:sip:phone.test"))
    wrong_name = SecurePlace(t, authority, authority.issue("wrong", "DNS:other.test", "DNS:*.test"))
    unknown = SecurePlace(t, authority, others.issue("unknown", "DNS:phone.test"))
    dns = Dns(t, {("A", "phone.test"): ["127.0.0.1"]})
    daemon = Daemon(t, args=["--workers", "1", "--set", f"egress={EGRESS}", "--set", f"dns_servers={dns.address}", "--t1-ms", 10, "--set", f"server_ca={authority.file}",
                             *ours.flags()])
    for contact in (f"sip:caller@phone.test:{right.port};transport=tls", f"sips:caller@phone.test:{right.port}"):
        before = len(right.byes)
        lose_the_ack(t, daemon, contact)
        wait_until(lambda: len(right.byes) > before, 6, f"the BYE to {contact}")
        check(re.match("SIP/2.0/TLS .*;alias", right.byes[-1].get("via")), right.byes[-1].get("via"))
    equal(right.names, ["phone.test"], "connections, by the name that was asked for: both go over one")
    check("sip.example.com" in str(right.clients[0]), f"our certificate: {right.clients[0]}")
    for place, text in ((wrong_name, "not for the name"), (unknown, "certificate verify failed")):
        lose_the_ack(t, daemon, f"sip:caller@phone.test:{place.port};transport=tls")
        daemon.wait_log(rf"tls: to 127\.0\.0\.1:{place.port}: the handshake failed: .*{text}", 6)
        equal(place.byes, [], "what a stranger was told")
    calls_gone(daemon)
