# SPDX-License-Identifier: Apache-2.0
"""The daemon under test, its control socket and its log."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import placement
from harness.registry import Failure, check, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERDICT = os.path.abspath(os.environ.get("VERDICT", str(ROOT / "build/release/verdict")))

# Answers by the first letters of the user: what most tests want to provoke.
POLICY = """
return function(req)
  local user = req.target.user or ""
  if user:sub(1, 4) == "gone" then return gone { evidence = "test" } end
  if user:sub(1, 4) == "ring" then return ok { ring = 2 } end
  if user:sub(1, 2) == "ok" then return ok {} end
  return not_found {}
end
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__("verdict", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Daemon:
    """`verdict run` in a folder of its own.  Addresses are those that it reports, on ports that the system chose."""

    count = 0

    def __init__(self, t, policy=POLICY, listen=("udp:127.0.0.1:0",), args=(), name=None, wait=True, data=True, prefix=()):
        Daemon.count += 1
        self.t = t
        self.name = name or f"daemon{Daemon.count}"
        self.folder = t.folder / self.name
        self.folder.mkdir(exist_ok=True)
        self.data = self.folder / "data"
        self.control = self.folder / "control.sock"
        self.log_path = self.folder / "verdict.log"
        self.decisions_path = self.folder / "decisions.out"
        self.listen = listen
        self.args = list(args)
        self.prefix = list(prefix)
        self.with_data = data
        self.policy = self._policy(policy)
        self.process = None
        self.log_from = 0
        t.on_end(self.kill)
        self.start(wait)

    def _policy(self, policy):
        if policy is None or isinstance(policy, pathlib.Path):
            return policy
        path = self.folder / "policy.lua"
        path.write_text(policy)
        return path

    def command(self):
        command = self.prefix + [VERDICT, "run"]
        for listen in self.listen:
            command += ["--listen", listen]
        if self.with_data:
            self.data.mkdir(exist_ok=True)
            command += ["--data", str(self.data)]
        command += ["--control", str(self.control)] + [str(a) for a in self.args]
        command += placement.arguments(self.args)
        return command + ([str(self.policy)] if self.policy else [])

    def start(self, wait=True):
        self.log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log, open(self.decisions_path, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                            cwd=self.folder)
        if wait:
            self.wait_ready()
            if placement.MISROUTE:
                placement.misroute(self.process.pid, len(self.get("/v1/status")[1]["workers"]))
        return self

    def log(self):
        """The log since the last start."""
        with open(self.log_path, "rb") as file:
            file.seek(self.log_from)
            return file.read().decode(errors="replace")

    def wait_ready(self, seconds=15):
        wanted = sum(1 for one in self.listen if not one.split(":", 1)[1].startswith(("0.0.0.0", "[::]")))

        def ready():
            if self.process.poll() is not None:
                raise Failure(f"the daemon ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            if len(self.addresses()) < max(1, wanted):
                return False
            try:
                return self.get("/v1/status")[0] == 200
            except OSError:
                return False

        wait_until(ready, seconds, "the daemon to listen")

    def addresses(self):
        """[(transport, host, port)] as logged."""
        found = re.findall(r"listening (udp|tcp|tls|ws|wss):(\[[^\]]+\]|[0-9.]+):(\d+)", self.log())
        return [(transport, host.strip("[]"), int(port)) for transport, host, port in found]

    def address(self, transport="udp", host=None):
        for one, where, port in self.addresses():
            if one == transport and (host is None or where == host):
                return where, port
        raise Failure(f"it does not listen on {transport} {host or ''}: {self.addresses()}")

    @property
    def port(self):
        return self.addresses()[0][2]

    def metrics_address(self):
        found = re.search(r"listening metrics:([0-9.]+|\[[^\]]+\]):(\d+)", self.log())
        check(found, "no metrics address in the log")
        return found.group(1).strip("[]"), int(found.group(2))

    def request(self, method, path, body=None, timeout=20):
        """(status, parsed JSON or text)."""
        connection = UnixConnection(self.control, timeout)
        try:
            if body is not None and not isinstance(body, (bytes, str)) and not hasattr(body, "__next__"):
                body = json.dumps(body)
            connection.request(method, path, body, {"Transfer-Encoding": "chunked"} if hasattr(body, "__next__") else {},
                               encode_chunked=hasattr(body, "__next__"))
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            if "json" in (response.getheader("Content-Type") or "") and "jsonl" not in response.getheader("Content-Type"):
                return response.status, json.loads(text)
            return response.status, text
        finally:
            connection.close()

    def get(self, path, timeout=20):
        return self.request("GET", path, None, timeout)

    def post(self, path, body=None, timeout=20):
        return self.request("POST", path, body if body is not None else "", timeout)

    def reload(self):
        return self.post("/v1/reload")

    def save(self, text, by_rename=True):
        """Saves the policy as an editor does."""
        if by_rename:
            fresh = self.policy.with_name(".saving")
            fresh.write_text(text)
            fresh.rename(self.policy)
        else:
            self.policy.write_text(text)

    def metric(self, name, **labels):
        """The sum of a metric's samples that have these labels, as of now (status has the workers publish theirs)."""
        self.get("/v1/status")
        total, found = 0.0, False
        for line in self.get("/metrics")[1].splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
            if not match or match.group(1) != name:
                continue
            has = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            if all(has.get(k) == v for k, v in labels.items()):
                total, found = total + float(match.group(3)), True
        return total if found else None

    def decisions(self):
        """The decision log's lines, parsed."""
        lines = self.decisions_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def memory_kb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def signal(self, number):
        self.process.send_signal(number)

    def alive(self):
        return self.process.poll() is None

    def wait_end(self, seconds=10):
        """The exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"the daemon has not ended after {seconds} s:\n{self.log()[-1500:]}") from None

    def stop(self, seconds=10):
        """SIGTERM and the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_end(seconds)

    def kill(self):
        if self.process and self.process.poll() is None:
            if placement.EVENTS:
                self.stop_for_events()
            self.process.kill()
            self.process.wait()

    def stop_for_events(self):
        """The decision log is written behind: a moment for its last lines."""
        if self.decisions_path.exists():
            size = -1
            time.sleep(0.2)
            while size != self.decisions_path.stat().st_size:
                size = self.decisions_path.stat().st_size
                time.sleep(0.2)

    def wait_log(self, pattern, seconds=5):
        return wait_until(lambda: re.search(pattern, self.log()), seconds, f"'{pattern}' in the log")

    def cli(self, *args, **kwargs):
        return cli(*args, **kwargs)


def cli(*args, stdin=None, timeout=30):
    """Runs the command line; gives the finished process with text output."""
    return subprocess.run([VERDICT] + [str(a) for a in args], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True, check=False)


def silence(seconds):
    """Lets real time pass, where a peer's silence is what is tested."""
    time.sleep(seconds)
