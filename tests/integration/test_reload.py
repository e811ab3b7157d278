# SPDX-License-Identifier: Apache-2.0
"""New versions on a live system: by save, by command, by signal; broken ones; back again; a thousand under load."""
import os
import random
import signal
import time

from harness import registry, sipp
from harness.daemon import Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

OK = "return function(req) return ok {} end\n"
GONE = 'return function(req) return gone { evidence = "test" } end\n'
BROKEN = "return function(req)\n  return ok {\nend\n"


def version(daemon):
    return daemon.get("/v1/status")[1]["policy"]["version"]


@test()
def a_save_is_live_at_once(t):
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "x", 200)
    for by_rename, text, status in ((True, GONE, 410), (False, OK, 200), (True, GONE, 410)):
        before = version(daemon)
        daemon.save(text, by_rename)
        wait_until(lambda: version(daemon) > before, 5, "the new version")
        phone.ask("INVITE", "x", status)


@test()
def a_broken_save_leaves_the_old_version(t):
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    daemon.save(BROKEN)
    daemon.wait_log(r"policy\.lua:\d+")
    phone.ask("INVITE", "x", 200)
    equal(version(daemon), 1, "the active version")
    lines = len(daemon.log().splitlines())
    for _ in range(20):
        phone.ask("INVITE", "x", 200)
    check(len(daemon.log().splitlines()) - lines < 3, "a broken file on disk is told again and again")
    daemon.save(GONE)
    wait_until(lambda: version(daemon) > 1, 5, "the new version")
    phone.ask("INVITE", "x", 410)


@test()
def a_folder_is_watched_too(t):
    folder = t.folder / "mine"
    folder.mkdir()
    (folder / "policy.lua").write_text('local answer = require "answer"\nreturn function(req) return answer() end\n')
    (folder / "answer.lua").write_text("return function() return ok {} end\n")
    daemon = Daemon(t, policy=folder)
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "x", 200)
    (folder / "answer.lua").write_text('return function() return gone { evidence = "test" } end\n')
    wait_until(lambda: version(daemon) == 2, 5, "the new version")
    phone.ask("INVITE", "x", 410)
    other = t.folder / "next"
    other.mkdir()
    (other / "policy.lua").write_text(OK)
    folder.rename(t.folder / "old")
    other.rename(folder)
    wait_until(lambda: version(daemon) == 3, 8, "the replaced folder")
    phone.ask("INVITE", "x", 200)


@test()
def a_link_that_is_switched(t):
    """A deployment that unpacks beside and then moves a link: of the folder, or of what lies behind its files."""
    for number, text in ((1, OK), (2, GONE)):
        t.write(f"releases/v{number}/policy.lua", text)
    link = t.folder / "current"
    link.symlink_to("releases/v1")
    daemon = Daemon(t, policy=link)
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "x", 200)
    fresh = t.folder / "fresh"
    fresh.symlink_to("releases/v2")
    fresh.rename(link)
    wait_until(lambda: version(daemon) == 2, 8, "the new version")
    phone.ask("INVITE", "x", 410)

    mounted = t.folder / "mounted"
    for number, text in ((1, OK), (2, GONE)):
        t.write(f"mounted/..v{number}/policy.lua", text)
    (mounted / "..data").symlink_to("..v1")
    (mounted / "policy.lua").symlink_to("..data/policy.lua")
    daemon = Daemon(t, policy=mounted)
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "x", 200)
    (mounted / "..fresh").symlink_to("..v2")
    (mounted / "..fresh").rename(mounted / "..data")
    wait_until(lambda: version(daemon) == 2, 8, "the new version behind the mounted folder")
    phone.ask("INVITE", "x", 410)


