# SPDX-License-Identifier: Apache-2.0
"""More than can be served: what is dropped, what gets through, and what one source can do to another."""
import select
import socket
import time

from harness.daemon import Daemon
from harness.flood import TEMPLATE, Flood
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Phone

# A decision takes a third of a millisecond, so that a script can send more than the engine serves.
SLOW = """
return function(req)
  local n = 0
  for i = 1, 15000 do n = n + i end
  return ok {}
end
"""


def overload(t, daemon):
    """One run: whether it showed what it has to; None where it does not count, since other work on the machine is overload as well."""
    server = daemon.address()
    phone = Phone(t, server)
    peak = Flood(server).closed(32, 1.0)
    shed_before = daemon.metric("verdict_udp_shed_total")
    flood = Flood(server)
    beats = []

    def heartbeat():
        # Of a kind that upstreams send: it has no user, and must not be lost for what else comes.
        started = time.monotonic()
        phone.send(phone.request("OPTIONS", uri=f"sip:{server[0]}:{server[1]}"))
        beats.append(time.monotonic() - started if phone.receive(0.5) is not None else 9)

    flood.open(3 * peak, 0.2)
    flood.counted_from = len(flood.sent)
    served_before = flood.codes.get(200, 0)
    flood.open(3 * peak, 2, heartbeat)
    served = (flood.codes.get(200, 0) - served_before) / 2
    offered = (len(flood.sent) - flood.counted_from) / 2
    ended = time.monotonic()
    wait_until(lambda: " takes on " not in daemon.log() or
               [line for line in daemon.log().splitlines() if " takes on " in line][-1].endswith("again"), 3, "the end of the overload")
    recovered = time.monotonic() - ended
    flood.take(0.3)
    equal(set(flood.codes) - {200, 503, 500}, set(), "other answers")
    equal(flood.twice, 0, "requests with two finals")
    wait_until(lambda: phone.send(phone.request("OPTIONS", "ok")) or phone.receive(0.5) is not None, 5, "an answer afterwards")
    wait_ms = flood.wait_ms(0.99)
    t.note(f"peak {peak:.0f}/s, at {offered / peak:.1f} times that {served:.0f}/s served, p99 {wait_ms:.0f} ms, "
           f"heartbeats at most {1000 * max(beats):.0f} ms, over after {recovered:.2f} s")
    # Killed by the clock (500), or another peak afterwards: others had the processor.
    after = Flood(server).closed(32, 0.5)
    if offered < 2.5 * peak or not 0.75 * peak < after < 1.33 * peak or 500 in flood.codes:
        return None
    check(daemon.metric("verdict_udp_shed_total") > shed_before, "nothing was shed")
    check(flood.codes.get(503, 0) > 0, "no sample was told")
    return served >= 0.7 * peak and wait_ms <= 150 and max(beats) < 0.3 and recovered < 1.2


@test(limit=60, alone=True, measures=True)
def overload_is_shed_before_it_is_read(t):
    """Best of four that count: looser than what `scripts/bench overload` asks, where each has a core of its own."""
    daemon = Daemon(t, policy=SLOW, args=["--workers", 1])
    Phone(t, daemon.address()).ask("OPTIONS", "ok", 200)
    equal(daemon.metric("verdict_udp_shed_total"), 0, "shed without overload")
    missed = 0
    for _ in range(8):
        result = overload(t, daemon)
        if result:
            return
        missed += result is False
        check(missed < 4, f"in none of four runs: {t.notes}")
    skip(f"no run counts, the machine is too busy: {t.notes}")


