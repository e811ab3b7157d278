/* SPDX-License-Identifier: Apache-2.0 */
/* What lies between a stream's socket and its messages: a chain of layers, the first next to the socket, the last one
 * (framing, WebSocket) giving and taking whole messages.  README.md of this folder tells how one is written. */
#pragma once

#include "net/net_stack.h"

struct net_connection;

enum { NET_LAYERS_MAX = 4 };

struct net_layer {
    const struct net_layer_ops *ops;
    struct net_connection *connection;
    void *ctx;      /* of the list that it comes from: what it works with */
    unsigned depth; /* 0: next to the socket */
    void *state;    /* the layer's own */
};

/* An error from `start`, `unwrap` or `wrap` closes the connection (NET_CLOSE_LAYER, or what net_layer_fail said). */
struct net_layer_ops {
    const char *name;
    /* What is below is ready (`client`: we opened the connection): make `state`, begin a handshake.  When this layer is
     * ready to carry bytes, now or later, it calls net_layer_ready once. */
    enum err (*start)(struct net_layer *layer, bool client);
    /* Bytes came from below; what they mean goes up by net_layer_up, or, from the topmost layer, net_layer_message. */
    enum err (*unwrap)(struct net_layer *layer, struct span bytes);
    /* Bytes come from above (the topmost: one whole message); they go on by net_layer_down. */
    enum err (*wrap)(struct net_layer *layer, struct span bytes);
    /* The turn that net_layer_defer asked for.  NULL where it never does. */
    enum err (*turn)(struct net_layer *layer);
    /* Topmost only: a message that could not be taken is to be offered again. */
    enum err (*resume)(struct net_layer *layer);
    /* Topmost only: asks the peer by net_layer_down whether it is there; whatever comes is an answer.  NULL: it cannot. */
    enum err (*ping)(struct net_layer *layer);
    /* The open connection will be closed politely: say goodbye by net_layer_down.  May be NULL. */
    void (*finish)(struct net_layer *layer);
    /* Frees `state`; also where `start` was never called (then it is NULL).  May be NULL. */
    void (*free)(struct net_layer *layer);
};

/* Framing alone: the one layer of TCP and the upper one of TLS. */
extern const struct net_layer_ops net_layer_frame;

/* ---- For layers ---- */

/* From `start` or later: the layer above is started; from the topmost, the flow is open and waiting messages are sent. */
MUST_CHECK enum err net_layer_ready(struct net_layer *layer);
MUST_CHECK enum err net_layer_up(struct net_layer *layer, struct span bytes);
MUST_CHECK enum err net_layer_down(struct net_layer *layer, struct span bytes);
/* Gives a whole message to the handler.  False: keep it and everything behind it; `resume` will come. */
MUST_CHECK bool net_layer_message(struct net_layer *layer, struct span message);
/* What comes next is costly: `turn` will be called from the loop, for one connection a turn of it, so that everybody
 * else's messages go between.  Nothing is read from this connection meanwhile. */
void net_layer_defer(struct net_layer *layer);
/* Says whether a part of a message is held, for the time limit of a message; `whole` that one (or a keep-alive) was
 * completed. */
void net_layer_progress(struct net_layer *layer, bool whole, bool part_held);
/* The connection was closed by what a callback did, or is stalled: take nothing more from what is buffered. */
bool net_layer_must_stop(const struct net_layer *layer);
/* Why the error that is about to be returned happened; if `polite`, what was written is still sent. */
enum err net_layer_fail(struct net_layer *layer, enum net_close reason, bool polite);

/* Gives the flow of an accepted connection a peer's name (net_flow.peer); before the flow opens. */
void net_layer_set_peer(struct net_layer *layer, uint16_t peer);

const struct net_flow *net_layer_flow(const struct net_layer *layer);
/* Whom the connection is meant to reach (net_target.name); empty for accepted ones. */
struct span net_layer_name(const struct net_layer *layer);
uint64_t net_layer_now_ms(const struct net_layer *layer);
const struct net_limits *net_layer_limits(const struct net_layer *layer);
const struct net_handlers *net_layer_handlers(const struct net_layer *layer);
struct net_counters *net_layer_counters(struct net_layer *layer);
