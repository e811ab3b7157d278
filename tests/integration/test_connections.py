# SPDX-License-Identifier: Apache-2.0
"""Connections of all kinds: ten thousand of them, peers that do not read or trickle, descriptors that run out, handshakes beside
datagrams, what becomes of a call whose connection has died."""
import multiprocessing
import os
import resource
import selectors
import socket
import ssl
import time

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone
from harness.tls import Authority
from harness.ws import WsPhone, frame, upgrade

NAME = "sip.example.com"
ALL = ("tcp", "tls", "ws", "wss")


def daemon_of_all(t, authority, *args, rsa=False, prefix=()):
    pair = authority.issue("server", f"DNS:{NAME}", rsa=rsa)
    listen = ("udp:127.0.0.1:0",) + tuple(f"{transport}:127.0.0.1:0" for transport in ALL)
    return Daemon(t, listen=listen, args=[*pair.flags(), *args], prefix=prefix)


def phone_over(t, daemon, transport, authority):
    context = authority.context() if transport in ("tls", "wss") else None
    kind = WsPhone if transport in ("ws", "wss") else Phone
    return kind(t, daemon.address(transport), transport, context=context, name=context and NAME)


def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def hold(server, count, opening, answer):
    """Opens so many connections at once, each of which says `opening` and is answered; gives the sockets."""
    selector = selectors.DefaultSelector()
    sockets, waiting = [], 0
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(server)
        selector.register(sock, selectors.EVENT_WRITE)
        sockets.append(sock)
        waiting += 1
        while waiting > 256:
            waiting -= _step(selector, opening, answer)
    end = time.monotonic() + 20
    while waiting and time.monotonic() < end:
        waiting -= _step(selector, opening, answer)
    equal(waiting, 0, "connections that were not answered")
    return sockets


def _step(selector, opening, answer):
    done = 0
    for key, events in selector.select(1):
        if events & selectors.EVENT_WRITE:
            key.fileobj.send(opening)
            selector.modify(key.fileobj, selectors.EVENT_READ)
        else:
            got = key.fileobj.recv(4096)
            check(got.startswith(answer), f"a connection was answered {got!r}")
            selector.unregister(key.fileobj)
            done += 1
    return done


@test(limit=90, alone=True, measures=True)
def ten_thousand_connections_are_held(t):
    count = min(10000, many_descriptors() - 1500)
    authority = Authority(t)
    daemon = daemon_of_all(t, authority, "--workers", "2", "--set", "max_connections=16000", "--set", "max_connections_per_source=16000",
                           "--set", "max_handshakes=16000", "--set", "max_handshakes_per_source=16000", "--set", "max_handshakes_per_second=60000")
    phone = Phone(t, daemon.address("udp"))
    phone.ask("OPTIONS", "ok", 200)
    # Of TLS and WebSocket fewer: a client's handshake in Python takes its time.
    some = 400
    before = daemon.memory_kb()
    context = authority.context()
    secure = []
    for _ in range(some):
        sock = context.wrap_socket(socket.create_connection(daemon.address("tls"), timeout=10), server_hostname=NAME)
        sock.sendall(b"\r\n\r\n")
        equal(sock.recv(10), b"\r\n", "a keep-alive over TLS")
        secure.append(sock)
    per_tls = (daemon.memory_kb() - before) / some
    before = daemon.memory_kb()
    webs = hold(daemon.address("ws"), some, upgrade("127.0.0.1"), b"HTTP/1.1 101 ")
    per_ws = (daemon.memory_kb() - before) / some
    before = daemon.memory_kb()
    held = hold(daemon.address("tcp"), count, b"\r\n\r\n", b"\r\n")
    equal(int(daemon.metric("verdict_connections")), count + 2 * some, "connections")
    per_tcp = (daemon.memory_kb() - before) / count
    phone.ask("INVITE", "gone", 410)
    Phone(t, daemon.address("tcp"), "tcp").ask("OPTIONS", "ok", 200)
    for sock in held:
        sock.close()
    for sock in secure + webs:
        sock.close()
    wait_until(lambda: daemon.metric("verdict_connections") <= 1, 10, "the connections to end")
    t.note(f"{count} held; KiB a connection: TCP {per_tcp:.2f}, TLS {per_tls:.1f}, WS {per_ws:.1f}")
    check(per_tcp < 2, f"a TCP connection takes {per_tcp:.2f} KiB")
    check(per_tls < 40, f"a TLS connection takes {per_tls:.2f} KiB")
    check(per_ws < 24, f"a WebSocket takes {per_ws:.2f} KiB")


def _shake_hands(server, authority_file, rate, seconds, results):
    os.nice(10)  # what the clients compute is not to be measured
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority_file)
    context.options |= ssl.OP_NO_TICKET
    begin, done = time.monotonic(), 0
    while (now := time.monotonic()) < begin + seconds:
        if done >= (now - begin) * rate:
            time.sleep(0.0005)
            continue
        with socket.create_connection(server, timeout=5) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            with context.wrap_socket(plain, server_hostname=NAME):
                done += 1
    results.put(done)


