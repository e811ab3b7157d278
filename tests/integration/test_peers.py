# SPDX-License-Identifier: Apache-2.0
"""Other people's SIP over TLS: baresip and Net::SIP, with certificates of their own and without."""
import pathlib
import re
import subprocess

from harness import sipp
from harness.daemon import Daemon
from harness.registry import check, equal, skip, test, wait_until
from harness.tls import Authority

NET_SIP = r"""
use strict; use warnings;
use Net::SIP;
my ($port, $user, $ca, $certificate, $key) = @ARGV;
my %tls = (SSL_ca_file => $ca, SSL_verifycn_scheme => 'none');
@tls{qw(SSL_cert_file SSL_key_file)} = ($certificate, $key) if $key;
my ($final, $bye);
my $ua = Net::SIP::Simple->new(from => 'sip:caller@example.com', domain => 'example.com', tls => \%tls,
    outgoing_proxy => "sip:127.0.0.1:$port;transport=tls");
my $call = $ua->invite("sip:$user\@example.com",
    cb_final => sub { my ($status, undef, %info) = @_; $final = $status . " " . ($info{code} // ""); });
$ua->loop(5, \$final);
print "final: ", $final // "none", "\n";
exit 0 unless $call && ($final // "") =~ /^OK/;
$call->bye(cb_final => sub { $bye = 'answered' });
$ua->loop(3, \$bye);
print "bye: ", $bye // "none", "\n";
"""


def secure_daemon(t, authority, asks):
    pair = authority.issue("server", "DNS:example.com", "IP:127.0.0.1")
    return Daemon(t, listen=(f"tls:127.0.0.1:0,client_certificates={asks}",), args=[*pair.flags(), "--client-ca", authority.file])


@test(limit=40)
def net_sip_over_tls(t):
    perl = sipp.have("perl", "perl")
    if subprocess.run([perl, "-MNet::SIP", "-MIO::Socket::SSL", "-e1"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("Net::SIP is not installed (Debian packages libnet-sip-perl, libio-socket-ssl-perl)")
    authority = Authority(t)
    trunk = authority.issue("trunk", "DNS:trunk.example.net")
    script = t.write("call.pl", NET_SIP)
    for asks, files in (("none", ()), ("require", (trunk.certificate, trunk.key))):
        daemon = secure_daemon(t, authority, asks)
        for user, final in (("ok", "final: OK \nbye: answered\n"), ("gone", "final: FAIL 410\n")):
            done = subprocess.run([perl, str(script), str(daemon.port), user, authority.file, *files], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=20, text=True, check=False)
            equal(done.stdout, final, f"Net::SIP calls {user}, asked for certificates: {asks}: {done.stderr[-300:]}")
        equal(daemon.metric("verdict_tls_clients_verified_total"), 2.0 if files else 0.0, "verified clients")


@test(limit=40)
def baresip_over_tls(t):
    baresip = sipp.have("baresip", "baresip-core")
    modules = pathlib.Path("/usr/lib/baresip/modules")
    if not (modules / "aubridge.so").exists():
        skip("baresip's modules are not installed (Debian package baresip-core)")
    authority = Authority(t)
    trunk = authority.issue("trunk", "DNS:trunk.example.net")
    both = t.write("both.pem", trunk.certificate.read_text() + trunk.key.read_text())
    daemon = secure_daemon(t, authority, "require")
    t.write("phone/config", f"""
sip_listen 127.0.0.1:0
sip_certificate {both}
sip_cafile {authority.file}
sip_verify_server yes
audio_player aubridge,nil
audio_source aubridge,nil
audio_alert aubridge,nil
module_path {modules}
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
""")
    t.write("phone/accounts", "<sip:caller@127.0.0.1;transport=tls>;regint=0;audio_codecs=PCMU\n")
    t.write("phone/contacts", "")
    for user, text in (("ok", "Call established"), ("gone", "410 Gone")):
        done = subprocess.run([baresip, "-f", str(t.path("phone")), "-e", f"/dial sip:{user}@127.0.0.1:{daemon.port}", "-t", "1"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, text=True, check=False)
        check(text in done.stdout, f"baresip calls {user}: {re.sub(chr(13), chr(10), done.stdout)[-800:]}")
    wait_until(lambda: daemon.metric("verdict_calls") == 0.0, 3, "baresip's BYE")
    equal(daemon.metric("verdict_acks_total", kind="acknowledged"), 2.0, "ACKs")