@test(limit=30, alone=True, measures=True)
def a_flood_from_one_source_does_not_hurt_another(t):
    config = t.write("verdict.lua", "return { source_rate = 300, source_burst = 300, trusted = { '127.0.0.3' } }\n")
    daemon = Daemon(t, args=["--workers", 2, "--config", config])
    server = daemon.address()

    def quiet(seconds, flood=None):
        """Fifty requests a second of another source, beside the flood."""
        other = Flood(server, bind="127.0.0.1")
        last = [0.0]

        def ask():
            now = time.monotonic()
            if now - last[0] >= 0.02:
                last[0] = now
                other.send()
            other.take(0)

        end = time.monotonic() + seconds
        if flood:
            flood.open(15000, seconds, ask, every=0.01)
        while time.monotonic() < end:
            ask()
            time.sleep(0.005)
        other.take(0.3)
        return len(other.sent), sum(other.codes.values()), other.wait_ms(0.95)

    alone = quiet(1)
    flood = Flood(server, bind="127.0.0.2")
    beside = quiet(1.5, flood)
    flood.take(0.1)
    answered = flood.codes.get(200, 0)
    t.note(f"alone p95 {alone[2]:.1f} ms, beside {len(flood.sent)} of another source {beside[2]:.1f} ms; of those {answered}")
    equal(alone[0], alone[1], "answers without a flood")
    equal(beside[0], beside[1], "answers beside it")
    check(beside[2] <= alone[2] + 50, f"the other source waits {beside[2]:.0f} ms")
    check(300 <= answered <= 300 + 300 * 3, f"{answered} requests of the flood were served")
    check(set(flood.codes) <= {200, 503} and flood.codes.get(503, 0) > 0, f"answers to the flood: {flood.codes}")
    # The upstream is trusted: no limit.
    upstream = Flood(server, bind="127.0.0.3")
    upstream.open(1500, 1)
    upstream.take(0.3)
    check(upstream.codes.get(200, 0) > 1000, f"the trusted source: {upstream.codes}")
    check(daemon.metric("verdict_discarded_total", kind="source_limit") > 1000, "it is not counted")


def pipelined(sock, first, count):
    """Sends so many requests as far as the connection takes them; returns how many."""
    host, port = sock.getpeername()
    here = "%s:%d" % sock.getsockname()
    text = b"".join(TEMPLATE.format(method="OPTIONS", user="ok", host=host, port=port, here=here, run="tcp", number=i).replace(
        "SIP/2.0/UDP", "SIP/2.0/TCP").encode() for i in range(first, first + count))
    sent = sock.send(text)
    while sent < len(text):  # a message is begun: it is ended as well
        select.select([], [sock], [], 0.2)
        try:
            sent += sock.send(text[sent:])
        except BlockingIOError:
            return 0
    return count


@test(limit=30, alone=True, measures=True)
def a_flood_over_tcp_does_not_hurt_another_source(t):
    config = t.write("verdict.lua", "return { source_rate = 300, source_burst = 300 }\n")
    daemon = Daemon(t, listen=["tcp:127.0.0.1:0"], args=["--workers", 1, "--config", config])
    server = daemon.address("tcp")
    quiet = Phone(t, server, transport="tcp")

    def waits(seconds, meanwhile=lambda: None):
        """Fifty requests a second over a connection of its own."""
        found, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            quiet.ask("OPTIONS", "ok", 200)
            found.append(time.monotonic() - started)
            while time.monotonic() < started + 0.02:
                meanwhile()
        return 1000 * sorted(found)[int(len(found) * 0.95)]

    alone = waits(0.6, lambda: time.sleep(0.005))
    floods = [socket.create_connection(server, source_address=("127.0.0.2", 0)) for _ in range(8)]
    for sock in floods:
        sock.setblocking(False)
        t.on_end(sock.close)
    sent, answers = [0], []

    def flood():
        for sock in floods:
            if select.select([], [sock], [], 0)[1]:
                sent[0] += pipelined(sock, sent[0], 20)
            if select.select([sock], [], [], 0)[0]:
                answers.append(sock.recv(1 << 20))

    beside = waits(1.5, flood)
    text = b"".join(answers)
    served = text.count(b"SIP/2.0 200")
    t.note(f"alone p95 {alone:.1f} ms, beside {sent[0]} of another source {beside:.1f} ms; of those {served}")
    check(sent[0] > 3000, f"that was no flood: {sent[0]}")
    check(beside <= alone + 50, f"the other source waits {beside:.0f} ms")
    check(200 <= served <= 300 + 300 * 3, f"{served} requests of the flood were served")


