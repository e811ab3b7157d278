# SPDX-License-Identifier: Apache-2.0
"""SIP by hand, for what must be exact: when each datagram came, with which bytes."""
import random
import re
import socket
import time

from harness import placement
from harness.registry import Failure, check

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n")


def token():
    return f"{random.getrandbits(64):016x}"


class Message:
    """A received request or response."""

    def __init__(self, raw):
        self.raw = raw
        self.at = time.monotonic()
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode(errors="replace").split("\r\n")
        self.start = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.method = "" if self.status else self.start.split()[0]

    def get(self, name):
        for key, value in self.headers:
            if key == name.lower():
                return value
        return None

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def tag(self, name="to"):
        match = re.search(r";tag=([^;>\s]+)", self.get(name) or "")
        return match.group(1) if match else None

    def cseq(self):
        number, method = self.get("cseq").split()
        return int(number), method

    def __repr__(self):
        return f"<{self.start}>"


class Phone:
    """One socket that sends requests to one server."""

    def __init__(self, t, server, transport="udp", user="caller", bind=None, context=None, name=None):
        """`context` and `name` are those of TLS (harness/tls.py): whom it believes, and whom it asks for."""
        self.server = server
        self.transport = transport
        self.family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        self.user = user
        self.buffer = b""
        host = bind or ("::1" if self.family == socket.AF_INET6 else "127.0.0.1")
        if transport == "udp":
            self.sock = socket.socket(self.family, socket.SOCK_DGRAM)
            self.sock.bind((host, 0))
            self.sock.connect(server[:2])
        else:
            self.sock = socket.socket(self.family, socket.SOCK_STREAM)
            self.sock.settimeout(5)
            self.sock.connect(server[:2])
        if context:
            self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.host, self.port = self.sock.getsockname()[:2]
        t.on_end(self.sock.close)

    def here(self):
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"

    def there(self):
        host = f"[{self.server[0]}]" if self.family == socket.AF_INET6 else self.server[0]
        return f"{host}:{self.server[1]}"

    def request(self, method, user="ok", uri=None, **fields):
        """A request as a dictionary that can be changed and sent again."""
        request = {
            "method": method,
            "uri": uri or f"sip:{user}@{self.there()}",
            "branch": "z9hG4bK" + token(),
            "from_tag": token(),
            "to_tag": None,
            "to": None,
            "call_id": token() + "@test",
            "cseq": 1,
            "cseq_method": None,
            "body": SDP if method == "INVITE" else "",
            "extra": [],
        }
        request.update(fields)
        return request

    def bytes_of(self, r):
        transport = self.transport.upper()
        to = r["to"] or r["uri"]
        lines = [
            f"{r['method']} {r['uri']} SIP/2.0",
            f"Via: SIP/2.0/{transport} {self.here()};branch={r['branch']};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.user}@example.com>;tag={r['from_tag']}",
            f"To: <{to}>" + (f";tag={r['to_tag']}" if r["to_tag"] else ""),
            f"Call-ID: {r['call_id']}",
            f"CSeq: {r['cseq']} {r['cseq_method'] or r['method']}",
        ]
        if r["method"] in ("INVITE", "UPDATE"):
            lines.append(f"Contact: <sip:{self.user}@{self.here()};transport={self.transport}>")
        lines += r["extra"]
        if r["body"]:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(r['body'])}")
        return ("\r\n".join(lines) + "\r\n\r\n" + r["body"]).encode()

    def send(self, request):
        self.send_raw(self.bytes_of(request) if isinstance(request, dict) else request)

    def send_raw(self, data):
        self.sock.sendall(data) if self.transport != "udp" else self.sock.send(data)
        if placement.MISROUTE and data.startswith(b"ACK "):
            time.sleep(0.03)  # by way of two workers, a BYE right behind it may overtake it, as on any network

    def receive(self, seconds=2.0):
        """The next message, or None."""
        end = time.monotonic() + seconds
        while True:
            message = self._from_buffer() if self.transport != "udp" else None
            if message:
                return message
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                return None
            except ConnectionRefusedError:
                continue
            if self.transport == "udp":
                if data.strip(b"\r\n\0"):
                    return Message(data)
                continue
            if not data:
                return None
            self.buffer += data

    def _from_buffer(self):
        self.buffer = self.buffer.lstrip(b"\r\n")
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        match = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", head, re.I)
        length = int(match.group(1)) if match else 0
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return Message(head + separator + rest[:length])

    def expect(self, status, seconds=3.0, method=None):
        """The next message, which must have this status; 1xx are passed over unless asked for."""
        end = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.0, end - time.monotonic()))
            if message is None:
                raise Failure(f"expected {status}, and nothing came within {seconds} s")
            if 100 <= message.status < 200 and status >= 200:
                continue
            if message.status != status or (method and message.cseq()[1] != method):
                raise Failure(f"expected {status} {method or ''}, got {message.start} ({message.get('cseq')})")
            return message

    def expect_request(self, method, seconds=3.0):
        message = self.receive(seconds)
        check(message is not None, f"expected {method}, and nothing came within {seconds} s")
        check(message.method == method, f"expected {method}, got {message.start}")
        return message

    def expect_silence(self, seconds):
        message = self.receive(seconds)
        check(message is None, f"expected silence, got {message}")

    def collect(self, seconds, answering=False):
        """Everything that comes within so many seconds; requests are answered with 200 if wanted."""
        end = time.monotonic() + seconds
        messages = []
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message:
                messages.append(message)
            if message and answering and message.method not in ("", "ACK"):
                self.answer(message)
        return messages

    def ack_of(self, invite, response):
        """RFC 3261 17.1.1.3 for a refusal, 13.2.2.4 for a 2xx."""
        ack = dict(invite, method="ACK", cseq_method="ACK", body="", extra=[], to=invite["to"] or invite["uri"],
                   to_tag=response.tag())
        if 200 <= response.status < 300:
            ack["branch"] = "z9hG4bK" + token()
            ack["uri"] = contact_of(response) or invite["uri"]
        return ack

    def bye_of(self, invite, response):
        return dict(invite, method="BYE", cseq_method="BYE", cseq=invite["cseq"] + 1, body="", extra=[],
                    to=invite["to"] or invite["uri"], to_tag=response.tag(), branch="z9hG4bK" + token(),
                    uri=contact_of(response) or invite["uri"])

    def cancel_of(self, invite):
        return dict(invite, method="CANCEL", cseq_method="CANCEL", body="", extra=[])

    def answer(self, request, status=200, reason="OK"):
        """Answers a request that the server sent."""
        lines = [f"SIP/2.0 {status} {reason}"]
        for name in ("via", "from", "to", "call-id", "cseq"):
            lines += [f"{name}: {value}" for value in request.all(name)]
        lines.append("Content-Length: 0")
        self.send_raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def ask(self, method, user=None, status=None, **fields):
        """Sends a request, gives its final response, and acknowledges an INVITE's."""
        request = self.request(method, user, **fields)
        self.send(request)
        end = time.monotonic() + 3
        while True:
            response = self.receive(max(0.0, end - time.monotonic()))
            check(response is not None, f"no answer to {method} {request['uri']}")
            if response.status >= 200 and response.get("call-id") == request["call_id"]:
                break
        if method == "INVITE":
            self.send(self.ack_of(request, response))
        if status is not None:
            check(response.status == status, f"{method} {request['uri']}: expected {status}, got {response.start}")
        return response

    def register(self, aor, contacts=(), status=200, **fields):
        """A REGISTER for `aor` ("sip:alice@example.com") with these values of Contact."""
        extra = [f"Contact: {contact}" for contact in contacts] + list(fields.pop("extra", []))
        return self.ask("REGISTER", None, status, uri="sip:" + aor.partition("@")[2], to=aor, extra=extra, **fields)

    def contacts_of(self, aor):
        """The values of Contact in the answer to a REGISTER without one."""
        return self.register(aor).all("contact")


def contact_of(message):
    match = re.search(r"<([^>]+)>", message.get("contact") or "")
    return match.group(1) if match else None
