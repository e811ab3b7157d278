# SPDX-License-Identifier: Apache-2.0
"""Explain and replay decide as the daemon did: the same dispatch, guard and reply builder, to the byte."""
import json
import re
import select
import socket
import struct
import subprocess
import time

from harness.daemon import Daemon, VERDICT
from harness.randomsip import Maker
from harness import registry
from harness.registry import check, equal, test, wait_until

POLICY = r"""
local function loops() while true do end end
return policy {
  on_error = reject(500) { reason = "Broken" }, default = not_found {},
  rules = {
    { "scanner", when = { user_agent = matches "friendly-scanner*" }, verdict = reject(403) {} },
    { "gone", when = { user = "gone" }, verdict = gone { evidence = "test", q850 = 1, error_info = "sip:gone@example.com" } },
    { "moved", when = { user = "moved" }, verdict = moved { contact = "sip:new@example.com" } },
    { "error", when = { user = "error" }, check = function(req) return error(req.method .. 1) end, verdict = ok {} },
    { "slow", check = function(req)
        if req.target.user == "slow" and (req.call_id:match "-(%d+)" or "1"):sub(-1) == "0" then loops() end
        return false
      end, verdict = ok {} },
    { "long", check = function(req)
        local n = 0
        for word in (req:header "X-Odd" or ""):gmatch "%a" do n = n + #word end
        for i = 1, #(req.body or "") % 50 do n = n + i end
        return n > 900 or (req.to.display or ""):find '"' ~= nil
      end, verdict = unavailable { retry_after = 30 } },
    { "deep", when = { user = "deep" }, decide = function(req)
        local t = {}
        for i = 1, 40 do t[i] = req.from.uri.user .. i end
        return reject(486) { headers = { ["X-Deep"] = table.concat(t, ","):sub(1, 60) } }
      end },
    { "roll", check = function(req) return math.random(10) == 1 end, verdict = redirect { contact = "sip:dice@example.com" } },
    { "users", when = { method = { "REGISTER", "SUBSCRIBE", "PUBLISH" }, user = prefix "u" }, verdict = ok { reason = "Known" } },
    { "rest", when = { method = { "INVITE", "OPTIONS", "MESSAGE" } }, decide = function(req)
        if req.target.user == "busy" then return nil end
        if now() % 7 == 0 then return ok { reason = "Seventh" } end
        if (req.target.number or ""):sub(1, 1) == "+" then return ok { ring = 1 } end
        if req.source.port > 0 and req.target.user then return ok {} end
      end },
  },
}
"""

CONFIG = """return {{ log = "all", log_file = "{log}", log_request = true, workers = 1, t1_ms = 5000,
  domains = {{ "example.com" }}, aliases = {{ ["alias.example"] = "example.com" }}, country_code = "49", national_prefix = "0" }}
"""


def key_of(raw):
    """Call-ID as the bytes have it."""
    match = re.search(rb"\r\n(?i:call-id|i)[ \t]*:(?:\r\n)?[ \t]*([^\r\n]*?)[ \t]*\r\n", raw)
    return match.group(1).decode("latin-1") if match else None


def ask_all(sock, address, maker, count, capture):
    """The first final answer to each, by Call-ID; all that passes goes into the capture."""
    here = sock.getsockname()
    answers, sent = {}, 0
    end = time.monotonic() + 60
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        for _ in range(40):
            if sent < count:
                raw = maker.request(sent)
                capture.add(here, address, raw)
                sock.sendto(raw, address)
                sent += 1
        waits = 0.002 if sent < count else 0.3
        got = 0
        while select.select([sock], [], [], waits)[0]:
            raw = sock.recv(65536)
            got += 1
            capture.add(address, here, raw)
            if raw.startswith(b"SIP/2.0 ") and raw[8:9] != b"1":
                answers.setdefault(key_of(raw), raw)
        quiet = quiet + 1 if sent == count and got == 0 else 0
    return answers


def take_messages(data):
    """Whole messages at the front of what came over a connection, and the rest."""
    found = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        length = re.search(rb"\r\n(?i:content-length|l)[ \t]*:[ \t]*(\d+)", data[:end + 2])
        size = end + 4 + (int(length.group(1)) if length else 0)
        if len(data) < size:
            break
        found.append(data[:size])
        data = data[size:]
    return found, data


def ask_all_over_tcp(address, seed, count, users):
    """The same over one connection, a few at a time."""
    with socket.create_connection(address) as sock:
        maker = Maker(seed, "127.0.0.1:%d" % sock.getsockname()[1], "TCP", users)
        answers, data, sent = {}, b"", 0
        end = time.monotonic() + 30
        quiet = 0
        while quiet < 3 and time.monotonic() < end:
            for _ in range(min(20, count - sent)):
                sock.sendall(maker.request(sent))
                sent += 1
            got = False
            while select.select([sock], [], [], 0.002 if sent < count else 0.3)[0]:
                piece = sock.recv(1 << 16)
                check(piece, "the connection was closed")
                found, data = take_messages(data + piece)
                got = True
                for raw in found:
                    if raw.startswith(b"SIP/2.0 ") and raw[8:9] != b"1":
                        answers.setdefault(key_of(raw), raw)
            quiet = quiet + 1 if sent == count and not got else 0
    return answers


# Drawn at random for each publication, so that nobody can guess another's: the one thing that no second process can say again.
ETAG = re.compile(rb"\r\nSIP-ETag: [^\r]*")


