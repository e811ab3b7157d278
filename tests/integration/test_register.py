# SPDX-License-Identifier: Apache-2.0
"""REGISTER: what was answered 200 is there after kill -9, real phones, and disks that do not do their part."""
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from xml.etree import ElementTree

from harness import sipp
from harness.daemon import ROOT, Daemon
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Phone, token

OK = "return function(req) return ok {} end\n"


class Churn:
    """Many users who move from Contact to Contact as fast as they are answered: each REGISTER adds one and removes the last."""

    def __init__(self, server, users):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(server)
        self.sock.setblocking(False)
        self.here = "%s:%d" % self.sock.getsockname()
        self.kept = [0] * users   # the step that was answered, 0: none
        self.asked = [0] * users  # the step that was sent
        self.answers = 0

    def aor(self, user):
        return f"sip:user{user}@example.com"

    def contact(self, user, step):
        return f"<sip:user{user}@192.0.2.1:{1024 + step}>"

    def send(self, user):
        step = self.asked[user] = self.kept[user] + 1
        contact = self.contact(user, step) + (f", {self.contact(user, step - 1)};expires=0" if step > 1 else "")
        message = (f"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {self.here};branch=z9hG4bK{user}x{step};rport\r\n"
                   f"From: <{self.aor(user)}>;tag=f\r\nTo: <{self.aor(user)}>\r\nCall-ID: {user}\r\nCSeq: {step} REGISTER\r\n"
                   f"Contact: {contact}\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n")
        try:
            self.sock.send(message.encode())
        except (BlockingIOError, ConnectionRefusedError):
            pass

    def receive(self):
        """Takes what has come, and has each user who was answered go on."""
        while True:
            try:
                data = self.sock.recv(65536)
            except (BlockingIOError, ConnectionRefusedError):
                return
            match = re.search(rb"\r\nCSeq: (\d+) ", data)
            user, step = int(re.search(rb"\r\nCall-ID: (\d+)", data).group(1)), int(match.group(1))
            if data.startswith(b"SIP/2.0 503 "):
                continue  # a busy machine sheds load; this one asks no more
            check(data.startswith(b"SIP/2.0 200 "), f"user {user} step {step}: {data[:60]}")
            if step == self.asked[user] and step > self.kept[user]:
                self.kept[user] = step
                self.answers += 1
                self.send(user)


@test(limit=60)
def a_200_survives_kill_9(t):
    daemon = Daemon(t, policy=OK)
    port = daemon.port
    churn = Churn(daemon.address(), 300)
    for user in range(len(churn.kept)):
        churn.send(user)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        select.select([churn.sock], [], [], 0.1)
        churn.receive()
    daemon.process.kill()  # with hundreds on their way
    daemon.process.wait()
    churn.receive()
    check(churn.answers > 500, f"only {churn.answers} answers")
    daemon.listen = (f"udp:127.0.0.1:{port}",)
    daemon.start()
    phone = Phone(t, daemon.address())
    for user, kept in enumerate(churn.kept):
        shown = [contact.partition(";")[0] for contact in phone.contacts_of(churn.aor(user))]
        # Whole steps only: the one that was answered, or the next, which was on its way.
        allowed = [[churn.contact(user, kept)] if kept else [], [churn.contact(user, kept + 1)]]
        check(shown in allowed, f"user {user}: answered up to {kept}, asked {churn.asked[user]}, shown {shown}")
    t.note(f"{churn.answers} answers")


