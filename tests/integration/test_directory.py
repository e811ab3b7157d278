# SPDX-License-Identifier: Apache-2.0
"""Who is known here, changed while the engine answers: the next request sees it, and nothing is ever half done."""
import concurrent.futures
import json
import os
import pathlib
import pty
import random
import shutil
import subprocess
import tempfile
import threading
import time

from harness import sipp
from harness.daemon import ROOT, VERDICT, Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone

HEADER = "kind,key,state,forward,since,cause,by,reassign_after,note\n"
LIFECYCLE = """return policy {
  name = "p", on_error = reject(500) {}, default = not_found {},
  rules = {
    { "active", when = { state = "active" }, verdict = ok {} },
    { "moved", when = { state = "moved" }, verdict = moved {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "retired", when = { state = "gone" }, verdict = gone {} },
  },
}
"""
SMALL = HEADER + ("number,+15550100,active,,,,,,\nnumber,+15550101,gone,,2025-06-30,22,,,\n"
                  "number,+15550102,moved,sip:+15550190@example.net,,,,,\nnumber,+15550103,suspended,,,,,,\n"
                  "range,+15550200-+15550299,gone,,,1,,,\n")


def directory_daemon(t, content=SMALL, folder=None, **kwargs):
    data = (folder or t.folder) / "data"
    data.mkdir()
    done = cli("directory", "import", "--data", data, "-", stdin=content)
    if done.returncode:
        done = cli("directory", "import", "--data", data, t.write("first.csv", content))
    equal(done.returncode, 0, f"the first import: {done.stdout}{done.stderr}")
    daemon = Daemon(t, policy=kwargs.pop("policy", LIFECYCLE), data=False, args=["--data", str(data)] + kwargs.pop("args", []),
                    **kwargs)
    daemon.data = data
    return daemon


def edit(daemon, verb, key, status=200, **fields):
    got, answer = daemon.post(f"/v1/directory/{verb}", dict(fields, key=key))
    equal(got, status, f"{verb} {key}: {answer}")
    return answer


@test()
def each_state_has_its_answer(t):
    daemon = directory_daemon(t)
    phone = Phone(t, daemon.address())
    for user, status in (("+15550100", 200), ("+15550101", 410), ("+15550102", 301), ("+15550103", 480),
                         ("+15550250", 410), ("+15550999", 404)):
        for method in ("INVITE", "OPTIONS"):
            phone.ask(method, user, status)
    moved = phone.ask("INVITE", "+15550102", 301)
    check("+15550190@example.net" in moved.get("contact"), f"Contact: {moved.get('contact')}")
    gone = phone.ask("INVITE", "+15550101", 410)
    check("cause=22" in (gone.get("reason") or ""), f"Reason: {gone.get('reason')}")


@test()
def an_edit_is_seen_by_the_next_request(t):
    daemon = directory_daemon(t)
    phone = Phone(t, daemon.address())
    steps = (("add", "+15550300", 200, {}), ("retire", "+15550300", 410, {"cause": 1}), ("restore", "+15550300", 200, {}),
             ("suspend", "+15550300", 480, {}), ("restore", "+15550300", 200, {}),
             ("move", "+15550300", 301, {"forward": "sip:x@example.net"}), ("retire", "+15550300", 410, {}))
    for _ in range(3):
        for verb, key, status, fields in steps:
            edit(daemon, verb, key, **fields)
            phone.ask("INVITE", key, status)
        edit(daemon, "remove", "+15550300")
        phone.ask("INVITE", "+15550300", 404)
    status, answer = daemon.get("/v1/directory/history?key=+15550300&limit=100")
    equal(status, 200, f"history: {answer}")
    check(len(answer["changes"]) >= 8, f"rows of history: {answer}")


