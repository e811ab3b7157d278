# SPDX-License-Identifier: Apache-2.0
"""A version proves itself: in the shadow before it decides, and on probation after."""
import os
import pathlib
import signal
import threading
import time

from harness import sipp
from harness.daemon import Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

OK = "return function(req) return ok {} end\n"
GONE = 'return function(req) return gone { evidence = "test" } end\n'
# Answers by the number that is called, so that many targets are called.
BY_NUMBER = """return policy { on_error = reject(500) {}, default = not_found {}, rules = {
  { "retired", when = { user = matches "9*" }, verdict = gone { evidence = "list" } },
  { "here", when = { method = "OPTIONS" }, verdict = ok {} },
  %s
} }
"""
ENDLESS = 'return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n' \
          '  { "slow", decide = function(req) while true do end end } } }\n'
HOST = ["--workers", 2]


def version(daemon):
    return daemon.get("/v1/status")[1]["policy"]["version"]


class Callers:
    """OPTIONS to many targets, from as many addresses of this machine, until stopped."""

    def __init__(self, t, daemon, users, addresses=("127.0.0.1",), method="OPTIONS", pause=0.002):
        self.phones = [Phone(t, daemon.address(), bind=a) for a in addresses]
        self.users, self.method, self.pause = users, method, pause
        self.asked, self.codes, self.going = 0, {}, True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        t.on_end(self.stop)

    def _run(self):
        while self.going:
            phone = self.phones[self.asked % len(self.phones)]
            answer = phone.ask(self.method, self.users(self.asked))
            self.codes[answer.status] = self.codes.get(answer.status, 0) + 1
            self.asked += 1
            time.sleep(self.pause)

    def stop(self):
        self.going = False
        self.thread.join(5)


def trial(daemon, kind="probation"):
    return daemon.get(f"/v1/{kind}")[1]


def folder_of(t, name, text):
    return t.write(f"{name}/policy.lua", text).parent


@test()
def a_shadow_shows_what_would_change(t):
    daemon = Daemon(t, policy=folder_of(t, "now", BY_NUMBER % ""), args=HOST)
    next_ = folder_of(t, "next", BY_NUMBER % '{ "all gone", verdict = gone { evidence = "x" } },')
    done = cli("reload", "--control", daemon.control, "--policy", next_, "--shadow", "20s", "--activate-if", "diff < 1%")
    equal(done.returncode, 0, done.stderr)
    check("in the shadow of version 1" in done.stdout, done.stdout)
    phone = Phone(t, daemon.address())
    for number in range(30):
        phone.ask("INVITE", f"5{number}", 404)
        phone.ask("INVITE", f"9{number}", 410)
    shown = trial(daemon, "shadow")
    equal((shown["state"], shown["version"], shown["against"]), ("going", 2, 1), "the shadow")
    equal((shown["pairs"], shown["differences"]["diff"], shown["differences"]["410"]), (60, 30, 30), "what was counted")
    equal(shown["kinds"], [{"count": 30, "from": {"code": 404, "rule": "default"}, "to": {"code": 410, "rule": "all gone"}}],
          "kinds")
    check(shown["examples"][0]["target"].startswith("5"), f"{shown['examples']}")
    text = cli("shadow", "--control", daemon.control).stdout
    check("404 (default) -> 410 (all gone)" in text and "first examples:" in text, text)
    wait_until(lambda: daemon.metric("verdict_trial_differences", trial="shadow", kind="410") == 30, 3, "the metric")
    equal([v["state"] for v in daemon.get("/v1/versions")[1]["versions"]], ["shadow", "active"], "states")
    done = cli("shadow", "--cancel", "--control", daemon.control)
    equal(done.returncode, 0, done.stderr)
    equal(cli("shadow", "--cancel", "--control", daemon.control).returncode, 1, "a second cancel")
    daemon.wait_log("shadow of version 2 .*cancelled")
    phone.ask("INVITE", "5", 404)
    equal(version(daemon), 1, "the active version")


