/* SPDX-License-Identifier: Apache-2.0 */
/* SIP over WebSocket (RFC 7118) as the topmost layer of a stream: `{websocket}` is WS, `{tls, websocket}` is WSS.  Servers
 * only: a browser cannot be called. */
#pragma once

#include "net/net_layer.h"
#include "websocket/websocket_upgrade.h"

struct websocket_counters {
    uint64_t upgrades, refused; /* 101, and everything else */
    uint64_t pings, pongs;      /* received */
    uint64_t broken;            /* closed for frames against RFC 6455, or too long */
};

/* What one worker's connections work with: the `ctx` of this layer's net_layer_use. */
struct websocket_worker {
    struct websocket_origins origins; /* borrowed */
    struct websocket_counters counters;
};

/* Each message of the peer is one SIP message, whichever frames it came in, text or binary; it is unmasked and put together
 * in memory of the connection's own, up to net_limits.message_max (more: 1009).  A message of CR LF CR LF is a keep-alive
 * and answered by CR LF (RFC 5626 4.4.1); pings are answered by pongs. */
extern const struct net_layer_ops websocket_layer;
