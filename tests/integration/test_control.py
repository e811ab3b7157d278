# SPDX-License-Identifier: Apache-2.0
"""The control socket, the metrics, and what goes wrong on them."""
import http.client
import socket
import subprocess
import threading
import time

from harness.daemon import Daemon, UnixConnection
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone
from harness.sipp import have


@test()
def metrics_please_promtool(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "gone", 410)
    phone.ask("INVITE", "nobody", 404)
    status, text = daemon.get("/metrics")
    equal(status, 200, "status")
    done = subprocess.run([have("promtool", "prometheus"), "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
    equal(done.returncode, 0, f"promtool: {done.stdout}")
    equal(daemon.metric("verdict_responses_total", code="410"), 1, "410s")
    check(daemon.metric("verdict_requests_total", method="INVITE") == 2, "INVITEs")


@test()
def the_metrics_address_is_read_only(t):
    daemon = Daemon(t, args=["--metrics", "127.0.0.1:0"])
    daemon.wait_log("listening metrics:")
    host, port = daemon.metrics_address()

    def ask(method, path):
        connection = http.client.HTTPConnection(host, port, timeout=5)
        connection.request(method, path, "{}" if method == "POST" else None)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    status, body = ask("GET", "/metrics")
    check(status == 200 and "verdict_requests_total" in body, f"{status} {body[:200]}")
    equal(ask("POST", "/v1/reload")[0], 404, "reload over TCP")
    equal(ask("GET", "/v1/status")[0], 404, "status over TCP")
    equal(ask("POST", "/metrics")[0], 405, "POST /metrics")


@test()
def errors_on_the_control_socket(t):
    daemon = Daemon(t)
    for method, path, body, status in (
            ("GET", "/nothing", None, 404), ("GET", "/v1/reload", None, 405), ("POST", "/v1/reload", "{", 400),
            ("POST", "/v1/reload", "[]", 400), ("POST", "/v1/reload", '{"polcy":"x"}', 400),
            ("POST", "/v1/reload", '{"policy":1}', 400), ("POST", "/v1/reload", '{"policy":"/none"}', 422),
            ("POST", "/v1/drain", '{"on":"yes"}', 400), ("POST", "/v1/reload", "x" * 400000, 413)):
        got, answer = daemon.request(method, path, body)
        equal(got, status, f"{method} {path} {(body or '')[:30]}")
        check(answer["error"]["text"], f"no text: {answer}")
    equal(daemon.get("/v1/status")[0], 200, "and it goes on")


@test()
def status_tells_what_is_going_on(t):
    daemon = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    status = daemon.get("/v1/status")[1]
    equal(len(status["listeners"]), 2, "listeners")
    equal(status["policy"]["version"], 1, "version")
    check(len(status["workers"]) >= 1, "workers")
    equal(status["listeners"][0]["address"], f"127.0.0.1:{daemon.port}", "the real address")


@test(limit=30)
def a_slow_client_stops_nobody(t):
    daemon = Daemon(t)
    slow = []
    for _ in range(10):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(daemon.control))
        sock.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        slow.append(sock)
    start = time.monotonic()
    for _ in range(20):
        equal(daemon.get("/metrics", timeout=3)[0], 200, "metrics")
        equal(daemon.get("/v1/status", timeout=3)[0], 200, "status")
    check(time.monotonic() - start < 5, "slow")
    for sock in slow:
        sock.close()


@test(limit=30)
def a_slow_reload_does_not_stop_the_metrics(t):
    tests = """local cases = {}
for i = 1, 4000 do
  cases[i] = { "case " .. i, request = { uri = "sip:x@example.com" }, expect = { verdict = "ok" } }
end
return cases
"""
    folder = t.folder / "slow"
    folder.mkdir()
    (folder / "policy.lua").write_text("return function(req) return ok {} end\n")
    daemon = Daemon(t, policy=folder)
    phone = Phone(t, daemon.address())
    (folder / "test.lua").write_text(tests)
    result = {}
    thread = threading.Thread(target=lambda: result.update(done=daemon.reload()))
    thread.start()
    worst = 0.0
    while thread.is_alive():
        start = time.monotonic()
        equal(daemon.get("/metrics")[0], 200, "metrics")
        phone.ask("OPTIONS", "x", 200)
        worst = max(worst, time.monotonic() - start)
    thread.join()
    equal(result["done"][0], 200, f"the reload: {str(result['done'][1])[:300]}")
    check(worst < 0.5, f"metrics and an answer took {worst:.2f} s")


@test(limit=30)
def too_many_control_connections(t):
    daemon = Daemon(t)
    held = []
    for _ in range(100):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(1)
        try:
            sock.connect(str(daemon.control))
            held.append(sock)
        except (OSError, socket.timeout):
            sock.close()
    Phone(t, daemon.address()).ask("OPTIONS", "ok", 200)
    for sock in held:
        sock.close()

    def served():
        try:
            return daemon.get("/v1/status", timeout=2)[0] == 200
        except OSError:
            return False

    wait_until(served, 10, "the control socket to answer again")


@test()
def the_connection_is_kept_alive(t):
    daemon = Daemon(t)
    connection = UnixConnection(daemon.control)
    for _ in range(50):
        connection.request("GET", "/v1/status")
        response = connection.getresponse()
        equal(response.status, 200, "status")
        response.read()
    connection.close()