@test()
def reload_answers_in_full(t):
    folder = t.folder / "rules"
    folder.mkdir()
    text = """return policy {
  name = "rules", on_error = reject(500) {}, default = not_found {},
  shared = { calls = counter { ttl = 60, max = 100 } },
  rules = {
    { "one", when = { method = "INVITE" }, verdict = ok {} },
    %s
  },
}
"""
    (folder / "policy.lua").write_text(text % "")
    (folder / "test.lua").write_text('return { { "invite", request = { uri = "sip:x@example.com" }, '
                                     'expect = { verdict = "ok", rule = "one" } } }\n')
    daemon = Daemon(t, policy=folder)
    (folder / "policy.lua").write_text(text % '{ "two", when = { method = "OPTIONS" }, verdict = gone { evidence = "x" } },')
    status, report = daemon.reload()
    equal(status, 200, f"status: {report}")
    if not report["unchanged"]:  # the watch may have been faster
        equal(report["rules"]["added"], ["two"], "rules added")
        equal(report["state"]["kept"], ["calls"], "state kept")
        equal(report["version"], 2, "version")
        equal(len(report["hash"]), 64, "hash")
        check(report["took_us"]["total"] > 0, "no time")
    equal(daemon.reload()[1]["unchanged"], True, "the same bytes")
    versions = daemon.get("/v1/versions")[1]["versions"]
    equal([v["state"] for v in versions[:2]], ["active", "warm"], "states")


@test()
def a_failed_test_refuses_the_version(t):
    folder = t.folder / "rules"
    folder.mkdir()
    (folder / "policy.lua").write_text(OK)
    (folder / "test.lua").write_text('return { { "a call", request = { uri = "sip:x@example.com" }, '
                                     'expect = { verdict = "ok" } } }\n')
    daemon = Daemon(t, policy=folder)
    (folder / ".p").write_text(GONE)
    (folder / ".p").rename(folder / "policy.lua")
    status, report = daemon.reload()
    equal(status, 422, f"status: {report}")
    check(report["error"]["file"].endswith("test.lua"), f"{report['error']}")
    check(report["tests"]["failed"] == 1 and report["error"]["line"] == 1, f"{report}")
    Phone(t, daemon.address()).ask("INVITE", "x", 200)


@test()
def rollback_is_instant(t):
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    status, report = daemon.post("/v1/rollback")
    equal(status, 409, f"rollback of the first version: {report}")
    daemon.save(GONE)
    equal(daemon.reload()[0], 200, "reload")
    phone.ask("INVITE", "x", 410)
    status, report = daemon.post("/v1/rollback")
    equal((status, report["rolled_back"], report["version"]), (200, True, 1), "rollback")
    phone.ask("INVITE", "x", 200)


@test()
def bytes_that_were_rolled_back_from_stay_away(t):
    """A touch of the folder is nobody's wish to have them again; a reload that is asked for is."""
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    daemon.save(GONE)
    equal(daemon.reload()[0], 200, "reload")
    equal(daemon.post("/v1/rollback")[0], 200, "rollback")
    unchanged = version(daemon)
    daemon.save(GONE)  # written again, the same bytes
    time.sleep(1)  # the watch waits for 200 ms of quiet
    equal(version(daemon), unchanged, "version after a touch")
    phone.ask("INVITE", "x", 200)
    equal(daemon.reload()[0], 200, "reload")
    phone.ask("INVITE", "x", 410)


@test()
def sighup_reloads(t):
    daemon = Daemon(t, policy=OK)
    daemon.save(GONE)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: version(daemon) == 2, 5, "the new version")
    Phone(t, daemon.address()).ask("INVITE", "x", 410)