@test()
def a_shadow_activates_or_discards_itself(t):
    daemon = Daemon(t, policy=folder_of(t, "now", BY_NUMBER % ""), args=HOST)
    same = folder_of(t, "same", BY_NUMBER % '{ "never", when = { user = "nobody" }, verdict = ok {} },')
    other = folder_of(t, "other", GONE)
    phone = Phone(t, daemon.address())

    def shadow(path):
        status, report = daemon.post("/v1/reload", {"policy": str(path), "shadow_ms": 700, "activate_if": "diff < 5%"})
        equal(status, 200, f"{report}")
        for number in range(30):
            phone.ask("OPTIONS", f"5{number}")
        return wait_until(lambda: trial(daemon, "shadow")["state"] != "going" and trial(daemon, "shadow"), 4, "its end")

    equal(shadow(other)["state"], "differs", "a shadow that differs")
    equal(version(daemon), 1, "version")
    daemon.wait_log("warn.*shadow of version 2 .*differs")
    equal(shadow(same)["state"], "activated", "a shadow that does not")
    equal(version(daemon), 3, "version")
    equal(trial(daemon)["state"], "going", "the probation that follows")


@test()
def a_killed_candidate_harms_nobody(t):
    """It is killed for every request: each caller has the active version's answer, and has it at once."""
    daemon = Daemon(t, policy=folder_of(t, "now", OK), args=HOST)
    equal(daemon.post("/v1/reload", {"policy": str(folder_of(t, "next", ENDLESS)), "shadow_ms": 60000})[0], 200, "reload")
    phone = Phone(t, daemon.address())
    slowest = 0.0
    for number in range(60):
        begun = time.monotonic()
        phone.ask("OPTIONS", f"u{number}", 200)
        slowest = max(slowest, time.monotonic() - begun)
    shown = trial(daemon, "shadow")
    equal(shown["pairs"] + shown["skipped"], 60, "pairs")  # after a kill it rests: a tenth of a worker is its most
    check(shown["differences"]["kills"] >= 1, f"{shown['differences']}")
    equal(daemon.metric("verdict_policy_failures_total", kind="fuel"), 0, "kills of the active version")
    t.note(f"slowest answer {slowest * 1000:.1f} ms")


@test(limit=60, alone=True)
def a_policy_that_410s_everybody_is_rolled_back(t):
    """Under load: by itself, loudly, and its bytes are refused until told otherwise."""
    daemon = Daemon(t, policy=OK, args=HOST + ["--t1-ms", 50])
    load = sipp.start(t, daemon.address(), "either.xml", calls=100000, rate=300, service="x", args=["-l", "2000"])
    time.sleep(0.3)
    daemon.save(GONE)
    status, report = daemon.reload()
    equal((status, report["probation"]), (200, {"against": 1, "ms": 60000}), f"{report}")
    begun = time.monotonic()
    wait_until(lambda: version(daemon) == 1, 10, "the rollback")
    t.note(f"rolled back after {time.monotonic() - begun:.1f} s")
    daemon.wait_log(r"ROLLED BACK BY ITSELF: version 2 .*410: \d+ of")
    equal(daemon.get("/v1/status")[1]["probation"]["state"], "rolled back", "status")
    wait_until(lambda: daemon.metric("verdict_rollbacks_total", by="probation") == 1, 3, "the metric")
    status, report = daemon.reload()
    equal(status, 422, f"the same bytes: {report}")
    done = cli("reload", "--control", daemon.control)
    check(done.returncode == 1 and "--force" in done.stderr, done.stderr)
    daemon.signal(signal.SIGHUP)
    daemon.save(GONE)  # touched
    time.sleep(0.5)
    equal(version(daemon), 1, "version after a touch and SIGHUP")
    done = cli("reload", "--force", "--expect", "410 +100%", "--control", daemon.control)
    equal(done.returncode, 0, done.stderr)
    check("on probation for 60 s" in done.stdout, done.stdout)
    wait_until(lambda: trial(daemon)["pairs"] > 150, 10, "pairs")
    check(version(daemon) > 2, "what was announced was rolled back")
    load.send_signal(signal.SIGUSR1)
    calls, failed = sipp.finish(load, 40)
    equal(failed, 0, f"lost calls of {calls}")


