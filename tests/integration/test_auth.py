# SPDX-License-Identifier: Apache-2.0
"""Digest authentication with real clients, with passwords that were set while the engine runs."""
import json
import os
import pty
import re
import shutil
import subprocess

from harness import digest, sipp
from harness.daemon import ROOT, VERDICT, Daemon, cli
from harness.registry import check, equal, skip, test, wait_until
from harness.sip import Phone

POLICY = """return policy {
  name = "p", on_error = reject(500) {}, default = not_found {},
  rules = {
    { "who",     when = { authenticated = false }, verdict = challenge {} },
    { "retired", when = { state = "gone" },        verdict = gone {} },
    { "active",  when = { state = "active" },      verdict = ok {} },
  },
}
"""


def auth_daemon(t, users=("alice", "bob"), **kwargs):
    """These users of example.com, which is the default domain; alice has the password "secret"."""
    data = t.folder / "data"
    data.mkdir()
    for user in users:
        equal(cli("directory", "add", "--data", data, f"sip:{user}@example.com").returncode, 0, f"add {user}")
    daemon = Daemon(t, policy=kwargs.pop("policy", POLICY), data=False, args=["--data", str(data), "--domain", "example.com", "--workers", "2",
                                                        *kwargs.pop("args", [])], **kwargs)
    daemon.data = data
    set_password(daemon, "alice", "secret")
    return daemon


def set_password(daemon, user, password):
    """Through the control socket: the daemon holds the data folder."""
    done = cli("directory", "passwd", "--data", daemon.data, f"sip:{user}@example.com", stdin=password + "\n")
    equal(done.returncode, 0, f"passwd: {done.stdout}{done.stderr}")


@test()
def digest_every_algorithm_gets_through(t):
    daemon = auth_daemon(t)
    phone = Phone(t, daemon.address())
    offered = digest.challenges(phone.ask("OPTIONS", "bob", 401))
    equal(list(offered), ["SHA-512-256", "SHA-256", "MD5"], "the order of challenges")
    equal({fields["realm"] for fields in offered.values()}, {"example.com"}, "realm")
    for algorithm in offered:
        for method in ("INVITE", "MESSAGE", "OPTIONS"):
            digest.ask(phone, method, "bob", 200, algorithm)
    digest.ask(phone, "INVITE", "nobody", 404)
    digest.ask(phone, "INVITE", "bob", 401, password="guess")
    digest.ask(phone, "INVITE", "bob", 401, user="nobody")
    set_password(daemon, "alice", "other")
    digest.ask(phone, "INVITE", "bob", 401)
    digest.ask(phone, "INVITE", "bob", 200, password="other")
    text = daemon.log_path.read_text() + daemon.decisions_path.read_text()
    check("secret" not in text and "guess" not in text, "a password is in a log")
    check(daemon.metric("verdict_credentials_total", outcome="good") >= 10, "the metric")


@test()
def digest_a_retired_phone_learns_it(t):
    daemon = auth_daemon(t)
    phone = Phone(t, daemon.address())
    digest.ask(phone, "INVITE", "alice", 200)
    equal(cli("directory", "retire", "--data", daemon.data, "sip:alice@example.com").returncode, 0, "retire")
    phone.ask("INVITE", "alice", 401)  # a stranger is not told
    digest.ask(phone, "INVITE", "alice", 410)
    show = cli("directory", "show", "--data", daemon.data, "sip:alice@example.com").stdout
    check("password: yes" in show and "state: gone" in show, show)
    history = cli("directory", "history", "--data", daemon.data, "--json").stdout
    for file in (show, history, cli("directory", "export", "--data", daemon.data).stdout):
        check("ha1" not in file and "b1726872c344b6dc8365b774f8fd6412" not in file, f"an HA1 is in {file}")
    check("b1726872c344b6dc8365b774f8fd6412" in cli("directory", "export", "--passwords", "--data", daemon.data).stdout, "--passwords")


@test()
def digest_a_replay_is_refused_on_every_worker(t):
    daemon = auth_daemon(t)
    phone = Phone(t, daemon.address())
    uri = f"sip:bob@{phone.there()}"
    challenge = digest.challenges(phone.ask("MESSAGE", "bob", 401))["SHA-256"]
    line = digest.authorization(challenge, "MESSAGE", uri)
    requests = [phone.request("MESSAGE", "bob", extra=[line]) for _ in range(40)]  # 40 Call-IDs: both workers have some
    for request in requests:
        phone.send(request)
    answers = [phone.receive(3) for _ in requests]
    codes = sorted(answer.status for answer in answers)
    equal(codes, [200] + [401] * 39, "one is accepted")
    check(all("stale=true" in answer.get("www-authenticate") for answer in answers if answer.status == 401), "stale")
    phone.ask("MESSAGE", "bob", 200, extra=[digest.authorization(challenge, "MESSAGE", uri, nc=2)])


