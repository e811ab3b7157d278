/* SPDX-License-Identifier: Apache-2.0 */
/* The response of a digest (RFC 7616 3.4.1), and what is kept of a password. */
#pragma once

#include "util/digest.h"

/* Everything that goes into a response.  Either `ha1` (lower-case hexadecimal of H(user:realm:password)) or
 * `password`. */
struct auth_response_input {
    enum digest_kind kind;
    bool session;
    struct span username, realm, password, ha1;
    struct span nonce, nc, cnonce, qop; /* qop empty: the form of RFC 2069 */
    struct span method, uri;
    struct span body; /* for qop=auth-int */
};
MUST_CHECK enum err auth_response(const struct auth_response_input *input, char out_hex[DIGEST_HEX_MAX]);
/* HA1: H(username:realm:password), binary, digest_len(kind) bytes. */
MUST_CHECK enum err auth_response_ha1(enum digest_kind kind, struct span username, struct span realm,
                                      struct span password, unsigned char out[DIGEST_MAX]);