@test()
def the_command_line_edits_through_the_daemon(t):
    daemon = directory_daemon(t, args=["--t1-ms", "20"])
    phone = Phone(t, daemon.address())
    for args, status in ((("retire", "+15550100", "--cause", "22"), 410), (("restore", "+15550100"), 200),
                         (("move", "+15550100", "sip:y@example.net"), 301)):
        done = cli("directory", *args, "--data", daemon.data)
        equal(done.returncode, 0, f"{args}: {done.stdout}{done.stderr}")
        phone.ask("INVITE", "+15550100", status)
    done = cli("directory", "show", "+15550100", "--data", daemon.data)
    check("moved" in done.stdout, f"{done.stdout}{done.stderr}")
    done = cli("directory", "history", "+15550100", "--data", daemon.data)
    check("retire" in done.stdout, f"{done.stdout}{done.stderr}")
    done = cli("directory", "export", "--data", daemon.data)
    check(done.stdout.startswith(HEADER.strip()), done.stdout[:200])
    equal(len(done.stdout.splitlines()), 6, "lines exported")
    for command in (("verify",), ("compact",), ("backup", str(t.folder / "backup"))):
        done = cli("directory", *command, "--data", daemon.data)
        equal(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
    phone.ask("INVITE", "+15550101", 410)
    equal(daemon.stop(), 0, "exit code")
    done = cli("directory", "restore", "+15550100", "--data", daemon.data)  # and without one
    equal(done.returncode, 0, f"{done.stdout}{done.stderr}")


@test()
def the_first_entry_makes_the_directory(t):
    daemon = Daemon(t, policy='return function(req) return gone { evidence = "I say so" } end\n')
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "+15550100", 410)
    edit(daemon, "retire", "+15550100", status=409)
    edit(daemon, "add", "+15550100")
    phone.ask("INVITE", "+15550100", 480)  # now the guard knows better than the script


@test()
def bad_edits_are_told(t):
    daemon = directory_daemon(t)
    for verb, body, status in (("add", {}, 400), ("add", {"key": "???"}, 400), ("add", {"key": "+15550100"}, 409),
                               ("retire", {"key": "+15559999"}, 404), ("retire", {"key": "+15550100", "cause": 500}, 400),
                               ("move", {"key": "+15550100"}, 400), ("move", {"key": "+15550100", "forward": "nonsense"}, 400),
                               ("add", {"key": "sip:" + "x" * 600 + "@example.com"}, 400),
                               ("add", {"key": "+15550400", "state": "lost"}, 400),
                               ("add", {"key": "+15550400", "kind": "fish"}, 400),
                               ("add", {"key": "+15550400", "nonsense": 1}, 400)):
        got, answer = daemon.post(f"/v1/directory/{verb}", body)
        equal(got, status, f"{verb} {json.dumps(body)[:80]}: {answer}")
        check(len(answer["error"]["text"]) > 5, f"{answer}")
    equal(daemon.get("/v1/directory/show?key=+15559999")[0], 404, "show of nobody")
    equal(daemon.get("/v1/directory/show")[0], 400, "show without a key")


@test(limit=40)
def a_hundred_edits_at_once(t):
    daemon = directory_daemon(t)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        keys = [f"+1555{n:07d}" for n in range(100)]
        answers = list(pool.map(lambda key: daemon.post("/v1/directory/add", {"key": key, "state": "gone"}), keys))
    equal([a for a in answers if a[0] != 200], [], "edits that failed")
    equal(len({a[1]["seq"] for a in answers}), 100, "sequence numbers")
    status, text = daemon.get("/v1/directory/export?format=jsonl")
    equal(status, 200, "export")
    exported = {json.loads(line)["key"] for line in text.splitlines()}
    equal([key for key in keys if key not in exported], [], "keys that are missing")
    daemon.process.kill()
    daemon.process.wait()
    daemon.start()
    phone = Phone(t, daemon.address())
    for key in random.sample(keys, 20):
        phone.ask("INVITE", key, 410)


