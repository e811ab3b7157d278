# SPDX-License-Identifier: Apache-2.0
"""Random requests from a seed: methods, URIs, headers, bodies and spacings as the wire may bring them."""
import random

METHODS = (["INVITE"] * 8 + ["OPTIONS"] * 4 + ["MESSAGE"] * 4
           + ["INFO", "BREW", "invite", "REFER", "UPDATE", "BYE", "ACK"])
USERS = ["alice", "gone", "moved", "+4930123456", "030%20123", "(030)123-456", "%61lice", "ok", "busy", "x.y-z_", "slow",
         "deep", "café", "\xff\xfe", "error", "a" * 200, "", "000", "f", "roll"]
HOSTS = ["example.com", "EXAMPLE.com", "example.com.", "elsewhere.example", "127.0.0.1", "[::1]", "alias.example",
         "example.com:5070"]
NAMES = {
    "Via": ["Via", "v", "VIA"], "From": ["From", "f", "FROM"], "To": ["To", "t", "tO"], "Call-ID": ["Call-ID", "i", "call-id"],
    "CSeq": ["CSeq", "cseq"], "Max-Forwards": ["Max-Forwards", "max-forwards"], "Contact": ["Contact", "m"],
    "Content-Type": ["Content-Type", "c"], "Content-Length": ["Content-Length", "l"],
}
COLONS = [":", ": ", ":\t", " : ", ":  ", ":\r\n "]
SDP = ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
       "a=rtpmap:101 telephone-event/8000\r\n")
EXTRAS = ["User-Agent: friendly-scanner", "User-Agent: phone \"x\" \\ /1.0", "X-Odd:", "X-Odd: a, b,\r\n\tc", "Require: 100rel",
          "Require: nonsense", "Supported: 100rel, timer", "P-Asserted-Identity: <sip:boss@example.com>", "Route: <sip:10.0.0.1;lr>",
          "Subject: caf\xe9", "Subject: \u00fc\u20ac", "Expires: 0", "Priority: emergency", "Content-Encoding: gzip",
          "Session-Expires: 1800", "X-Quote: \"unclosed", "Date: Sat, 13 Nov 2010 23:29:00 GMT", "Accept: text/plain"]


PIDF = ("<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:u@example.com\"><tuple id=\"t\">"
        "<status><basic>open</basic></status></tuple></presence>")


