/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of session tickets (RFC 5077, RFC 8446 4.6.1): one set for all workers, changed now and then, never stored.
 * Thread-safe. */
#pragma once

#include "util/err.h"
#include <openssl/types.h>
#include <stdint.h>

struct tls_tickets;

enum { TLS_TICKET_ROTATE_S = 12 * 3600, TLS_TICKET_LIFETIME_S = 2 * 3600 };

MUST_CHECK enum err tls_tickets_new(struct tls_tickets **out_tickets);
void tls_tickets_free(struct tls_tickets *tickets); /* NULL is fine */
/* A new key now; tickets under the one before stay good, those under older ones do not. */
MUST_CHECK enum err tls_tickets_rotate(struct tls_tickets *tickets, uint64_t now_s);

/* Makes `context` seal and open its tickets with these keys, which outlive it. */
void tls_tickets_serve(struct tls_tickets *tickets, SSL_CTX *context);
