#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Decisions a minute of `verdict replay`: from a decision log, from a capture, and with two policies; and the memory it took."""
import argparse
import json
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
INVITE = (ROOT / "tests/bench/invite.sip").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def request(number):
    """The benchmark's INVITE, each with a branch and a Call-ID of its own."""
    fresh = b"%08d" % number
    return INVITE.replace(b"branch=z9hG4bK", b"branch=z9hG4bK" + fresh, 1).replace(b"Call-ID: ", b"Call-ID: " + fresh, 1)


def write_log(path, count):
    with open(path, "w") as out:
        for i in range(count):
            out.write(json.dumps({"time": f"2026-01-31T12:{i // 60000 % 60:02}:{i // 1000 % 60:02}.{i % 1000:03}Z",
                                  "event": "decision", "source": "192.0.2.1:5060", "status": 404, "rule": "default",
                                  "verdict": "not_found", "transport": "UDP", "local": "192.0.2.9:5060",
                                  "request": request(i).decode()}) + "\n")


def write_capture(path, count):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(count):
            payload = request(i)
            udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton("192.0.2.1"),
                             socket.inet_aton("192.0.2.9")) + udp
            frame = bytes(12) + b"\x08\x00" + ip
            out.write(struct.pack("<IIII", 1767225600 + i // 1000, i % 1000 * 1000, len(frame), len(frame)) + frame)


def measure(name, *args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run([ROOT / "build/release/verdict", "replay", "--json", *map(str, args)], stdout=subprocess.PIPE,
                         check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(run.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"bench": "replay", "name": name, "decisions": result["decided"],
                      "a_minute": result["decided"] * 60000 // max(result["elapsed_ms"], 1),
                      "cpu_us": round(cpu * 1e6 / result["decided"], 2), "peak_kb": after.ru_maxrss}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200000)
    args = parser.parse_args()
    policies = ROOT / "policies"
    with tempfile.TemporaryDirectory() as folder:
        log, capture = pathlib.Path(folder) / "log.jsonl", pathlib.Path(folder) / "day.pcap"
        write_log(log, args.count)
        write_capture(capture, args.count)
        measure("log", policies / "lifecycle", log)
        measure("capture", policies / "lifecycle", capture)
        measure("capture, two policies", policies / "lifecycle", capture, "--against", policies / "hello")
    return 0


sys.exit(main())
