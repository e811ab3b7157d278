# SPDX-License-Identifier: Apache-2.0
"""Flows (RFC 5626) and GRUUs (RFC 5627) of a real process: over UDP and streams, on several workers, over kill -9."""
import re
import uuid

from harness.daemon import Daemon
from harness.registry import check, equal, test
from harness.sip import Phone

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
