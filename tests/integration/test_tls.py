# SPDX-License-Identifier: Apache-2.0
"""TLS: versions and ciphers, names, tickets, certificates that are loaded again, clients with certificates, sips."""
import re
import socket
import ssl
import time

from harness.daemon import Daemon, cli
from harness.registry import check, equal, test, wait_until
from harness.sip import Phone, contact_of
from harness.tls import Authority, openssl, s_client, session

NAME = "sip.example.com"

# Tells what the policy sees of the peer.
NAMES_POLICY = """
return policy {
  name = "names", on_error = reject(500) {}, default = not_found {},
  rules = {
    { "told", decide = function(req)
        if req.target.user ~= "tell" then return nil end
        local all = table.concat(req.source.identities, " ")
        return reject(433) { reason = "[" .. all .. "] [" .. tostring(req.source.identity) .. "] " .. req.source.transport }
      end },
    { "trunk", when = { identity = "trunk.example.net" }, verdict = ok {} },
  },
}
"""


def tls_daemon(t, authority, *pairs, listen="tls:127.0.0.1:0", args=(), **kwargs):
    pairs = pairs or (authority.issue("server", f"DNS:{NAME}"),)
    flags = [flag for pair in pairs for flag in pair.flags()]
    return Daemon(t, listen=("udp:127.0.0.1:0", listen), args=[*flags, *args], **kwargs)


def tls_phone(t, daemon, authority, pair=None, name=NAME, versions=None):
    return Phone(t, daemon.address("tls"), "tls", context=authority.context(pair, versions), name=name)


@test(limit=40)
def tls_calls(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority)
    for versions in ((ssl.TLSVersion.TLSv1_2,) * 2, (ssl.TLSVersion.TLSv1_3,) * 2):
        phone = tls_phone(t, daemon, authority, versions=versions)
        invite = phone.request("INVITE", "ok")
        phone.send(invite)
        ok = phone.expect(200)
        check(";transport=tls" in contact_of(ok), f"Contact of a call over TLS: {contact_of(ok)}")
        phone.send(phone.ack_of(invite, ok))
        phone.send(phone.bye_of(invite, ok))
        phone.expect(200, method="BYE")
        phone.ask("INVITE", "gone", 410)
    # Two messages in one record, one in many, and a keep-alive.
    both = phone.bytes_of(phone.request("OPTIONS", "ok")) + phone.bytes_of(phone.request("OPTIONS", "gone"))
    phone.send_raw(both)
    equal({phone.receive().status, phone.receive().status}, {200, 410}, "two requests in one record")
    data = phone.bytes_of(phone.request("OPTIONS", "ok"))
    for at in range(0, len(data), 50):
        phone.send_raw(data[at:at + 50])
    phone.expect(200)
    body = "x" * 40000
    phone.send(phone.request("MESSAGE", "gone", body=body, extra=[]))
    phone.expect(410)
    equal(daemon.metric("verdict_connections", ), 2.0, "connections")


