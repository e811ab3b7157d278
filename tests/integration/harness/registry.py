# SPDX-License-Identifier: Apache-2.0
"""The list of tests and the runner: a forked process group a test, with a limit of time."""
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

from harness import placement

TESTS = []
SANITIZED = False  # the daemon runs under a sanitizer: it is slow, and its log is read for complaints
PASSED, FAILED, SKIPPED = 0, 1, 2


class Skip(Exception):
    """A test that cannot be run here; its text says why."""


class Failure(AssertionError):
    """What was expected and what came."""


class Test:
    def __init__(self, function, limit, alone, measures):
        self.name = function.__name__
        self.function = function
        self.limit = limit  # seconds
        self.alone = alone  # not beside others: it loads the machine or measures time
        self.measures = measures  # memory or speed: left out under a sanitizer


def test(limit=30, alone=False, measures=False):
    """Registers a test function; its one argument is a Context."""

    def register(function):
        TESTS.append(Test(function, limit, alone, measures))
        return function

    return register


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: expected {wanted!r}, got {got!r}")


def skip(reason):
    raise Skip(reason)


def wait_until(condition, seconds, what):
    """Polls until condition() is true, and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Context:
    """What a test is given: a folder, and things that end with it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.closers = []
        self.notes = []

    def note(self, text):
        """A figure worth a place in the test's line."""
        self.notes.append(text)

    def on_end(self, closer):
        self.closers.append(closer)

    def path(self, name):
        return self.folder / name

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def close(self):
        for closer in reversed(self.closers):
            try:
                closer()
            except Exception:  # the first failure is the one to tell
                traceback.print_exc()


def choose(names):
    tests = [t for t in TESTS if not (SANITIZED and t.measures)]
    return [t for t in tests if not names or any(n in t.name or n == t.function.__module__ for n in names)]


def _complaints(folder):
    """What a sanitizer wrote into a log."""
    for path in pathlib.Path(folder).rglob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if "Sanitizer" in line or "runtime error:" in line:
                raise Failure(f"{path.name}: {line}")


def _child(test, folder, log):
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    context = Context(folder)
    code, text = PASSED, ""
    placement.begin(test.name)
    try:
        test.function(context)
        if SANITIZED:
            _complaints(folder)
        text = "; ".join(context.notes)
    except Skip as reason:
        code, text = SKIPPED, str(reason)
    except BaseException as error:  # the reason is printed, whatever it was
        code, text = FAILED, f"{type(error).__name__}: {error}"
        traceback.print_exc()
    context.close()
    placement.keep_events(test.name, context.folder)
    (context.folder / "reason").write_text(text)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Running:
    def __init__(self, test):
        self.test = test
        self.folder = tempfile.mkdtemp(prefix=f"verdict-{test.name[:40]}-")
        self.log_path = os.path.join(self.folder, "log")
        self.start = time.monotonic()
        log = os.open(self.log_path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _child(test, self.folder, log)
        os.close(log)
        self.outcome = None

    def poll(self):
        """True once it has ended; then outcome is (code, text)."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            self.outcome = (code if code in (PASSED, FAILED, SKIPPED) else FAILED, self.reason(f"ended with {code}"))
        elif time.monotonic() - self.start > self.test.limit * (3 if SANITIZED else 1):
            self.kill()
            os.waitpid(self.pid, 0)
            self.outcome = (FAILED, f"not done after {self.test.limit} s")
        if self.outcome:
            self.kill()  # whatever it may have left in its group
        return self.outcome is not None

    def reason(self, otherwise):
        try:
            return pathlib.Path(self.folder, "reason").read_text()
        except OSError:
            return otherwise

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _tail(folder, lines=40):
    out = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and "profile" not in path.parts and (path.name == "log" or path.suffix in (".log", ".err")):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            if text:
                out.append(f"      --- {path.relative_to(folder)}")
                out += ["      " + line[:400] for line in text]
    return "\n".join(out)


def _report(running, keep, counts):
    code, text = running.outcome
    seconds = time.monotonic() - running.start
    counts[code] += 1
    word = {PASSED: "ok   ", FAILED: "FAIL ", SKIPPED: "skip "}[code]
    print(f"{word} {running.test.name:<58} {seconds:6.1f} s  {text}", flush=True)
    if code == FAILED:
        print(_tail(running.folder), flush=True)
    if keep:
        print(f"      {running.folder}")
    else:
        shutil.rmtree(running.folder, ignore_errors=True)


def run(tests, jobs, keep):
    """Runs those that can be side by side first, then the others one after another.  Returns the exit code."""
    counts = [0, 0, 0]
    waiting = sorted((t for t in tests if not t.alone), key=lambda t: -t.limit) + [t for t in tests if t.alone]
    running = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                if waiting[0].alone and running:
                    break
                if running and running[0].test.alone:
                    break
                running.append(Running(waiting.pop(0)))
            for one in list(running):
                if one.poll():
                    running.remove(one)
                    _report(one, keep, counts)
            time.sleep(0.01)
    finally:
        for one in running:
            one.kill()
    skipped = f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""
    print(f"{counts[PASSED]} passed, {counts[FAILED]} failed{skipped}")
    return 1 if counts[FAILED] else 0
