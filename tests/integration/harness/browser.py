# SPDX-License-Identifier: Apache-2.0
"""Chromium without a screen, and the SIP libraries of browsers in it: tests/integration/browser/drive.mjs."""
import json
import os
import pathlib
import select
import subprocess

from harness import sipp
from harness.registry import Failure, skip

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "browser"


class Browser:
    """One Chromium; pages are named by the test."""

    def __init__(self, t):
        node, chromium = sipp.have("node", "nodejs"), sipp.have("chromium", "chromium")
        if not (FOLDER / "node_modules/playwright-core").exists():
            skip("the browsers' libraries are not installed (npm ci in tests/integration/browser)")
        self.log = t.path("browser.log")
        environment = dict(os.environ, HOME=str(t.folder))  # what Chromium leaves in a home goes with the test
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([node, FOLDER / "drive.mjs", chromium, t.path("profile")], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, env=environment, cwd=t.folder)
        t.on_end(self.close)
        self.origin = self._answer(40)

    def _answer(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise Failure(f"the browser did not answer:\n{self.log.read_text(errors='replace')[-1500:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer["value"]

    def tell(self, deed, page, seconds=15, **rest):
        """Does one thing, and gives its value."""
        command = {"do": deed, "page": page, "seconds": seconds, **rest}
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer(seconds + 5)

    def open(self, page, url):
        self.tell("open", page, url=url)

    def evaluate(self, page, code):
        return self.tell("evaluate", page, code=code)

    def text(self, page, of, containing=None, seconds=10):
        """What stands in the elements of a selector, once one of them has this text."""
        return self.tell("text", page, seconds, of=of, containing=containing)

    def errors(self):
        """What scripts of the pages threw and nobody caught."""
        return self.tell("errors", None)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


class LabPhone:
    """One of the libraries in a page of its own: "jssip" or "sipjs"."""

    def __init__(self, browser, library, server, user, password, domain="example.com"):
        self.browser, self.page = browser, f"{library} {server.split(':')[0]}"
        browser.open(self.page, "/lab.html")
        options = {"server": server, "uri": f"sip:{user}@{domain}", "password": password}
        browser.evaluate(self.page, f"lab.start({json.dumps(library)}, {json.dumps(options)})")

    def ask(self, deed, *args):
        """What a method of the page's phone gives; it must do so within seconds."""
        given = ", ".join(json.dumps(one) for one in args)
        return self.browser.evaluate(
            self.page, f"Promise.race([lab.phone.{deed}({given}), new Promise((_, fail) => "
                       f"setTimeout(() => fail(new Error('no end of {deed}')), 8000))])")

    def notified(self):
        return self.browser.evaluate(self.page, "lab.phone.notified")
