# SPDX-License-Identifier: Apache-2.0
"""A user who is retired or moved ends everywhere: bindings, watchers, publications, calls; also when the engine is killed on
the way."""
import os
import random
import statistics
import time

from harness.daemon import Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone, contact_of, token

POLICY = """
return policy {
  name = "ends", on_error = reject(500) {}, default = not_found {},
  rules = {
    { "retired", when = { state = "gone" },   verdict = gone {} },
    { "moved",   when = { state = "moved" },  verdict = moved {} },
    { "active",  when = { state = "active" }, verdict = ok {} },
  },
}
"""
PIDF = ('<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@example.com">'
        '<tuple id="desk"><status><basic>open</basic></status></tuple></presence>')


def change(daemon, *args):
    done = cli("directory", *args, "--data", daemon.data)
    equal(done.returncode, 0, f"directory {args}: {done.stderr}")


def begin(t, keys, *args, name=None):
    """An engine over a directory in which these are active."""
    folder = t.folder / (name or "daemon")
    (folder / "data").mkdir(parents=True)
    for key in keys:
        cli("directory", "add", key, "--data", folder / "data")
    return Daemon(t, policy=POLICY, args=["--domain", "example.com", "--set", "notify_interval_ms=0", *args],
                  name=name or "daemon")


def register(phone, user, status=200, host="example.com", expires=600):
    aor = f"sip:{user}@{host}"
    return phone.ask("REGISTER", None, status, uri=f"sip:{host}", to=aor,
                     extra=[f"Contact: <sip:{user}@{phone.here()}>;expires={expires}"])


def contacts(phone, user, host="example.com"):
    return phone.ask("REGISTER", None, None, uri=f"sip:{host}", to=f"sip:{user}@{host}").all("contact")


def watch(t, daemon, user, event, host="example.com"):
    phone = Phone(t, daemon.address())
    request = phone.request("SUBSCRIBE", uri=f"sip:{user}@{host}",
                            extra=[f"Event: {event}", "Expires: 600", f"Contact: <sip:w@{phone.here()}>"])
    phone.send(request)
    answer = phone.expect(200)
    notify = phone.expect_request("NOTIFY")
    phone.answer(notify)
    request.update(to=request["uri"], to_tag=answer.tag(), uri=contact_of(answer))
    return phone, request


def publish(phone, user):
    request = phone.request("PUBLISH", uri=f"sip:{user}@example.com",
                            extra=["Event: presence", "Content-Type: application/pidf+xml"])
    text = phone.bytes_of(request).decode().replace("Content-Length: 0\r\n\r\n", f"Content-Length: {len(PIDF)}\r\n\r\n{PIDF}")
    phone.send(text.encode())
    return phone.expect(200).get("sip-etag")


def ended(phone, reason):
    """The NOTIFY that ends a subscription, answered; changes that were told before it are passed over."""
    while True:
        notify = phone.expect_request("NOTIFY")
        phone.answer(notify)
        state = notify.get("subscription-state")
        if state.startswith("terminated"):
            check(f"reason={reason}" in state, f"expected {reason}, got {state}")
            return notify


def call(phone, user, host="example.com", **fields):
    invite = phone.request("INVITE", uri=f"sip:{user}@{host}", **fields)
    phone.send(invite)
    answer = phone.expect(200)
    phone.send(phone.ack_of(invite, answer))
    return invite, answer


def reaches_everyone(t, command, extra, code, workers):
    daemon = begin(t, ["sip:a@example.com", "sip:b@example.com"], "--workers", workers, name=f"{command}{workers}")
    phone, other, caller = (Phone(t, daemon.address()) for _ in range(3))
    for user in ("a", "b"):
        register(phone, user)
    reg, _ = watch(t, daemon, "a", "reg")
    presence, subscription = watch(t, daemon, "a", "presence")
    bystander, _ = watch(t, daemon, "b", "presence")
    publish(other, "a")
    presence.answer(presence.expect_request("NOTIFY"))
    invite, answer = call(caller, "a")
    change(daemon, command, "sip:a@example.com", *extra)
    equal(other.ask("INVITE", uri="sip:a@example.com").status, code, f"INVITE after {command}")
    last = ended(reg, "noresource")
    check(b'state="terminated"' in last.body and b'event="rejected"' in last.body, f"reginfo: {last.body}")
    check(b'event="deactivated"' not in last.body, "a phone that is asked to come back")
    ended(presence, "noresource")
    presence.send(dict(subscription, cseq=2, branch="z9hG4bK" + token()))
    presence.expect(481)
    equal(register(phone, "a", None).status, 410 if code == 410 else 403, "REGISTER of whoever ended")
    equal(len(contacts(phone, "b")), 1, "bindings of another user")
    bystander.expect_silence(0.1)
    caller.expect_silence(0.05)  # the call goes on
    caller.ask("BYE", None, 200, **{k: v for k, v in caller.bye_of(invite, answer).items() if k not in ("method", "branch")})
    change(daemon, "restore", "sip:a@example.com")
    equal(contacts(phone, "a"), [], "bindings after the restoration")
    register(phone, "a")
    equal(len(contacts(phone, "a")), 1, "bindings of the one who came back")
    watch(t, daemon, "a", "presence")
    wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["next_row"] > 4, 2, "the journal to be followed")
    equal(daemon.get("/v1/status")[1]["retirement"]["retries"], 0, "retries")
    daemon.kill()  # the last NOTIFYs to watchers that do not answer would keep an orderly end waiting