class Capture:
    """A pcap of datagrams between two IPv4 addresses, as a VLAN's Ethernet frames."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))

    def add(self, source, target, payload):
        now = time.time()
        udp = struct.pack(">HHHH", source[1], target[1], 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source[0]),
                         socket.inet_aton(target[0])) + udp
        frame = bytes(12) + struct.pack(">HHH", 0x8100, 7, 0x0800) + ip
        self.file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)

    def close(self):
        self.file.close()


def replay(*args):
    output = subprocess.run([VERDICT, "replay", "--json", *map(str, args)], capture_output=True, timeout=60)
    equal(output.returncode, 0, output.stderr.decode()[-500:])
    return json.loads(output.stdout)


def bytes_of(line):
    return line["answer_bytes"].encode("latin-1") if "answer_bytes" in line else line["answer"].encode()


def lines_settled(log):
    size = log.stat().st_size
    time.sleep(0.2)
    return log.stat().st_size == size


@test(limit=120)
def explain_is_live(t):
    """10,000 random messages through a socket, over UDP and TCP, and through explain: the same bytes, rule and fuel; and through
    replay, from the log and from a capture: the same answers."""
    log = t.path("decisions.jsonl")
    config = t.write("verdict.lua", CONFIG.format(log=log))
    daemon = Daemon(t, policy=POLICY, args=["--config", str(config)], data=False, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind(("127.0.0.1", 0))
    maker = Maker(4711, "127.0.0.1:%d" % sock.getsockname()[1], users=12)
    count = 2000 if registry.SANITIZED else 10000
    over_tcp = count // 10
    capture = Capture(t.path("traffic.pcap"))
    answers = ask_all(sock, daemon.address(), maker, count - over_tcp, capture)
    capture.close()
    answers |= ask_all_over_tcp(daemon.address("tcp"), 4712, over_tcp, 12)
    wait_until(lambda: lines_settled(log), 10, "the log to stand still")
    daemon.kill()
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    decided = [line for line in lines if line["event"] == "decision"]
    check(len(decided) > count * 0.8, f"{len(decided)} decisions of {count} messages")
    output = subprocess.run([VERDICT, "explain", "--json", "--config", str(config), str(daemon.policy), str(log)],
                            capture_output=True, timeout=80)
    equal(output.returncode, 0, output.stderr.decode()[-500:])
    explained = [json.loads(line) for line in output.stdout.splitlines()]
    equal(len(explained), len(decided), "explanations")
    rules, methods, kills, late, other = set(), set(), 0, 0, []
    for then, now in zip(decided, explained):
        decision = now["decision"] or {"rule": None, "fuel": 0, "failure": "none"}
        rules.add(decision["rule"])
        kills += decision["failure"] in ("fuel", "set_aside")
        live = answers.get(then["call_id"], b"")
        if now["answer_after_ms"] > 5000:  # no PRACK: longer than this test waits
            late += 1
            now = {"answer": "", "decision": now["decision"]}
        if bytes_of(now).startswith(b"SIP/2.0 200"):
            methods.add((then["transport"], then["method"]))
        if (ETAG.sub(b"", bytes_of(now)) != ETAG.sub(b"", live) or decision["rule"] != then.get("rule") or decision["fuel"] != then.get("fuel", 0)):
            other.append(f"{then.get('request', '')!r}\nlive {live!r}\nthen {then.get('rule')} {then.get('fuel')}\n"
                         f"now  {bytes_of(now)!r}\n{decision}")
    check(not other, f"{len(other)} differ; the first:\n{other[:1][0] if other else ''}")
    for rule in ("gone", "moved", "error", "slow", "long", "deep", "roll", "rest", "users", "default", "scanner"):
        check(rule in rules, f"no message met rule {rule}: {rules}")
    for method in ("INVITE", "OPTIONS", "MESSAGE", "REGISTER", "SUBSCRIBE", "PUBLISH"):
        for transport in ("UDP", "TCP"):
            check((transport, method) in methods, f"no {method} over {transport} was answered 200: {methods}")
    check(kills > 0, "nothing was killed")
    check(late < len(decided) / 20, f"{late} answers come too late to be seen")
    t.note(f"{len(decided)} decisions alike, {len(answers)} answers, {kills} killed or set aside")
    again = replay(daemon.policy, log, "--config", config)
    equal((again["compared"], again["differ"]), (again["decided"], 0), f"replay of the log: {again['changes']}")
    check(again["decided"] > count * 0.8, f"{again['decided']} replayed")
    seen = replay(daemon.policy, t.path("traffic.pcap"), "--config", config)
    equal(seen["differ"], 0, f"replay of the capture: {seen['changes']} {seen['examples'][:2]}")
    check(seen["compared"] > count * 0.6, f"only {seen['compared']} of the capture were compared")
    changed = t.write("changed.lua", POLICY.replace('"gone", when = { user = "gone" }', '"gone", when = { user = "nobody" }'))
    other = replay(changed, t.path("traffic.pcap"), "--config", config, "--against", daemon.policy)
    check(other["differ"] > count / 500 and all(change["then_rule"] == "gone" for change in other["changes"]), f"{other['changes']}")
    t.note(f"replay: {again['decided'] * 60000 // max(again['elapsed_ms'], 1)} a minute from the log, "
           f"{seen['decided'] * 60000 // max(seen['elapsed_ms'], 1)} from a capture")
