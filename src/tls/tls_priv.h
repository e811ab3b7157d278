/* SPDX-License-Identifier: Apache-2.0 */
/* Private to tls. */
#pragma once

#include "tls/tls.h"
#include "tls/tls_identities.h"
#include "tls/tls_names.h"
#include "tls/tls_tickets.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum { TLS_CERTIFICATES_MAX = 64 };

/* One certificate with the contexts that show it. */
struct tls_entry {
    SSL_CTX *contexts[TLS_CLIENTS_COUNT]; /* NULL: without client_ca nobody is asked */
    struct span names;                    /* TLS_NAMES_OF_OURS */
};

/* What one load brought; never changed afterwards. */
struct tls_set {
    atomic_uint uses;
    struct tls_tickets *tickets; /* borrowed */
    unsigned count;
    struct tls_entry entries[TLS_CERTIFICATES_MAX];
    SSL_CTX *client; /* for connections that we open */
};

struct tls {
    pthread_mutex_t mutex; /* guards `set` */
    struct tls_set *set;   /* NULL before the first load */
    atomic_uint_least64_t generation;
    struct tls_tickets *tickets;
    struct tls_identities *identities;
    BIO_METHOD *bio; /* tls_layer.c */
};

/* tls_set.c */
struct tls_check {
    bool strict; /* a certificate out of its time is a fault */
    char *notes; /* TLS_NOTES_MAX bytes; where it is not */
};
MUST_CHECK enum err tls_set_new(struct tls_tickets *tickets, const struct tls_files *files,
                                const struct tls_check *check, struct tls_set **out_set, struct fault *fault);
void tls_set_unref(struct tls_set *set);
/* tls_context.c: contexts.  NULL: out of memory. */
SSL_CTX *tls_context_server(struct tls_set *set, struct span session_context);
SSL_CTX *tls_context_client(void);

/* tls.c */
struct tls_set *tls_set_take(struct tls *tls); /* NULL: nothing was loaded */

/* The text of the first error that OpenSSL keeps, all of which are forgotten; never NULL. */
const char *tls_error_text(void);

/* tls_bio.c: a session's bytes, between OpenSSL and the layers beside it, without a copy of their own. */
struct net_layer;
struct tls_pipe {
    struct net_layer *layer;
    struct span incoming; /* came from below and was not read yet */
};
MUST_CHECK BIO *tls_bio_new(const BIO_METHOD *method, struct tls_pipe *pipe); /* NULL: out of memory */
BIO_METHOD *tls_bio_method(void);                                             /* NULL: out of memory */
