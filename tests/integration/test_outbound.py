# SPDX-License-Identifier: Apache-2.0
"""Flows (RFC 5626) and GRUUs (RFC 5627) of a real process: over UDP and streams, on several workers, over kill -9."""
import json
import os
import re
import socket
import struct
import uuid

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone, token
from harness.tls import Authority
from harness.ws import TEXT, WsPhone

NAME = "sip.example.com"

OK = "return function(req) return ok {} end\n"


def contact_of(phone, instance, reg_id=1):
    return f'<sip:a@{phone.here()};transport={phone.transport};ob>;reg-id={reg_id};+sip.instance="<urn:uuid:{instance}>"'


def gruus_of(response):
    found = [re.search(name + r'="([^"]*)"', response.get("contact") or "") for name in ("pub-gruu", "temp-gruu")]
    check(all(found), f"no GRUUs in {response.raw}")
    return [match.group(1) for match in found]


@test()
def gruus_outlive_kill_9(t):
    daemon = Daemon(t, policy=OK, args=["--workers", "2"])
    port, phone, instance = daemon.port, Phone(t, daemon.address()), str(uuid.uuid4())
    aors = [f"sip:user{i}@example.com" for i in range(4)]
    before = {}
    for aor in aors:
        response = phone.register(aor, [contact_of(phone, instance)], extra=["Supported: outbound, gruu"])
        equal(response.get("require"), "outbound", "Require")
        equal(response.get("flow-timer"), "120", "Flow-Timer")
        before[aor] = gruus_of(response)
        equal(before[aor][0], f"{aor};gr=urn:uuid:{instance}", "the public GRUU")
    for aor in aors:  # whichever worker has the call, it knows
        for uri in before[aor]:
            for _ in range(3):
                phone.ask("OPTIONS", status=200, uri=uri)
    for uri in before[aors[0]]:  # a whole call
        invite = phone.request("INVITE", uri=uri)
        phone.send(invite)
        accepted = phone.expect(200)
        phone.send(phone.ack_of(invite, accepted))
        phone.send(phone.bye_of(invite, accepted))
        phone.expect(200, method="BYE")
    daemon.process.kill()
    daemon.process.wait()
    daemon.listen = (f"udp:127.0.0.1:{port}",)
    daemon.start()
    phone = Phone(t, daemon.address())
    for aor in aors:
        for uri in before[aor]:
            phone.ask("OPTIONS", status=200, uri=uri)
        check(f'reg-id=1;+sip.instance="<urn:uuid:{instance}>"' in phone.contacts_of(aor)[0], "instance and reg-id")
    phone.ask("OPTIONS", status=480, uri=f"sip:user9@example.com;gr=urn:uuid:{instance}")
    phone.ask("OPTIONS", status=404, uri="sip:user0@example.com;gr")
    phone.register(aors[0], ["*"], extra=["Expires: 0"])
    phone.ask("INVITE", status=480, uri=before[aors[0]][0])
    phone.ask("INVITE", status=404, uri=before[aors[0]][1])
    phone.ask("OPTIONS", status=200, uri=before[aors[1]][1])


@test()
def a_flow_that_ends_takes_its_contacts_along(t):
    """Over TCP and WS, on three workers, with somebody who watches."""
    daemon = Daemon(t, policy=OK, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0", "ws:127.0.0.1:0"),
                    args=["--workers", "3", "--set", "notify_interval_ms=0"])
    watcher, instance = Phone(t, daemon.address("udp")), str(uuid.uuid4())
    for i in range(6):
        aor = f"sip:user{i}@example.com"
        phone = WsPhone(t, daemon.address("ws")) if i % 2 else Phone(t, daemon.address("tcp"), "tcp")
        tcp = Phone(t, daemon.address("tcp"), "tcp")
        phone.register(aor, [contact_of(phone, instance)], extra=["Supported: outbound, gruu"])
        tcp.register(aor, [contact_of(tcp, instance, 2)], extra=["Supported: outbound"])
        subscribe = watcher.request("SUBSCRIBE", uri=aor, extra=["Event: reg", "Expires: 600", f"Contact: <sip:w@{watcher.here()}>"])
        watcher.send(subscribe)
        watcher.expect(200)
        notify = watcher.expect_request("NOTIFY")
        watcher.answer(notify)
        check(notify.body.count(b'state="active" event="created"') == 2, notify.body)
        phone.sock.close()
        notify = watcher.expect_request("NOTIFY")
        watcher.answer(notify)
        check(notify.body.count(b'state="terminated" event="deactivated"') == 1, notify.body)
        contacts = watcher.contacts_of(aor)
        check(len(contacts) == 1 and "reg-id=2" in contacts[0], f"{contacts}")
        watcher.ask("OPTIONS", status=200, uri=f"{aor};gr=urn:uuid:{instance}")  # by its other flow
        tcp.sock.close()
        wait_until(lambda: not watcher.contacts_of(aor), 3, "the second flow to be taken off")
        watcher.collect(0.05, answering=True)
        watcher.ask("OPTIONS", status=480, uri=f"{aor};gr=urn:uuid:{instance}")


