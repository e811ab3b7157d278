# SPDX-License-Identifier: Apache-2.0
"""Configuration errors name file, line and what was expected; flags override the file."""
from harness.daemon import Daemon
from harness.registry import check, equal, test
from harness.sip import Phone

BAD = (
    ('return {\n  listen = 5060,\n}\n', 2, "udp:"),
    ('return {\n  lisen = { "udp:127.0.0.1:0" },\n}\n', 2, "listen"),
    ('return {\n\n\n  workers = "many",\n}\n', 4, "number"),
    ('return {\n  workers = 1000,\n}\n', 2, "64"),
    ('return {\n  t1_ms = -5,\n}\n', 2, "10"),
    ('return {\n  listen = { "udp:127.0.0.1:0", "sctp:127.0.0.1:1" },\n}\n', 2, "udp"),
    ('return {\n  trusted = { "300.1.2.3/8" },\n}\n', 2, ""),
    ('return {\n  guard = "lax",\n}\n', 2, "strict"),
    ('return {\n  log = "sometimes",\n}\n', 2, "sample"),
    ('return {\n  aliases = { ["a.example"] = 5 },\n}\n', 2, ""),
    ('return {\n  workers = 1,\n', 0, ""),
    ('return 5\n', 0, "table"),
    ('while true do end\n', 0, ""),
)


@test(limit=40)
def configuration_errors(t):
    for number, (text, line, expected) in enumerate(BAD):
        config = t.write(f"bad{number}.lua", text)
        daemon = Daemon(t, wait=False, listen=(), args=["--config", str(config)])
        equal(daemon.wait_end(10) != 0, True, f"it starts with {text!r}")
        log = daemon.log()
        check(f"bad{number}.lua" + (f":{line}" if line else "") in log, f"no file and line for {text!r}: {log}")
        check(expected in log, f"it does not say that {expected} was expected for {text!r}: {log}")


@test()
def flags_override_the_file(t):
    config = t.write("verdict.lua", 'return { listen = { "udp:127.0.0.1:1" }, workers = 3, t1_ms = 50 }\n')
    daemon = Daemon(t, args=["--config", str(config), "--workers", 2])
    status = daemon.get("/v1/status")[1]
    equal(len(status["workers"]), 2, "workers")
    equal(len(status["listeners"]), 1, "listeners")
    Phone(t, daemon.address()).ask("OPTIONS", "ok", 200)


@test()
def bad_flags(t):
    for args, expected in ((["--workers", "x"], "workers"), (["--lisen", "udp:127.0.0.1:0"], "--listen"),
                           (["--listen", "udp:127.0.0.1:99999"], "99999"), (["--listen", "udp:192.0.2.77:0"], "192.0.2.77"),
                           (["--metrics", "nonsense"], "nonsense"), (["--data", "/proc/nothing"], "/proc/nothing")):
        daemon = Daemon(t, wait=False, data=False, args=args)
        equal(daemon.wait_end(10) != 0, True, f"it starts with {args}")
        check(expected in daemon.log(), f"it does not say {expected}: {daemon.log()}")


@test()
def domains_and_aliases(t):
    config = t.write("verdict.lua", 'return { domains = { "example.com", "example.net" }, '
                                    'aliases = { ["sip.example.com"] = "example.com" } }\n')
    daemon = Daemon(t, args=["--config", str(config)])
    phone = Phone(t, daemon.address())
    for host, status in (("example.com", 200), ("EXAMPLE.COM", 200), ("sip.example.com", 200), ("example.net", 200),
                         ("127.0.0.1", 200), ("example.org", 404), ("sub.example.com", 404)):
        phone.ask("INVITE", uri=f"sip:ok@{host}", status=status)


@test()
def the_advertised_host(t):
    daemon = Daemon(t, args=["--advertise", "192.0.2.55"])
    phone = Phone(t, daemon.address())
    ok = phone.ask("INVITE", "ok", 200)
    check("192.0.2.55" in ok.get("contact"), f"Contact: {ok.get('contact')}")
    check(b"192.0.2.55" in ok.body, f"SDP: {ok.body}")
