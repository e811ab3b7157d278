# SPDX-License-Identifier: Apache-2.0
"""A DNS server on loopback that answers from a table, and remembers what it was asked."""
import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33, "NAPTR": 35}
SERVFAIL, SILENCE = "SERVFAIL", "silence"


def name_bytes(name):
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def text_bytes(text):
    return bytes([len(text)]) + text.encode()


def data_of(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "CNAME":
        return name_bytes(value)
    if kind == "SRV":
        priority, weight, port, target = value
        return struct.pack("!HHH", priority, weight, port) + name_bytes(target)
    order, preference, service, target = value
    return struct.pack("!HH", order, preference) + text_bytes("s") + text_bytes(service) + b"\0" + name_bytes(target)


class Dns:
    """`zone`: {(type, name): [values] or SERVFAIL or SILENCE}; what is not in it does not exist."""

    def __init__(self, t, zone, ttl=60):
        self.zone = zone
        self.ttl = ttl
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(0.2)
        self.going = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        t.on_end(self.close)

    @property
    def address(self):
        return f"127.0.0.1:{self.sock.getsockname()[1]}"

    def close(self):
        self.going = False
        self.thread.join()
        self.sock.close()

    def _run(self):
        while self.going:
            try:
                data, peer = self.sock.recvfrom(4096)
            except socket.timeout:
                continue
            answer = self._answer(data)
            if answer:
                self.sock.sendto(answer, peer)

    def _answer(self, data):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        end = at + 5
        number = struct.unpack("!H", data[at + 1:at + 3])[0]
        kind = next((k for k, v in TYPES.items() if v == number), str(number))
        name = ".".join(labels).lower()
        self.asked.append((kind, name))
        found = self.zone.get((kind, name), [])
        if found == SILENCE:
            return None
        known = any(where == name for _, where in self.zone)
        code = 2 if found == SERVFAIL else 0 if known else 3
        values = [] if found == SERVFAIL else found
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(values), 0, 0)
        body = b""
        for value in values:
            rdata = data_of(kind, value)
            body += b"\xc0\x0c" + struct.pack("!HHIH", number, 1, self.ttl, len(rdata)) + rdata
        return head + data[12:end] + body