@test()
def a_damaged_key_is_said_and_nothing_else_ends(t):
    daemon = Daemon(t, policy=OK)
    key = daemon.data / "gruu.key"
    equal(key.stat().st_mode & 0o777, 0o600, "the key's mode")
    port, whole = daemon.port, key.read_bytes()
    for damaged in (whole[:-1], whole + b"x", b""):
        daemon.process.kill()
        daemon.process.wait()
        key.write_bytes(damaged)
        daemon.listen = (f"udp:127.0.0.1:{port}",)
        daemon.start()
        phone = Phone(t, daemon.address())
        response = phone.register("sip:alice@example.com", [contact_of(phone, str(uuid.uuid4()))], extra=["Supported: gruu"])
        phone.ask("OPTIONS", status=200, uri=gruus_of(response)[1])
        check("gruu.key" in daemon.log(), "the log does not say what is wrong")
        equal(key.read_bytes(), damaged, "the file that somebody may want to look at")


def start_everywhere(t):
    """A daemon of all transports that may reach Contacts on this machine, and a maker of phones."""
    authority = Authority(t)
    path = t.write("config.lua", 'return { egress = { "127.0.0.0/8" }, notify_interval_ms = 0, workers = 3 }\n')
    transports = ("udp", "tcp", "tls", "ws", "wss")
    daemon = Daemon(t, policy=OK, listen=tuple(f"{one}:127.0.0.1:0" for one in transports),
                    args=["--config", path, *authority.issue("server", f"DNS:{NAME}").flags()])

    def phone_over(transport):
        context = authority.context() if transport in ("tls", "wss") else None
        kind = WsPhone if transport in ("ws", "wss") else Phone
        return kind(t, daemon.address(transport), transport, context=context, name=context and NAME)

    return daemon, transports, phone_over


def keep_alive(phone):
    """CR LF CR LF and its CR LF, as the transport carries them (RFC 5626 4.4.1); over UDP STUN (4.4.2)."""
    if phone.transport == "udp":
        transaction = os.urandom(12)
        phone.sock.send(struct.pack("!HHI", 1, 0, 0x2112A442) + transaction)
        phone.sock.settimeout(3)
        answer = phone.sock.recv(2048)
        equal((answer[:2], answer[8:20]), (b"\1\1", transaction), "the answer to a Binding request")
        at = answer.index(b"\0\x20\0\x08")
        port, address = struct.unpack("!HI", answer[at + 6:at + 12])
        mapped = (socket.inet_ntoa(struct.pack("!I", address ^ 0x2112A442)), port ^ 0x2112)
        equal(mapped, (phone.host, phone.port), "XOR-MAPPED-ADDRESS")
    elif phone.transport in ("ws", "wss"):
        phone.send_raw(b"\r\n\r\n")
        equal(phone.next_frame(), (TEXT, b"\r\n"), f"a keep-alive over {phone.transport}")
    else:
        phone.send_raw(b"\r\n\r\n")
        phone.sock.settimeout(3)
        equal(phone.sock.recv(10), b"\r\n", f"a keep-alive over {phone.transport}")


@test()
def flows_and_gruus_over_every_transport(t):
    daemon, transports, phone_over = start_everywhere(t)
    caller = Phone(t, daemon.address("udp"))
    for transport in transports:
        phone, instance, aor = phone_over(transport), str(uuid.uuid4()), f"sip:{transport}@example.com"
        response = phone.register(aor, [contact_of(phone, instance)], extra=["Supported: outbound, gruu, path"])
        equal((response.get("require"), response.get("flow-timer")), ("outbound", "120"), f"{transport}: Require, Flow-Timer")
        public, temporary = gruus_of(response)
        keep_alive(phone)
        for uri in (public, temporary):
            equal(caller.ask("OPTIONS", uri=uri).status, 200, f"{transport}: {uri}")
            caller.ask("INVITE", uri=uri, status=200)
        shown = json.loads(daemon.cli("bindings", aor, "--json", "--control", str(daemon.control)).stdout)["bindings"][0]
        flow = {"transport": transport.upper(), "state": "datagrams" if transport == "udp" else "open"}
        worker = shown["flow"].pop("worker", 0)
        equal((shown["instance"], shown["reg_id"], shown["gruu"], shown["flow"]),
              (f"<urn:uuid:{instance}>", 1, public[4:], flow), f"{transport}: `verdict bindings`")
        check(worker < len(daemon.get("/v1/status")[1]["workers"]), f"{transport}: worker {worker}")
        text = daemon.cli("bindings", aor, "--control", str(daemon.control)).stdout
        check(f"gruu {public}" in text and f"flow 1: {flow['transport']} {flow['state']}" in text, f"`verdict bindings`: {text}")
        subscribe = phone.request("SUBSCRIBE", uri=aor, extra=["Event: reg", "Expires: 600", f"Contact: <{temporary}>"])
        phone.send(subscribe)
        phone.expect(200)
        notify = phone.expect_request("NOTIFY")  # to a GRUU: by its phone's flow, and to the contact there
        phone.answer(notify)
        equal(notify.start, f"NOTIFY sip:a@{phone.here()};transport={transport};ob SIP/2.0", f"{transport}: NOTIFY")
        check(f'<gr:pub-gruu uri="{public}"/>'.encode() in notify.body, f"{transport}: RFC 5628: {notify.body}")


