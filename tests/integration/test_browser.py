# SPDX-License-Identifier: Apache-2.0
"""Browsers: JsSIP and SIP.js in Chromium, over WS and WSS; examples/webphone as it stands."""
import os

from harness.browser import Browser, LabPhone
from harness.daemon import ROOT, Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.tls import Authority
from test_auth import set_password

DOMAIN = "example.com"
PASSWORD = "correct horse"


def retire(daemon, user):
    done = cli("directory", "retire", "--data", daemon.data, f"sip:{user}@{DOMAIN}")
    equal(done.returncode, 0, f"retire {user}: {done.stderr}")


def web_daemon(t, users):
    """The policy of policies/digest_auth over WS and WSS; each of these users has PASSWORD; bob is there, carol is retired."""
    data = t.folder / "data"
    data.mkdir()
    for user in (*users, *("friend-" + user for user in users), "bob", "carol"):
        equal(cli("directory", "add", "--data", data, f"sip:{user}@{DOMAIN}").returncode, 0, f"add {user}")
    pair = Authority(t).issue("server", "IP:127.0.0.1")
    daemon = Daemon(t, policy=ROOT / "policies/digest_auth", data=False, listen=("ws:127.0.0.1:0", "wss:127.0.0.1:0"),
                    args=["--data", data, "--domain", DOMAIN, "--set", "end_retired_calls=true", *pair.flags()])
    daemon.data = data
    retire(daemon, "carol")
    for user in users:
        set_password(daemon, user, PASSWORD)
    return daemon


def server_of(daemon, scheme):
    host, port = daemon.address(scheme)
    return f"{scheme}://{host}:{port}"


def is_ended_by_us(phone, daemon, friend):
    """Before it is registered its Contact says `ob`; the BYE of a call whose callee is retired comes by the flow."""
    where = phone.page
    check(phone.ask("contact").endswith(".invalid;transport=ws;ob>"), f"{where}: its Contact before: {phone.ask('contact')}")
    equal(phone.ask("call", f"sip:{friend}@{DOMAIN}")["status"], 200, f"{where}: INVITE")
    retire(daemon, friend)
    equal(phone.ask("isEnded"), "remote", f"{where}: who ended the call to who is retired")
    wait_until(lambda: daemon.metric("verdict_calls") == 0.0, 3, f"{where}: the answer to our BYE")


def a_day(phone, daemon, user):
    """Registers, calls, subscribes, and is told what is not there any more."""
    where = phone.page
    is_ended_by_us(phone, daemon, f"friend-{user}")
    equal(phone.ask("register")["status"], 200, f"{where}: REGISTER")
    binding = daemon.get(f"/v1/bindings?aor=sip:{user}@{DOMAIN}")[1]["bindings"][0]
    check(".invalid" in binding["contact"], f"{where}: its binding: {binding}")
    gruu = f"{user}@{DOMAIN};gr={binding['instance'].strip('<>')}"
    flow = {"transport": where.split()[1].upper(), "state": "open", "worker": binding["flow"].get("worker")}
    equal((binding["reg_id"], binding["gruu"], binding["flow"]), (1, gruu, flow), f"{where}: outbound and GRUU")
    equal(phone.ask("contact"), f"<sip:{gruu}>", f"{where}: its Contact now")
    got = phone.ask("call", f"sip:bob@{DOMAIN}")
    equal(got["status"], 200, f"{where}: INVITE: {got}")
    check(got["streams"] and all(" 0 UDP/TLS/RTP/SAVPF " in line for line in got["streams"]), f"{where}: the answer: {got}")
    equal(daemon.metric("verdict_calls"), 1.0, f"{where}: live calls")
    if where.startswith("sipjs"):
        equal(phone.ask("offerAgain")["status"], 200, f"{where}: a second offer in the call")
    phone.ask("hangUp")
    wait_until(lambda: daemon.metric("verdict_calls") == 0.0, 3, f"{where}: its BYE")
    got = phone.ask("call", f"sip:carol@{DOMAIN}")
    equal(got["status"], 410, f"{where}: a call to who is retired: {got}")
    got = phone.ask("subscribe", f"sip:bob@{DOMAIN}", "presence", "application/pidf+xml")
    check(got["status"] == 200 and got["state"].startswith("active"), f"{where}: SUBSCRIBE: {got}")
    check("<basic>closed</basic>" in got["body"], f"{where}: presence of bob: {got}")


def an_end(phone, daemon, user):
    """Is retired: its registration ends, a watcher of it is told, and it cannot come back."""
    where, aor = phone.page, f"sip:{user}@{DOMAIN}"
    got = phone.ask("subscribe", aor, "reg", "application/reginfo+xml")
    check('state="active"' in got["body"], f"{where}: SUBSCRIBE to its own registration: {got}")
    retire(daemon, user)
    told = wait_until(lambda: [one for one in phone.notified() if one["state"].startswith("terminated")], 5, f"{where}: the last NOTIFY")
    check('event="rejected"' in str(phone.notified()), f"{where}: what a watcher of reg is told: {told}")
    check(".invalid" not in str(daemon.get(f"/v1/bindings?user={aor}")), f"{where}: its binding is still there")
    equal(phone.ask("register")["status"], 410, f"{where}: REGISTER of who is retired")


