/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3263 as a pure function: from a URI and the answers that are known by now, either the places to try, or the
 * questions that are still open.  Whoever calls it asks them and calls again; the same seed gives the same order. */
#pragma once

#include "locate/locate_answer.h"
#include "net/net_flow.h"
#include "sip/sip_uri.h"

enum {
    LOCATE_HOPS_MAX = 16,
    LOCATE_PER_NAME_MAX = 4, /* addresses of one family that are taken of one name */
    LOCATE_NEEDS_MAX = 16,   /* questions of one round */
    LOCATE_ALIASES_MAX = 8,  /* CNAMEs in a row */
    LOCATE_LARGE = 1300      /* bytes of a request that is not to go by UDP (RFC 3261 18.1.1) */
};

/* One place to try. */
struct locate_hop {
    uint8_t transport; /* enum net_transport */
    struct net_address address;
};

/* In the order in which they are to be tried, each once. */
struct locate_hops {
    unsigned count;
    struct locate_hop hops[LOCATE_HOPS_MAX];
};

struct locate_request {
    struct span uri;     /* the next hop: first route or target */
    unsigned transports; /* that we speak: bits 1 << enum net_transport */
    bool no_ip4, no_ip6; /* families that we do not speak */
    bool ip6_first;      /* where a name has both */
    bool is_large;       /* TCP before UDP, to the same places (RFC 3261 18.1.1) */
};

struct locate_need {
    enum locate_type type;
    size_t len;
    char name[LOCATE_NAME_MAX];
};

struct locate_needs {
    unsigned count;
    struct locate_need needs[LOCATE_NEEDS_MAX];
};

/* What is known: NULL when it has to be asked for first. */
struct locate_view {
    void *ctx;
    const struct locate_answer *(*find)(void *ctx, enum locate_type type, struct span name);
};

/* OK: all is known, *out_hops has at least one place.  ERR_AGAIN: *out_needs has what to ask for.  ERR_SYNTAX: no URI, or
 * a host that is none; ERR_UNSUPPORTED: a scheme or transport that we do not speak; ERR_NOT_FOUND: it is nowhere;
 * ERR_TIMEOUT, ERR_IO: nothing found, and the DNS did not answer, or failed. */
MUST_CHECK enum err locate_plan(const struct locate_request *request, const struct locate_view *view, uint64_t seed,
                                struct locate_needs *out_needs, struct locate_hops *out_hops);

/* Orders `count` SRV records in place: by priority, and by weight at random within one (RFC 2782). */
struct random;
void locate_srv_order(struct locate_record *records, unsigned count, struct random *random);
