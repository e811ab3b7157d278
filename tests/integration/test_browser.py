# SPDX-License-Identifier: Apache-2.0
"""Browsers: JsSIP and SIP.js in Chromium, over WS and WSS."""
from harness.browser import Browser, LabPhone
from harness.daemon import ROOT, Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.tls import Authority
from test_auth import set_password

DOMAIN = "example.com"
PASSWORD = "correct horse"


def web_daemon(t, users):
    """The policy of policies/digest_auth over WS and WSS; each of these users has PASSWORD; bob is there, carol is retired."""
    data = t.folder / "data"
    data.mkdir()
    for user in (*users, "bob", "carol"):
        equal(cli("directory", "add", "--data", data, f"sip:{user}@{DOMAIN}").returncode, 0, f"add {user}")
    equal(cli("directory", "retire", "--data", data, f"sip:carol@{DOMAIN}").returncode, 0, "retire carol")
    pair = Authority(t).issue("server", "IP:127.0.0.1")
    daemon = Daemon(t, policy=ROOT / "policies/digest_auth", data=False, listen=("ws:127.0.0.1:0", "wss:127.0.0.1:0"),
                    args=["--data", data, "--domain", DOMAIN, *pair.flags()])
    daemon.data = data
    for user in users:
        set_password(daemon, user, PASSWORD)
    return daemon


def server_of(daemon, scheme):
    host, port = daemon.address(scheme)
    return f"{scheme}://{host}:{port}"


def a_day(phone, daemon, user):
    """Registers, calls, subscribes, and is told what is not there any more."""
    where = phone.page
    equal(phone.ask("register")["status"], 200, f"{where}: REGISTER")
    listed = daemon.get(f"/v1/bindings?user=sip:{user}@{DOMAIN}")
    check(".invalid" in str(listed), f"{where}: its binding: {listed}")
    got = phone.ask("call", f"sip:bob@{DOMAIN}")
    equal(got["status"], 200, f"{where}: INVITE: {got}")
    check(got["streams"] and all(" 0 UDP/TLS/RTP/SAVPF " in line for line in got["streams"]), f"{where}: the answer: {got}")
    equal(daemon.metric("verdict_calls"), 1.0, f"{where}: live calls")
    phone.ask("hangUp")
    wait_until(lambda: daemon.metric("verdict_calls") == 0.0, 3, f"{where}: its BYE")
    got = phone.ask("call", f"sip:carol@{DOMAIN}")
    equal(got["status"], 410, f"{where}: a call to who is retired: {got}")
    got = phone.ask("subscribe", f"sip:bob@{DOMAIN}", "presence", "application/pidf+xml")
    check(got["status"] == 200 and got["state"].startswith("active"), f"{where}: SUBSCRIBE: {got}")
    check("<basic>closed</basic>" in got["body"], f"{where}: presence of bob: {got}")


@test(limit=90)
def browsers_register_call_and_are_told(t):
    browser = Browser(t)
    users = ("alice", "dora", "sam", "sue")
    daemon = web_daemon(t, users)
    for user, (library, scheme) in zip(users, ((one, two) for one in ("jssip", "sipjs") for two in ("ws", "wss"))):
        a_day(LabPhone(browser, library, server_of(daemon, scheme), user, PASSWORD), daemon, user)
    for library in ("jssip", "sipjs"):
        guess = LabPhone(browser, library, server_of(daemon, "ws"), users[0], "guess")
        equal(guess.ask("register")["status"], 401, f"{library} with a wrong password")
    equal(daemon.metric("verdict_acks_total", kind="acknowledged"), 16.0, "answers to 8 calls that were acknowledged: 401, then 200 or 410")
    for name in ("verdict_missing_acks_total", "verdict_byes_sent_total", "verdict_notifies_failed_total"):
        equal(daemon.metric(name), 0.0, name)
