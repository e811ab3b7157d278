# SPDX-License-Identifier: Apache-2.0
"""Load from one UDP socket: closed loop (so many requests outstanding) or open (so many a second, whatever comes back)."""
import re
import select
import socket
import time

TEMPLATE = ("{method} sip:{user}@{host}:{port} SIP/2.0\r\n"
            "Via: SIP/2.0/UDP {here};branch=z9hG4bK{run}{number};rport\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:load@example.com>;tag=t{number}\r\nTo: <sip:{user}@{host}>\r\n"
            "Call-ID: {run}-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:load@{here}>\r\nContent-Length: 0\r\n\r\n")
NUMBER = re.compile(rb"\r\nCall-ID: [^\r]*-(\d+)\r\n")


class Flood:
    """What was sent and what came: finals by code, the longest and the middle wait, requests answered twice."""

    def __init__(self, server, bind="127.0.0.1", method="OPTIONS", user="ok"):
        self.server, self.method, self.user = server, method, user
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((bind, 0))
        self.sock.connect(server[:2])
        self.sock.setblocking(False)
        self.here = "%s:%d" % self.sock.getsockname()
        self.run = f"{self.sock.getsockname()[1]}x{time.monotonic_ns()}"
        self.counted_from = 0  # waits of what was sent before are not kept
        self.sent, self.codes, self.waits, self.twice = {}, {}, [], 0

    def send(self):
        number = len(self.sent)
        text = TEMPLATE.format(method=self.method, user=self.user, host=self.server[0], port=self.server[1],
                               here=self.here, run=self.run, number=number)
        self.sent[number] = time.monotonic()
        try:
            self.sock.send(text.encode())
        except (BlockingIOError, ConnectionRefusedError):
            pass

    def take(self, seconds):
        """Reads what is there, waiting at most so long; returns how many finals came."""
        taken = 0
        if not select.select([self.sock], [], [], max(0, seconds))[0]:
            return 0
        while True:
            try:
                data = self.sock.recv(65536)
            except (BlockingIOError, ConnectionRefusedError):
                return taken
            match = NUMBER.search(data)
            if not match or not data.startswith(b"SIP/2.0 ") or data[8:9] == b"1":
                continue
            number, code = int(match.group(1)), int(data[8:11])
            if self.sent.get(number) is None:
                self.twice += 1
                continue
            wait, self.sent[number] = time.monotonic() - self.sent[number], None
            self.codes[code] = self.codes.get(code, 0) + 1
            if code != 503 and number >= self.counted_from:
                self.waits.append(wait)
            taken += 1

    def closed(self, window, seconds):
        """Answers a second."""
        end, done = time.monotonic() + seconds, 0
        for _ in range(window):
            self.send()
        while time.monotonic() < end:
            taken = self.take(0.2)
            done += taken
            for _ in range(taken):
                self.send()
        return done / seconds

    def open(self, rate, seconds, meanwhile=None, every=0.1):
        """Answers a second; `meanwhile` is called so often."""
        start = time.monotonic()
        first, done, due = len(self.sent), 0, start
        while (now := time.monotonic()) < start + seconds:
            wanted = first + int((now - start) * rate)
            for _ in range(min(200, wanted - len(self.sent))):
                self.send()
            done += self.take(0.001)
            if meanwhile and now >= due:
                meanwhile()
                due = now + every
        return done / seconds

    def wait_ms(self, share):
        waits = sorted(self.waits)
        return 1000 * waits[min(len(waits) - 1, int(len(waits) * share))] if waits else None

    def close(self):
        self.sock.close()