@test(limit=60)
def a_retirement_reaches_everyone(t):
    for workers in (1, 2, 7):
        reaches_everyone(t, "retire", [], 410, workers)


@test(limit=30)
def a_move_reaches_everyone(t):
    reaches_everyone(t, "move", ["sip:a@new.example.net"], 301, 2)


@test()
def calls_of_the_retired_end_where_configured(t):
    daemon = begin(t, ["sip:a@example.com", "+15550100", "+15550200-+15550299"], "--workers", 3,
                   "--set", "end_retired_calls=true")
    phones = {user: Phone(t, daemon.address()) for user in ("a", "+15550100", "+15550250", "+15550251")}
    for user, phone in phones.items():
        call(phone, user)
    for key, user in (("sip:a@example.com", "a"), ("+15550100", "+15550100")):
        change(daemon, "retire", key)
        bye = phones[user].expect_request("BYE")
        check("cause=410" in bye.get("reason"), f"Reason: {bye.get('reason')}")
        phones[user].answer(bye)
    change(daemon, "retire", "+15550200-+15550299")
    for user in ("+15550250", "+15550251"):
        phones[user].answer(phones[user].expect_request("BYE"))


@test()
def a_forwarded_call_ends_with_whom_it_reached(t):
    """What was called first, in To, is another user than the one whom a proxy before us asks for."""
    daemon = begin(t, ["sip:a@example.com", "sip:b@example.com"], "--workers", 2, "--set", "end_retired_calls=true")
    to_a, to_b = Phone(t, daemon.address()), Phone(t, daemon.address())
    call(to_a, "a", to="sip:b@example.com")
    call(to_b, "b", to="sip:a@example.com")
    change(daemon, "retire", "sip:a@example.com")
    to_a.answer(to_a.expect_request("BYE"))
    check(not to_b.collect(0.3), "the call to b ended with a")


@test()
def ranges_and_domains_end_whoever_nothing_nearer_keeps(t):
    daemon = begin(t, ["+15550200-+15550299", "+15550210", "example.com", "sip:kept@example.com"], "--workers", 2)
    phone = Phone(t, daemon.address())
    users = ["+15550201", "+15550210", "someone", "kept"]
    for user in users:
        register(phone, user)
    watcher, _ = watch(t, daemon, "+15550202", "presence")
    change(daemon, "retire", "+15550200-+15550299")
    ended(watcher, "noresource")
    change(daemon, "retire", "example.com")
    wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["orders"] >= 2, 3, "the orders to be carried out")
    equal([len(contacts(phone, user)) if user in ("+15550210", "kept") else register(phone, user, None).status
           for user in users], [410, 1, 410, 1], "what is left")


@test()
def who_is_removed_may_come_back(t):
    daemon = begin(t, ["sip:a@example.com", "sip:b@example.com"])
    phone = Phone(t, daemon.address())
    register(phone, "a")
    watcher, _ = watch(t, daemon, "a", "presence")
    change(daemon, "remove", "sip:a@example.com")
    ended(watcher, "deactivated")
    equal(register(phone, "a", None).status, 404, "REGISTER of who is unknown")


