/* SPDX-License-Identifier: Apache-2.0 */
/* Digest headers (RFC 3261 22, RFC 7616, RFC 8760): reading Authorization and WWW-Authenticate, writing challenges and
 * credentials.  Nonces and passwords are the caller's. */
#pragma once

#include "auth/auth_response.h"
#include "util/buffer.h"

enum { AUTH_HEADER_FIELDS_MAX = 32 };

/* Authorization, Proxy-Authorization, WWW-Authenticate and Proxy-Authenticate alike.  Quoted values keep their
 * escapes; at == NULL where a field is missing. */
struct auth_header {
    struct span scheme; /* "Digest"; another scheme leaves all below empty, and `rest` holds it */
    struct span rest;
    struct span username, realm, nonce, uri, response, cnonce, opaque, qop, nc, algorithm, domain;
    struct span username_ext; /* username* (RFC 5987), still encoded */
    bool userhash;
    bool stale;
    bool is_digest;
};

/* One header value.  ERR_SYNTAX for broken grammar or a repeated field (which readers resolve differently). */
MUST_CHECK enum err auth_header_parse(struct span value, struct auth_header *out_digest);

/* MD5 when the span is empty (RFC 7616 3.4); false for what is not known.  "-sess" sets *out_session. */
bool auth_header_algorithm(struct span algorithm, enum digest_kind *out_kind, bool *out_session);
/* "MD5", "SHA-256", "SHA-512-256". */
struct span auth_header_algorithm_text(enum digest_kind kind);

/* A challenge's value: realm, nonce, algorithm, qop, and stale=true / opaque where given. */
struct auth_header_challenge {
    enum digest_kind kind;
    struct span realm, nonce, opaque;
    bool stale;
    bool userhash;
    bool auth_int; /* qop="auth,auth-int", else "auth" */
};
void auth_header_add_challenge(struct buffer *out, const struct auth_header_challenge *challenge);
/* An Authorization value for our own requests, from the challenge's fields and a response. */
void auth_header_add_credentials(struct buffer *out, const struct auth_response_input *input, struct span opaque,
                                 struct span response_hex);
