# SPDX-License-Identifier: Apache-2.0
"""What an operator sees of calls: the live list, a call's ladder, the peers' ACKs, HEP, and the policy's own events."""
import collections
import json
import os
import socket
import subprocess
import time
import urllib.parse

from harness.daemon import VERDICT, Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone
from harness.sipp import have
from harness.tls import Authority
from harness.ws import WsPhone

EVENTS = """
return policy {
  on_error = reject(500) {}, default = ok {},
  shared = { n = counter { ttl = 3600 } },
  rules = { { "gone", when = { user = "gone" }, verdict = gone { evidence = "test" } },
            { "seen", when = { method = "MESSAGE" }, decide = function(req, env)
                return reject(486) { reason = env.n:get("start") .. " " .. env.n:get("end") } end } },
  on_call_start = function(call, env) env.n:incr("start") log.info("start", call.id, call.from, call.source.transport) end,
  on_call_end = function(call, env)
    env.n:incr("end")
    log.info("end", call.id, call.reason)
    if call.reason == "peer" then while true do end end
  end,
}
"""


def open_call(phone, acks=True, user="ok"):
    invite = phone.request("INVITE", user)
    phone.send(invite)
    ok = phone.expect(200)
    if acks:
        phone.send(phone.ack_of(invite, ok))
    return invite, ok


def calls_of(daemon):
    status, answer = daemon.get("/v1/calls")
    equal(status, 200, "status")
    return {call["call_id"]: call for call in answer["calls"]}


def show(daemon, call_id):
    return daemon.get("/v1/calls/show?call_id=" + urllib.parse.quote(call_id, safe=""))


@test()
def live_calls_are_listed(t):
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"), args=["--workers", 2])
    phone, other = Phone(t, daemon.address()), Phone(t, daemon.address("tcp"), "tcp")
    up, up_ok = open_call(phone)
    waiting, _ = open_call(other, acks=False)
    calls = wait_until(lambda: calls_of(daemon).get(up["call_id"], {}).get("state") == "up" and calls_of(daemon), 5, "the ACK")
    equal(len(calls), 2, "calls")
    first, second = calls[up["call_id"]], calls[waiting["call_id"]]
    equal((first["ack"], first["peer"], first["transport"]), ("acknowledged", phone.here(), "udp"), "the first")
    equal((second["state"], second["ack"], second["peer"], second["transport"]),
          ("answered", "awaited", other.here(), "tcp"), "the second")
    wait_until(lambda: calls_of(daemon)[waiting["call_id"]]["retransmissions"] >= 1, 5, "a retransmission")
    check(calls_of(daemon)[waiting["call_id"]]["age_ms"] >= 500, "age")
    phone.send(phone.bye_of(up, up_ok))
    phone.expect(200, method="BYE")
    wait_until(lambda: list(calls_of(daemon)) == [waiting["call_id"]], 5, "the call to end")
    text = daemon.cli("calls", "--control", daemon.control)
    equal(text.returncode, 0, text.stderr)
    check(text.stdout.startswith("1 calls\n") and waiting["call_id"] in text.stdout, text.stdout)
    equal(daemon.get("/v1/calls?limit=0")[0], 400, "limit=0")
    equal(daemon.get("/v1/calls?limit=10001")[0], 400, "limit=10001")


@test()
def watching_shows_calls_come_and_go(t):
    daemon = Daemon(t)
    process = subprocess.Popen([VERDICT, "calls", "--watch", "--json", "--control", str(daemon.control)],
                               stdout=subprocess.PIPE, text=True)
    t.on_end(lambda: process.poll() is None and process.kill())
    equal(json.loads(process.stdout.readline())["total"], 0, "calls at first")
    invite, _ = open_call(Phone(t, daemon.address()))
    end = time.monotonic() + 10
    while True:
        line = process.stdout.readline().strip()
        if line and json.loads(line)["total"] == 1:
            equal(json.loads(line)["calls"][0]["call_id"], invite["call_id"], "Call-ID")
            break
        check(time.monotonic() < end, "the call is not shown")
    daemon.kill()
    equal(process.wait(10), 1, "exit code when the engine has gone")


