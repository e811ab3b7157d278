# SPDX-License-Identifier: Apache-2.0
"""Everything in examples/ works as it stands there; only ports are put in its place."""
import os
import pathlib
import re
import shutil
import subprocess

from harness import sipp
from harness.daemon import ROOT, VERDICT, Daemon, cli
from harness.ports import free_port
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Phone
from harness.tls import Authority

EXAMPLES = ROOT / "examples"


def example_data(t):
    data = t.folder / "data"
    data.mkdir()
    done = cli("directory", "import", "--data", data, EXAMPLES / "directory.csv")
    equal(done.returncode, 0, f"{done.stdout}{done.stderr}")
    return data


def blocks_of(path):
    """The indented blocks of a page, without their indent."""
    blocks, depth = [[]], 0
    for line in path.read_text().splitlines() + [""]:
        indent = len(line) - len(line.lstrip(" "))
        if line and indent >= 4 and (depth == 0 or indent >= depth):
            depth = depth or indent
            blocks[-1].append(line[depth:])
        elif line and depth:
            blocks.append([])
            depth = 0
        elif depth:
            blocks[-1].append("")
    return [block for block in blocks if any(block)]


def sessions_of(path):
    """(command, the lines that it promises), in the order of the page."""
    sessions = []
    for block in blocks_of(path):
        if block[0].startswith("$ "):
            for line in block:
                if line.startswith("$ "):
                    sessions.append((line[2:], []))
                elif line:
                    sessions[-1][1].append(line)
    return sessions


def keeps(promised, output):
    """"..." stands for anything, alone for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in promised)
    return re.fullmatch(pattern, output) is not None


@test(limit=60)
def the_first_policy_in_five_minutes(t):
    """The guide's commands in their order, as they stand there but for the port; what they print is what it says."""
    page = ROOT / "policies/README.md"
    files = [block for block in blocks_of(page) if block[0].startswith("return")]
    (t.folder / "my").mkdir()
    for name, block in zip(("policy.lua", "test.lua"), files):
        (t.folder / "my" / name).write_text("\n".join(block) + "\n")
    port = free_port()
    binary = t.folder / "bin"
    binary.mkdir()
    (binary / "verdict").symlink_to(pathlib.Path(VERDICT).resolve())
    environment = dict(os.environ, PATH=f"{binary}:{os.environ['PATH']}")
    ran, daemon = 0, None
    for command, promised in sessions_of(page):
        command = command.replace("5060", str(port)).replace("@127.0.0.1", f"@127.0.0.1:{port}")
        if command.startswith("verdict run "):
            daemon = subprocess.Popen(command.split(), cwd=t.folder, env=environment, stdout=open(t.path("run.out"), "w"),
                                      stderr=open(t.path("run.err"), "w"))
            t.on_end(daemon.kill)
            wait_until(lambda: "ready:" in t.path("run.err").read_text(), 10, "the engine")
            continue

        def as_promised():
            done = subprocess.run(command, shell=True, cwd=t.folder, env=environment, capture_output=True, text=True, timeout=20)
            as_promised.output = done.stdout + done.stderr
            return done.returncode == 0 and keeps(promised, as_promised.output)

        if "probe" in command:  # a save is taken when the folder has been quiet for a while
            wait_until(as_promised, 5, f"{command}: what the guide promises")
        else:
            check(as_promised(), f"{command}: {as_promised.output!r} is not {promised}")
        ran += 1
    check(daemon and ran >= 14, f"only {ran} commands were found")
    daemon.terminate()
    equal(daemon.wait(10), 0, "the engine's exit")


