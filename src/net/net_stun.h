/* SPDX-License-Identifier: Apache-2.0 */
/* The server of STUN that a flow of datagrams is kept alive by (RFC 5626 4.4.2 and 8, RFC 5389 13): a Binding request, without
 * credentials, is told the address that it came from.  Strict: whatever is not whole, or is not for a server, is no request. */
#pragma once

#include "net/net_address.h"

struct net_stack;
struct net_flow;

enum {
    NET_STUN_MAX = 1280,      /* bytes of a request; a longer one is none */
    NET_STUN_UNKNOWN_MAX = 8, /* that an answer names */
    NET_STUN_ANSWER_MAX = 64  /* bytes of any answer; none is more than 24 bytes longer than its request */
};

struct net_stun_request {
    uint8_t id[12];                         /* the transaction's */
    bool has_fingerprint;                   /* a right one: the answer has one, too */
    uint8_t unknown_count;                  /* attributes that must be understood, and are not (420) */
    uint16_t unknown[NET_STUN_UNKNOWN_MAX]; /* the first of them */
};

/* One whole datagram.  ERR_INVALID: no Binding request of RFC 5389, or a damaged one: nothing is to be answered. */
MUST_CHECK enum err net_stun_read(struct span bytes, struct net_stun_request *out_request);
/* Appends the answer: XOR-MAPPED-ADDRESS with `from`, or 420 with UNKNOWN-ATTRIBUTES. */
void net_stun_answer(const struct net_stun_request *request, const struct net_address *from, struct buffer *out);

/* Answers a datagram that is a Binding request, and counts it; false: it is none, and is somebody else's. */
bool net_stun_serve(struct net_stack *stack, const struct net_flow *flow, struct span bytes);
