/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for the whole process: certificates that can be loaded again while connections live, the keys of session tickets,
 * and the names of peers.  Thread-safe.  The layer that uses it is tls_layer.h. */
#pragma once

#include "util/err.h"
#include "util/span.h"
#include <stdint.h>

/* What a listener asks of its clients. */
enum tls_clients {
    TLS_CLIENTS_NONE,    /* no certificate */
    TLS_CLIENTS_REQUEST, /* one if they have it, which then must be good */
    TLS_CLIENTS_REQUIRE,
    TLS_CLIENTS_COUNT
};
/* "none", "request", "require". */
MUST_CHECK enum err tls_clients_parse(struct span text, enum tls_clients *out_clients);

/* Files in PEM; the lists are parallel.  All borrowed. */
struct tls_files {
    char *const *certificates; /* each a certificate and its chain, the first is the default */
    char *const *keys;
    unsigned count;
    const char *client_ca; /* whose certificates clients may bring; NULL: nobody's, and no listener asks for one */
    const char
        *client_crl; /* of these, the lists of revoked ones, one for each authority that issues clients'; or NULL */
    const char *server_ca; /* whose certificates we believe where we connect; NULL: the system's */
};

struct tls;

MUST_CHECK enum err tls_new(struct tls **out_tls);
/* No layer may live any more.  NULL is fine. */
void tls_free(struct tls *tls);

enum { TLS_NOTES_MAX = 512 };

/* Reads all files, and only when every one is good do new connections use them; others keep what they began with.  A
 * fault names the file and what is wrong: unreadable, half-written, a key that does not fit.  A certificate whose time
 * is over or has not come is a fault if there are certificates already, else it is used and said in `out_notes`, which
 * is "" otherwise. */
MUST_CHECK enum err tls_load(struct tls *tls, const struct tls_files *files, char out_notes[static TLS_NOTES_MAX],
                             struct fault *fault);
/* New keys for session tickets now; tickets under the keys before stay good, older ones do not.  By itself every 12 hours. */
MUST_CHECK enum err tls_rotate_tickets(struct tls *tls);
/* How often certificates were loaded. */
uint64_t tls_generation(const struct tls *tls);

/* The verified names of a peer by net_flow.peer, each behind its length in one byte; empty for 0.  Any thread; valid for a
 * minute after the connection's end. */
struct span tls_peer_names(const struct tls *tls, uint16_t peer);
/* Takes the first name off `rest`; false when there is none left. */
bool tls_names_next(struct span *rest, struct span *out_name);
