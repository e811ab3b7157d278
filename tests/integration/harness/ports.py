# SPDX-License-Identifier: Apache-2.0
"""Ports of a test's own: below the kernel's ephemeral range, so that no `bind` to port 0 and no outgoing connection of another
test takes one between the choice and its use, and handed out once among all the processes that use this file."""

import os
import socket

FIRST, LAST = 20000, 32000
_held = {}  # port: the name that keeps other processes from it, until this one ends


def _reserve(port):
    """Holds `port` by an abstract name, which the kernel frees when the process ends, however it ends."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0verdict-test-port-{port}")
    except OSError:
        name.close()
        return None
    return name


def _is_free(port, host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as sock:
            try:
                sock.bind((host, port))
            except OSError:
                return False
    return True


def free_port(host="127.0.0.1"):
    """A port that is free at `host` for UDP and for TCP, and stays the caller's."""
    span = LAST - FIRST
    start = (os.getpid() * 61 + len(_held)) % span
    for step in range(span):
        port = FIRST + (start + step) % span
        name = None if port in _held else _reserve(port)
        if name is None:
            continue
        if _is_free(port, host):
            _held[port] = name
            return port
        name.close()
    raise OSError(f"no port of {FIRST}-{LAST} is free for UDP and TCP at {host}")
