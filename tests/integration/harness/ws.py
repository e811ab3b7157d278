# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket by hand (RFC 6455, RFC 7118): frames as bytes, so that broken ones can be sent as well."""
import base64
import hashlib
import os
import re
import socket
import struct
import time

from harness.registry import Failure, check
from harness.sip import Message, Phone, token

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(payload, opcode=TEXT, fin=True, masked=True, rsv=0):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def upgrade(host, key=None, drop=(), **changes):
    """The request, with headers changed, added or left out by their names."""
    fields = {"Host": host, "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
              "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}
    fields.update({name.replace("_", "-"): value for name, value in changes.items()})
    return ("GET / HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items() if n not in drop) + "\r\n").encode()


class WsPhone(Phone):
    """A browser's SIP: its Via and Contact name a host that nobody can reach."""

    def __init__(self, t, server, transport="ws", user="caller", context=None, name=None, origin=None):
        super().__init__(t, server, transport, user, context=context, name=name)
        self.transport = transport
        self.invalid = token()[:12] + ".invalid"
        self.frames = []  # (opcode, payload) that were no messages
        self.opcode = TEXT
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(upgrade(self.there(), key, **({"Origin": origin} if origin else {})))
        head = self._head()
        check(head.startswith("HTTP/1.1 101 "), f"the upgrade was refused: {head}")
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        check(f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n" in head, f"a wrong accept: {head}")
        check("Sec-WebSocket-Protocol: sip\r\n" in head, f"not the protocol that was asked for: {head}")

    def _head(self):
        self.sock.settimeout(5)
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(4096)
            if not data:
                break
            self.buffer += data
        head, separator, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return (head + separator).decode()

    def here(self):
        return self.invalid if hasattr(self, "invalid") else super().here()

    def bytes_of(self, r):
        return re.sub(rb";transport=WSS?>", b";transport=ws>", super().bytes_of(r))

    def send_raw(self, data):
        self.sock.sendall(frame(data, self.opcode))

    def send_bytes(self, data):
        self.sock.sendall(data)

    def next_frame(self, seconds=3.0):
        """(opcode, payload) of the next frame, or None; the end of the stream is (None, b"")."""
        end = time.monotonic() + seconds
        while True:
            found = self._frame_from_buffer()
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                return None
            except ConnectionResetError:
                data = b""
            if not data:
                return None, b""
            self.buffer += data

    def _frame_from_buffer(self):
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[0], self.buffer[1]
        at, length = 2, second & 0x7f
        if length == 126:
            at, length = 4, int.from_bytes(self.buffer[2:4], "big")
        elif length == 127:
            at, length = 10, int.from_bytes(self.buffer[2:10], "big")
        if len(self.buffer) < at + length:
            return None
        check(not second & 0x80, "a server's frame is masked")
        check(first & 0x80 and not first & 0x70, f"a frame with bits {first:#x}")
        payload = self.buffer[at:at + length]
        self.buffer = self.buffer[at + length:]
        return first & 0x0f, payload

    def receive(self, seconds=2.0):
        end = time.monotonic() + seconds
        while True:
            got = self.next_frame(max(0.0, end - time.monotonic()))
            if got is None or got[0] is None:
                return None
            if got[0] in (TEXT, BINARY) and got[1].strip(b"\r\n"):
                return Message(got[1])
            self.frames.append(got)

    def expect_close(self, code, seconds=3.0):
        """A close frame with this code, and then the end."""
        while True:
            got = self.next_frame(seconds)
            if got is None or got[0] is None:
                raise Failure(f"expected the close code {code}, got {'silence' if got is None else 'the end'}")
            if got[0] == CLOSE:
                break
        found = int.from_bytes(got[1][:2], "big") if got[1] else None
        check(found == code, f"expected the close code {code}, got {found}")
        check(self.next_frame(seconds) == (None, b""), "the connection does not end after the close frame")
