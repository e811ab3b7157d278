# SPDX-License-Identifier: Apache-2.0
"""Starting and ending: two daemons, signals, kill -9, the last good version."""
import signal
import time

from harness.daemon import Daemon
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

OK = "return function(req) return ok {} end\n"


def second(t, **kwargs):
    daemon = Daemon(t, wait=False, **kwargs)
    code = daemon.wait_end(10)
    return code, daemon.log()


@test()
def two_daemons_on_one_port(t):
    first = Daemon(t, listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    for transport in ("udp", "tcp"):
        port = first.address(transport)[1]
        code, log = second(t, listen=(f"{transport}:127.0.0.1:{port}",))
        equal(code, 1, "exit code of the second")
        check(str(port) in log and "use" in log, f"it does not say why: {log}")
    Phone(t, first.address()).ask("OPTIONS", "ok", 200)


@test()
def two_daemons_on_one_data_folder(t):
    first = Daemon(t)
    other = Daemon(t, wait=False, data=False, args=["--data", str(first.data)])
    equal(other.wait_end(10), 1, "exit code of the second")
    check(str(first.process.pid) in other.log() or "verdict.lock" in other.log() or "in use" in other.log(),
          f"it does not say why: {other.log()}")
    Phone(t, first.address()).ask("OPTIONS", "ok", 200)


@test()
def two_daemons_on_one_control_socket(t):
    first = Daemon(t)
    other = Daemon(t, wait=False)
    other.kill()
    other.control = first.control
    other.start(wait=False)
    equal(other.wait_end(10), 1, "exit code of the second")
    check("control.sock" in other.log(), f"it does not say why: {other.log()}")
    equal(first.get("/v1/status")[0], 200, "the first one's control socket")


@test()
def sigterm_ends_in_order(t):
    daemon = Daemon(t)
    equal(daemon.stop(5), 0, "exit code")
    check(not daemon.control.exists(), "the control socket is left")


@test()
def a_second_sigterm_ends_at_once(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "ok")
    phone.send(invite)
    phone.expect(200)  # and no ACK: it would wait for 64*T1
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: "ending" in daemon.log(), 3, "the end to begin")
    check(daemon.alive(), "it has ended")
    start = time.monotonic()
    daemon.signal(signal.SIGTERM)
    daemon.wait_end(3)
    check(time.monotonic() - start < 2, "it took its time")


@test()
def kill_9_and_a_new_start(t):
    daemon = Daemon(t)
    port = daemon.port
    daemon.process.kill()
    daemon.process.wait()
    check(daemon.control.exists(), "the stale socket is what is tested")
    daemon.listen = (f"udp:127.0.0.1:{port}",)
    daemon.start()
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "gone", 410)
    equal(daemon.get("/v1/status")[0], 200, "the control socket")
    mode = daemon.control.stat().st_mode & 0o777
    equal(mode, 0o600, "mode of the control socket")


@test()
def an_ack_after_a_restart_is_nothing(t):
    daemon = Daemon(t)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "gone")
    phone.send(invite)
    gone = phone.expect(410)
    port = daemon.port
    daemon.process.kill()
    daemon.process.wait()
    daemon.listen = (f"udp:127.0.0.1:{port}",)
    daemon.start()
    phone.send(phone.ack_of(invite, gone))
    phone.expect_silence(0.3)


@test()
def the_last_good_version_at_start(t):
    daemon = Daemon(t, policy=OK)
    equal(daemon.stop(), 0, "exit code")
    daemon.policy.write_text("return {{{")
    daemon.start()
    check("LAST GOOD" in daemon.log().upper(), f"it does not say so: {daemon.log()}")
    check("policy.lua:1" in daemon.log(), "it does not say why")
    Phone(t, daemon.address()).ask("INVITE", "x", 200)
    before = daemon.get("/v1/status")[1]["policy"]["version"]
    daemon.save('return function(req) return gone { evidence = "test" } end\n')
    wait_until(lambda: daemon.get("/v1/status")[1]["policy"]["version"] > before, 5, "the mended policy")
    Phone(t, daemon.address()).ask("INVITE", "x", 410)


@test()
def a_broken_policy_at_the_first_start(t):
    code, log = second(t, policy="return {{{")
    equal(code, 1, "exit code")
    check("policy.lua:1" in log, f"no file and line: {log}")


@test(limit=30)
def a_policy_that_asks_the_directory_where_there_is_none(t):
    text = """return policy {
  name = "asks", on_error = reject(500) {}, default = not_found {},
  rules = { { "gone", when = { state = "gone" }, verdict = gone {} } },
}
"""
    code, log = second(t, policy=text)
    equal(code, 1, "exit code")
    check("verdict directory import" in log, f"it does not name the command that makes one: {log}")