@test()
def digest_a_nonce_of_before_the_restart_is_stale(t):
    daemon = auth_daemon(t)
    phone = Phone(t, daemon.address())
    uri = f"sip:bob@{phone.there()}"
    challenge = digest.challenges(phone.ask("MESSAGE", "bob", 401))["MD5"]
    daemon.stop()
    daemon.start()
    phone = Phone(t, daemon.address())
    uri = f"sip:bob@{phone.there()}"
    again = phone.ask("MESSAGE", "bob", 401, extra=[digest.authorization(challenge, "MESSAGE", uri)])
    check("stale=true" in again.get("www-authenticate"), again.get("www-authenticate"))
    guess = phone.ask("MESSAGE", "bob", 401, extra=[digest.authorization(challenge, "MESSAGE", uri, password="guess")])
    check("stale" not in guess.get("www-authenticate"), "a guess is told more than it may")


@test()
def digest_guessing_ends_in_403(t):
    config = t.write("c.lua", 'return { tries_per_source = 5, log = "all" }')
    daemon = auth_daemon(t, args=["--config", str(config)])
    phone = Phone(t, daemon.address())
    for i in range(8):
        digest.ask(phone, "MESSAGE", "bob", 401 if i < 5 else 403, password="guess")
    daemon.wait_log("too many wrong passwords from one source")
    wait_until(lambda: '"too_many_tries"' in daemon.decisions_path.read_text(), 5, "the decision log's line")


@test()
def digest_passwords_come_from_a_terminal_without_echo(t):
    daemon = auth_daemon(t)
    command = [VERDICT, "directory", "passwd", "--data",
               str(daemon.data), "sip:bob@example.com"]
    for second, code in ((b"hidden\n", 0), (b"other\n", 1)):
        parent, child = pty.openpty()
        process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, close_fds=True)
        os.close(child)
        shown = b""
        for prompt, line in ((b"Password: ", b"hidden\n"), (b"Again: ", second)):
            while prompt not in shown:
                shown += os.read(parent, 1000)
            os.write(parent, line)
        equal(process.wait(5), code, f"passwd on a terminal: {shown}")
        try:
            shown += os.read(parent, 1000)
        except OSError:
            pass
        os.close(parent)
        check(b"hidden" not in shown and b"other" not in shown, f"the password was shown: {shown}")
    digest.ask(Phone(t, daemon.address()), "MESSAGE", "alice", 200, user="bob", password="hidden")


@test()
def digest_with_sipp_and_sipsak(t):
    daemon = auth_daemon(t)
    host, port = daemon.address()
    run = sipp.start(t, (host, port), "digest_message.xml", calls=50, rate=200, service="bob")
    equal(sipp.finish(run), (50, 0), "SIPp's calls")
    sipsak = sipp.have("sipsak", "sipsak")
    done = subprocess.run([sipsak, "-vv", "-s", f"sip:bob@{host}:{port}", "-u", "alice", "-a", "secret"], capture_output=True,
                          text=True, timeout=20)
    check(done.returncode == 0 and "200 OK" in done.stdout, f"sipsak: {done.stdout[-500:]}{done.stderr}")
    done = subprocess.run([sipsak, "-vv", "-s", f"sip:bob@{host}:{port}", "-u", "alice", "-a", "wrong"], capture_output=True,
                          text=True, timeout=20)
    check(done.returncode != 0, "sipsak got in with a wrong password")


NET_SIP = """use Net::SIP; my ($server, $password) = @ARGV; my ($done, $code, $bye);
my $ua = Net::SIP::Simple->new(outgoing_proxy => $server, from => 'sip:alice@example.com', auth => ['alice', $password]);
my $call = $ua->invite('sip:bob@example.com', cb_final => sub { my ($status, $c, %info) = @_; $code = "$status $info{code}"; $done = 1 })
  or die $ua->error;
$ua->loop(5, \\$done);
if ($code =~ /^OK/) { $call->bye(cb_final => \\$bye); $ua->loop(5, \\$bye); }
print "$code\\n";
"""


@test()
def digest_with_net_sip(t):
    perl = shutil.which("perl")
    if not perl or subprocess.run([perl, "-MNet::SIP", "-e", "1"], capture_output=True).returncode:
        skip("Net::SIP is not installed (Debian package libnet-sip-perl)")
    daemon = auth_daemon(t)
    host, port = daemon.address()
    for password, expected in (("secret", "OK"), ("wrong", "FAIL 401")):
        done = subprocess.run([perl, str(t.write("call.pl", NET_SIP)), f"{host}:{port}", password], capture_output=True, text=True,
                              timeout=30)
        check(done.stdout.startswith(expected), f"Net::SIP: {done.stdout}{done.stderr}")