@test()
def requests_to_a_contact_with_ob_come_by_its_flow(t):
    """Without `ob` a datagram's Contact is where our requests go; with it, never. A connection that is open is taken in any case."""
    daemon, transports, phone_over = start_everywhere(t)
    for transport in transports:
        for ob in (True, False):
            phone = phone_over(transport)
            elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            elsewhere.bind(("127.0.0.1", 0))
            t.on_end(elsewhere.close)
            contact = f"sip:a@127.0.0.1:{elsewhere.getsockname()[1]}" + (";transport=" + phone.transport if transport != "udp" else "")
            invite = phone.request("INVITE", "ok")
            text = re.sub(rb"Contact: [^\r]*", f"Contact: <{contact}{';ob' if ob else ''}>".encode(), phone.bytes_of(invite))
            phone.send_raw(text)
            accepted = phone.expect(200)
            phone.send(phone.ack_of(invite, accepted))
            subscribe = phone.request("SUBSCRIBE", uri="sip:ok@example.com",
                                      extra=["Event: reg", f"Contact: <{contact}{';ob' if ob else ''}>"])
            phone.send(subscribe)
            phone.expect(200)
            if transport == "udp" and not ob:
                elsewhere.settimeout(3)
                check(elsewhere.recv(65536).startswith(b"NOTIFY "), "a NOTIFY to the Contact")
                continue
            notify = phone.expect_request("NOTIFY")
            equal(notify.start, f"NOTIFY {contact}{';ob' if ob else ''} SIP/2.0", f"{transport}: NOTIFY")
            phone.answer(notify)
            call = next(c for c in daemon.get("/v1/calls")[1]["calls"] if c["call_id"] == invite["call_id"])
            check(call, f"{transport}: the call")


@test()
def what_an_edge_says_of_a_flow(t):
    """Behind an edge `ob` in the last Path decides (RFC 5626 6): 439 without it; with it the flow is the edge's to watch."""
    daemon = Daemon(t, policy=OK)
    edge, instance = Phone(t, daemon.address()), str(uuid.uuid4())

    def register(path, status):
        request = edge.request("REGISTER", uri="sip:example.com", to="sip:alice@example.com",
                               extra=[f"Contact: {contact_of(edge, instance)}", "Supported: outbound, path", f"Path: {path}"])
        text = edge.bytes_of(request).decode().replace("\r\nMax-Forwards", f"\r\nVia: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK{token()}\r\nMax-Forwards")
        edge.send_raw(text.encode())
        return edge.expect(status)

    refused = register("<sip:edge.example.com;lr>", 439)
    check("First Hop Lacks Outbound Support" in refused.start, refused.start)
    accepted = register("<sip:t0ken@edge.example.com;lr;ob>", 200)
    equal((accepted.get("require"), accepted.get("flow-timer"), accepted.get("path")),
          ("outbound", None, "<sip:t0ken@edge.example.com;lr;ob>"), "Require, Flow-Timer, Path with its flow token")
    shown = json.loads(daemon.cli("bindings", "--json", "--control", str(daemon.control)).stdout)["bindings"][0]
    equal((shown["reg_id"], shown["flow"]), (1, {"state": "its edge's"}), "`verdict bindings`")


