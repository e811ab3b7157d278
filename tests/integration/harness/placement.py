# SPDX-License-Identifier: Apache-2.0
"""Where the daemon's tests are run with other numbers of workers than they ask for, and with everything landing on the
wrong one.  What is asked for comes in by the environment (run.py sets it):

    VERDICT_TEST_WORKERS=N   daemons whose test does not say how many get N
    VERDICT_TEST_MISROUTE=1  each datagram and each connection goes to a worker by chance, whoever owns it: a BPF
                             program on the daemon's group of sockets, which the test's process borrows
    VERDICT_TEST_EVENTS=DIR  every decision is logged, and a copy of each decision log is left in DIR
"""
import ctypes
import os
import random
import shutil
import socket
import struct

WORKERS = os.environ.get("VERDICT_TEST_WORKERS")
MISROUTE = bool(os.environ.get("VERDICT_TEST_MISROUTE"))
EVENTS = os.environ.get("VERDICT_TEST_EVENTS")

SO_ATTACH_REUSEPORT_CBPF = 51
PIDFD_GETFD = 438  # the number is the same on all architectures
RANDOM = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM


def begin(name):
    """The same Call-IDs and tags in each run of a test."""
    if EVENTS:
        random.seed(name)


def keep_events(name, folder):
    """Copies the decision logs of a test's daemons."""
    if not EVENTS:
        return
    for path in sorted(folder.rglob("decisions.out")):
        shutil.copy(path, os.path.join(EVENTS, f"{name}.{path.parent.name}.jsonl"))


def arguments(args):
    """What a daemon's command line gets besides."""
    more = []
    if WORKERS and "--workers" not in args:
        more += ["--workers", WORKERS]
    if EVENTS and not any(str(arg).startswith("log=") for arg in args):
        more += ["--set", "log=all"]  # also over a test's own configuration: a sample differs from run to run
    return more


def _program(workers):
    code = [(0x20, 0, 0, RANDOM), (0x94, 0, 0, workers), (0x16, 0, 0, 0)]  # ld random; mod workers; ret a
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    return text, struct.pack("HL", len(code), ctypes.addressof(text))


def misroute(pid, workers):
    """Returns how many sockets were changed; each stands for its group."""
    if not MISROUTE or workers < 2:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    changed = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
        except OSError:
            continue
        fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
        if fd < 0:
            continue
        with socket.socket(fileno=fd) as sock:
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
                text, program = _program(workers)
                sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
                changed += 1
    os.close(pidfd)
    return changed
