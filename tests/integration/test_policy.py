# SPDX-License-Identifier: Apache-2.0
"""What a script does wrong never reaches a caller as silence, and never holds a worker."""
import os
import subprocess
import time
import xml.etree.ElementTree

from harness.daemon import Daemon, ROOT, VERDICT, cli
from harness import registry
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

HOSTILE = """
local kept
return function(req)
  local user = req.target.user
  if user == "error" then error("on purpose") end
  if user == "loop" then while true do end end
  if user == "memory" then local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(100) .. i end end
  if user == "pcall" then while true do pcall(function() while true do end end) end end
  if user == "nonsense" then return 42 end
  if user == "nil" then return nil end
  return ok {}
end
"""


@test(limit=30)
def a_script_that_misbehaves(t):
    daemon = Daemon(t, policy=HOSTILE)
    phone = Phone(t, daemon.address())
    for user, status in (("error", 500), ("loop", 500), ("memory", 500), ("pcall", 500), ("nonsense", 500), ("nil", 404)):
        start = time.monotonic()
        phone.ask("INVITE", user, status)
        check(time.monotonic() - start < 0.5 or registry.SANITIZED, f"{user} took {time.monotonic() - start:.2f} s")
        phone.ask("INVITE", "fine", 200)
    daemon.wait_log(r"policy\.lua:5|policy.lua.*on purpose")
    check(daemon.metric("verdict_policy_failures_total") >= 5, "failures are not counted")
    check(daemon.metric("verdict_policy_failures_total", kind="fuel") >= 1, "no kill for fuel")


@test(limit=60)
def the_policies_that_come_with_it_pass_check_and_test(t):
    found = sorted(p.parent for p in (ROOT / "policies").glob("*/policy.lua"))
    check(len(found) >= 6, f"policies: {[p.name for p in found]}")
    for policy in found:
        for command in ("check", "test"):
            done = cli(command, policy)
            equal(done.returncode, 0, f"verdict {command} {policy.name}\n{done.stdout}{done.stderr}")


@test()
def check_names_file_and_line(t):
    bad = t.write("bad/policy.lua", "return policy {\n  on_error = gone {},\n  default = not_found {},\n  rules = {},\n}\n")
    done = cli("check", bad.parent)
    equal(done.returncode, 1, "exit code")
    check("policy.lua:2" in done.stdout + done.stderr, f"{done.stdout}{done.stderr}")
    global_ = t.write("global.lua", "return function(req)\n  return not_fund {}\nend\n")
    done = cli("check", global_)
    equal(done.returncode, 1, "exit code")
    check("not_fund" in done.stdout + done.stderr and "not_found" in done.stdout + done.stderr,
          f"no suggestion: {done.stdout}{done.stderr}")


@test(limit=30)
def probe_draws_a_ladder(t):
    daemon = Daemon(t)
    for user, text in (("gone", "410"), ("ok", "200")):
        done = cli("probe", f"sip:{user}@127.0.0.1:{daemon.port}")
        check("INVITE" in done.stdout and "ACK" in done.stdout and text in done.stdout, f"{done.stdout}{done.stderr}")
    done = cli("probe", f"sip:ok@127.0.0.1:{daemon.port}", "--method", "OPTIONS")
    check("OPTIONS" in done.stdout and "200" in done.stdout, f"{done.stdout}{done.stderr}")
    tcp = Daemon(t, listen=("tcp:127.0.0.1:0",))
    done = cli("probe", f"sip:gone@127.0.0.1:{tcp.port}", "--transport", "tcp")
    check("410" in done.stdout, f"{done.stdout}{done.stderr}")


@test()
def an_author_at_work(t):
    """test --watch runs again after each save; --coverage --min fails below so much; --junit is what CI servers read."""
    policy = t.write("mine/policy.lua", 'return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n'
                     '  { "ended", when = { user = "old" }, verdict = gone { evidence = "x" } },\n'
                     '  { "hello", when = { user = { "hi", "ho" } }, verdict = ok {} } } }\n')
    t.write("mine/test.lua", 'return { { "old ends", request = { uri = "sip:old@example.com" }, expect = { code = 410, rule = "ended" } } }\n')
    process = subprocess.Popen([VERDICT, "test", "--watch", str(policy.parent)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    t.on_end(process.kill)
    os.set_blocking(process.stdout.fileno(), False)
    said = []

    def says(words):
        said.append((process.stdout.read() or b"").decode())
        return words in "".join(said)

    wait_until(lambda: says("1 passed, 0 failed"), 5, "the first run")
    said.clear()
    good = policy.read_text()
    policy.write_text(good.replace('"ended", when', '"over", when'))
    wait_until(lambda: says('expected rule "ended", got "over"'), 5, "the run after the save")
    said.clear()
    policy.write_text(good)
    wait_until(lambda: says("1 passed, 0 failed"), 5, "the run after it was mended")
    junit = t.path("results.xml")
    low = cli("test", "--coverage", "--min", "100", "--junit", junit, policy.parent)
    check(low.returncode == 1 and "100% is asked for" in low.stderr, f"{low.returncode} {low.stderr}")
    check('rule "hello" (line 3) never gave the verdict' in low.stdout, low.stdout)
    equal(xml.etree.ElementTree.parse(junit).getroot().attrib["tests"], "1", "JUnit's count")
    equal(cli("test", "--coverage", "--min", "20", policy.parent).returncode, 0, "exit code when enough is covered")


@test(limit=30)
def tests_run_again_after_each_save(t):
    """`verdict test --watch`: what it prints goes with what is saved, also where that is broken, until it is ended."""
    (t.folder / "my").mkdir()
    policy, tests = t.folder / "my/policy.lua", t.folder / "my/test.lua"
    policy.write_text('return function(req) return gone { evidence = "x" } end\n')
    tests.write_text('return { { "bob", request = { uri = "sip:bob@x" }, expect = { code = 410 } } }\n')
    output = t.path("watch.out")
    watching = subprocess.Popen([VERDICT, "test", "--watch", "--coverage", str(t.folder / "my")], stdout=open(output, "w"),
                                stderr=subprocess.STDOUT)
    t.on_end(watching.kill)
    saves = ((tests, None, None, "1 passed, 0 failed"),
             (tests, "410", "411", "expected code 411, got 410"),
             (tests, "411", "410", "1 passed, 0 failed"),
             (policy, "return gone", "return return gone", "policy.lua:1: "),
             (policy, "return return", "return", "1 passed, 0 failed"))
    seen = 0
    for path, old, new, said in saves:
        if old:
            path.write_text(path.read_text().replace(old, new))
        wait_until(lambda: said in output.read_text()[seen:], 10, f"{said}: {output.read_text()[seen:]}")
        seen = len(output.read_text())
    check("lines" in output.read_text(), f"no coverage: {output.read_text()}")
    check(watching.poll() is None, "it ended by itself")
    watching.terminate()
    watching.wait(5)