@test(limit=90)
def browsers_register_call_and_are_told(t):
    browser = Browser(t)
    users = ("alice", "dora", "sam", "sue")
    daemon = web_daemon(t, (*users, "dave"))
    for user, (library, scheme) in zip(users, ((one, two) for one in ("jssip", "sipjs") for two in ("ws", "wss"))):
        phone = LabPhone(browser, library, server_of(daemon, scheme), user, PASSWORD)
        a_day(phone, daemon, user)
        an_end(phone, daemon, user)
    for library in ("jssip", "sipjs"):
        guess = LabPhone(browser, library, server_of(daemon, "ws"), "dave", "guess")
        equal(guess.ask("register")["status"], 401, f"{library} with a wrong password")
    equal(daemon.metric("verdict_acks_total", kind="acknowledged"), 26.0,
          "acknowledged: in 12 calls a 401 and then a 200 or 410, in two of them a second 200")
    equal(daemon.metric("verdict_byes_sent_total"), 4.0, "our BYEs")
    for name in ("verdict_missing_acks_total", "verdict_bye_failures_total", "verdict_notifies_failed_total"):
        equal(daemon.metric(name), 0.0, name)


class Webphone:
    """The page of examples/webphone, by its fields and buttons."""

    def __init__(self, browser, server, user):
        self.browser, self.page = browser, "webphone"
        browser.open(self.page, f"/webphone/index.html?server={server}&user=sip:{user}@{DOMAIN}")

    def fill(self, into, text):
        self.browser.tell("fill", self.page, into=into, text=text)

    def click(self, on):
        self.browser.tell("click", self.page, on=on)

    def text(self, of, containing=None):
        return self.browser.text(self.page, of, containing)

    def ladder(self):
        """[(direction, title)] of the arrows that are shown."""
        return self.browser.evaluate(self.page, "[...document.querySelectorAll('.message')].map((one) => "
                                                "[one.classList.contains('sent') ? 'sent' : 'received', one.querySelector('b').textContent])")

    def screenshot(self, name):
        """For whoever wants to look: VERDICT_SCREENSHOTS names a folder."""
        folder = os.environ.get("VERDICT_SCREENSHOTS")
        if folder:
            self.browser.tell("screenshot", self.page, to=os.path.join(folder, name))


@test(limit=60)
def the_example_webphone(t):
    browser = Browser(t)
    daemon = web_daemon(t, ("alice",))
    phone = Webphone(browser, server_of(daemon, "wss"), "alice")
    phone.fill("#password", "guess")
    phone.click("#register")
    phone.text("#registration", "401 Unauthorized")
    phone.fill("#password", PASSWORD)
    phone.click("#register")
    phone.text("#registration", "registered")

    phone.click("#call")
    phone.text("#code", "200")
    phone.click("#subscribe")
    phone.text("#presence", "not available")
    phone.screenshot("call.png")
    phone.click("#hangup")
    phone.text("#phrase", "Ended")
    phone.text("#messages", "to BYE")
    whole = [["sent", "INVITE"], ["received", "401 Unauthorized"], ["sent", "ACK"], ["sent", "INVITE"], ["received", "200 OK"],
             ["sent", "ACK"], ["sent", "BYE"], ["received", "200 OK"]]
    equal(phone.ladder(), whole, "the ladder of a call")
    check("SDP without media" in phone.text("#messages"), "the answer's streams are not said to be refused")

    phone.fill("#target", f"sip:carol@{DOMAIN}")
    phone.click("#call")
    phone.text("#code", "410")
    equal(phone.text("#phrase"), "Gone", "the phrase")
    wait_until(lambda: phone.ladder() == whole[:4] + [["received", "410 Gone"], ["sent", "ACK"]], 3, "the ladder of a refusal")
    phone.click("#messages li:nth-child(5) button")
    check(phone.text("#text").startswith("SIP/2.0 410 Gone"), "the message behind an arrow")
    phone.screenshot("gone.png")

    phone.fill("#target", f"sip:bob@{DOMAIN}")
    phone.click("#call")
    phone.text("#code", "200")
    retire(daemon, "alice")
    phone.text("#registration", "ended by the server")
    phone.click("#register")
    phone.text("#registration", "410 Gone")
    phone.click("#dialogs button:first-child")
    browser.tell("media", phone.page, scheme="dark")
    phone.screenshot("dark.png")
    daemon.kill()
    phone.text("#registration", "no connection")
    phone.text("#phrase", "Connection lost")
    phone.screenshot("lost.png")
    equal(browser.evaluate(phone.page, "document.getElementById('hangup').disabled"), True, "a call that can be hung up")
    check(not browser.errors(), f"errors in the page: {browser.errors()}")
