# SPDX-License-Identifier: Apache-2.0
"""Certificates made by the openssl command line, for a test's own time."""
import re
import ssl
import subprocess

from harness.registry import Failure
from harness import sipp


def openssl(*args, stdin=None, timeout=20, fine=(0,)):
    """The finished process, with text output."""
    done = subprocess.run([sipp.have("openssl", "openssl"), *[str(a) for a in args]], input=stdin or b"", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, check=False)
    if fine and done.returncode not in fine:
        raise Failure(f"openssl {args[0]}: {done.stderr.decode(errors='replace')[-800:]}")
    return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


class Pair:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def flags(self):
        return ["--certificate", str(self.certificate), "--key", str(self.key)]


class Authority:
    """A certificate authority in a folder of the test's."""

    def __init__(self, t, name="ca"):
        self.folder = t.folder / name
        self.folder.mkdir()
        self.pair = self._make(name, ["-subj", f"/CN={name}"], days=3)
        self.file = self.pair.certificate

    def _make(self, name, args, days, rsa=False):
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        kind = ["-newkey", "rsa:2048"] if rsa else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", *kind, "-nodes", "-keyout", pair.key, "-out", pair.certificate, "-days", days, *args)
        return pair

    def issue(self, name, *alternatives, days=2, common_name=None, rsa=False):
        """A certificate for these alternative names ("DNS:sip.example.com", "URI:sip:example.com"); none: a common name."""
        args = ["-CA", self.pair.certificate, "-CAkey", self.pair.key, "-subj", f"/CN={common_name or name}",
                "-addext", "basicConstraints=critical,CA:FALSE"]
        if alternatives:
            args += ["-addext", "subjectAltName=" + ",".join(alternatives)]
        return self._make(name, args, days, rsa)

    def _ca(self, *args):
        """`openssl ca` with a database of its own."""
        config, index = self.folder / "ca.cnf", self.folder / "index"
        if not config.exists():
            index.write_text("")
            config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\nnew_certs_dir={self.folder}\nserial={self.folder}/serial\n"
                              "default_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", config, "-cert", self.pair.certificate, "-keyfile", self.pair.key, *args)

    def expired(self, name, *alternatives):
        """One that was good for a day, long ago."""
        pair, request = self.issue(name, *alternatives), self.folder / f"{name}.csr"
        openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={name}", "-out", request)
        self._ca("-in", request, "-startdate", "200101000000Z", "-enddate", "200102000000Z", "-out", pair.certificate)
        return pair

    def revoked(self, *pairs, lasts=("-crldays", 1)):
        """The text of its list, in PEM, with these and all that were revoked before."""
        for pair in pairs:
            self._ca("-revoke", pair.certificate)
        self._ca("-gencrl", *lasts, "-out", self.folder / "crl.pem")
        return (self.folder / "crl.pem").read_text()

    def context(self, pair=None, versions=None):
        """A client that believes this authority, with a certificate of its own if given."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.file)
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        if versions:
            context.minimum_version, context.maximum_version = versions
        return context


def s_client(server, *args, stdin=b"", fine=()):
    """What `openssl s_client` says."""
    return openssl("s_client", "-connect", f"{server[0]}:{server[1]}", *args, stdin=stdin, fine=fine)


def session(text):
    """(protocol, cipher, resumed) of s_client's output; None where there is no session."""
    found = re.search(r"(New|Reused), (\S+), Cipher is (\S+)", text)
    if not found or found.group(3) == "(NONE)":
        return None
    return found.group(2), found.group(3), found.group(1) == "Reused"
