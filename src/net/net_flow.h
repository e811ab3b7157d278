/* SPDX-License-Identifier: Apache-2.0 */
/* Where a message came from and how an answer goes back (RFC 3261 18.2.2), as a plain value that anybody may keep: it
 * owns nothing, and a flow whose connection has gone is recognised by its generation. */
#pragma once

#include "net/net_address.h"

enum net_transport { NET_UDP, NET_TCP, NET_TLS, NET_WS, NET_WSS, NET_TRANSPORT_COUNT };

struct net_flow {
    uint8_t transport;   /* enum net_transport */
    uint8_t outgoing;    /* 1: a connection that we opened */
    uint16_t worker;     /* whose stack it belongs to: a stream can be written by this worker only */
    uint16_t listener;   /* index in net_listeners; for UDP the socket that an answer leaves from */
    uint16_t peer;       /* accepted streams: a layer's name for who it found the peer to be; 0: nobody in particular */
    uint32_t slot;       /* streams: the connection's place and ... */
    uint32_t generation; /* ... which of its tenants; both 0 for UDP */
    struct net_address remote;
    struct net_address local;
};

_Static_assert(sizeof(struct net_flow) == 64, "no padding: it is compared as bytes, and kept per transaction");

/* Delivery is the transport's job: no retransmission by transactions (RFC 3261 17). */
static inline bool net_transport_is_reliable(enum net_transport transport)
{
    return transport != NET_UDP;
}
/* TLS at the bottom (RFC 3261 26.2). */
static inline bool net_transport_is_secure(enum net_transport transport)
{
    return transport == NET_TLS || transport == NET_WSS;
}
/* "UDP", "TCP", "TLS", "WS", "WSS": as in a Via; never NULL. */
const char *net_transport_name(enum net_transport transport);
/* Any case. */
MUST_CHECK enum err net_transport_parse(struct span text, enum net_transport *out_transport);
/* 5060 or 5061; 80 or 443 for WS and WSS (RFC 7118). */
uint16_t net_transport_default_port(enum net_transport transport);

static inline bool net_flow_equal(const struct net_flow *a, const struct net_flow *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