@test(limit=40)
def a_hundred_commands_at_once(t):
    daemon = directory_daemon(t)
    commands = [subprocess.Popen([VERDICT, "directory", "add", f"+1666{n:07d}", "--data", str(daemon.data)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in range(100)]
    failures = [c.communicate()[1] for c in commands if c.wait(30) != 0]
    equal(failures, [], "commands that failed")
    equal(daemon.get("/v1/status")[1]["directory"]["entries"], 105, "entries")


def big(count, state="gone"):
    yield HEADER.encode()
    for start in range(0, count, 5000):
        yield "".join(f"number,+1777{n:07d},{state},,,,,,\n" for n in range(start, min(start + 5000, count))).encode()


@test(limit=60)
def an_import_under_load(t):
    daemon = directory_daemon(t)
    load = sipp.start(t, daemon.address(), "invite_410.xml", calls=1200, rate=300, service="+15550101")
    count = 200000
    status, answer = daemon.request("POST", "/v1/directory/import?format=csv&merge=1&by=test", big(count), timeout=50)
    equal(status, 200, f"import: {answer}")
    equal((answer["rows"], answer["added"]), (count, count), "rows")
    phone = Phone(t, daemon.address())
    phone.ask("INVITE", "+17770000007", 410)
    phone.ask("INVITE", f"+1777{count - 1:07d}", 410)
    calls, failed = sipp.finish(load, 30)
    equal(failed, 0, f"lost calls of {calls}")
    t.note(f"{count} rows in {answer['took_ms']} ms beside {calls} calls")


@test(limit=40)
def imports_that_are_refused(t):
    daemon = directory_daemon(t, SMALL + "".join(f"number,+1888{n:07d},active,,,,,,\n" for n in range(100)))
    phone = Phone(t, daemon.address())

    def send(query, body):
        return daemon.request("POST", "/v1/directory/import?" + query, body)

    status, answer = send("format=csv", HEADER + "number,+15550100,active,,,,,,\nnumber,nonsense,active,,,,,,\n")
    equal((status, answer["error"].get("line")), (400, 3), f"a bad line: {answer}")
    status, answer = send("format=csv", HEADER + "number,+15550100,gone,,,,,,\n")
    equal(status, 409, f"a mass removal: {answer}")
    check("force" in answer["error"]["text"], f"it does not say how: {answer}")
    equal(send("format=fish", "x")[0], 400, "an unknown format")
    equal(send("format=csv", "")[0], 400, "an empty file")
    phone.ask("INVITE", "+15550100", 200)
    status, answer = send("format=csv&dry_run=1&force=1", HEADER + "number,+15550100,gone,,,,,,\n")
    equal((status, answer["dry_run"], answer["removed"]), (200, True, 104), f"a dry run: {answer}")
    phone.ask("INVITE", "+15550100", 200)
    status, answer = send("format=csv&force=1", HEADER + "number,+15550100,gone,,,,,,\n")
    equal(status, 200, f"by force: {answer}")
    phone.ask("INVITE", "+15550100", 410)
    phone.ask("INVITE", "+15550101", 404)


@test(limit=40)
def a_client_that_goes_in_the_middle_of_an_import(t):
    daemon = directory_daemon(t)

    def half():
        for number, piece in enumerate(big(100000)):
            if number == 10:
                raise ConnectionAbortedError
            yield piece

    try:
        daemon.request("POST", "/v1/directory/import?format=csv&merge=1", half())
    except ConnectionAbortedError:
        pass
    wait_until(lambda: not daemon.get("/v1/status")[1]["directory"]["importing"], 10, "the import to be undone")
    equal(daemon.get("/v1/status")[1]["directory"]["entries"], 5, "entries")
    equal(daemon.request("POST", "/v1/directory/import?format=csv&merge=1", big(1000))[0], 200, "the next import")


@test(limit=120)
def kill_9_in_the_middle_of_imports(t):
    """At random moments: afterwards the old directory or the new one, never a mixture, and never 'not found'."""
    daemon = directory_daemon(t)
    count = 60000
    old_total = 5
    seen = set()
    for attempt in range(8):
        moment = random.uniform(0.005, 0.5)
        killer = threading.Timer(moment, daemon.process.kill)
        killer.start()
        try:
            daemon.request("POST", "/v1/directory/import?format=csv&merge=1", big(count))
        except (OSError, ConnectionError, Exception):  # the daemon is gone, whatever that looks like from here
            pass
        killer.join()
        daemon.process.wait()
        daemon.start()
        entries = daemon.get("/v1/status")[1]["directory"]["entries"]
        check(entries in (old_total, old_total + count), f"{entries} entries after a kill at {moment:.3f} s")
        seen.add(entries)
        phone = Phone(t, daemon.address())
        phone.ask("INVITE", "+15550101", 410)
        phone.ask("INVITE", "+17770000001", 404 if entries == old_total else 410)
        equal(daemon.post("/v1/directory/verify", timeout=30)[1]["ok"], True, "verify")
        if entries != old_total:
            body = SMALL
            equal(daemon.request("POST", "/v1/directory/import?format=csv&force=1", body, timeout=30)[0], 200, "back")


@test()
def a_broken_directory_is_503_and_never_404(t):
    daemon = directory_daemon(t)
    equal(daemon.stop(), 0, "exit code")
    files = sorted((p for p in (daemon.data / "directory").rglob("*") if p.is_file() and p.stat().st_size > 8192),
                   key=lambda p: -p.stat().st_size)
    check(files, "no file of the directory was found")
    with open(files[0], "r+b") as file:
        file.truncate(8192)
    daemon.start(wait=False)
    time.sleep(1)
    if daemon.alive():
        daemon.wait_ready()
        phone = Phone(t, daemon.address())
        for user in ("+15550100", "+15550101", "+15550999"):
            answer = phone.ask("INVITE", user, 503)
            check(answer.get("retry-after"), "no Retry-After")
    else:
        check("director" in daemon.log(), f"it does not say why: {daemon.log()}")
        raise AssertionError("it does not start; the design says: the next start answers 503")


@test()
def an_emptied_directory_is_503(t):
    daemon = directory_daemon(t, HEADER + "number,+15550100,active,,,,,,\n")
    edit(daemon, "remove", "+15550100")
    Phone(t, daemon.address()).ask("INVITE", "+15550100", 503)


@test()
def a_lost_directory_is_503(t):
    """The folder with the entries is gone, the data folder is not: nothing is known, so no script's 410 may stand."""
    import shutil
    daemon = directory_daemon(t, policy='return function(req) return gone {} end\n')
    Phone(t, daemon.address()).ask("INVITE", "+15550100", 480)
    equal(daemon.stop(), 0, "exit code")
    shutil.rmtree(daemon.data / "directory")
    again = Daemon(t, policy='return function(req) return gone {} end\n', data=False, args=["--data", str(daemon.data)])
    Phone(t, again.address()).ask("INVITE", "+15550100", 503)


@test()
def forwarding_addresses_are_addresses(t):
    daemon = directory_daemon(t)
    for forward in ("sip:a@", "sip:@b", "tel:abc", "http://x", "sip:a@b>;x"):
        edit(daemon, "move", "+15550100", status=400, forward=forward)
    edit(daemon, "move", "+15550100", forward="sip:a@example.net")


@test()
def the_guard_contradicts_a_script_that_is_wrong(t):
    daemon = directory_daemon(t, policy='return function(req) return gone { evidence = "I say so" } end\n')
    phone = Phone(t, daemon.address())
    for user, status in (("+15550100", 480), ("+15550101", 410), ("+15550102", 301), ("+15550103", 480),
                         ("+15550999", 410)):
        phone.ask("INVITE", user, status)
    check(daemon.metric("verdict_guard_total") > 0, "the guard does not count")


@test(limit=60)
def the_example_directory_and_the_default_policy(t):
    data = t.folder / "data"
    data.mkdir()
    done = cli("directory", "import", "--data", data, ROOT / "examples/directory.csv")
    equal(done.returncode, 0, f"{done.stdout}{done.stderr}")
    daemon = Daemon(t, policy=ROOT / "policies/lifecycle", data=False, args=["--data", str(data)])
    phone = Phone(t, daemon.address())
    for user, status in (("+15550100", 200), ("+15550101", 410), ("+15550102", 301), ("+15550103", 480),
                         ("+15550999", 404), ("+15550250", 410)):
        phone.ask("INVITE", user, status)


class Delays:
    """Seconds that something took, again and again."""

    def __init__(self):
        self.all = []

    @property
    def most(self):
        return max(self.all, default=0)

    def __str__(self):
        return f"{1000 * sorted(self.all)[len(self.all) // 2]:.1f} to {1000 * self.most:.1f} ms" if self.all else "never"


def register_all_the_while(t, daemon, delays, stop):
    phone = Phone(t, daemon.address())
    while not stop.is_set():
        start = time.monotonic()
        phone.register("sip:+15550100@example.com", ["<sip:a@192.0.2.1>"])
        delays.all.append(time.monotonic() - start)
        stop.wait(0.005)


def sync_all_the_while(path, delays, stop):
    """What the disk makes anybody wait, beside it all."""
    with open(path, "wb") as file:
        while not stop.is_set():
            file.write(bytes(4096))
            file.flush()
            start = time.monotonic()
            os.fdatasync(file.fileno())
            delays.all.append(time.monotonic() - start)
            stop.wait(0.005)


def sleep_all_the_while(delays, stop):
    """What this machine makes anybody wait who only wants to wake up."""
    while not stop.is_set():
        start = time.monotonic()
        stop.wait(0.005)
        delays.all.append(max(0, time.monotonic() - start - 0.005))


def memory_folder(t):
    """A folder without a disk under it, or None: what a commit takes there is the engine's alone."""
    if not os.path.isdir("/dev/shm") or shutil.disk_usage("/dev/shm").free < 1 << 30:
        return None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="verdict-", dir="/dev/shm"))
    t.on_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