HOLD = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int fdatasync(int fd)
{
    while (access(getenv("HOLD"), F_OK) == 0)
        usleep(1000);
    return (int)syscall(SYS_fdatasync, fd);
}
"""


@test(measures=True)  # a sanitizer wants to be the first library
def no_200_leaves_before_the_disk_has_it(t):
    compiler = shutil.which("cc") or skip("there is no C compiler")
    source, library, hold = t.path("hold.c"), t.path("hold.so"), t.path("hold")
    source.write_text(HOLD)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    daemon = Daemon(t, policy=OK, prefix=["env", f"LD_PRELOAD={library}", f"HOLD={hold}"])
    phone, other = Phone(t, daemon.address()), Phone(t, daemon.address())
    phone.register("sip:before@example.com", ["<sip:a@192.0.2.1>"])
    hold.write_text("")
    request = phone.request("REGISTER", uri="sip:example.com", to="sip:held@example.com", extra=["Contact: <sip:a@192.0.2.1>"])
    phone.send(request)
    phone.expect_silence(0.3)
    phone.send(request)  # and not again either
    phone.expect_silence(0.2)
    other.ask("OPTIONS", "ok", 200)  # nobody else waits
    equal(len(other.contacts_of("sip:before@example.com")), 1, "what was there")
    equal(other.contacts_of("sip:elsewhere@example.com"), [], "who is not there")
    hold.unlink()
    equal(len(phone.expect(200).all("contact")), 1, "Contacts in the answer that was held")


@test()
def a_full_disk_is_503(t):
    """A tmpfs of one megabyte, in a mount namespace of the daemon's own."""
    mount = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"']
    probe = t.path("probe")
    probe.mkdir()
    if subprocess.run([*mount, str(probe), "true"], capture_output=True).returncode != 0:
        skip("no namespace to mount a tmpfs in")
    full = t.path("full")
    full.mkdir()
    daemon = Daemon(t, policy=OK, data=False, args=["--data", str(full), "--workers", "1"], prefix=[*mount, str(full)])
    phone = Phone(t, daemon.address())
    kept, refused = [], 0
    for user in range(4000):
        response = phone.ask("REGISTER", uri="sip:example.com", to=f"sip:user{user}@example.com",
                             extra=[f"Contact: <sip:u@192.0.2.1;x={'y' * 800}>"])
        check(response.status in (200, 503), response.start)
        if response.status == 200:
            kept.append(user)
        else:
            refused += 1
            check(response.get("retry-after"), "503 without Retry-After")
        if refused >= 20:
            break
    check(kept and refused, f"{len(kept)} kept, {refused} refused")
    for user in (kept[0], kept[-1]):
        equal(len(phone.contacts_of(f"sip:user{user}@example.com")), 1, f"user{user}")
    equal(phone.ask("MESSAGE", "ok").status, 200, "what needs no disk")
    t.note(f"{len(kept)} kept")


def damaged(t, spoil):
    daemon = Daemon(t, policy=OK)
    Phone(t, daemon.address()).register("sip:alice@example.com", ["<sip:findme@192.0.2.1>"])
    daemon.kill()
    file = daemon.data / "bindings/data.mdb"
    file.write_bytes(spoil(file.read_bytes()))
    daemon.start()
    phone = Phone(t, daemon.address())
    for contacts in ([], ["<sip:b@192.0.2.1>"], ["*"]):
        answer = phone.ask("REGISTER", uri="sip:example.com", to="sip:alice@example.com",
                           extra=[f"Contact: {c}" for c in contacts] + ["Expires: 0"] * (contacts == ["*"]))
        equal(answer.status, 503, f"REGISTER with {contacts}")
    phone.ask("INVITE", "ok", 200)
    check("REGISTER is answered 503" in daemon.log(), f"the log does not say so: {daemon.log()}")


@test()
def a_damaged_journal_is_503_and_never_404(t):
    damaged(t, lambda data: data.replace(b"findme", b"lostme"))


@test()
def a_cut_journal_is_503_and_never_404(t):
    damaged(t, lambda data: data[:3 * 4096])  # the pages with the rows are gone


@test()
def a_removed_or_cut_folder_is_503_while_it_runs(t):
    """What is written to a file without a name ends with the process: a 200 to it would be a lie."""
    for name, spoil in (("removed", shutil.rmtree), ("cut", lambda folder: os.truncate(folder / "data.mdb", 4096))):
        daemon = Daemon(t, policy=OK, name=name)
        phone = Phone(t, daemon.address())
        phone.register("sip:before@example.com", ["<sip:a@192.0.2.1>"])
        phone.register("sip:before@example.com", ["<sip:a@192.0.2.1>"])
        spoil(daemon.data / "bindings")
        phone.register("sip:before@example.com", ["<sip:b@192.0.2.1>"], 503)
        phone.register("sip:after@example.com", ["<sip:a@192.0.2.1>"], 503)
        equal(len(phone.contacts_of("sip:before@example.com")), 1, "what was there")
        phone.ask("OPTIONS", "ok", 200)
        daemon.wait_log("bindings/data.mdb was " + name)
        daemon.kill()


