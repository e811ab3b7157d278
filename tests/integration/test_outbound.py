# SPDX-License-Identifier: Apache-2.0
"""Flows (RFC 5626) and GRUUs (RFC 5627) of a real process: over UDP and streams, on several workers, over kill -9."""
import re
import uuid

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone
from harness.ws import WsPhone

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
