/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as a layer of a stream (net_layer.h), the lowest of TLS and WSS: `{tls, frame}`, `{tls, websocket}`. */
#pragma once

#include "net/net_layer.h"
#include "tls/tls.h"

struct tls_counters {
    uint64_t handshakes;   /* completed, of accepted connections */
    uint64_t resumed;      /* of them, by a ticket */
    uint64_t with_clients; /* of them, with a client's verified certificate */
    uint64_t connected;    /* completed, of connections that we opened */
    uint64_t failed;       /* not completed for what the peer did or has */
};

/* What one worker's connections work with: the `ctx` of this layer's net_layer_use. */
struct tls_worker {
    struct tls *tls;                 /* borrowed */
    const enum tls_clients *clients; /* borrowed: by net_flow.listener, which is less than `listener_count` */
    unsigned listener_count;
    struct tls_counters counters;
    void *ctx;
    /* Why a handshake failed; may be NULL.  `why` is OpenSSL's word for it. */
    void (*on_failure)(void *ctx, const struct net_flow *flow, const char *why);
};

/* A handshake's steps are taken one connection a turn of the loop (net_layer_defer): a key exchange and a signature cost
 * up to a millisecond, and datagrams go between them. */
extern const struct net_layer_ops tls_layer;
