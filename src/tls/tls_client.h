/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over a connected, non-blocking socket, for a tool with one conversation: the engine's connections are tls_layer.h. */
#pragma once

#include "tls/tls.h"

struct tls_client;

struct tls_client_options {
    const char *name; /* a host or an address, which the certificate has to be for (RFC 5922 7.2) */
    const char *ca;   /* PEM file of authorities; NULL: the system's */
    bool trusting;    /* whatever the certificate says: to look at a server, never to tell it secrets */
    int timeout_ms;   /* of the handshake */
};

/* Shakes hands over `fd`, which is borrowed.  The fault says what is wrong with the certificate, or who refused. */
MUST_CHECK enum err tls_client_new(int fd, const struct tls_client_options *options, struct tls_client **out_client,
                                   struct fault *fault);
void tls_client_free(struct tls_client *client); /* NULL is fine; says goodbye */

/* As recv() and send(): bytes, 0 at the end, -1 and errno (EAGAIN: not now). */
long tls_client_read(struct tls_client *client, void *out_bytes, size_t cap);
long tls_client_write(struct tls_client *client, struct span bytes);
/* Decrypted bytes wait that no poll() on the socket would tell of. */
bool tls_client_has_more(const struct tls_client *client);
