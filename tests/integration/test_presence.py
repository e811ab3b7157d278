# SPDX-License-Identifier: Apache-2.0
"""SUBSCRIBE, NOTIFY and PUBLISH over real sockets: with SIPp, baresip, and by hand."""
import pathlib
import signal
import socket
import subprocess

from harness.daemon import Daemon, cli
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Message, Phone, contact_of, token
from harness import sipp

PIDF = ('<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:{user}@example.com">'
        '<tuple id="desk"><status><basic>{basic}</basic></status>{padding}</tuple></presence>')


class Watcher(Phone):
    """A phone that watches one user."""

    def subscribe(self, user="ok", expires=600, extra=(), status=200):
        self.subscription = self.request("SUBSCRIBE", user, extra=self._headers(expires) + list(extra))
        self.send(self.subscription)
        answer = self.expect(status)
        self.subscription["to"] = self.subscription["uri"]
        self.subscription["to_tag"] = answer.tag()
        self.subscription["uri"] = contact_of(answer) or self.subscription["uri"]
        return answer

    def _headers(self, expires):
        return ["Event: presence", f"Expires: {expires}",
                f"Contact: <sip:{self.user}@{self.here()};transport={self.transport}>"]

    def again(self, expires, status=200):
        """A SUBSCRIBE in the dialog."""
        self.subscription.update(cseq=self.subscription["cseq"] + 1, branch="z9hG4bK" + token(),
                                 extra=self._headers(expires))
        self.send(self.subscription)
        return self.expect(status)

    def notified(self, state, seconds=3.0, status=200):
        notify = self.expect_request("NOTIFY", seconds)
        check(notify.get("subscription-state").startswith(state), f"expected {state}, got {notify.get('subscription-state')}")
        equal(notify.get("event"), "presence", "Event")
        self.answer(notify, status)
        return notify


def publish(phone, user, body="", extra=(), status=200, type="application/pidf+xml"):
    request = phone.request("PUBLISH", user, extra=["Event: presence", *extra] + ([f"Content-Type: {type}"] if body else []))
    text = phone.bytes_of(request).decode().replace("Content-Length: 0\r\n\r\n", f"Content-Length: {len(body)}\r\n\r\n{body}")
    phone.send(text.encode())
    return phone.expect(status)


def live(daemon, user=None):
    return daemon.get("/v1/subscriptions" + (f"?user={user}" if user else ""))[1]


@test(limit=40)
def whoever_watches_is_told(t):
    """On one, two and seven workers: watchers with Call-IDs and ports of their own meet their user's publications."""
    for workers in (1, 2, 7):
        daemon = Daemon(t, args=["--workers", workers, "--set", "notify_interval_ms=0"], name=f"workers{workers}")
        phone = Phone(t, daemon.address())
        for number in range(6):
            user = f"ok{number}"
            watchers = [Watcher(t, daemon.address()) for _ in range(2)]
            for watcher in watchers:
                equal(watcher.subscribe(user).get("expires"), "600", "Expires")
                first = watcher.notified("active;expires=600")
                check(b"<basic>closed</basic>" in first.body, f"the first document: {first.body}")
                equal(first.cseq(), (1, "NOTIFY"), "CSeq")
                equal(first.tag("from"), watcher.subscription["to_tag"], "our tag")
            etag = publish(phone, user, PIDF.format(user=user, basic="open", padding="")).get("sip-etag")
            for watcher in watchers:
                second = watcher.notified("active;expires=")
                check(b"<basic>open</basic>" in second.body, f"the second document: {second.body}")
                equal(second.cseq(), (2, "NOTIFY"), "CSeq")
            watchers[0].again(0)
            watchers[0].notified("terminated;reason=timeout")
            watchers[0].again(600, status=481)
            publish(phone, user, extra=[f"SIP-If-Match: {etag}", "Expires: 0"])
            check(b"<basic>closed</basic>" in watchers[1].notified("active").body, "a publication that was removed is told")
            publish(phone, user, extra=[f"SIP-If-Match: {etag}"], status=412)
        rows = live(daemon)
        equal((rows["total"], rows["shown"], rows["publications"]), (6, 6, 0), "live subscriptions")
        check(len({row["worker"] for row in rows["subscriptions"]}) > (1 if workers > 2 else 0), "the work is spread")
        equal(daemon.metric("verdict_subscriptions_opened_total"), 12, "opened")
        equal(daemon.metric("verdict_notifies_failed_total"), 0, "failed NOTIFYs")
        host = daemon.address()[0]
        equal([row["user"] for row in live(daemon, f"ok3@{host}")["subscriptions"]], [f"ok3@{host}"], "those to one user")
        out = cli("subscriptions", f"ok3@{host}", "--control", daemon.control).stdout
        check(out.startswith("1 subscriptions, 0 publications\n") and "<sip:caller@example.com>" in out, out)