@test(limit=120, alone=True, measures=True)
def a_million_lines(t):
    """Progress is shown, it takes seconds, and the engine answers all the while."""
    folder = memory_folder(t)
    daemon = directory_daemon(t, folder=folder)
    registers, disk, naps = Delays(), Delays(), Delays()
    count = 1000000
    path = t.path("million.csv")
    with open(path, "wb") as file:
        for piece in big(count):
            file.write(piece)
    load = sipp.start(t, daemon.address(), "invite_410.xml", calls=2000, rate=200, service="+15550101")
    start = time.monotonic()
    stop = threading.Event()
    probes = [threading.Thread(target=register_all_the_while, args=(t, daemon, registers, stop)),
              threading.Thread(target=sync_all_the_while, args=((folder or t.folder) / "sync", disk, stop)),
              threading.Thread(target=sleep_all_the_while, args=(naps, stop))]
    for probe in probes:
        probe.start()
    t.on_end(stop.set)
    ours, theirs = pty.openpty()  # progress is for a terminal
    command = subprocess.Popen([VERDICT, "directory", "import", "--merge", "--data", str(daemon.data), str(path)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the command has ended
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    equal(command.wait(10), 0, f"{shown[-500:]}")
    seconds = time.monotonic() - start
    stop.set()
    for probe in probes:
        probe.join()
    # A REGISTER waits for at most two commits, its own and the one before; what the disk itself takes is not the import's.
    check(len(registers.all) > 50, f"only {len(registers.all)} REGISTERs were answered")
    allowed = 0.020 + naps.most + (0 if folder else 2 * disk.most)
    check(registers.most < allowed, f"a REGISTER took {1000 * registers.most:.1f} ms, fdatasync {disk}, a nap {naps} longer")
    check(b"rows" in shown, f"no progress is shown: {shown}")
    Phone(t, daemon.address()).ask("INVITE", f"+1777{count - 1:07d}", 410)
    equal(sipp.finish(load, 60)[1], 0, "failed calls")
    check(seconds < 60, f"{seconds:.1f} s")
    t.note(f"{count} lines in {seconds:.1f} s beside 200 calls a second; {daemon.memory_kb()} kB resident; "
           f"REGISTER {registers}, fdatasync {disk}, naps {naps} longer")