@test()
def a_ladder_from_the_ring(t):
    daemon = Daemon(t, args=["--workers", 2])
    phone = Phone(t, daemon.address())
    invite, ok = open_call(phone, acks=False)
    again = phone.expect(200)
    phone.send(phone.ack_of(invite, again))
    wait_until(lambda: calls_of(daemon)[invite["call_id"]]["state"] == "up", 5, "the ACK")
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")
    open_call(phone, user="ok-other")
    status, answer = show(daemon, invite["call_id"])
    equal(status, 200, "status")
    shown = [(m["direction"], m["text"].split("\r\n")[0].split(" sip:")[0]) for m in answer["messages"]]
    equal(shown, [("in", "INVITE"), ("out", "SIP/2.0 200 OK"), ("out", "SIP/2.0 200 OK"), ("in", "ACK"), ("in", "BYE"),
                  ("out", "SIP/2.0 200 OK")], "the messages")
    equal(answer["calls"], [], "it is over")
    message = answer["messages"][0]
    equal(message["text"], phone.bytes_of(invite).decode(), "the bytes of the INVITE")
    equal((message["peer"], message["local"], message["transport"]), (phone.here(), phone.there(), "udp"), "its way")
    check(abs(message["time_us"] / 1e6 - time.time()) < 20, "its time")
    times = [m["time_us"] for m in answer["messages"]]
    check(times == sorted(times) and 400e3 < times[2] - times[1] < 900e3, f"times: {times}")
    text = daemon.cli("call", "show", invite["call_id"], "--control", daemon.control)
    equal(text.returncode, 0, text.stderr)
    check("200 OK" in text.stdout and "again (1)" in text.stdout and "|---" in text.stdout, text.stdout)
    equal(show(daemon, "nobody@nowhere")[0], 404, "an unknown Call-ID")
    equal(daemon.get("/v1/calls/show")[0], 400, "without a Call-ID")


@test()
def a_ladder_over_two_workers_and_tcp(t):
    daemon = Daemon(t, listen=("tcp:127.0.0.1:0",), args=["--workers", 3])
    phones = [Phone(t, daemon.address("tcp"), "tcp") for _ in range(6)]
    for phone in phones:
        invite, _ = open_call(phone)
        wait_until(lambda: len(show(daemon, invite["call_id"])[1]["messages"]) == 3, 5, "three messages")
        messages = show(daemon, invite["call_id"])[1]["messages"]
        equal([m["direction"] for m in messages], ["in", "out", "in"], "directions")
        check(all(m["peer"] == phone.here() for m in messages), f"peers: {messages}")


@test()
def the_ring_is_bounded_and_can_be_off(t):
    daemon = Daemon(t, args=["--workers", 1, "--set", "trace_bytes=16384"])
    phone = Phone(t, daemon.address())
    invite, _ = open_call(phone)
    for _ in range(40):
        phone.ask("OPTIONS", "ok", 200)
    answer = show(daemon, invite["call_id"])[1]
    equal((len(answer["calls"]), answer["messages"], answer["keeps"]), (1, [], True), "made room")
    off = Daemon(t, args=["--set", "trace_bytes=0"])
    phone = Phone(t, off.address())
    invite, _ = open_call(phone)
    answer = show(off, invite["call_id"])[1]
    equal((len(answer["calls"]), answer["messages"], answer["keeps"]), (1, [], False), "off")
    text = off.cli("call", "show", invite["call_id"], "--control", off.control).stdout
    check("no messages are kept" in text, text)


@test()
def strange_bytes_are_shown_as_such(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    request = phone.request("MESSAGE", "nobody", body="\0\x01\x7f bad", extra=["Content-Encoding: x"])
    phone.send(request)
    check(phone.receive(3), "no answer")
    text = daemon.cli("call", "show", request["call_id"], "--control", daemon.control)
    equal(text.returncode, 0, text.stderr)
    check("MESSAGE" in text.stdout, text.stdout)


@test(limit=30)
def acks_by_peer(t):
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "udp:[::1]:0"), args=["--t1-ms", 20, "--workers", 2])
    phone = Phone(t, daemon.address())
    for _ in range(5):
        phone.ask("INVITE", "gone", 410)
    six = Phone(t, daemon.address(host="::1"))
    six.send(six.request("INVITE", "gone"))
    six.expect(410)

    def peers():
        answer = daemon.get("/v1/peers")[1]
        return {peer["peer"]: peer for peer in answer["peers"]}, answer["total"]

    wait_until(lambda: peers()[0].get("::1", {}).get("missing") == 1, 10, "the missing ACK")
    found, total = peers()
    equal((found["127.0.0.1"]["acknowledged"], found["127.0.0.1"]["missing"]), (5, 0), "IPv4")
    check(sum(found["::1"]["retransmissions"][1:]) == 1, f"the histogram: {found['::1']}")
    equal((total["acknowledged"], total["missing"]), (5, 1), "all")
    text = daemon.cli("peers", "--control", daemon.control)
    check("127.0.0.1" in text.stdout and text.stdout.splitlines()[-1].startswith("all"), text.stdout + text.stderr)


