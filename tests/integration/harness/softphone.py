# SPDX-License-Identifier: Apache-2.0
"""baresip, a softphone, without a sound card: dialled, held and hung up through its control port."""
import json
import pathlib
import socket
import subprocess
import time

from harness.ports import free_port
from harness.registry import Failure, skip
from harness import sipp

MODULES = pathlib.Path("/usr/lib/baresip/modules")
CONFIG = """\
sip_listen 127.0.0.1:0
audio_player aubridge,nil
audio_source aubridge,nil
audio_alert aubridge,nil
audio_channels 1-2
call_local_timeout 30
call_max_calls 4
ctrl_tcp_listen 127.0.0.1:{port}
module_path {modules}
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
module_app ctrl_tcp.so
"""


class Softphone:
    def __init__(self, t, transport="udp", name=None, account=""):
        program = sipp.have("baresip", "baresip-core")
        if not (MODULES / "ctrl_tcp.so").exists():
            skip("baresip's modules are not installed (Debian package baresip-core)")
        folder = t.folder / (name or f"phone-{transport}")
        folder.mkdir()
        port = free_port()
        (folder / "config").write_text(CONFIG.format(port=port, modules=MODULES))
        (folder / "accounts").write_text(f"<sip:caller@127.0.0.1;transport={transport}>;regint=0;audio_codecs=pcmu{account}\n")
        (folder / "contacts").write_text("")
        self.log = folder / "baresip.log"
        self.transport = transport
        self.events = []
        self.bytes = b""
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen([program, "-s", "-f", str(folder)], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, cwd=folder)
        t.on_end(self.close)
        self.sock = self._connect(port)

    def _connect(self, port):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", port), 1)
            except OSError:
                time.sleep(0.05)
        raise Failure(f"baresip's control port does not open\n{self.text()[-1500:]}")

    def text(self):
        return self.log.read_text(errors="replace")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def command(self, name, params=""):
        text = json.dumps({"command": name, "params": params, "token": name}).encode()
        self.sock.sendall(b"%d:%s," % (len(text), text))

    def _messages(self, seconds):
        """Netstrings of JSON, as they come."""
        end = time.monotonic() + seconds
        while True:
            while b":" in self.bytes:
                size, _, rest = self.bytes.partition(b":")
                if len(rest) <= int(size):
                    break
                self.bytes = rest[int(size) + 1:]
                yield json.loads(rest[:int(size)])
            left = end - time.monotonic()
            if left <= 0:
                return
            self.sock.settimeout(left)
            try:
                self.bytes += self.sock.recv(65536) or b""
            except socket.timeout:
                return

    def expect(self, event, seconds=5.0):
        """Waits for an event such as "CALL_ESTABLISHED"; everything else is kept in `events`."""
        for message in self._messages(seconds):
            self.events.append(message)
            if message.get("type") == event:
                return message
        seen = [e.get("type") or e.get("data") for e in self.events]
        raise Failure(f"baresip: no {event} in {seconds} s; came: {seen}\n{self.text()[-1500:]}")

    def dial(self, user, address):
        self.command("dial", f"sip:{user}@{address[0]}:{address[1]}")