def _latencies(phone, seconds):
    data = phone.bytes_of(phone.request("OPTIONS", "ok"))
    out, end = [], time.monotonic() + seconds
    phone.sock.settimeout(2)
    while time.monotonic() < end:
        start = time.monotonic()
        phone.sock.send(data)
        phone.sock.recv(4096)
        out.append((time.monotonic() - start) * 1000)
        time.sleep(0.001)
    return sorted(out)


@test(limit=60, alone=True, measures=True)
def handshakes_do_not_stall_datagrams(t):
    """One worker, an RSA key (the dearest signature), 200 full handshakes a second from two processes.  The machine has its own
    say in a 99th percentile, so the bound is wide; that a datagram never waits for two handshakes is shown by tls/test_layer."""
    authority = Authority(t)
    daemon = daemon_of_all(t, authority, "--workers", "1", "--set", "max_handshakes_per_second=60000", rsa=True)
    phone = Phone(t, daemon.address("udp"))
    quiet = _latencies(phone, 0.5)
    results = multiprocessing.Queue()
    clients = [multiprocessing.Process(target=_shake_hands, args=(daemon.address("tls"), str(authority.file), 100, 2, results)) for _ in range(2)]
    for one in clients:
        one.start()
    busy = _latencies(phone, 2)
    made = sum(results.get(timeout=10) for _ in clients)
    for one in clients:
        one.join()
    p99 = [values[int(len(values) * 0.99)] for values in (quiet, busy)]
    t.note(f"{made / 2:.0f} handshakes/s; p50/p99 of UDP answers {quiet[len(quiet) // 2]:.2f}/{p99[0]:.2f} ms quiet, "
           f"{busy[len(busy) // 2]:.2f}/{p99[1]:.2f} ms beside them")
    check(made >= 200, f"only {made} handshakes in 2 s: the machine is too slow to say anything")
    check(busy[len(busy) // 2] < 5 and p99[1] < 50, f"beside handshakes: p50 {busy[len(busy) // 2]:.2f}, p99 {p99[1]:.2f} ms, quiet {p99[0]:.2f} ms")


@test(limit=40)
def descriptors_run_out_on_every_transport(t):
    authority = Authority(t)
    daemon = daemon_of_all(t, authority, "--workers", "1")
    there = {transport: phone_over(t, daemon, transport, authority) for transport in ALL}
    limit = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
    for transport in ALL:
        used = daemon.descriptors()
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (used, limit[1]))
        late = socket.create_connection(daemon.address(transport), timeout=5)  # the kernel's backlog has it
        daemon.wait_log("no descriptors are left", 4)
        for name, phone in there.items():
            answer = phone.ask("OPTIONS", "ok", 200)
            check(answer, f"{name} while {transport} cannot accept")
        Phone(t, daemon.address("udp")).ask("INVITE", "gone", 410)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, limit)
        late.close()
        phone_over(t, daemon, transport, authority).ask("OPTIONS", "ok", 200)
    check(daemon.metric("verdict_accept_pauses_total") >= len(ALL), "pauses were not counted")


@test(limit=40)
def peers_that_do_not_read(t):
    """Each gets no more than its share of memory: it is not read any more, and everybody else goes on."""
    authority = Authority(t)
    daemon = daemon_of_all(t, authority, "--workers", "1", "--set", "max_unread_bytes=65536")
    before = daemon.memory_kb()
    for transport in ALL:
        phone = phone_over(t, daemon, transport, authority)
        data = phone.bytes_of(phone.request("OPTIONS", "ok"))
        data = (frame(data) if transport in ("ws", "wss") else data) * 20
        phone.sock.settimeout(0.4)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += phone.sock.send(data)
        except (socket.timeout, ssl.SSLError, ConnectionError):
            pass  # not read any more, or closed for what it left unread
        check(sent < 64 << 20, f"{transport}: everything was read though nothing of the answers was")
        other = phone_over(t, daemon, transport, authority)
        other.ask("OPTIONS", "ok", 200)
    check(daemon.memory_kb() - before < 16384, f"memory: {before} KiB before, {daemon.memory_kb()} KiB now")


@test(limit=40)
def a_call_outlives_its_connection(t):
    """The dialog stays: a request of it may come by another connection.  What we have to say ourselves has no way any more,
    and does not hold up the end."""
    authority = Authority(t)
    for transport in ALL:
        daemon = daemon_of_all(t, authority, "--workers", "3") if transport == "tcp" else daemon
        phone = phone_over(t, daemon, transport, authority)
        calls = []
        for _ in range(2):
            invite = phone.request("INVITE", "ok")
            phone.send(invite)
            calls.append((invite, phone.expect(200)))
            phone.send(phone.ack_of(*calls[-1]))
        phone.ask("OPTIONS", "ok", 200)
        phone.sock.close()
        again = phone_over(t, daemon, transport, authority)
        again.send(again.bye_of(*calls[0]))
        again.expect(200, method="BYE")
    equal(daemon.metric("verdict_calls"), 4.0, "calls that nobody has ended")
    started = time.monotonic()
    equal(daemon.stop(15), 0, "the exit code")
    check(time.monotonic() - started < 5, f"the end took {time.monotonic() - started:.1f} s")