@test()
def a_policy_hears_of_calls(t):
    daemon = Daemon(t, policy=EVENTS)
    phone = Phone(t, daemon.address())
    invite, ok = open_call(phone)
    daemon.wait_log(f"start {invite['call_id']} sip:caller@example.com udp")
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")  # although on_call_end never comes to an end by itself
    daemon.wait_log(f"end {invite['call_id']} peer")
    daemon.wait_log("on_call_end failed")
    phone.ask("INVITE", "gone", 410)
    equal(phone.ask("MESSAGE", "x", 486).start, "SIP/2.0 486 1 1", "calls that it heard of")


# ---- HEP ----

def hep_args(port, agent=77):
    return ["--set", f"hep=127.0.0.1:{port}", "--set", f"hep_id={agent}", "--workers", 2]


@test(limit=60)
def sngrep_reads_our_hep(t):
    """sngrep listens for HEP and writes what it understood as a capture, which tshark reads."""
    sngrep, tshark = have("sngrep", "sngrep"), have("tshark", "tshark")
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    holder.close()
    capture = t.folder / "sngrep.pcap"
    with open(t.folder / "sngrep.log", "wb") as log:
        process = subprocess.Popen([sngrep, "-F", "-N", "-q", "-L", f"udp:127.0.0.1:{port}", "-O", str(capture)],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    t.on_end(lambda: process.poll() is None and process.kill())
    wait_until(lambda: f"0100007F:{port:04X} " in open("/proc/net/udp").read(), 10, "sngrep to listen")
    daemon = Daemon(t, policy=EVENTS, args=hep_args(port))
    phone = Phone(t, daemon.address())
    started = time.time()
    invite, ok = open_call(phone)
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")
    gone = phone.request("INVITE", "gone")
    phone.send(gone)
    phone.send(phone.ack_of(gone, phone.expect(410)))
    wait_until(lambda: daemon.metric("verdict_hep_sent_total") == 8, 5, "eight packets")

    def rows():
        fields = ["frame.time_epoch", "ip.src", "udp.srcport", "ip.dst", "udp.dstport", "sip.Method", "sip.Status-Code",
                  "sip.Call-ID"]
        command = [tshark, "-n", "-r", str(capture), "-Y", "sip", "-d", f"udp.port=={phone.port},sip", "-T", "fields", "-E", "separator=|"]
        for field in fields:
            command += ["-e", field]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60, check=False,
                              env=dict(os.environ, HOME=str(t.folder)))
        return [line.split("|") for line in done.stdout.splitlines()]

    wait_until(lambda: capture.exists() and len(rows()) >= 8, 20, "eight messages in sngrep's capture")
    found = rows()
    caller, engine = (phone.host, str(phone.port)), (daemon.address()[0], str(daemon.port))
    wanted = [(caller, engine, "INVITE", ""), (engine, caller, "", "200"), (caller, engine, "ACK", ""),
              (caller, engine, "BYE", ""), (engine, caller, "", "200"), (caller, engine, "INVITE", ""),
              (engine, caller, "", "410"), (caller, engine, "ACK", "")]
    # The order within a call is the collector's to make from the times; workers send side by side.
    for call, messages in ((invite["call_id"], wanted[:5]), (gone["call_id"], wanted[5:])):
        of_call = sorted((r for r in found if r[7] == call), key=lambda r: float(r[0]))
        equal([((r[1], r[2]), (r[3], r[4]), r[5], r[6]) for r in of_call], messages, f"the messages of {call}")
        check(all(abs(float(r[0]) - started) < 10 for r in of_call), "times")


CHUNKS = {1: "family", 2: "protocol", 3: "source", 4: "destination", 5: "source", 6: "destination", 7: "source_port",
          8: "destination_port", 9: "seconds", 10: "microseconds", 11: "kind", 12: "agent", 15: "payload", 17: "correlation"}


def hep_decode(packet):
    equal(packet[:4], b"HEP3", "magic")
    equal(int.from_bytes(packet[4:6], "big"), len(packet), "length")
    chunks, at = {}, 6
    while at < len(packet):
        vendor, kind, size = (int.from_bytes(packet[at + i:at + i + 2], "big") for i in (0, 2, 4))
        equal(vendor, 0, "vendor")
        value = packet[at + 6:at + size]
        name = CHUNKS[kind]
        check(name not in chunks, f"{name} twice")
        if name in ("source", "destination"):
            value = socket.inet_ntop(socket.AF_INET if kind < 5 else socket.AF_INET6, value)
        elif name not in ("payload", "correlation"):
            value = int.from_bytes(value, "big")
        chunks[name] = value
        at += size
    return chunks