BARESIP = """module_path {modules}
module stdio.so
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
sip_listen 127.0.0.1:0
audio_player aubridge,x
audio_source aubridge,x
"""


def baresip_folder(t):
    """The program and its configuration folder, which has no accounts yet."""
    baresip = sipp.have("baresip", "baresip-core")
    modules = next((p for p in ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules") if os.path.isdir(p)), None)
    if not modules:
        skip("baresip's modules are not where they usually are")
    folder = t.folder / "baresip"
    folder.mkdir()
    (folder / "config").write_text(BARESIP.format(modules=modules))
    (folder / "contacts").write_text("")
    return baresip, folder


@test()
def digest_with_baresip(t):
    baresip, folder = baresip_folder(t)
    daemon = auth_daemon(t)
    host, port = daemon.address()
    (folder / "accounts").write_text(f'<sip:alice@example.com>;auth_user=alice;auth_pass=secret;regint=0;outbound="sip:{host}:{port}"\n')
    done = subprocess.run([baresip, "-f", str(folder), "-e", "/dial sip:bob@example.com", "-t", "2"], capture_output=True, text=True,
                          timeout=30)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    check("Call established" in text, f"baresip: {text[-800:]}")
    equal(cli("directory", "retire", "--data", daemon.data, "sip:bob@example.com").returncode, 0, "retire")
    done = subprocess.run([baresip, "-f", str(folder), "-e", "/dial sip:bob@example.com", "-t", "2"], capture_output=True, text=True,
                          timeout=30)
    check("410 Gone" in done.stdout + done.stderr, f"baresip: {done.stdout[-800:]}")


SHIPPED = ROOT / "policies" / "digest_auth"


def registered(daemon, user="alice"):
    done = cli("bindings", f"sip:{user}@example.com", "--json", "--data", daemon.data)
    return len(json.loads(done.stdout)["bindings"])


@test()
def digest_guards_registrations(t):
    """The shipped policy: a user registers for himself alone, and hears 410 when he has been retired."""
    daemon = auth_daemon(t, policy=SHIPPED)
    phone = Phone(t, daemon.address())

    def register(of, status, **who):
        fields = {"uri": "sip:example.com", "to": f"sip:{of}@example.com"}
        contact = f"Contact: <sip:{of}@{phone.here()}>;expires=300"
        challenge = digest.challenges(phone.ask("REGISTER", None, 401, extra=[contact], **fields))["SHA-256"]
        line = digest.authorization(challenge, "REGISTER", "sip:example.com", **who)
        return phone.ask("REGISTER", None, status, extra=[contact, line], **fields)

    register("alice", 200)
    register("bob", 403)
    register("alice", 401, password="guess")
    equal((registered(daemon), registered(daemon, "bob")), (1, 0), "bindings of alice and bob")
    equal(cli("directory", "retire", "--data", daemon.data, "sip:alice@example.com").returncode, 0, "retire")
    wait_until(lambda: registered(daemon) == 0, 3, "the bindings of the retired to go")
    equal(register("alice", 410).get("contact"), None, "Contact of a 410")
    register("alice", 401, password="guess")  # a stranger does not learn that she has gone
    register("nobody", 401, user="nobody")


@test()
def digest_registers_sipp(t):
    daemon = auth_daemon(t, policy=SHIPPED)
    run = sipp.start(t, daemon.address(), "digest_register.xml", calls=10, rate=50, service="alice")
    equal(sipp.finish(run), (10, 0), "SIPp's registrations")
    equal(registered(daemon), 10, "bindings")


@test(limit=40)
def digest_registers_baresip_until_it_is_retired(t):
    baresip, folder = baresip_folder(t)
    daemon = auth_daemon(t, policy=SHIPPED, args=["--set", "register_min_s=1"])
    host, port = daemon.address()
    (folder / "accounts").write_text(f'<sip:alice@example.com>;auth_user=alice;auth_pass=secret;regint=2;outbound="sip:{host}:{port}"\n')
    log = folder / "log"
    with open(log, "wb") as out:
        phone = subprocess.Popen([baresip, "-f", str(folder)], stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
    t.on_end(lambda: phone.poll() is None and phone.kill())
    wait_until(lambda: registered(daemon) == 1, 10, "baresip to register")
    equal(cli("directory", "retire", "--data", daemon.data, "sip:alice@example.com").returncode, 0, "retire")
    wait_until(lambda: registered(daemon) == 0, 3, "its binding to go")
    wait_until(lambda: "410 Gone" in log.read_text(errors="replace"), 10, "baresip to hear of its retirement")
    equal(registered(daemon), 0, "bindings afterwards")
