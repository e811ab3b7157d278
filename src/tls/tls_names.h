/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a certificate is for, as SIP reads it (RFC 5922 7): domains, from the subject's alternative names. */
#pragma once

#include "tls/tls.h"
#include "util/buffer.h"
#include <openssl/types.h>

enum { TLS_NAMES_MAX = 16, TLS_NAME_MAX = 253, TLS_NAMES_BYTES = 2048 };

/* Which names are asked for. */
enum tls_names_of {
    TLS_NAMES_OF_PEER, /* RFC 5922 7.1: the domains of its sip: URIs; without any, its DNS names; without a
                          subjectAltName, its common name.  No wildcards */
    TLS_NAMES_OF_OURS, /* all of these, wildcards ("*.example.com") too: what a client may ask us for (RFC 6066) */
};

/* Appends the names to `out`, lower case, each behind its length in one byte, at most TLS_NAMES_MAX.  What is no host
 * name (a NUL inside, a URI with a user) is passed over. */
void tls_names_add(X509 *certificate, enum tls_names_of kind, struct buffer *out);

/* Whether `host` is among the names, letter for letter but for case (RFC 5922 7.2). */
bool tls_names_have(struct span names, struct span host);
/* Whether one of them is a wildcard that stands for `host`: its first label, and nothing else. */
bool tls_names_cover(struct span names, struct span host);