@test()
def errors_and_kills_are_rolled_back_too(t):
    for text, kind in (("return function(req) return req.target.user.x.y end\n", "errors"), (ENDLESS, "kills")):
        daemon = Daemon(t, policy=OK, args=HOST)
        Callers(t, daemon, lambda n: f"u{n % 200}")
        daemon.save(text)
        equal(daemon.reload()[0], 200, "reload")
        wait_until(lambda: version(daemon) == 1, 15, f"the rollback of {kind}")
        daemon.wait_log(f"ROLLED BACK BY ITSELF: .*{kind}: ")


@test()
def callers_cannot_roll_back(t):
    """A hostile mix: floods of what both versions retire, and of the one number that the new one retires on purpose."""
    daemon = Daemon(t, policy=BY_NUMBER % "", args=HOST)
    users = Callers(t, daemon, lambda n: f"5{n % 300}", addresses=[f"127.0.1.{n}" for n in range(1, 20)])
    hostile = Callers(t, daemon, lambda n: "5777" if n % 2 else f"9{n}", addresses=["127.0.2.1"], pause=0.0005)
    daemon.save(BY_NUMBER.replace('matches "9*"', 'any_of { matches "9*", "5777" }') % "")
    status, report = daemon.reload()
    equal(status, 200, f"{report}")
    wait_until(lambda: trial(daemon)["pairs"] > 1500, 20, "pairs")
    shown = trial(daemon)
    equal((shown["state"], version(daemon)), ("going", 2), "the probation")
    check(shown["differences"]["410"] > 200, f"{shown['differences']}")
    equal(shown["targets"]["410"], 1, "targets that differ")
    users.stop()
    hostile.stop()
    t.note(f"{shown['pairs']} pairs, {shown['differences']['410']} of them 410 from {users.asked} and {hostile.asked} requests")


@test()
def a_restart_in_the_middle_of_a_probation(t):
    """What starts is said: what lies on disk, on probation again against what was proven; after a rollback, the proven one."""
    daemon = Daemon(t, policy=OK, args=HOST)
    daemon.save(GONE)
    equal(daemon.reload()[0], 200, "reload")
    equal(trial(daemon)["state"], "going", "probation")
    daemon.kill()
    daemon.start()
    daemon.wait_log("start: version 2 .* is active.*on probation for 60 s against version 1")
    phone = Phone(t, daemon.address())
    for number in range(60):
        phone.ask("OPTIONS", f"u{number}")
    wait_until(lambda: version(daemon) == 1, 5, "the rollback")
    daemon.kill()
    daemon.start()
    daemon.wait_log("LAST GOOD version")
    daemon.wait_log("rolled back .*--force")
    phone = Phone(t, daemon.address())
    phone.ask("OPTIONS", "x", 200)
    daemon.save(BY_NUMBER % "")
    wait_until(lambda: trial(daemon)["state"] == "going", 5, "a good version by a save")


@test()
def a_kill_in_the_middle_of_a_shadow(t):
    daemon = Daemon(t, policy=folder_of(t, "now", OK), args=HOST)
    equal(daemon.post("/v1/reload", {"policy": str(folder_of(t, "next", GONE)), "shadow_ms": 60000})[0], 200, "reload")
    Phone(t, daemon.address()).ask("OPTIONS", "x", 200)
    daemon.kill()
    daemon.start()
    Phone(t, daemon.address()).ask("OPTIONS", "x", 200)
    equal((version(daemon), trial(daemon, "shadow")["state"]), (1, "none"), "after the start")