@test(limit=40)
def tls_versions_and_ciphers(t):
    authority = Authority(t)
    pairs = (authority.issue("elliptic", f"DNS:{NAME}"), authority.issue("rsa", "DNS:rsa.example.com", rsa=True))
    server = tls_daemon(t, authority, *pairs).address("tls")
    equal(session(s_client(server, "-tls1_3", "-CAfile", authority.file))[0], "TLSv1.3", "TLS 1.3")
    equal(session(s_client(server, "-tls1_2", "-CAfile", authority.file))[0], "TLSv1.2", "TLS 1.2")
    weak = "DEFAULT:@SECLEVEL=0"
    for version in ("-tls1", "-tls1_1"):
        equal(session(s_client(server, version, "-cipher", weak)), None, f"s_client {version}")
    for name in (NAME, "rsa.example.com"):
        for cipher in ("NULL", "RC4", "3DES", "kRSA", "kDHE", "CBC", "SHA1", "AES128-SHA256", "ECDHE+AES+SHA384"):
            said = s_client(server, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0", "-servername", name)
            equal(session(said), None, f"the cipher {cipher} for {name}")
    # A downgrade is noticed (RFC 7507), and what is no TLS is told so.
    said = s_client(server, "-tls1_2", "-fallback_scsv")
    check("inappropriate fallback" in said, f"fallback: {said[-300:]}")
    plain = socket.create_connection(server, timeout=5)
    plain.sendall(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
    reply = plain.recv(100)
    check(reply[:1] in (b"\x15", b""), f"plain SIP on a TLS port: {reply!r}")
    # Renegotiation is refused: s_client asks for it with the letter R.
    said = s_client(server, "-tls1_2", stdin=b"R\n")
    check("no renegotiation" in said or "renegotiat" in said.lower(), f"renegotiation: {said[-400:]}")
    check("Secure Renegotiation IS supported" in s_client(server, "-tls1_2"), "RFC 5746 is not spoken")
    check("Compression: NONE" in s_client(server, "-tls1_2"), "compression")


@test(limit=30)
def tls_names(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority, authority.issue("default", "DNS:default.example.com"),
                        authority.issue("exact", "DNS:www.example.org", "URI:sip:voice.example.org"),
                        authority.issue("wild", "DNS:*.example.org"), authority.issue("old", common_name="cn.example.com"))
    wanted = (("default.example.com", "default"), ("www.example.org", "exact"), ("voice.example.org", "exact"),
              ("WWW.Example.ORG", "exact"), ("other.example.org", "wild"), ("a.b.example.org", "default"),
              ("example.org", "default"), ("cn.example.com", "cn.example.com"), ("unknown.example", "default"))
    for name, subject in wanted:
        said = s_client(daemon.address("tls"), "-servername", name)
        check(re.search(rf"subject=CN = {re.escape(subject)}\n", said), f"{name}: {re.findall('subject=.*', said)}, not {subject}")


@test(limit=30)
def tls_tickets_are_good_on_every_worker(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority, args=["--workers", "2"])
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.context(versions=(version, version))
        phone = Phone(t, daemon.address("tls"), "tls", context=context, name=NAME)
        phone.ask("OPTIONS", "ok", 200)
        check(phone.sock.session.has_ticket, f"no ticket over {version.name}")
        for _ in range(8):  # SO_REUSEPORT spreads them over both workers
            plain = socket.create_connection(daemon.address("tls"), timeout=5)
            again = context.wrap_socket(plain, server_hostname=NAME, session=phone.sock.session)
            check(again.session_reused, f"the ticket was not taken over {version.name}")
    equal(daemon.metric("verdict_tls_resumed_total"), 16.0, "resumed sessions")


@test(limit=40)
def tls_certificates_are_loaded_again(t):
    authority = Authority(t)
    pair = authority.issue("first", f"DNS:{NAME}")
    second, stranger = authority.issue("second", f"DNS:{NAME}"), authority.issue("stranger", f"DNS:{NAME}")
    expired = authority.expired("expired", f"DNS:{NAME}")
    certificate, key = t.path("live.pem"), t.path("live.key")

    def put(new_certificate, new_key):
        for new, live in ((new_certificate, certificate), (new_key, key)):
            fresh = live.with_suffix(".new")
            fresh.write_bytes(new if isinstance(new, bytes) else new.read_bytes())
            fresh.rename(live)

    def shown():
        return re.search(r"subject=CN = (\S+)", s_client(daemon.address("tls"))).group(1)

    def refused(text):
        done = cli("reload", "--certificates", "--control", daemon.control)
        check(done.returncode == 1 and text in done.stderr, f"expected {text!r}: {done.returncode} {done.stderr}")
        equal(shown(), "first", "the certificate after a broken one")

    put(pair.certificate, pair.key)
    daemon = Daemon(t, listen=("tls:127.0.0.1:0",), args=["--certificate", certificate, "--key", key])
    phone = tls_phone(t, daemon, authority)
    phone.ask("OPTIONS", "ok", 200)
    put(second.certificate.read_bytes()[:300], second.key)
    refused("live.pem")
    put(second.certificate, stranger.key)
    refused("does not fit")
    put(second.certificate, b"")
    refused("live.key")
    put(expired.certificate, expired.key)
    refused("expired")
    put(second.certificate, second.key)
    wait_until(lambda: shown() == "second", 10, "the watch to load what was saved")
    check(re.search(r"certificates not loaded, the ones before stay: .*live", daemon.log()), "the refusal is not logged")
    phone.ask("INVITE", "gone", 410)  # the connection of before
    put(pair.certificate, pair.key)
    done = cli("reload", "--certificates", "--control", daemon.control)
    equal((done.returncode, shown()), (0, "first"), f"reload --certificates: {done.stderr}")
    phone.ask("OPTIONS", "ok", 200)


@test(limit=40)
def tls_clients_with_certificates(t):
    authority, others = Authority(t), Authority(t, "others")
    pair = authority.issue("server", f"DNS:{NAME}")
    trunk = authority.issue("trunk", "DNS:trunk.example.net", "DNS:*.example.net", "URI:sip:alice@example.net", "DNS:b.example.net")
    domain = authority.issue("domain", "DNS:host.example.net", "URI:sip:trunk.example.net")
    plain = authority.issue("plain", common_name="old.example.net")
    stranger = others.issue("stranger", "DNS:trunk.example.net")
    daemon = tls_daemon(t, authority, pair, listen="tls:127.0.0.1:0,client_certificates=require", policy=NAMES_POLICY,
                        args=["--client-ca", authority.file, "--listen", "tls:127.0.0.1:0,client_certificates=request"])
    required, requested = [(host, port) for transport, host, port in daemon.addresses() if transport == "tls"]

    def told(server, client):
        phone = Phone(t, server, "tls", context=authority.context(client), name=NAME)
        return phone.ask("OPTIONS", "tell", 433).start.split(" ", 2)[2]

    equal(told(required, trunk), "[trunk.example.net b.example.net] [trunk.example.net] tls", "DNS names")
    equal(told(required, domain), "[trunk.example.net] [trunk.example.net] tls", "a sip: URI stands before DNS names")
    equal(told(required, plain), "[old.example.net] [old.example.net] tls", "a common name")
    equal(told(requested, None), "[] [nil] tls", "without a certificate")
    equal(told(requested, trunk), "[trunk.example.net b.example.net] [trunk.example.net] tls", "on request")
    for server, client in ((required, None), (required, stranger), (requested, stranger)):
        try:
            phone = Phone(t, server, "tls", context=authority.context(client), name=NAME)
            phone.send(phone.request("OPTIONS", "tell"))
            answer = phone.receive(3)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            answer = None
        check(answer is None, f"a client with {client and client.certificate.name} got {answer}")
    check("handshake failed" in daemon.log(), "nothing is said of failed handshakes")
    phone = Phone(t, required, "tls", context=authority.context(trunk), name=NAME)
    phone.ask("INVITE", "anybody", 200)
    Phone(t, daemon.address("udp")).ask("INVITE", "anybody", 404)


@test(limit=30)
def tls_revoked_clients(t):
    """A list of revoked certificates that changes while the engine runs; a session's ticket is no way around it."""
    authority = Authority(t)
    lists = t.write("revoked.pem", authority.revoked())
    good, bad = (authority.issue(name, f"DNS:{name}.example.net") for name in ("good", "bad"))
    daemon = tls_daemon(t, authority, listen="tls:127.0.0.1:0,client_certificates=require",
                        args=["--client-ca", authority.file, "--client-crl", lists, "--workers", "1"])

    def is_let_in(pair, context=None, session=None):
        sock = socket.create_connection(daemon.address("tls"), timeout=5)
        t.on_end(sock.close)
        try:
            tls = (context or authority.context(pair)).wrap_socket(sock, server_hostname=NAME, session=session)
            tls.sendall(b"\r\n\r\n")
            return tls.recv(10) == b"\r\n" and tls
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return False

    def load(text, refused=None):
        lists.write_text(text)
        done = cli("reload", "--certificates", "--control", daemon.control)
        equal(done.returncode, 1 if refused else 0, f"reload: {done.stderr}")
        check(not refused or refused in done.stderr, f"expected {refused}: {done.stderr}")

    context = authority.context(bad)
    before = is_let_in(bad, context)
    check(before and is_let_in(good), "before anything is revoked")
    check(is_let_in(bad, context, before.session).session_reused, "a ticket of before")
    load(authority.revoked(bad))
    check(not is_let_in(bad), "a revoked certificate was let in")
    check(not is_let_in(bad, context, before.session), "a revoked certificate came in by a ticket")
    check(is_let_in(good), "another certificate of the same authority")
    check("certificate verify failed: certificate revoked" in daemon.log(), "the log does not say why")
    load("", refused="no lists of revoked certificates in PEM can be read here")
    load(authority.revoked(lasts=("-crlsec", "1")))
    wait_until(lambda: not is_let_in(good), 4, "a list that has run out to let nobody in")
    check("CRL has expired" in daemon.log(), "the log does not say that the list has run out")
    load(lists.read_text(), refused="the list of revoked certificates has run out")
    load(authority.revoked())
    check(is_let_in(good) and not is_let_in(bad), "a new list")
    done = cli("run", daemon.policy, "--listen", "udp:127.0.0.1:0", "--client-crl", lists)
    check(done.returncode != 0 and "client_ca" in done.stderr, f"a list without an authority: {done.stderr}")


@test(limit=30)
def tls_sips(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority)
    phone = tls_phone(t, daemon, authority)
    sips = f"sips:ok@{phone.there()}"
    contact = [f"Contact: <sips:caller@{phone.here()}>"]
    invite = phone.request("INVITE", uri=sips, extra=contact)
    data = phone.bytes_of(invite).replace(f"Contact: <sip:caller@{phone.here()};transport=TLS>\r\n".encode(), b"")
    data = re.sub(rb"Contact: <sip:[^\r]*\r\n", b"", data)
    phone.send_raw(data)
    ok = phone.expect(200)
    check(re.fullmatch(r"sips:127\.0\.0\.1:\d+", contact_of(ok)), f"Contact of a sips call: {contact_of(ok)}")
    phone.send(phone.ack_of(invite, ok))
    phone.send(phone.bye_of(invite, ok))
    phone.expect(200, method="BYE")
    refused = phone.ask("INVITE", uri=sips, status=400)
    check("sips" in refused.start, refused.start)
    refused = Phone(t, daemon.address("udp")).ask("OPTIONS", uri=sips, status=403)
    check("sips" in refused.get("warning"), f"Warning: {refused.get('warning')}")


@test(limit=40)
def tls_handshakes_have_limits(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority, args=["--workers", "1", "--set", "max_handshakes_per_source=4", "--set", "handshake_timeout_ms=600"])
    started = time.monotonic()
    silent = [socket.create_connection(daemon.address("tls"), timeout=5) for _ in range(4)]
    refused = socket.create_connection(daemon.address("tls"), timeout=5)
    equal(refused.recv(10), b"", "a fifth handshake of one source")
    check(time.monotonic() - started < 0.6, "it was not refused at once")
    silent[0].sendall(b"\x16\x03\x01")  # a record that trickles in
    for one in silent:
        equal(one.recv(10), b"", "a silent peer")
    check(0.4 < time.monotonic() - started < 3, f"slow handshakes took {time.monotonic() - started:.1f} s")
    tls_phone(t, daemon, authority).ask("OPTIONS", "ok", 200)
    equal(daemon.metric("verdict_connections_closed_total", reason="slow_start"), 4.0, "slow handshakes")
    equal(daemon.metric("verdict_connections_closed_total", reason="busy"), 1.0, "refused handshakes")


@test()
def tls_settings_are_checked(t):
    authority = Authority(t)
    pair = authority.issue("server", f"DNS:{NAME}")
    for args, text in (
            ((), "needs a certificate"),
            (("--certificate", t.path("none.pem")), "none.pem"),
            ((*pair.flags(), "--key", pair.key), "2 keys for 1 certificate"),
            (("--certificate", pair.certificate), "no private key"),
            ((*pair.flags(), "--set", "client_certificates=require"), "client_ca"),
            ((*pair.flags(), "--set", "client_certificates=maybe"), "require")):
        done = cli("run", t.write("p.lua", "return function() return ok {} end"), "--listen", "tls:127.0.0.1:0", *args)
        check(done.returncode != 0 and text in done.stderr, f"{args}: {done.returncode} {done.stderr}")
    done = cli("run", t.path("p.lua"), "--listen", "tls:127.0.0.1:0,colour=red", *pair.flags())
    check("advertise=HOST" in done.stderr, done.stderr)


@test(limit=30)
def tls_probe(t):
    authority = Authority(t)
    daemon = tls_daemon(t, authority, authority.issue("server", "IP:127.0.0.1", "DNS:localhost"))
    port = daemon.address("tls")[1]
    for uri in (f"sip:gone@127.0.0.1:{port};transport=tls", f"sips:gone@localhost:{port}"):
        done = cli("probe", uri, "--server-ca", authority.file, "--expect", 410)
        equal(done.returncode, 0, f"probe {uri}: {done.stdout}{done.stderr}")
    done = cli("probe", f"sip:gone@127.0.0.1:{port};transport=tls")
    check(done.returncode == 1 and "unable to get local issuer" in done.stderr or "self-signed" in done.stderr, f"an unknown issuer: {done.stderr}")
    equal(cli("probe", f"sip:ok@127.0.0.1:{port}", "--transport", "tls", "--insecure", "--expect", 200).returncode, 0, "--insecure")
    other = tls_daemon(t, authority, authority.issue("other", "DNS:other.example.com"))
    done = cli("probe", f"sips:gone@localhost:{other.address('tls')[1]}", "--server-ca", authority.file)
    check(done.returncode == 1 and "not for localhost but for other.example.com" in done.stderr, f"a wrong name: {done.stderr}")
