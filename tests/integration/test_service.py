# SPDX-License-Identifier: Apache-2.0
"""Under a service manager: what it is told, ports that it passes, the example's units."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from harness.daemon import ROOT, VERDICT, Daemon, cli
from harness.ports import free_port
from harness.registry import check, equal, skip, test
from harness.sip import Phone, contact_of
from harness.tls import Authority
from harness.ws import WsPhone

# Binds what the first argument says ("dgram:127.0.0.1:0 stream:..."), passes it as a service manager does, and becomes the rest.
LAUNCHER = """
import os, socket, sys
sockets = []
for spec in sys.argv[1].split():
    kind, host, port = spec.split(":")
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "dgram" else socket.SOCK_STREAM)
    one.bind((host, int(port)))
    if kind == "stream": one.listen(16)
    sockets.append(one)
high = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(sockets)]
for i in range(len(high)): os.dup2(100 + i, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)))
os.closerange(3 + len(high), 256)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """NOTIFY_SOCKET."""

    def __init__(self, t, abstract=False):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"verdict-test-{os.getpid()}" if abstract else str(t.path("notify.sock"))
        self.sock.bind("\0" + name if abstract else name)
        self.path = "@" + name if abstract else name
        t.on_end(self.sock.close)

    def expect(self, state, seconds=5):
        """The next message but those of the watchdog, which has to begin with `state`."""
        end = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                text = self.sock.recv(4096).decode()
            except socket.timeout:
                check(False, f"expected {state}, and nothing came")
            if text.startswith("WATCHDOG") and not state.startswith("WATCHDOG"):
                continue
            check(text.startswith(state), f"expected {state}, got {text!r}")
            return text


@test(limit=30)
def the_service_manager_is_told(t):
    for abstract in (False, True):
        manager = Manager(t, abstract)
        environment = ["env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=2000000"]
        daemon = Daemon(t, prefix=environment)
        check("STATUS=" in manager.expect("READY=1"), "no status")
        if abstract:
            continue
        manager.expect("WATCHDOG=1")
        daemon.signal(signal.SIGHUP)
        check(re.search(r"MONOTONIC_USEC=\d+", manager.expect("RELOADING=1")), "RELOADING without a time")
        manager.expect("READY=1")
        daemon.save("this is no Lua")
        daemon.reload()
        manager.expect("RELOADING=1")
        manager.expect("READY=1")  # the version before decides on
        daemon.post("/v1/drain")
        check("draining" in manager.expect("READY=1"), "the status does not say that it drains")
        daemon.signal(signal.SIGTERM)
        manager.expect("STOPPING=1")
        equal(daemon.wait_end(), 0, "exit code")


@test(limit=30)
def ports_that_are_passed(t):
    authority = Authority(t)
    pair = authority.issue("server", "DNS:sip.example.com")
    udp, tcp, tls, ws = (free_port() for _ in range(4))
    passed = f"dgram:127.0.0.1:{udp} stream:127.0.0.1:{tcp} stream:127.0.0.1:{tls} stream:127.0.0.1:{ws}"
    listen = (f"udp:127.0.0.1:{udp}", f"tcp:127.0.0.1:{tcp}", f"tls:127.0.0.1:{tls}", f"ws:127.0.0.1:{ws}")
    daemon = Daemon(t, listen=listen, args=[*pair.flags(), "--workers", "2"], prefix=[sys.executable, "-c", LAUNCHER, passed])
    equal(sorted(port for _, _, port in daemon.addresses()), sorted((udp, tcp, tls, ws)), "ports")
    for transport in ("udp", "tcp"):
        for _ in range(6):
            phone = Phone(t, daemon.address(transport), transport)
            phone.ask("INVITE", "gone", 410)
            phone.ask("OPTIONS", "ok", 200)
    Phone(t, daemon.address("tls"), "tls", context=authority.context(), name="sip.example.com").ask("INVITE", "gone", 410)
    WsPhone(t, daemon.address("ws")).ask("INVITE", "gone", 410)


@test()
def ports_that_nobody_asked_for(t):
    policy = t.write("p.lua", "return function() return ok {} end")
    for passed, text in (("dgram:127.0.0.1:0", "is in no listen setting"), ("stream:0.0.0.0:0", "wildcard")):
        done = subprocess.run([sys.executable, "-c", LAUNCHER, passed, VERDICT, "run", policy, "--listen", "udp:127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, text=True, check=False)
        check(done.returncode == 1 and text in done.stderr, f"{passed}: {done.returncode} {done.stderr[-500:]}")


@test(limit=30)
def the_example_units(t):
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        skip("systemd-analyze is not installed (Debian package systemd)")
    for name in ("verdict.service", "verdict.socket"):
        text = (ROOT / "examples/systemd" / name).read_text()
        check("/usr/bin/verdict" in text or name.endswith("socket"), f"{name} does not run verdict")
        t.write(name, text.replace("/usr/bin/verdict", VERDICT).replace("file:///usr/share/doc/verdict/README.md", "https://example.com"))
    done = subprocess.run([analyze, "verify", str(t.path("verdict.service")), str(t.path("verdict.socket"))], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=20, text=True, check=False)
    ours = [line for line in done.stdout.splitlines() if "verdict" in line]
    equal(ours, [], "what systemd says about the units")
    done = subprocess.run([analyze, "security", "--offline=true", str(t.path("verdict.service"))], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=20, text=True, check=False)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    check(level and float(level.group(1)) < 2, f"systemd-analyze security: {done.stdout[-300:]}")


@test(limit=30)
def advertised_addresses(t):
    """Each listener says by itself how it is reached; Contact and SDP have the family of what is advertised."""
    daemon = Daemon(t, args=["--listen", "udp:127.0.0.1:0,advertise=198.51.100.7", "--listen", "tcp:127.0.0.1:0,advertise=sip.example.net:5099",
                             "--listen", "udp:127.0.0.1:0,advertise=2001:db8::7", "--listen", "tcp:127.0.0.1:0", "--advertise", "192.0.2.55",
                             "--domain", "example.com"],
                    listen=())
    ports = [(transport, port) for transport, _, port in daemon.addresses()]
    wanted = (("198.51.100.7:%d", "IN IP4 198.51.100.7"), ("sip.example.net:5099", "IN IP4 127.0.0.1"), ("[2001:db8::7]:%d", "IN IP6 2001:db8::7"),
              ("192.0.2.55:%d", "IN IP4 192.0.2.55"))
    for (transport, port), (contact, media) in zip(ports, wanted):
        phone = Phone(t, ("127.0.0.1", port), transport)
        ok = phone.ask("INVITE", uri="sip:ok@example.com", status=200)
        contact = contact % port if "%" in contact else contact
        equal(contact_of(ok).split(";")[0], f"sip:{contact}", f"Contact of {transport}:{port}")
        check(f"c={media}\r\n" in ok.body.decode(), f"SDP of {transport}:{port}: {ok.body}")
    # What is advertised is ours, whichever listener it is asked at.
    phone = Phone(t, ("127.0.0.1", ports[0][1]))
    for host in ("198.51.100.7", "sip.example.net", "[2001:db8::7]", "192.0.2.55"):
        phone.ask("OPTIONS", uri=f"sip:ok@{host}", status=200)
    phone.ask("OPTIONS", uri="sip:ok@198.51.100.8", status=404)
    done = cli("run", daemon.policy, "--listen", "udp:127.0.0.1:0,advertise=0.0.0.0")
    check(done.returncode != 0 and "advertise" in done.stderr, done.stderr)