@test(limit=30)
def hep_of_every_transport(t):
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    collector.bind(("127.0.0.1", 0))
    collector.settimeout(5)
    t.on_end(collector.close)
    authority = Authority(t)
    pair = authority.issue("server", "DNS:sip.example.com")
    daemon = Daemon(t, policy=EVENTS, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::1]:0", "tls:127.0.0.1:0",
                                              "ws:127.0.0.1:0", "wss:127.0.0.1:0"),
                    args=[*hep_args(collector.getsockname()[1]), *pair.flags()])
    secure = {"context": authority.context(), "name": "sip.example.com"}
    for phone, protocol, family in ((Phone(t, daemon.address(host="127.0.0.1")), 17, 2),
                                    (Phone(t, daemon.address("tcp"), "tcp"), 6, 2),
                                    (Phone(t, daemon.address("tls"), "tls", **secure), 6, 2),
                                    (WsPhone(t, daemon.address("ws")), 6, 2),
                                    (WsPhone(t, daemon.address("wss"), "wss", **secure), 6, 2),
                                    (Phone(t, daemon.address(host="::1")), 17, 10)):
        phone.send_raw(b"\r\n\r\n")  # a keep-alive is no message
        request = phone.request("INVITE", "gone")
        phone.send(request)
        answer = phone.expect(410)
        asked, answered = sorted((hep_decode(collector.recv(65536)) for _ in range(2)),
                                 key=lambda p: (p["seconds"], p["microseconds"]))
        equal((asked["payload"], answered["payload"]), (phone.bytes_of(request), answer.raw), "the bytes")
        for packet in (asked, answered):
            equal((packet["family"], packet["protocol"], packet["kind"], packet["agent"]), (family, protocol, 1, 77), "kinds")
            equal(packet["correlation"].decode(), request["call_id"], "correlation")
            check(abs(packet["seconds"] - time.time()) < 10 and packet["microseconds"] < 1000000, "time")
        here, there = (phone.host, phone.port), (phone.server[0], phone.server[1])
        for packet, source, destination in ((asked, here, there), (answered, there, here)):
            equal((packet["source"], packet["source_port"]), source, "source")
            equal((packet["destination"], packet["destination_port"]), destination, "destination")
        phone.send(phone.ack_of(request, answer))
        equal(hep_decode(collector.recv(65536))["payload"][:4], b"ACK ", "the ACK")



@test()
def hep_of_what_no_policy_sees(t):
    """A stream that cannot be read on after, and a source that sends too much."""
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    collector.bind(("127.0.0.1", 0))
    collector.settimeout(5)
    t.on_end(collector.close)
    log = t.path("decisions.jsonl")
    config = t.write("verdict.lua", f'return {{ source_rate = 2, log = "all", log_file = "{log}" }}\n')
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"),
                    args=[*hep_args(collector.getsockname()[1]), "--config", str(config), "--workers", 1])
    stream = Phone(t, daemon.address("tcp"), "tcp")
    broken = stream.bytes_of(stream.request("INVITE", "gone")).replace(b"Content-Length: ", b"Content-Length: x")
    stream.send_raw(broken)
    answer = stream.expect(400)
    seen = [hep_decode(collector.recv(65536))["payload"] for _ in range(2)]
    check(broken.startswith(seen[0]) and seen[1] == answer.raw, f"what was seen: {seen}")
    wait_until(lambda: '"status":400' in log.read_text(), 3, "the decision log to tell of it")
    collector.settimeout(1)
    phone = Phone(t, daemon.address())
    asked = [phone.request("MESSAGE", "gone") for _ in range(200)]
    for request in asked:
        phone.send(request)
    refused = [m.get("call-id") for m in phone.collect(0.5) if m.status == 503]
    check(refused, "nothing was refused")
    seen = collections.Counter()
    try:
        while True:
            packet = hep_decode(collector.recv(65536))
            seen[packet["correlation"].decode(), packet["payload"][:7] == b"SIP/2.0"] += 1
    except socket.timeout:
        pass
    for call_id in refused:
        equal((seen[call_id, False], seen[call_id, True]), (1, 1), f"the request and its answer, {call_id}")


@test()
def a_collector_that_is_not_there_stops_nobody(t):
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    holder.close()
    daemon = Daemon(t, args=hep_args(port))
    phone = Phone(t, daemon.address())
    for _ in range(20):
        phone.ask("OPTIONS", "ok", 200)
    dropped = wait_until(lambda: daemon.metric("verdict_hep_dropped_total"), 5, "a drop to be counted")
    equal(dropped + daemon.metric("verdict_hep_sent_total"), 40, "dropped or sent")


@test()
def a_wrong_collector_is_refused_at_the_start(t):
    daemon = Daemon(t, args=["--set", "hep=collector"], wait=False)
    check(daemon.wait_end(10) != 0, "it started")
    check('hep: expected an address and a port such as "127.0.0.1:9060", got "collector"' in daemon.log(), daemon.log())