@test()
def the_command_line_reloads(t):
    daemon = Daemon(t, policy=OK)
    daemon.save(BROKEN)
    done = cli("reload", "--control", daemon.control)
    equal(done.returncode, 1, f"exit code: {done.stdout}{done.stderr}")
    check("policy.lua" in done.stdout + done.stderr, f"{done.stdout}{done.stderr}")
    daemon.save(GONE)
    done = cli("reload", "--control", daemon.control)
    equal(done.returncode, 0, f"exit code: {done.stdout}{done.stderr}")
    Phone(t, daemon.address()).ask("INVITE", "x", 410)
    for command in ("versions", "status"):
        done = cli(command, "--data", daemon.data)  # the lock names the socket
        equal(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        check(done.stdout.strip(), f"{command} says nothing")
    done = cli("rollback", "--control", daemon.control, "--json")
    check('"rolled_back"' in done.stdout, f"{done.stdout}{done.stderr}")


@test()
def a_retransmission_gets_the_old_versions_bytes(t):
    daemon = Daemon(t, policy=OK)
    phone = Phone(t, daemon.address())
    invite = phone.request("INVITE", "x", body="")
    daemon.save(GONE)
    equal(daemon.reload()[0], 200, "reload")
    phone.send(invite)
    gone = phone.expect(410)
    daemon.save(OK)
    equal(daemon.reload()[0], 200, "reload")
    phone.send(invite)
    equal(phone.expect(410).raw, gone.raw, "the answer to the copy")
    phone.send(phone.ack_of(invite, gone))
    phone.ask("INVITE", "x", 200)


@test()
def on_ack_missing_runs_in_the_version_of_that_moment(t):
    text = """return policy {
  name = "p", on_error = reject(500) {}, default = ok {}, rules = {},
  on_ack_missing = function(call) log.warn("%s", call.id) end,
}
"""
    daemon = Daemon(t, policy=text % "first", args=["--t1-ms", 20])
    phone = Phone(t, daemon.address())
    phone.send(phone.request("INVITE", "x"))
    phone.expect(200)
    daemon.save(text % "second")
    equal(daemon.reload()[0], 200, "reload")
    daemon.wait_log("second", 5)
    check("first" not in daemon.log(), "the old version's handler ran")


@test(limit=180, alone=True)
def a_thousand_reloads_under_load(t):
    """0 calls lost, each answer from exactly one version, memory flat; broken saves in between change nothing."""
    rounds, rate = int(os.environ.get("VERDICT_RELOADS", "1000")), 100 if registry.SANITIZED else 300
    policy = 'local v = %d\nreturn function(req) if v %% 2 == 0 then return ok {} end return gone { evidence = "test" } end\n'
    daemon = Daemon(t, policy=policy % 0, args=["--workers", 2, "--t1-ms", 50])  # so that transactions end meanwhile
    load = sipp.start(t, daemon.address(), "either.xml", calls=100000, rate=rate, service="x", args=["-l", "2000"])
    broken = kept = 0
    memory = []
    start = time.monotonic()
    for number in range(1, rounds + 1):
        if number % 10 == 0:
            daemon.save(random.choice((BROKEN, "", "return 1", "error('at load')", "x = 1 return " + OK[7:])))
            status, report = daemon.reload()
            equal(status, 422, f"a broken policy: {report}")
            broken += 1
        daemon.save(policy % number)
        status, report = daemon.reload()
        equal(status, 200, f"reload {number}: {report}")
        kept = report["version"]
        if number % 100 == 0:
            memory.append(daemon.memory_kb())
    seconds = time.monotonic() - start
    while time.monotonic() - start < 5:
        time.sleep(0.1)
    load.send_signal(signal.SIGUSR1)  # SIPp: no new calls, end when the last is done
    calls, failed = sipp.finish(load, 40)
    equal(failed, 0, f"lost calls of {calls}")
    check(calls >= rate, f"only {calls} calls")
    check(kept >= rounds, f"version {kept}")
    grown = memory[-1] - memory[len(memory) // 2] if len(memory) > 3 else 0
    check(grown < 2048 or registry.SANITIZED, f"memory grew by {grown} kB in the second half: {memory}")
    alive = [v for v in daemon.get("/v1/versions")[1]["versions"] if v["state"] in ("active", "warm")]
    equal(len(alive), 3, "versions alive")
    t.note(f"{rounds} reloads and {broken} broken saves in {seconds:.1f} s beside {calls} calls; memory {memory} kB")


@test(limit=60, alone=True)
def each_answer_is_one_versions(t):
    """The verdict and the reason of every answer belong to the same version, and after reload() none is older."""
    policy = 'return function(req) return %s { reason = "v%d" } end\n'
    daemon = Daemon(t, policy=policy % ("not_found", 0), args=["--workers", 2])
    phone = Phone(t, daemon.address())
    for number in range(1, 200):
        daemon.save(policy % (("not_found", "unavailable")[number % 2], number))
        equal(daemon.reload()[0], 200, "reload")
        for _ in range(3):
            answer = phone.ask("INVITE", "x")
            equal(answer.start, f"SIP/2.0 {(404, 480)[number % 2]} v{number}", "the answer after the reload")