@test()
def users_stay_on_their_worker(t):
    """Two phones of one user with other Call-IDs and sockets, and 1, 2 and 7 workers: each sees the other's binding."""
    for workers in (1, 2, 7):
        daemon = Daemon(t, policy=OK, args=["--workers", str(workers)], listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
        phones = [Phone(t, daemon.address(transport), transport) for transport in ("udp", "tcp", "udp")]
        for user in range(20):
            aor = f"sip:user{user}@example.com"
            for number, phone in enumerate(phones):
                shown = phone.register(aor, [f"<sip:p{number}@192.0.2.1>"]).all("contact")
                equal(len(shown), number + 1, f"{workers} workers: Contacts of {aor}")
        status = daemon.get("/v1/status")[1]
        wait_until(lambda: daemon.metric("verdict_bindings") == 60, 3, f"60 bindings in the metrics: {status}")
        daemon.kill()


@test()
def one_user_s_requests_wait_for_each_other(t):
    """Ten at once, of which each but the first finds another's change on its way to the disk."""
    daemon = Daemon(t, policy="return function(req) return ok { expires = 90, reason = 'As You Like', headers = { ['X-Said'] = 'so' } } end")
    phone = Phone(t, daemon.address())
    requests = [phone.request("REGISTER", uri="sip:example.com", to="sip:alice@example.com", call_id=f"call{n}",
                              extra=[f"Contact: <sip:p{n}@192.0.2.1>"]) for n in range(10)]
    for request in requests:
        phone.send(request)
    answers = [phone.expect(200) for _ in requests]
    equal([len(answer.all("contact")) for answer in answers], list(range(1, 11)), "Contacts in the answers, one after the other")
    check(all(answer.tag() for answer in answers), "a To tag is missing")
    for answer in answers:  # what the policy gave is not lost while a REGISTER waits
        equal((answer.start, answer.get("x-said")), ("SIP/2.0 200 As You Like", "so"), "what the policy added")
        check(all(0 < int(one.partition("expires=")[2]) <= 90 for one in answer.all("contact")), f"{answer.all('contact')}")


@test()
def keep_alives_do_no_harm(t):
    """RFC 5626 4.4.1 over a stream and over UDP, and STUN (4.4.2) over UDP, whatever else comes there."""
    daemon = Daemon(t, policy=OK, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    tcp, udp = Phone(t, daemon.address("tcp"), "tcp"), Phone(t, daemon.address("udp"))
    tcp.sock.sendall(b"\r\n\r\n")
    tcp.sock.settimeout(2)
    equal(tcp.sock.recv(16), b"\r\n", "the pong")
    stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + os.urandom(12)
    for ping in (b"\r\n\r\n", b"\r\n", b"\0", b"\0" * 20, b"\1\1" + stun[2:], stun[:-1]):
        udp.send_raw(ping)
    udp.expect_silence(0.2)
    udp.send_raw(stun)
    answer = udp.sock.recv(2048)
    equal(answer[:20], b"\x01\x01\0\x0c" + stun[4:], "the head of the Binding response")
    mapped = bytes(a ^ b for a, b in zip(answer[26:32], b"\x21\x12\x21\x12\xa4\x42"))
    equal((int.from_bytes(mapped[:2], "big"), socket.inet_ntoa(mapped[2:])), (udp.port, udp.host), "XOR-MAPPED-ADDRESS")
    for phone in (tcp, udp):
        equal(len(phone.register(f"sip:{phone.transport}@example.com", ["<sip:a@192.0.2.1>"]).all("contact")), 1, "a REGISTER after it")


class RegWatcher(Phone):
    """Follows one user's registration by RFC 3680 5: a full document replaces what is known, a partial one goes on top."""

    def watch(self, user, expires=600, **fields):
        request = self.request("SUBSCRIBE", uri=f"sip:{user}@example.com", **fields,
                               extra=["Event: reg", "Accept: application/reginfo+xml", f"Expires: {expires}",
                                      f"Contact: <sip:w@{self.here()}>"])
        self.send(request)
        answer = self.expect(200)
        self.dialog = {name: request[name] for name in ("from_tag", "call_id")}
        self.dialog.update(to=f"sip:{user}@example.com", to_tag=answer.tag(), cseq=request["cseq"] + 1)
        return answer

    def told(self, seconds=3.0):
        """(version, full or partial, state of the registration, {URI: (state, event)}) of the next document."""
        notify = self.expect_request("NOTIFY", seconds)
        self.answer(notify)
        self.state = notify.get("subscription-state")
        equal((notify.get("event"), notify.get("content-type")), ("reg", "application/reginfo+xml"), "what it is")
        document = ElementTree.fromstring(notify.body)
        equal(document.tag, REGINFO + "reginfo", "the document")
        registrations = document.findall(REGINFO + "registration")
        equal(len(registrations), 1, "registrations")
        contacts = registrations[0].findall(REGINFO + "contact")
        check(len({contact.get("id") for contact in contacts}) == len(contacts), f"ids: {notify.body}")
        self.aor = registrations[0].get("aor")
        self.contacts = {contact.find(REGINFO + "uri").text: contact for contact in contacts}
        return (int(document.get("version")), document.get("state"), registrations[0].get("state"),
                {uri: (contact.get("state"), contact.get("event")) for uri, contact in self.contacts.items()})


REGINFO = "{urn:ietf:params:xml:ns:reginfo}"


@test()
def reg_watchers_follow_a_registration(t):
    """Created, refreshed, expired, unregistered, and what a refresh and the end of the subscription say; on two workers."""
    daemon = Daemon(t, policy=OK, args=["--workers", 2, "--set", "register_min_s=1", "--set", "notify_interval_ms=0"])
    phone, watcher = Phone(t, daemon.address()), RegWatcher(t, daemon.address())
    one, two = "sip:a@192.0.2.1", "sip:a@192.0.2.2;transport=tcp"

    def register(number, *contacts, **fields):
        phone.register("sip:ann@example.com", contacts, call_id="same", cseq=number, **fields)

    equal(watcher.watch("ann").get("expires"), "600", "Expires")
    equal(watcher.told(), (0, "full", "init", {}), "of whoever never registered")
    equal(watcher.aor, "sip:ann@example.com", "aor")
    register(1, f"<{one}>;expires=600;q=0.5", f"<{two}>;expires=1")
    equal(watcher.told(), (1, "partial", "active", {one: ("active", "created"), two: ("active", "created")}), "created")
    equal((watcher.contacts[one].get("q"), watcher.contacts[one].get("callid"), watcher.contacts[one].get("cseq")),
          ("0.5", "same", "1"), "what is said of a contact")
    register(2, f"<{one}>;expires=600")
    equal(watcher.told(), (2, "partial", "active", {one: ("active", "refreshed"), two: ("active", "created")}), "refreshed")
    equal(watcher.told(), (3, "partial", "active", {one: ("active", "refreshed"), two: ("terminated", "expired")}), "expired")
    watcher.watch("ann", **watcher.dialog)
    equal(watcher.told(), (4, "full", "active", {one: ("active", "refreshed")}), "a refresh is told everything")
    register(3, f"<{one}>;expires=0")
    equal(watcher.told(), (5, "partial", "terminated", {one: ("terminated", "unregistered")}), "unregistered")
    register(4, f"<{one}>")
    equal(watcher.told()[3], {one: ("active", "created")}, "registered again")
    register(5, "*", extra=["Expires: 0"])
    equal(watcher.told(), (7, "partial", "terminated", {one: ("terminated", "unregistered")}), "all at once")
    watcher.expect_silence(0.1)
    watcher.watch("ann", expires=0, **watcher.dialog)
    equal(watcher.told(), (8, "partial", "init", {}), "the last document: its end has been told")
    equal(watcher.state, "terminated;reason=timeout", "Subscription-State")
    register(6, f"<{one}>")
    watcher.expect_silence(0.1)
    fetcher = RegWatcher(t, daemon.address())
    fetcher.watch("ann", expires=0)
    equal(fetcher.told(), (0, "full", "active", {one: ("active", "created")}), "a fetch")


@test()
def an_operator_sees_the_bindings(t):
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    phone.register("sip:alice@example.com", ["<sip:a@192.0.2.1>;q=0.5", "<sip:a@192.0.2.2;transport=tcp>"])
    phone.register("sip:bob@example.com", ["<sip:b@192.0.2.3>"])
    shown = daemon.cli("bindings", "--control", str(daemon.control))
    equal(shown.returncode, 0, shown.stderr)
    for part in ("alice@example.com", "sip:a@192.0.2.1", "sip:a@192.0.2.2;transport=tcp", "bob@example.com", "3 bindings"):
        check(part in shown.stdout, f"no {part} in:\n{shown.stdout}")
    one = daemon.cli("bindings", "sip:alice@example.com", "--control", str(daemon.control))
    check("alice" in one.stdout and "bob" not in one.stdout, one.stdout)
    none = daemon.cli("bindings", "sip:nobody@example.com", "--control", str(daemon.control))
    check("no binding" in none.stdout, none.stdout)
    wait_until(lambda: daemon.metric("verdict_registers_total", outcome="stored") == 2, 3, "the metrics")
    wait_until(lambda: daemon.metric("verdict_bindings_journal_rows") == 2, 3, "the journal's metrics")
    text = daemon.get("/metrics")[1]
    for name in ("verdict_bindings_journal_bytes", "verdict_bindings_commit_seconds_count"):
        check(name in text, f"no {name} in the metrics")


# ---- real peers ----

@test()
def sipp_registers_refreshes_and_removes(t):
    daemon = Daemon(t, policy=OK)
    calls, failed = sipp.run(t, daemon.address(), "register.xml", calls=100, rate=100)
    equal((calls, failed), (100, 0), "SIPp's calls")
    wait_until(lambda: daemon.metric("verdict_bindings") == 0, 3, "no bindings to be left")


@test()
def sipsak_registers(t):
    program = sipp.have("sipsak", "sipsak")
    daemon = Daemon(t, policy=OK)
    host, port = daemon.address()
    run = subprocess.run([program, "-U", "-C", "sip:phone@192.0.2.1", "-x", "600", "-s", f"sip:alice@{host}:{port}"],
                         capture_output=True, text=True, timeout=20)
    equal(run.returncode, 0, f"sipsak: {run.stdout}{run.stderr}")
    shown = Phone(t, daemon.address()).contacts_of(f"sip:alice@{host}")
    check(len(shown) == 1 and shown[0].startswith("<sip:phone@192.0.2.1>"), f"{shown}")


@test()
def baresip_registers(t):
    program = sipp.have("baresip", "baresip")
    daemon = Daemon(t, policy=OK, listen=("udp:127.0.0.1:0",))
    host, port = daemon.address()
    folder = t.path("baresip")
    folder.mkdir()
    (folder / "accounts").write_text(f"<sip:alice@{host}:{port};transport=udp>;regint=60;auth_pass=none\n")
    (folder / "config").write_text("sip_listen 127.0.0.1:0\nmodule_path /usr/lib/baresip/modules\nmodule stdio.so\nmodule_app account.so\n"
                                   "module_app menu.so\n")
    log = open(folder / "log", "wb")
    phone = subprocess.Popen([program, "-f", str(folder)], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
    t.on_end(lambda: phone.poll() is None and phone.kill())
    hand = Phone(t, daemon.address())
    aor = f"sip:alice@{host}"
    shown = wait_until(lambda: hand.contacts_of(aor), 8, "baresip to register")
    check("sip:alice" in shown[0], f"{shown}")
    phone.send_signal(signal.SIGINT)
    phone.wait(10)
    equal(hand.contacts_of(aor), [], f"bindings after its end: {(folder / 'log').read_text()[-2000:]}")


NET_SIP = """
use strict; use warnings; use Net::SIP;
my ($server, $aor) = @ARGV;
my $ua = Net::SIP::Simple->new(registrar => $server, domain => '127.0.0.1', from => $aor);
my $left = $ua->register(expires => 300) or die "not registered: " . $ua->error . "\\n";
print "registered $left\\n";
my $again = $ua->register(expires => 600) or die "not refreshed: " . $ua->error . "\\n";
print "refreshed $again\\n";
"""


@test()
def net_sip_registers(t):
    program = sipp.have("perl", "perl")
    if subprocess.run([program, "-MNet::SIP", "-e", "1"], capture_output=True).returncode != 0:
        skip("Net::SIP is not installed (Debian package libnet-sip-perl)")
    daemon = Daemon(t, policy=OK)
    host, port = daemon.address()
    script = t.path("register.pl")
    script.write_text(NET_SIP)
    run = subprocess.run([program, str(script), f"{host}:{port}", f"sip:bob@{host}"], capture_output=True, text=True, timeout=20)
    equal(run.stdout.split(), ["registered", "300", "refreshed", "600"], f"Net::SIP: {run.stderr}")
    shown = Phone(t, daemon.address()).contacts_of(f"sip:bob@{host}")
    check(len(shown) == 1 and ";expires=600" in shown[0] or ";expires=599" in shown[0], f"{shown}")