@test()
def reloads_in_the_middle_of_a_shadow(t):
    now = folder_of(t, "now", OK)
    daemon = Daemon(t, policy=now, args=HOST + ["--set", "watch=false"])
    next_ = folder_of(t, "next", GONE)
    equal(daemon.post("/v1/reload", {"policy": str(next_), "shadow_ms": 60000})[0], 200, "shadow")
    daemon.signal(signal.SIGHUP)  # the same bytes: nothing
    time.sleep(0.2)
    equal(trial(daemon, "shadow")["state"], "going", "after SIGHUP over the same bytes")
    (now / "policy.lua").write_text("return nonsense(")
    equal(daemon.reload()[0], 422, "broken")
    equal(trial(daemon, "shadow")["state"], "going", "after a broken reload")
    (now / "policy.lua").write_text(BY_NUMBER % "")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(daemon.reload())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(a[1]["unchanged"] for a in answers), [False, True, True, True], "four reloads at once")
    first = next(a[1] for a in answers if not a[1]["unchanged"])
    check("the shadow of version 2 is ended" in first["remark"], f"{first}")
    equal(trial(daemon, "shadow")["state"], "overtaken", "the shadow")


@test()
def state_outlives_workers_and_versions(t):
    """A counter, a map and a bucket, on two workers, over a reload; one whose options change starts fresh, and is named."""
    text = """return policy { on_error = reject(500) {}, default = not_found {},
  shared = { calls = counter { ttl = %d, max = 1000 }, seen = map { ttl = 600 }, rate = bucket { rate = 0.001, burst = 10 } },
  rules = { { "state", decide = function(req, env)
    local count, before, taken = env.calls:incr "k", env.seen:get "k", env.rate:take "k"
    env.seen:set("k", "call " .. count)
    return reject(486) { reason = ("%%d %%s %%s"):format(count, before or "nothing", tostring(taken)) }
  end } } }
"""
    daemon = Daemon(t, policy=text % 600, args=HOST + ["--set", "watch=false"])
    phone = Phone(t, daemon.address())

    def ask():
        return phone.ask("MESSAGE", "x").start.split(" ", 2)[2]

    answers = [ask() for _ in range(8)]  # Call-IDs of both workers
    equal(answers, [f"{n + 1} {f'call {n}' if n else 'nothing'} true" for n in range(8)], "before the reload")
    posted = [worker["datagrams"] for worker in daemon.get("/v1/status")[1]["workers"]]
    daemon.save("-- another version\n" + text % 600)
    report = daemon.reload()[1]
    equal(report["state"], {"kept": ["calls", "rate", "seen"], "reset": []}, f"{report}")
    equal([ask() for _ in range(3)], ["9 call 8 true", "10 call 9 true", "11 call 10 false"], "after it")
    daemon.save(text % 601)
    report = daemon.reload()[1]
    equal(report["state"], {"kept": ["rate", "seen"], "reset": ["calls"]}, f"{report}")
    check("shared calls starts fresh" in daemon.log(), "the log does not say what starts fresh")
    equal(ask(), "1 call 11 false", "after other options")
    daemon.post("/v1/rollback")
    equal(ask(), "12 call 1 false", "the version before goes on with its own")
    t.note(f"datagrams by worker {posted}")


