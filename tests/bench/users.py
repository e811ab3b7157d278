# SPDX-License-Identifier: Apache-2.0
"""Directories of many users, imported once and kept under build/ for the next run."""
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
from support import VERDICT  # noqa: E402


def rows(entries):
    """One in twenty is a tombstone; no order that a tree would like."""
    yield "key,state\n"
    for i in range(entries):
        number = i * 7368787 % entries if entries > 1 else 0
        yield f"sip:user{number:07d}@127.0.0.1,{'active' if number % 20 else 'gone'}\n"


def make(entries, data):
    data.mkdir(parents=True)
    started = time.monotonic()
    with subprocess.Popen([VERDICT, "directory", "import", "--data", str(data), "-"], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        for row in rows(entries):
            run.stdin.write(row)
        run.stdin.close()
        said = run.stderr.read()
    if run.returncode:
        raise SystemExit(f"the import of {entries} entries failed: {said}")
    print(f"{entries:,} entries imported in {time.monotonic() - started:.0f} s", flush=True)


def directory_of(entries):
    """A data folder with users `user0000000` to so many, at 127.0.0.1."""
    data = ROOT / f"build/bench/directory-{entries}"
    if not (data / "made").exists():
        shutil.rmtree(data, ignore_errors=True)
        make(entries, data)
        (data / "made").touch()
    return str(data)