@test()
def the_language_page_as_it_stands(t):
    """Each Lua block of lua/README.md: a policy that checks without a word, or its tests."""
    blocks = re.findall(r"```lua\n(.*?)```", (ROOT / "lua/README.md").read_text(), re.S)
    wholes = [block for block in blocks if block.startswith("return policy") or block.startswith("return function")]
    tests = [block for block in blocks if block.startswith("return {")]
    equal((len(wholes), len(tests)), (2, 1), "policies and tests on the page")
    for number, text in enumerate(wholes):
        folder = t.folder / f"p{number}"
        folder.mkdir()
        (folder / "policy.lua").write_text(text)
        (folder / "closed-blocks.csv").write_text("+15550100-+15550199\n")
        done = cli("check", folder)
        equal(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
    (folder / "test.lua").write_text(tests[0])
    done = cli("test", folder, "--coverage", "--junit", t.path("junit.xml"))
    equal(done.returncode, 0, f"{done.stdout}{done.stderr}")
    check("1 passed, 0 failed" in done.stdout, done.stdout)
    check('tests="1" failures="0"' in t.path("junit.xml").read_text(), t.path("junit.xml").read_text())
    done = cli("test", folder, "--coverage", "--min", 100)
    check(done.returncode == 1, f"one test does not reach everything: {done.stdout}")


@test(limit=30)
def the_example_configuration(t):
    text = (EXAMPLES / "verdict.lua").read_text()
    data = example_data(t)
    for old, new in (("127.0.0.1:5060", "127.0.0.1:0"), ("/var/lib/verdict", str(data)), ("127.0.0.1:9464", "127.0.0.1:0"),
                     ("/var/log/verdict/decisions.jsonl", str(t.path("decisions.jsonl"))),
                     ("policies/lifecycle", str(ROOT / "policies/lifecycle"))):
        check(old in text, f"{old} is not in it")
        text = text.replace(old, new)
    config = t.write("verdict.lua", text)
    daemon = Daemon(t, policy=None, listen=(), data=False, args=["--config", str(config)])
    phone = Phone(t, daemon.address("udp"))
    phone.ask("INVITE", "+15550101", 410)
    phone.ask("INVITE", uri="sip:alice@sip.example.com", status=200)
    Phone(t, daemon.address("tcp"), "tcp").ask("OPTIONS", "+15550102", 301)
    wait_until(lambda: t.path("decisions.jsonl").exists() and t.path("decisions.jsonl").read_text().count("\n") >= 3, 3,
               "the decision log")
    check(daemon.metrics_address(), "no metrics address")


@test(limit=30)
def the_example_scenarios(t):
    data = example_data(t)
    daemon = Daemon(t, policy=ROOT / "policies/lifecycle", data=False, args=["--data", str(data)],
                    listen=("udp:127.0.0.1:0", "tcp:127.0.0.1:0"))
    for scenario, user in (("invite_200.xml", "+15550100"), ("invite_410.xml", "+15550101"), ("options.xml", "+15550100")):
        for transport, code in (("udp", "u1"), ("tcp", "t1")):
            equal(sipp.run(t, daemon.address(transport), EXAMPLES / "sipp" / scenario, calls=3, rate=10, service=user,
                           transport=code, name=f"{scenario}-{code}"), (3, 0), f"{scenario} over {transport}")


class Kamailio:
    def __init__(self, t, verdict, tls=None):
        """`tls` is (folder with kamailio.pem, kamailio.key and ca.pem, context and name of a caller over TLS)."""
        self.port = free_port()
        transport = "tls" if tls else "udp"
        folder = t.folder / "kamailio"
        folder.mkdir()
        self.log = folder / "kamailio.log"
        command = [sipp.have("kamailio", "kamailio"), "-f", str(EXAMPLES / "kamailio/kamailio.cfg"), "-DD", "-E", "-m", "64",
                   "-Y", str(folder), "-w", str(folder), "-A", f"LISTEN={transport}:127.0.0.1:{self.port}",
                   "-A", f'VERDICT="sip:{verdict[0]}:{verdict[1]};transport={transport}"']
        if tls:
            for name in ("kamailio.pem", "kamailio.key", "ca.pem"):
                shutil.copy(tls[0] / name, folder)
            config = folder / "tls.cfg"
            config.write_text(re.sub(r"= (\w+\.(?:pem|key))", rf"= {folder}/\1", (EXAMPLES / "kamailio/tls.cfg").read_text()))
            command += ["-A", "WITH_TLS=1", "-A", f'TLS_CONFIG="{config}"']
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        t.on_end(self.stop)
        self.address = ("127.0.0.1", self.port)
        self.probe = None

        def answers():
            check(self.process.poll() is None, f"kamailio ended:\n{self.log.read_text()[-2000:]}")
            try:
                self.probe = self.probe or Phone(t, self.address, transport, context=tls and tls[1], name=tls and tls[2])
                probe = self.probe
                probe.send(probe.request("OPTIONS", uri=f"sip:127.0.0.1:{self.port}"))
                return probe.receive(0.3)
            except OSError:
                return False

        wait_until(answers, 15, "kamailio to answer")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


def behind_kamailio(t, next_hop):
    folder = t.folder / "example"
    shutil.copytree(EXAMPLES / "kamailio", folder)
    policy = folder / "policy/policy.lua"
    text, count = re.subn(r"127\.0\.0\.1:5080", f"127.0.0.1:{next_hop}", policy.read_text())
    equal(count, 1, "next hops in the policy")
    policy.write_text(text)
    config = folder / "verdict.lua"
    config.write_text(config.read_text().replace("127.0.0.1:5070", "127.0.0.1:0"))
    return Daemon(t, policy=policy.parent, listen=(), data=False,
                  args=["--config", str(config), "--data", str(example_data(t)), "--t1-ms", "100"])


@test(limit=60)
def kamailio_in_front(t):
    hop = free_port()
    answering = subprocess.Popen([sipp.have("sipp", "sip-tester"), "-sf", str(sipp.SCENARIOS / "uas.xml"), "-i", "127.0.0.1", "-p", str(hop), "-nostdin"],
                                 cwd=t.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    t.on_end(answering.kill)
    daemon = behind_kamailio(t, hop)
    kamailio = Kamailio(t, daemon.address())
    phone = Phone(t, kamailio.address)
    domain = "@example.com"

    gone = phone.ask("INVITE", uri=f"sip:+15550101{domain}", status=410)
    check("cause=22" in (gone.get("reason") or ""), f"Reason through Kamailio: {gone.get('reason')}")
    for user, status in (("+15550102", 301), ("+15550103", 480), ("+15550999", 404)):
        phone.ask("INVITE", uri=f"sip:{user}{domain}", status=status)

    invite = phone.request("INVITE", uri=f"sip:+15550100{domain}")
    phone.send(invite)
    ok = phone.expect(200, 5)
    check(f"127.0.0.1:{hop}" in ok.get("contact"), f"the 200 is not the next hop's: {ok.get('contact')}")
    route = [f"Route: {value}" for value in reversed(ok.all("record-route"))]
    phone.send(dict(phone.ack_of(invite, ok), extra=route))
    phone.send(dict(phone.bye_of(invite, ok), extra=route))
    phone.expect(200, 5, method="BYE")
    check(daemon.metric("verdict_unacknowledged_refusals_total") in (0, None), "Kamailio did not acknowledge our answers")

    calls = sipp.run(t, kamailio.address, "invite_410.xml", calls=50, rate=50, service="+15550101", name="through")
    equal(calls, (50, 0), "refusals through Kamailio")


@test(limit=60)
def kamailio_in_front_over_tls(t):
    sipp.have("kamailio", "kamailio")
    if not pathlib.Path("/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so").exists():
        skip("Kamailio's TLS is not installed (Debian package kamailio-tls-modules)")
    authority = Authority(t)
    pair = authority.issue("verdict", "DNS:verdict.example.com")
    trunk = authority.issue("kamailio", "URI:sip:edge.example.com", "DNS:host.example.com")
    policy = t.write("policy.lua", '''
        return policy {
          name = "trunk", on_error = reject(500) {}, default = reject(403) {},
          rules = { { "the edge", when = { identity = "edge.example.com" }, verdict = gone { evidence = "the trunk asked" } } },
        }''')
    daemon = Daemon(t, policy=policy, listen=("tls:127.0.0.1:0,client_certificates=require", "udp:127.0.0.1:0"),
                    args=[*pair.flags(), "--client-ca", authority.file, "--set", "trusted=127.0.0.1"])
    context = authority.context(authority.issue("caller", "DNS:caller.example.com"))
    context.check_hostname = False
    kamailio = Kamailio(t, daemon.address("tls"), (authority.folder, context, "edge.example.com"))
    phone = kamailio.probe
    for _ in range(3):
        phone.ask("INVITE", uri="sip:+15550101@example.com", status=410)
    equal(daemon.metric("verdict_tls_clients_verified_total"), 1.0, "connections of Kamailio's: it keeps one")
    Phone(t, daemon.address("udp")).ask("INVITE", uri="sip:+15550101@example.com", status=403)
    wait_until(lambda: daemon.metric("verdict_acks_total", kind="acknowledged") == 4.0, 3, "Kamailio's ACKs")


@test(limit=60)
def kamailio_when_verdict_cannot_say(t):
    daemon = behind_kamailio(t, free_port())
    kamailio = Kamailio(t, daemon.address())
    phone = Phone(t, kamailio.address)
    uri = "sip:+15550101@example.com"
    phone.ask("INVITE", uri=uri, status=410)
    daemon.post("/v1/drain")
    busy = phone.ask("INVITE", uri=uri)
    equal(busy.status // 100, 5, f"drained: {busy.start}: no fact about the user")
    daemon.process.kill()
    invite = phone.request("INVITE", uri=uri)
    phone.send(invite)
    answer = None
    for _ in range(10):
        answer = phone.receive(5)
        if answer is None or answer.status >= 200:
            break
    check(answer is not None and answer.status in (500, 503), f"not there: {answer}")
    phone.send(phone.ack_of(invite, answer))