class Maker:
    """`request(i)` is a function of the seed and i alone.  Over TCP the framing is right, or nothing more would be read.  With
    `users`, one in so many is a REGISTER, SUBSCRIBE or PUBLISH for a user of its own, whose answer goes by nothing but itself."""

    def __init__(self, seed, here, transport="UDP", users=0):
        self.seed, self.here, self.transport, self.users = seed, here, transport, users

    def of_a_user(self, r, i):
        method = r.choice(["REGISTER", "REGISTER", "SUBSCRIBE", "PUBLISH"])
        user = f"sip:u{self.seed}x{i}@example.com"
        uri = "sip:example.com" if method == "REGISTER" else user
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport} {self.here};branch=z9hG4bK{self.seed}u{i}" + r.choice(["", ";rport"]),
                 f"From: <{user}>;tag=f{i}", f"To: {r.choice(['', 'U '])}<{user}>", f"Call-ID: u{self.seed}-{i}",
                 f"CSeq: {r.choice([1, 4711])} {method}", "Max-Forwards: 70"]
        body = ""
        if method != "PUBLISH":
            contacts = r.choice([1, 1, 1, 2]) if method == "REGISTER" else 1
            lines += [f"Contact: <sip:u{n}@{self.here}>" + r.choice(["", ";q=0.5", ";expires=600"]) for n in range(contacts)]
        if method != "REGISTER":
            event = r.choice(["presence", "presence", "reg", "nonsense"])
            lines.append("Event: " + event)
            if method == "PUBLISH" and r.random() < 0.8:
                body = PIDF
                lines.append("Content-Type: application/pidf+xml")
        lines += r.sample(["Expires: 0", "Expires: 300", "Supported: path, outbound", "User-Agent: phone", "X-Odd: a"], r.choice([0, 1, 2]))
        return "\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]).encode()

    def uri(self, r):
        kind = r.random()
        user, host = r.choice(USERS), r.choice(HOSTS)
        if kind < 0.08:
            return "tel:" + r.choice(["+49-30-123456", "110", "+1(555)0100", "x"])
        scheme = "sips" if kind < 0.12 else "SIP" if kind < 0.16 else "http" if kind < 0.18 else "sip"
        tail = r.choice(["", "", "", ";user=phone", ";transport=tcp", "?Subject=x", ";maddr=10.0.0.1", ";x=%41"])
        return f"{scheme}:{user + '@' if user else ''}{host}{tail}"

    def body(self, r, method):
        kind = r.random()
        if method == "INVITE" and kind < 0.7:
            return "application/sdp", SDP if kind < 0.6 else SDP.replace("0 8 101", "97").replace("m=audio", "m=video")
        if kind < 0.4:
            return None, ""
        text = "".join(chr(r.choice([r.randrange(32, 127), r.randrange(1, 256)])) for _ in range(r.randrange(0, 300)))
        return r.choice(["text/plain", "application/sdp", "message/cpim;x=\"y\""]), text

    def lines(self, r, i, method, uri):
        to = r.choice([f"<{uri}>", f"\"A \\\" B\" <{uri}>", f"x y <{uri}>;p=1", uri])
        tag = r.random()
        fields = [("Via", f"SIP/2.0/{self.transport} {self.here};branch=z9hG4bK{self.seed}x{i}" + r.choice(["", ";rport", ";rport;x=\"y\""])),
                  ("From", r.choice(["", "Bob ", "\"caf\u00e9\" "]) + f"<sip:caller@example.com>;tag=f{i}"),
                  ("To", to + (f";tag=t{i}" if tag < 0.03 else "")),
                  ("Call-ID", f"c{self.seed}-{i}" + r.choice(["", "@host.example", "!%*_+`'~"])),
                  ("CSeq", f"{r.choice([1, 0, 4711, 2**31 - 1])}{r.choice([' ', '  ', chr(9)])}{method if tag < 0.98 else 'INFO'}")]
        if tag > 0.05:
            fields.append(("Max-Forwards", r.choice(["70", "70", "0", "255"] if tag < 0.9 else ["70"])))
        if method in ("INVITE", "REFER") and tag > 0.02:
            fields.append(("Contact", f"<sip:caller@{self.here}>"))
        if r.random() < 0.2:
            fields.insert(1, ("Via", "SIP/2.0/TCP 10.1.1.1:5062;branch=z9hG4bKup;received=10.1.1.9"))
        if r.random() < 0.1:
            rest = fields[1:]
            r.shuffle(rest)  # but the first Via is the one that the answer goes to
            fields[1:] = rest
        return fields

    def request(self, i):
        r = random.Random(f"{self.seed}/{i}")
        framed = self.transport == "TCP"
        if self.users and i % self.users == 0:
            return self.of_a_user(r, i)
        method = r.choice(METHODS)
        uri = self.uri(r)
        kind, body = self.body(r, method)
        bytes_of = lambda text: text.encode("latin-1", "ignore") if r.random() < 0.3 else text.encode()
        raw = bytes_of(body)
        fields = self.lines(r, i, method, uri)
        if kind:
            fields.append(("Content-Type", kind))
        if r.random() < 0.97 or framed:
            fields.append(("Content-Length", str(len(raw) if r.random() < 0.98 or framed else len(raw) + 7)))
        text = f"{method} {uri} SIP/{'2.0' if r.random() < 0.99 else '3.0'}\r\n"
        for name, value in fields:
            text += r.choice(NAMES[name]) + (r.choice(COLONS) if r.random() < 0.3 else ": ") + value + r.choice(["", "", "", " "]) + "\r\n"
        for extra in r.sample(EXTRAS, r.choice([0, 0, 1, 2, 5])):
            text += extra + "\r\n"
        whole = bytes_of(text) + b"\r\n" + raw
        if r.random() < 0.01 and not framed:
            whole = whole[:r.randrange(len(whole))]
        return whole
