/* SPDX-License-Identifier: Apache-2.0 */
/* Digest headers (RFC 3261 22, RFC 7616, RFC 8760): reading Authorization and WWW-Authenticate, writing challenges and
 * credentials, and the response itself.  Nonces and passwords are the caller's. */
#pragma once

#include "util/buffer.h"
#include "util/digest.h"

enum { SIP_DIGEST_FIELDS_MAX = 32 };

/* Authorization, Proxy-Authorization, WWW-Authenticate and Proxy-Authenticate alike.  Quoted values keep their
 * escapes; at == NULL where a field is missing. */
struct sip_digest {
    struct span scheme; /* "Digest"; another scheme leaves all below empty, and `rest` holds it */
    struct span rest;
    struct span username, realm, nonce, uri, response, cnonce, opaque, qop, nc, algorithm, domain;
    struct span username_ext; /* username* (RFC 5987), still encoded */
    bool userhash;
    bool stale;
    bool is_digest;
};

/* One header value.  ERR_SYNTAX for broken grammar or a repeated field (which readers resolve differently). */
MUST_CHECK enum err sip_digest_parse(struct span value, struct sip_digest *out_digest);

/* MD5 when the span is empty (RFC 7616 3.4); false for what is not known.  "-sess" sets *out_session. */
bool sip_digest_algorithm(struct span algorithm, enum digest_kind *out_kind, bool *out_session);
/* "MD5", "SHA-256", "SHA-512-256". */
struct span sip_digest_algorithm_text(enum digest_kind kind);

/* Everything that goes into a response.  Either `ha1` (lower-case hexadecimal of H(user:realm:password)) or
 * `password`. */
struct sip_digest_input {
    enum digest_kind kind;
    bool session;
    struct span username, realm, password, ha1;
    struct span nonce, nc, cnonce, qop; /* qop empty: the form of RFC 2069 */
    struct span method, uri;
    struct span body; /* for qop=auth-int */
};
MUST_CHECK enum err sip_digest_response(const struct sip_digest_input *input, char out_hex[DIGEST_HEX_MAX]);

/* A challenge's value: realm, nonce, qop="auth", algorithm, and stale=true / opaque where given. */
struct sip_digest_challenge {
    enum digest_kind kind;
    struct span realm, nonce, opaque;
    bool stale;
    bool userhash;
};
void sip_digest_add_challenge(struct buffer *out, const struct sip_digest_challenge *challenge);
/* An Authorization value for our own requests, from the challenge's fields and a response. */
void sip_digest_add_credentials(struct buffer *out, const struct sip_digest_input *input, struct span opaque,
                                struct span response_hex);