@test()
def a_subscription_ends_with_its_way(t):
    """Nobody can be told any more, and the end of the subscription is what comes of the next change, over whichever transport."""
    authority = Authority(t)
    pair = authority.issue("server", f"DNS:{NAME}")
    daemon = Daemon(t, policy="return function() return ok {} end\n", listen=("udp:127.0.0.1:0",) + tuple(f"{one}:127.0.0.1:0" for one in ALL),
                    args=[*pair.flags(), "--workers", "3", "--t1-ms", "20", "--set", "notify_interval_ms=0"])
    teller = Phone(t, daemon.address("udp"))
    for number, transport in enumerate(ALL, 1):
        phone = phone_over(t, daemon, transport, authority)
        phone.send(phone.request("SUBSCRIBE", uri="sip:ok@example.com", extra=[
            "Event: reg", "Expires: 600", f"Contact: <sip:w@{phone.here()};transport={transport}>"]))
        phone.expect(200)
        phone.answer(phone.expect_request("NOTIFY"))
        equal(daemon.metric("verdict_subscriptions"), 1.0, f"{transport}: subscriptions")
        phone.sock.close()
        time.sleep(0.05)
        equal(daemon.metric("verdict_subscriptions"), 1.0, f"{transport}: it lasts while there is nothing to say")
        teller.register("sip:ok@example.com", [f"<sip:a{number}@192.0.2.1>"])
        wait_until(lambda: daemon.metric("verdict_subscriptions") == 0.0, 4, f"{transport}: the subscription to end")
    equal(daemon.metric("verdict_notifies_failed_total"), float(len(ALL)), "NOTIFYs that failed")


def _trickle(sock, data, seconds):
    """Sends a byte at a time; gives how long it took the other side to end it."""
    started = time.monotonic()
    try:
        for at in range(len(data)):
            sock.sendall(data[at:at + 1])
            sock.settimeout(0.05)
            try:
                if sock.recv(1) == b"":
                    break
            except (socket.timeout, TimeoutError):
                pass
            check(time.monotonic() - started < seconds, "it is still there")
    except (ConnectionError, ssl.SSLError):
        pass
    return time.monotonic() - started


@test()
def slow_beginnings_end_in_time(t):
    """A TLS handshake, a WebSocket's upgrade, and the upgrade behind a handshake, byte by byte; nobody else notices."""
    authority = Authority(t)
    daemon = daemon_of_all(t, authority, "--workers", "1", "--set", "handshake_timeout_ms=400")
    hello = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        authority.context().wrap_bio(*hello, server_hostname=NAME).do_handshake()
    except ssl.SSLWantReadError:
        pass
    asks = upgrade("x")
    for number, (transport, data) in enumerate((("tls", hello[1].read()), ("ws", asks), ("wss", asks)), 1):
        sock = socket.create_connection(daemon.address(transport), timeout=5)
        if transport == "wss":
            sock = authority.context().wrap_socket(sock, server_hostname=NAME)
        t.on_end(sock.close)
        took = _trickle(sock, data, 3)
        check(took > 0.2, f"{transport}: ended after {took:.2f} s already")
        equal(daemon.metric("verdict_connections_closed_total", reason="slow_start"), float(number), f"{transport}: slow beginnings")
        phone_over(t, daemon, transport, authority).ask("OPTIONS", "ok", 200)


@test()
def connections_of_one_source_have_a_cap(t):
    """On every transport, and whatever one source does, another gets in."""
    authority = Authority(t)
    for transport in ALL:
        daemon = daemon_of_all(t, authority, "--workers", "1", "--set", "max_connections_per_source=3")
        held = [phone_over(t, daemon, transport, authority) for _ in range(3)]
        late = socket.create_connection(daemon.address(transport), timeout=5)
        t.on_end(late.close)
        equal(late.recv(1), b"", f"{transport}: a fourth connection")
        other = socket.create_connection(daemon.address(transport), timeout=5, source_address=("127.0.0.2", 0))
        other.settimeout(0.1)
        try:
            check(other.recv(1) != b"", f"{transport}: another source is refused")
        except (socket.timeout, TimeoutError):
            pass  # it is waited for
        other.close()
        for phone in held:
            phone.ask("OPTIONS", "ok", 200)
        held[0].sock.close()
        wait_until(lambda: daemon.metric("verdict_connections") == 2.0, 3, f"{transport}: room")
        phone_over(t, daemon, transport, authority).ask("OPTIONS", "ok", 200)
        daemon.stop()