@test()
def a_registration_is_presence(t):
    daemon = Daemon(t, args=["--workers", 3, "--set", "notify_interval_ms=0"])
    watcher, desk = Watcher(t, daemon.address()), Phone(t, daemon.address())
    watcher.subscribe("ok1")
    check(b"<basic>closed</basic>" in watcher.notified("active").body, "nobody has registered")
    register = desk.request("REGISTER", uri=f"sip:{desk.there()}", to=f"sip:ok1@{desk.there()}",
                            extra=[f"Contact: <sip:desk@{desk.here()}>;expires=600"])
    desk.send(register)
    desk.expect(200)
    check(b"<basic>open</basic>" in watcher.notified("active").body, "a registration is told")
    desk.send(dict(register, cseq=2, branch="z9hG4bK" + token(), extra=["Contact: *", "Expires: 0"]))
    desk.expect(200)
    check(b"<basic>closed</basic>" in watcher.notified("active").body, "its end is told")


@test()
def the_200_is_repeated_and_the_subscription_is_one(t):
    daemon = Daemon(t)
    watcher = Watcher(t, daemon.address())
    first = watcher.subscribe()
    watcher.notified("active")
    watcher.subscription.update(to_tag=None, uri=watcher.subscription["to"])
    watcher.send(watcher.subscription)
    equal(watcher.expect(200).raw, first.raw, "the same bytes")
    watcher.expect_silence(0.2)
    equal(live(daemon)["total"], 1, "subscriptions")


@test()
def what_is_refused_says_why(t):
    daemon = Daemon(t, args=["--set", "max_subscriptions_per_source=2", "--set", "max_publications_per_user=1"])
    phone = Watcher(t, daemon.address())
    contact = f"Contact: <sip:caller@{phone.here()}>"
    equal(phone.ask("SUBSCRIBE", "ok", 489, extra=["Event: nonsense", contact]).get("allow-events"), "presence, reg", "Allow-Events")
    equal(phone.ask("SUBSCRIBE", "ok", 423, extra=["Event: presence", "Expires: 5", contact]).get("min-expires"), "60", "Min-Expires")
    phone.ask("SUBSCRIBE", "ok", 406, extra=["Event: presence", "Accept: text/plain", contact])
    phone.ask("SUBSCRIBE", "ok", 400, extra=["Event: presence"])
    phone.ask("SUBSCRIBE", "nobody", 404, extra=["Event: presence", contact])
    equal(phone.ask("SUBSCRIBE", "gone", 410, extra=["Event: presence", contact]).get("contact"), None, "Contact of a 410")
    phone.ask("SUBSCRIBE", "ok", 481, extra=["Event: presence", contact], to_tag="n000123456789abc")
    equal(publish(phone, "ok", "hello", status=415, type="text/plain").get("accept"), "application/pidf+xml", "Accept")
    publish(phone, "ok", "<presence>", status=400)
    for _ in range(2):
        phone.subscribe("ok")
        phone.notified("active")
    refused = phone.ask("SUBSCRIBE", "ok", 503, extra=["Event: presence", contact])
    equal(refused.get("retry-after"), None, "Retry-After is for the whole server")
    equal(daemon.metric("verdict_subscriptions_refused_total"), 1, "refused")


@test()
def a_watcher_that_says_481_or_nothing_is_forgotten(t):
    daemon = Daemon(t, args=["--t1-ms", 10])
    watcher = Watcher(t, daemon.address())
    watcher.subscribe()
    watcher.notified("active", status=481)
    wait_until(lambda: live(daemon)["total"] == 0, 2, "the subscription to end")
    silent = Watcher(t, daemon.address())
    silent.subscribe()
    copies = [m for m in silent.collect(0.8) if m.method == "NOTIFY"]
    equal(len(copies), 11, "copies of a NOTIFY that nobody answers")
    equal(len({m.raw for m in copies}), 1, "the same bytes each time")
    wait_until(lambda: live(daemon)["total"] == 0, 2, "the subscription to end")
    equal(daemon.metric("verdict_subscriptions_lost_total"), 2, "lost")


@test()
def time_ends_a_subscription(t):
    daemon = Daemon(t, args=["--set", "subscribe_min_s=1", "--set", "publish_min_s=1", "--set", "notify_interval_ms=0"])
    watcher = Watcher(t, daemon.address())
    publish(watcher, "ok", PIDF.format(user="ok", basic="open", padding=""), extra=["Expires: 1"])
    watcher.subscribe(expires=2)
    check(b"desk" in watcher.notified("active;expires=2").body, "what was published before is told first")
    check(b"desk" not in watcher.notified("active").body, "a publication that expired is told")
    watcher.notified("terminated;reason=timeout")
    equal((live(daemon)["total"], live(daemon)["publications"]), (0, 0), "what is left")