@test(limit=60)
def a_retirement_survives_kill_9(t):
    """Killed at any moment behind the edit: after the next start nobody who was retired has a binding, and everybody else
    has theirs."""
    users = [f"u{number}" for number in range(24)]
    daemon = begin(t, [f"sip:{user}@example.com" for user in users], "--workers", 2)
    phone = Phone(t, daemon.address())
    for user in users:
        register(phone, user)
    left = list(users)
    random.shuffle(left)
    for _ in range(6):
        gone = [left.pop() for _ in range(2)]
        for user in gone:
            change(daemon, "retire", f"sip:{user}@example.com")
        time.sleep(random.random() * 0.01)
        daemon.kill()
        change(daemon, "restore", f"sip:{gone[0]}@example.com")
        daemon.start()
        phone = Phone(t, daemon.address())
        wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["next_row"] > 24 + 3, 5, "the journal to be followed")
        equal(register(phone, gone[1], None).status, 410, "REGISTER of the retired")
        listed = cli("bindings", "--limit", 100, "--data", daemon.data)
        equal(listed.returncode, 0, listed.stderr)
        check(f"{left[0]}@example.com" in listed.stdout, "those who stay are bound")
        check(f"{gone[1]}@example.com" not in listed.stdout, f"{gone[1]} has a binding")
        for user in left:
            equal(len(contacts(phone, user)), 1, f"bindings of {user}")
        register(phone, gone[0])


@test(limit=30)
def an_order_that_comes_twice_changes_nothing(t):
    """A kill may leave the saved position behind what was carried out: what is ordered again is judged by the directory of now."""
    daemon = begin(t, [f"sip:{user}@example.com" for user in ("back", "gone", "other")], "--workers", 2)
    phone = Phone(t, daemon.address())
    for user in ("back", "gone", "other"):
        register(phone, user)
    wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["next_row"] > 3, 5, "the journal to be followed")
    position = daemon.data / "retirement"
    before = position.read_bytes()
    for user in ("back", "gone"):
        change(daemon, "retire", f"sip:{user}@example.com")
    wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["next_row"] > 5, 5, "the retirements to be carried out")
    change(daemon, "restore", "sip:back@example.com")
    register(phone, "back")
    for _ in range(2):
        daemon.kill()
        position.write_bytes(before)
        daemon.start()
        phone = Phone(t, daemon.address())
        wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["next_row"] > 6, 5, "the rows to be followed again")
        wait_until(lambda: daemon.get("/v1/status")[1]["retirement"]["orders"] >= 2, 5, "the orders to come again")
        equal([len(contacts(phone, user)) for user in ("back", "other")], [1, 1], "who is here is bound")
        equal(register(phone, "gone", None).status, 410, "REGISTER of the retired")
        watcher, _ = watch(t, daemon, "back", "reg")
        check(not watcher.collect(0.3), "its watcher was told of an end")


WATCHERS = int(os.environ.get("VERDICT_WATCHERS", "1000"))
NOTIFY_RATE = int(os.environ.get("VERDICT_NOTIFY_RATE", "500"))


@test(measures=True, limit=60 + WATCHERS // 100)
def many_watchers_are_told_at_a_rate(t):
    """1,000 watchers (VERDICT_WATCHERS) at 500 a second (VERDICT_NOTIFY_RATE) take two seconds, and others are answered as fast
    as ever meanwhile."""
    daemon = begin(t, ["sip:a@example.com", "sip:b@example.com"], "--set", f"notify_rate={NOTIFY_RATE}", "--workers", 1,
                   "--set", f"max_subscriptions_per_user={WATCHERS}")
    phone = Phone(t, daemon.address())
    for _ in range(WATCHERS):
        request = phone.request("SUBSCRIBE", uri="sip:a@example.com",
                                extra=["Event: presence", "Expires: 7200", f"Contact: <sip:w@{phone.here()}>"])
        phone.send(request)
        phone.expect(200)
        phone.answer(phone.expect_request("NOTIFY"))
    equal(daemon.get("/v1/subscriptions?limit=1")[1]["total"], WATCHERS, "subscriptions")
    other = Phone(t, daemon.address())
    before = asked(other)
    start = time.monotonic()
    change(daemon, "retire", "sip:a@example.com")
    seen, times, last = 0, [], start
    while seen < WATCHERS:
        message = phone.receive(2)
        check(message is not None, f"only {seen} of {WATCHERS} watchers were told")
        phone.answer(message)
        seen += "terminated" in message.get("subscription-state")
        last = time.monotonic()
        if seen % 100 == 0:
            times.append(asked(other))
    took, slowest = last - start, max(times)
    wanted = WATCHERS / NOTIFY_RATE
    check(wanted * 0.75 < took < wanted * 1.5 + 3, f"{WATCHERS} watchers in {took:.1f} s")
    check(slowest < 0.2, f"another request took {slowest * 1000:.0f} ms")
    t.note(f"{WATCHERS} in {took:.1f} s, others {before * 1000:.1f} ms before, {statistics.median(times) * 1000:.1f} (median) and "
           f"{slowest * 1000:.1f} ms meanwhile")


def asked(phone):
    """How long the answer to another request takes."""
    before = time.monotonic()
    equal(phone.ask("OPTIONS", uri="sip:b@example.com").status, 200, "another request")
    return time.monotonic() - before