@test(limit=20)
def bans_end(t):
    config = t.write("verdict.lua", "return { trusted = { '127.0.0.3' } }\n")
    daemon = Daemon(t, args=["--workers", 2, "--config", config])
    phone = Phone(t, daemon.address(), bind="127.0.0.2")
    phone.ask("OPTIONS", "ok", 200)
    where = ("--control", daemon.control)
    added = daemon.cli("bans", "add", "127.0.0.2/32", "--for", 1, "--note", "a test", *where)
    equal(added.returncode, 0, added.stderr)
    check("127.0.0.2/32" in added.stdout and "a test" in added.stdout, added.stdout)
    phone.send(phone.request("OPTIONS", "ok"))
    phone.send(phone.request("BYE", "ok"))
    check(phone.receive(0.5) is None, "a banned source was answered")
    Phone(t, daemon.address(), bind="127.0.0.1").ask("OPTIONS", "ok", 200)
    time.sleep(0.7)
    phone.ask("OPTIONS", "ok", 200)
    check("0 bans" in daemon.cli("bans", "list", *where).stdout, "an ended ban is listed")
    daemon.cli("bans", "add", "127.0.0.2", *where)
    phone.send(phone.request("OPTIONS", "ok"))
    check(phone.receive(0.3) is None, "a banned source was answered")
    equal(daemon.cli("bans", "remove", "127.0.0.2", *where).returncode, 0, "removing")
    phone.ask("OPTIONS", "ok", 200)
    for what, wanted in (("127.0.0.0/8", "trusted"), ("nonsense", "address")):
        refused = daemon.cli("bans", "add", what, *where)
        check(refused.returncode == 1 and wanted in refused.stderr, f"{what}: {refused.returncode} {refused.stderr}")
    equal(daemon.cli("bans", "remove", "192.0.2.1", *where).returncode, 1, "removing what is not there")


@test(limit=20)
def one_user_has_a_limit(t):
    config = t.write("verdict.lua", "return { user_rate = 5 }\n")
    daemon = Daemon(t, args=["--workers", 4, "--config", config])
    phone = Phone(t, daemon.address())
    codes = [phone.ask("OPTIONS", "ok1").status for _ in range(20)]  # each with a Call-ID of its own, so on any worker
    check(codes[:5] == [200] * 5 and 5 <= codes.count(200) <= 10 and set(codes) == {200, 503}, f"{codes}")
    phone.ask("OPTIONS", "ok2", 200)
    phone.ask("INVITE", "gone", 410)
    response = phone.ask("OPTIONS", "ok1", 503)
    check(response.get("retry-after") is None, "one user's limit is not the whole server's")


@test(limit=20)
def one_upstream_uses_all_workers(t):
    daemon = Daemon(t, args=["--workers", 4])
    flood = Flood(daemon.address(), method="MESSAGE")
    flood.closed(8, 0.1)
    while len(flood.sent) < 600:
        for _ in range(8):
            flood.send()
        flood.take(0.5)
    wait_until(lambda: flood.take(0.1) * 0 + sum(flood.codes.values()) >= len(flood.sent), 5, "all answers")
    workers = daemon.get("/v1/status")[1]["workers"]
    shares = [worker["transactions"] for worker in workers]
    readers = sum(worker["datagrams"] > 0 for worker in workers)
    t.note(f"{len(flood.sent)} transactions from one address, read by {readers} worker: {shares}")
    equal(readers, 1, "workers that read the one socket")
    equal(sum(shares), len(flood.sent), "transactions")
    check(min(shares) >= len(flood.sent) / 8, f"a worker has too little to do: {shares}")