@test()
def a_large_notify_comes_over_tcp(t):
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    watcher = Watcher(t, daemon.address())
    server = socket.create_server(("127.0.0.1", watcher.port))
    t.on_end(server.close)
    server.settimeout(3)
    publish(watcher, "ok", PIDF.format(user="ok", basic="open", padding="<note>" + "x" * 1200 + "</note>"))
    watcher.subscribe()
    connection, _ = server.accept()
    connection.settimeout(3)
    data = b""
    while b"</presence>" not in data:
        data += connection.recv(65536)
    notify = Message(data)
    check(notify.get("via").startswith("SIP/2.0/TCP "), f"Via: {notify.get('via')}")
    lines = ["SIP/2.0 200 OK"] + [f"{n}: {v}" for n in ("via", "from", "to", "call-id", "cseq") for v in notify.all(n)]
    connection.sendall(("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode())
    wait_until(lambda: live(daemon)["subscriptions"][0]["state"] == "told", 2, "the answer to be taken")
    watcher.expect_silence(0.1)


@test()
def a_watcher_on_a_stream_is_told_over_it(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0",), args=["--workers", 3])
    for number in range(4):
        watcher = Watcher(t, daemon.address("tcp"), "tcp")
        check("transport=tcp" in watcher.subscribe(f"ok{number}").get("contact"), "our Contact names the transport")
        watcher.notified("active")
        watcher.again(0)
        watcher.notified("terminated;reason=timeout")


@test(limit=30)
def the_end_of_the_server_asks_watchers_to_come_back(t):
    daemon = Daemon(t, args=["--workers", 2])
    watchers = [Watcher(t, daemon.address()) for _ in range(5)]
    for number, watcher in enumerate(watchers):
        watcher.subscribe(f"ok{number}")
        watcher.notified("active")
    daemon.signal(signal.SIGTERM)
    for watcher in watchers:
        last = watcher.notified("terminated;reason=deactivated")
        check("noresource" not in last.raw.decode(), "the end of a server is no end of a user")
    equal(daemon.process.wait(5), 0, "the exit code")


@test(limit=30)
def sipp_subscribes_and_publishes(t):
    daemon = Daemon(t, args=["--workers", 2])
    watching = sipp.start(t, daemon.address(), "subscribe.xml", calls=40, rate=40)
    publishing = sipp.start(t, daemon.address(), "publish.xml", calls=8, rate=4, service="okp", args=["-l", "4"])
    equal(sipp.finish(watching), (40, 0), "subscriptions")
    equal(sipp.finish(publishing), (8, 0), "publications")
    wait_until(lambda: live(daemon)["total"] == 0, 3, "the subscriptions to end")


@test(limit=30)
def baresip_watches(t):
    baresip = sipp.have("baresip", "baresip-core")
    modules = pathlib.Path("/usr/lib/baresip/modules")
    if not (modules / "presence.so").exists():
        skip("baresip's modules are not installed (Debian package baresip-core)")
    daemon = Daemon(t, args=["--workers", 2, "--set", "notify_interval_ms=0"])
    t.write("phone/config", f"sip_listen 127.0.0.1:0\nmodule_path {modules}\nmodule_tmp account.so\nmodule_app contact.so\n"
            "module_app presence.so\nmodule_app menu.so\n")
    t.write("phone/accounts", "<sip:watcher@127.0.0.1;transport=udp>;regint=0\n")
    t.write("phone/contacts", f'"Desk" <sip:ok@127.0.0.1:{daemon.port}>;presence=p2p\n')
    with open(t.path("baresip.log"), "wb") as log:
        phone = subprocess.Popen([baresip, "-f", str(t.path("phone")), "-v", "-t", "2"], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT)
    t.on_end(lambda: phone.poll() is None and phone.kill())
    wait_until(lambda: [row["state"] for row in live(daemon)["subscriptions"]] == ["told"], 5, "baresip to subscribe")
    publish(Phone(t, daemon.address()), "ok", PIDF.format(user="ok", basic="open", padding=""))
    wait_until(lambda: [(row["state"], row["notified"]) for row in live(daemon)["subscriptions"]] == [("told", 2)], 5,
               "baresip to be told")
    equal(phone.wait(10), 0, "baresip's exit code")
    wait_until(lambda: live(daemon)["total"] == 0, 3, "baresip to unsubscribe")
    text = t.path("baresip.log").read_text(errors="replace")
    check("Online" in text, f"baresip shows the contact: {text[-1500:]}")
    equal((daemon.metric("verdict_notifies_failed_total"), daemon.metric("verdict_notifies_refused_total")), (0, 0), "NOTIFYs")
