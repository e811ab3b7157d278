# SPDX-License-Identifier: Apache-2.0
"""A wildcard address on a machine with two addresses: answers leave from where the request came."""
import json
import os
import subprocess
import sys

from harness.daemon import Daemon
from harness.registry import Failure, check, equal, skip, test
from harness.sipp import have

# Runs inside of the namespace: asks by one address and another, prints what came back.
INSIDE = """
import json, socket, sys
port, out = int(sys.argv[1]), []
for family, server in ((socket.AF_INET, "10.77.0.1"), (socket.AF_INET, "10.77.0.2"), (socket.AF_INET6, "fd77::1")):
    for method in ("INVITE", "OPTIONS"):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(3)
        sock.bind((server, 0))
        host = "[%s]" % server if ":" in server else server
        me = "%s:%d" % (host, sock.getsockname()[1])
        body = ("v=0\\r\\no=- 1 1 IN IP4 10.77.0.1\\r\\ns=-\\r\\nc=IN IP4 10.77.0.1\\r\\nt=0 0\\r\\n"
                "m=audio 4000 RTP/AVP 0\\r\\n") if method == "INVITE" else ""
        sock.sendto(("\\r\\n".join([method + " sip:ok@%s:%d SIP/2.0" % (host, port),
            "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%d;rport" % (me, method, len(out)), "Max-Forwards: 70",
            "From: <sip:a@example.com>;tag=1", "To: <sip:ok@%s>" % host, "Call-ID: %s%d" % (method, len(out)),
            "CSeq: 1 " + method, "Contact: <sip:a@%s>" % me, "Content-Type: application/sdp",
            "Content-Length: %d" % len(body)]) + "\\r\\n\\r\\n" + body).encode(), (server, port))
        try:
            data, source = sock.recvfrom(65536)
        except socket.timeout:
            data, source = b"", ("", 0)
        out.append([method, server, source[0], data.decode()])
print(json.dumps(out))
"""


def ip(*args):
    done = subprocess.run([have("ip", "iproute2"), *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=10, check=False)
    if done.returncode:
        raise Failure(f"ip {' '.join(args)}: {done.stdout}")


@test()
def a_wildcard_address_in_a_namespace(t):
    if os.geteuid() != 0:
        skip("only root can make a network namespace")
    name = f"verdict{os.getpid()}"
    try:
        ip("netns", "add", name)
    except Failure as failure:
        skip(f"no network namespace can be made here: {failure}")
    t.on_end(lambda: ip("netns", "delete", name))
    for command in (("link", "set", "lo", "up"), ("addr", "add", "10.77.0.1/32", "dev", "lo"),
                    ("addr", "add", "10.77.0.2/32", "dev", "lo"), ("addr", "add", "fd77::1/128", "dev", "lo", "nodad")):
        ip("-n", name, *command)
    daemon = Daemon(t, listen=("udp:0.0.0.0:5060", "udp:[::]:5060"), prefix=("ip", "netns", "exec", name))
    done = subprocess.run(["ip", "netns", "exec", name, sys.executable, "-c", INSIDE, "5060"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    equal(done.returncode, 0, f"inside: {done.stderr}")
    for method, server, source, answer in json.loads(done.stdout):
        what = f"{method} to {server}"
        check(answer.startswith("SIP/2.0 200"), f"{what}: {answer[:200]!r}\n{daemon.log()}")
        equal(source, server, f"{what}: where the answer came from")
        check("0.0.0.0" not in answer and "[::]" not in answer, f"{what}: {answer}")
        if method == "INVITE":
            contact = next(line for line in answer.split("\r\n") if line.lower().startswith("contact"))
            check(server in contact, f"{what}: {contact}")
            check(server in answer.split("\r\n\r\n", 1)[1], f"{what}: the SDP does not name it: {answer}")
    equal(len({host for _, host, _ in daemon.addresses()}) >= 3, True, f"addresses: {daemon.addresses()}")
