# SPDX-License-Identifier: Apache-2.0
"""SIPp as the peer: scenario files in tests/integration/sipp/."""
import csv
import pathlib
import shutil
import subprocess

from harness.registry import Failure, skip

SCENARIOS = pathlib.Path(__file__).resolve().parents[1] / "sipp"
EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples/sipp"


def have(program, package):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if not path:
        skip(f"{program} is not installed (Debian package {package})")
    return path


def start(t, server, scenario, calls=1, rate=10, service="ok", transport="u1", args=(), name=None, bind=None):
    """Starts SIPp; finish() waits for it."""
    host, port = server
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    folder = t.folder / (name or f"sipp-{pathlib.Path(scenario).stem}-{service}")
    folder.mkdir(exist_ok=True)
    path = next((p for p in (pathlib.Path(scenario), SCENARIOS / scenario) if p.is_absolute() and p.exists()), EXAMPLES / scenario)
    command = [have("sipp", "sip-tester"), where, "-sf", str(path), "-s", service, "-i", bind or ("[::1]" if ":" in host else "127.0.0.1"),
               "-p", "0", "-m", str(calls), "-r", str(rate), "-l", str(max(10, rate * 10)), "-t", transport, "-nostdin", "-trace_err",
               "-error_file", str(folder / "sipp.err"), "-trace_stat", "-stf", str(folder / "stat.csv"), "-fd", "1",
               "-timeout_error", "-recv_timeout", "10000", "-max_socket", "1000", *args]
    log = open(folder / "sipp.out", "wb")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    log.close()
    t.on_end(lambda: process.poll() is None and process.kill())
    process.folder = folder
    return process


def statistics(process):
    """The last line of SIPp's statistics as a dictionary."""
    path = process.folder / "stat.csv"
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return rows[-1] if rows else {}


def finish(process, seconds=30):
    """Waits for the end; every call must have succeeded.  Gives (calls, failed)."""
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure(f"SIPp has not ended after {seconds} s") from None
    row = statistics(process)
    calls, failed = int(row.get("TotalCallCreated") or 0), int(row.get("FailedCall(C)") or 0)
    if code != 0:
        errors = process.folder / "sipp.err"
        text = errors.read_text(errors="replace")[:1500] if errors.exists() else ""
        raise Failure(f"SIPp ended with {code}: {failed} of {calls} calls failed\n{text}")
    return calls, failed


def run(t, server, scenario, seconds=30, **kwargs):
    return finish(start(t, server, scenario, **kwargs), seconds)
