# SPDX-License-Identifier: Apache-2.0
"""A client's side of digest authentication (RFC 7616), by hand."""
import hashlib
import re

from harness.sip import token

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def challenges(response):
    """Algorithm -> fields, in the order of the header fields."""
    found = {}
    for value in response.all("www-authenticate"):
        fields = {name.lower(): quoted or plain for name, quoted, plain in re.findall(r'([\w-]+)=(?:"([^"]*)"|([^\s,]+))', value)}
        found[fields["algorithm"]] = fields
    return found


def authorization(challenge, method, uri, user="alice", password="secret", nc=1):
    """The header line that answers the challenge."""
    name = challenge["algorithm"]

    def h(*parts):
        return hashlib.new(HASHES[name], ":".join(parts).encode()).hexdigest()

    cnonce, count = token(), f"{nc:08x}"
    response = h(h(user, challenge["realm"], password), challenge["nonce"], count, cnonce, "auth", h(method, uri))
    return (f'Authorization: Digest username="{user}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={name}, cnonce="{cnonce}", qop=auth, nc={count}')


def ask(phone, method, target, status, algorithm="SHA-256", **who):
    """Asks, is challenged, asks again with the answer."""
    uri = f"sip:{target}@{phone.there()}"
    challenge = challenges(phone.ask(method, target, 401))[algorithm]
    return phone.ask(method, target, status, extra=[authorization(challenge, method, uri, **who)])
