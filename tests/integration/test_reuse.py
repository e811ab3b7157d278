# SPDX-License-Identifier: Apache-2.0
"""Connections that trunks lend by `alias` (RFC 5923): whose BYE, NOTIFY and answer come by them, and whose do not."""
import re
import socket
import time

from harness.daemon import Daemon
from harness.dns import Dns
from harness.ports import free_port
from harness.registry import check, equal, test
from harness.sip import Phone
from harness.tls import Authority

NAME, TRUNK = "sip.example.com", "trunk.example.net"


class Trunk:
    """A peer with a certificate of its own that listens on a port, where its Contact leads, and opens connections."""

    def __init__(self, t, daemon, authority, pair, sent_by=TRUNK, transport="tls", server=None):
        self.t, self.daemon, self.authority, self.pair, self.transport = t, daemon, authority, pair, transport
        self.server = server or daemon.address(transport)
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        self.sent_by = f"{sent_by}:{self.port}"
        t.on_end(self.socket.close)

    def connect(self):
        context = self.authority.context(self.pair) if self.transport == "tls" else None
        return Phone(self.t, self.server, self.transport, context=context, name=context and NAME)

    def bytes_of(self, phone, request, alias):
        text = phone.bytes_of(request).decode()
        text = re.sub(r"(Via: SIP/2.0/T..) [^;]*", rf"\1 {self.sent_by}" + (";alias" if alias else ""), text)
        return re.sub(r"Contact: [^\r]*", f"Contact: <sip:caller@{TRUNK}:{self.port};transport=tls>", text).encode()

    def send(self, phone, request, alias=False):
        phone.send_raw(self.bytes_of(phone, request, alias))

    def call(self, user="ok"):
        """An INVITE over a connection that then ends, and a second connection, with or without `alias`."""
        phone = self.connect()
        self.send(phone, phone.request("INVITE", user))
        self.first = phone.receive()
        phone.sock.close()

    def come_back(self, alias):
        phone = self.connect()
        self.send(phone, phone.request("OPTIONS", "ok"), alias)
        phone.expect(200)
        self.second = phone
        return phone

    def is_called(self, seconds=0.2):
        """Whether somebody connects to where the Contact leads."""
        self.socket.settimeout(seconds)
        try:
            self.socket.accept()[0].close()
        except socket.timeout:
            return False
        return True


def start(t, authority):
    pair = authority.issue("server", f"DNS:{NAME}")
    dns = Dns(t, {("A", TRUNK): ["127.0.0.1"]})
    path = t.write("config.lua", f'return {{ egress = {{ "127.0.0.0/8" }}, dns_servers = {{ "{dns.address}" }}, workers = 3 }}\n')
    return Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0,client_certificates=request"),
                  args=["--config", path, "--t1-ms", 20, *pair.flags(), "--client-ca", authority.file, "--set", f"server_ca={authority.file}",
                        "--set", "notify_interval_ms=0"])


@test(limit=30)
def a_trunk_lends_its_connection(t):
    """The ACK is lost with the connection that brought the INVITE; 64*T1 later the BYE leaves."""
    authority = Authority(t)
    daemon = start(t, authority)
    good = authority.issue("trunk", f"DNS:{TRUNK}", "DNS:else.example.net")
    wrong = authority.issue("wrong", "DNS:wrong.example.net")
    cases = [  # what it shows, by whom, how it calls itself, over what, with alias, and whether its connection is used
        ("by name", good, TRUNK, "tls", True, True),
        ("by address", good, "127.0.0.1", "tls", True, True),
        ("without alias", good, TRUNK, "tls", False, False),
        ("another's name", wrong, TRUNK, "tls", True, False),
        ("another's address", good, "127.0.0.2", "tls", True, False),
        ("no certificate", None, TRUNK, "tls", True, False),
        ("TCP", None, TRUNK, "tcp", True, False),
    ]
    trunks = []
    for what, pair, sent_by, transport, alias, used in cases:
        trunk = Trunk(t, daemon, authority, pair, sent_by, transport)
        trunk.call()
        equal(trunk.first.status, 200, f"{what}: INVITE")
        trunk.come_back(alias)
        trunks.append((what, trunk, used))
    for what, trunk, used in trunks:
        if used:
            bye = next(m for m in iter(trunk.second.receive, None) if m.method)  # the 200 was repeated by it as well
            equal(bye.start, f"BYE sip:caller@{TRUNK}:{trunk.port};transport=tls SIP/2.0", what)
            trunk.second.answer(bye)
        check(trunk.is_called(0.05 if used else 3) != used, f"{what}: the Contact was {'' if used else 'not '}called")
        if not used:
            check(not any(m.method for m in trunk.second.collect(0.01)), f"{what}: the BYE came by its connection")


@test()
def a_lent_connection_serves_every_dialog_and_answer(t):
    authority = Authority(t)
    daemon = start(t, authority)
    trunk = Trunk(t, daemon, authority, authority.issue("trunk", f"DNS:{TRUNK}"))
    watched, phone = "sip:ok@example.com", trunk.connect()
    subscribe = phone.request("SUBSCRIBE", uri=watched, extra=["Event: reg", "Expires: 600", "Contact: <sip:w@x>"])
    trunk.send(phone, subscribe)
    phone.expect(200)
    phone.answer(phone.expect_request("NOTIFY"))
    phone.sock.close()
    trunk.call("ring")  # its 200 comes in two seconds
    equal(trunk.first.status, 180, "ringing")
    # One connection comes and goes before the next: what has gone is not what is used.
    trunk.come_back(alias=True).sock.close()
    time.sleep(0.1)
    second = trunk.come_back(alias=True)
    caller = Phone(t, daemon.address("udp"))
    caller.register(watched, [f"<sip:a@{caller.here()}>"])
    notify = second.expect_request("NOTIFY")
    second.answer(notify)
    check(b'event="created"' in notify.body, notify.body)
    answer = second.expect(200, seconds=4)
    equal(answer.get("call-id"), trunk.first.get("call-id"), "the answer to the INVITE of the first connection")
    check(not trunk.is_called(0.05), "the Contact was called")
    equal(daemon.metric("verdict_notifies_failed_total"), 0.0, "failed NOTIFYs")


@test()
def what_was_out_on_a_connection_goes_another_way(t):
    """A BYE whose connection ends before it is answered goes to the Contact at once, whichever worker holds the connection."""
    daemon = start(t, Authority(t))
    trunks = []
    for _ in range(8):
        trunk = Trunk(t, daemon, None, None, transport="tcp")
        trunk.phone = trunk.connect()
        invite = trunk.bytes_of(trunk.phone, trunk.phone.request("INVITE", "ok"), False).replace(b";transport=tls", b";transport=tcp")
        trunk.phone.send_raw(invite)
        equal(trunk.phone.receive().status, 200, "INVITE")
        trunks.append(trunk)
    for trunk in trunks:  # after 64*T1 without an ACK
        while (message := trunk.phone.receive(3)).method != "BYE":
            check(message.status == 200, f"unexpected {message}")
        started = time.monotonic()
        trunk.phone.sock.close()
        check(trunk.is_called(3), "the Contact was not called")
        took = time.monotonic() - started
        check(took < 0.8, f"only after {took:.2f} s, when the BYE had timed out")