@test()
def a_gruu_leads_to_the_flow_that_lives(t):
    """A phone with two flows, and one that comes back: what we have to say follows the instance (RFC 5626 7, RFC 5627 5.4)."""
    daemon, transports, phone_over = start_everywhere(t)
    watched, teller = "sip:watched@example.com", Phone(t, daemon.address("udp"))

    def tell():
        teller.register(watched, [f"<sip:{token()}@192.0.2.1>"])

    for transport in ("tcp", "tls", "ws", "wss"):
        aor, instance = f"sip:{transport}@example.com", str(uuid.uuid4())
        first, second = phone_over(transport), phone_over(transport)
        public, temporary = gruus_of(first.register(aor, [contact_of(first, instance, 1)], extra=["Supported: outbound, gruu"]))
        second.register(aor, [contact_of(second, instance, 2)], extra=["Supported: outbound"])
        other = phone_over(transport)  # who registers nothing, and whose dialogs begin on a connection of their own
        other.send(other.request("SUBSCRIBE", uri=watched, extra=["Event: reg", "Expires: 600", f"Contact: <{public}>"]))
        other.expect(200)
        notify = second.expect_request("NOTIFY")  # the newer of the two
        second.answer(notify)
        check(notify.start.startswith(f"NOTIFY sip:a@{second.here()};"), f"{transport}: to the contact of that flow: {notify.start}")
        other.expect_silence(0.01)
        other.sock.close()
        second.sock.close()
        wait_until(lambda: len(teller.contacts_of(aor)) == 1, 3, f"{transport}: the flow to be taken off")
        tell()
        first.answer(first.expect_request("NOTIFY"))
        first.sock.close()
        wait_until(lambda: not teller.contacts_of(aor), 3, f"{transport}: the last flow to be taken off")
        third = phone_over(transport)
        third.register(aor, [contact_of(third, instance, 1)], extra=["Supported: outbound"])
        tell()
        third.answer(third.expect_request("NOTIFY"))
    equal(daemon.metric("verdict_notifies_failed_total"), 0.0, "failed NOTIFYs")


@test()
def an_edge_that_says_430_has_lost_the_flow(t):
    """Two edges of one phone: our requests to its GRUU carry the Path of one, flow token and all; after its 430 that contact is gone, and
    the request goes by the other (RFC 5626 5.3, 7)."""
    daemon, transports, phone_over = start_everywhere(t)
    watched, aor, instance = "sip:watched@example.com", "sip:edged@example.com", str(uuid.uuid4())
    teller, watcher = Phone(t, daemon.address("udp")), Phone(t, daemon.address("udp"))
    edges = [Phone(t, daemon.address("udp")) for _ in range(2)]
    for i, edge in enumerate(edges):
        request = edge.request("REGISTER", uri="sip:example.com", to=aor, call_id=f"{instance}-{i}",
                               extra=[f'Contact: <sip:a@192.0.2.{i};ob>;reg-id={i + 1};+sip.instance="<urn:uuid:{instance}>"',
                                      "Supported: outbound, gruu, path", f"Path: <sip:next@{edge.here()};lr>, <sip:t0ken{i}@192.0.2.9;lr;ob>"])
        via = f"\r\nVia: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK{token()}\r\nMax-Forwards"
        edge.send_raw(edge.bytes_of(request).decode().replace("\r\nMax-Forwards", via).encode())
        public = gruus_of(edge.expect(200))[0]
    old, new = edges
    subscribe = watcher.request("SUBSCRIBE", uri=watched, extra=["Event: reg", "Expires: 600", f"Contact: <{public}>"])
    watcher.send(subscribe)
    watcher.expect(200)
    notify = new.expect_request("NOTIFY")
    equal(notify.start, "NOTIFY sip:a@192.0.2.1;ob SIP/2.0", "the contact of the newer registration")
    equal(notify.all("route"), [f"<sip:next@{new.here()};lr>", "<sip:t0ken1@192.0.2.9;lr;ob>"], "its Path, unchanged")
    new.answer(notify, 430, "Flow Failed")
    notify = old.expect_request("NOTIFY")
    equal((notify.start, notify.all("route")), ("NOTIFY sip:a@192.0.2.0;ob SIP/2.0", [f"<sip:next@{old.here()};lr>", "<sip:t0ken0@192.0.2.9;lr;ob>"]),
          "the other flow")
    old.answer(notify)
    wait_until(lambda: len(teller.contacts_of(aor)) == 1, 3, "the contact of the failed flow to be taken off")
    check("reg-id=1" in teller.contacts_of(aor)[0], "the wrong contact was taken off")
    teller.register(watched, [f"<sip:{token()}@192.0.2.1>"])
    old.answer(old.expect_request("NOTIFY"))
    new.expect_silence(0.1)
    # A BYE by the same rules: what is answered otherwise is an answer.
    invite = watcher.request("INVITE", uri=watched)
    watcher.send_raw(re.sub(rb"Contact: [^\r]*", f"Contact: <{public}>".encode(), watcher.bytes_of(invite)))
    accepted = watcher.expect(200)
    watcher.send(watcher.ack_of(invite, accepted))
    daemon.process.terminate()
    asked = {old.receive(3).method, old.receive(3).method}
    equal(asked, {"BYE", "NOTIFY"}, "what an end says by the Path")