@test(limit=60, alone=True)
def data_changes_without_code(t):
    """300,000 numbers: loaded beside the traffic, once; the data alone is a new version, the code alone loads no data."""
    folder = t.folder / "numbers"
    folder.mkdir()
    policy = """return policy { name = "n", on_error = reject(500) {}, default = not_found {},
      data = { here = ranges "here.csv" }, rules = { { "%s", when = { number = in_ranges "here" }, verdict = ok {} } } }"""
    numbers = "\n".join(f"+49{n * 7919 % 10 ** 9:09d}" for n in range(300000))
    (folder / "here.csv").write_text(numbers)
    (folder / "policy.lua").write_text(policy % "here")
    daemon = Daemon(t, policy=folder, args=HOST + ["--set", "watch=false"])
    phone = Phone(t, daemon.address())
    phone.ask("OPTIONS", "+49999999999", 404)
    slowest, answers, going = [0.0], [0], [True]

    def call():
        caller = Phone(t, daemon.address())
        while going[0]:
            begun = time.monotonic()
            caller.ask("OPTIONS", "+49000000000", 200)
            slowest[0], answers[0] = max(slowest[0], time.monotonic() - begun), answers[0] + 1

    thread = threading.Thread(target=call)
    thread.start()
    (folder / "here.csv").write_text(numbers + "\n+49999999999\n")
    status, data = daemon.reload()
    equal((status, data["version"], data["rules"]["changed"]), (200, 2, []), f"{data}")
    phone.ask("OPTIONS", "+49999999999", 200)
    (folder / "policy.lua").write_text(policy % "there")
    status, code = daemon.reload()
    going[0] = False
    thread.join()
    equal((status, code["version"], code["rules"]["added"]), (200, 3, ["there"]), f"{code}")
    check(code["took_us"]["validate"] * 5 < data["took_us"]["validate"], f"{code['took_us']} after {data['took_us']}")
    check(slowest[0] < 1, f"an answer took {slowest[0]:.2f} s")
    t.note(f"data {data['took_us']['total'] / 1000:.0f} ms, code {code['took_us']['total'] / 1000:.0f} ms; "
           f"slowest of {answers[0]} answers meanwhile {slowest[0] * 1000:.1f} ms")


@test(limit=90, alone=True, measures=True)
def calls_held_open_across_a_thousand_reloads(t):
    """1,000 calls that outlive 1,000 versions pin none of them: three sets of VMs, flat memory, nothing compiled by a worker."""
    daemon = Daemon(t, policy=OK, args=HOST, data=False)  # nothing is kept on disk: the VMs are what is looked at
    phone = Phone(t, daemon.address())
    held = []
    for number in range(1000):
        invite = phone.request("INVITE", f"ok{number}")
        phone.send(invite)
        answer = phone.expect(200)
        phone.send(phone.ack_of(invite, answer))
        held.append((invite, answer))
    equal(daemon.get("/v1/status")[1]["calls"], 1000, "calls")
    most, memory, before = 0, [], worker_cpu(daemon)
    for number in range(1000):
        daemon.save(f"-- {number}\n" + OK)
        status, report = daemon.reload()
        equal(status, 200, f"{report}")
        if number % 50 == 0:
            memory.append(daemon.memory_kb())
            states = [v["state"] for v in daemon.get("/v1/versions")[1]["versions"]]
            most = max(most, sum(state not in ("discarded",) for state in states))
    spent = worker_cpu(daemon) - before
    check(most <= 3, f"{most} versions alive")
    check(spent * 4 < daemon.cpu_seconds(), f"the workers spent {spent} of {daemon.cpu_seconds()} s: what did they compile?")
    grown = memory[-1] - memory[len(memory) // 2]
    check(grown < 1024, f"memory grew by {grown} kB in the second half: {memory}")
    equal(daemon.get("/v1/status")[1]["calls"], 1000, "calls after the reloads")
    for invite, answer in held[::100]:
        bye = phone.bye_of(invite, answer)
        phone.send(bye)
        phone.expect(200, method="BYE")
    t.note(f"workers spent {spent * 1000:.0f} ms of CPU in 1,000 reloads; memory {memory[0]} to {memory[-1]} kB")


def worker_cpu(daemon):
    """CPU seconds of the worker threads alone."""
    total = 0
    for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
        try:
            name, text = (task / "comm").read_text(), (task / "stat").read_text()
        except FileNotFoundError:
            continue  # a connection's thread, which has ended meanwhile
        if name.startswith("worker-"):
            fields = text.rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
