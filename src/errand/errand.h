/* SPDX-License-Identifier: Apache-2.0 */
/* Our own requests in dialogs (BYE, NOTIFY, a session's refresh) on their way: one way after the other (RFC 3263 4.3), each with a transaction
 * and a branch of its own, until one of them is answered.  One worker's; single-threaded. */
#pragma once

#include "locate/locate_table.h"
#include "sip/sip_request.h"
#include "txn/txn_table.h"
#include "util/buffer.h"

struct errand;
struct errand_table;

/* How the phone behind a GRUU is reached: over a connection of its own, or by its Path (RFC 5626 7). */
struct errand_detour {
    struct net_flow flow;
    bool is_direct;                /* over `flow`; else by the first of `path` */
    struct span aor, target, path; /* whose phone; its contact, instead of the GRUU; the routes, values with commas */
};
enum { ERRAND_DETOURS_MAX = 4, ERRAND_DETOUR_TEXT_MAX = 1024 };
/* Those of one phone; each detour's texts lie in its own row. */
struct errand_detours {
    unsigned count;
    struct errand_detour items[ERRAND_DETOURS_MAX];
    char texts[ERRAND_DETOURS_MAX][ERRAND_DETOUR_TEXT_MAX];
};

/* How a request finds its way (RFC 3263).  An open connection that the dialog came by goes first, and so does a flow of
 * datagrams where the URI of the first hop says `ob` (RFC 5626 4.3) or is a GRUU.  Then the places that
 * the first route, or else the target, leads to, as far as they may be reached: a Contact must never make us reach an
 * inner address.  Last the flow that the dialog came by.  The next is tried when one fails: on a transport error, a
 * timeout and 503 (RFC 3261 8.1.3.1, RFC 3263 4.3, RFC 4321).  To a GRUU of ours, without a route, its phone's ways go
 * before all that, the newest registration first; the next of these also on 408 and 430 (RFC 5626 7).  All zero: only that flow. */
struct errand_ways {
    void *ctx;
    struct locate_table *locator; /* borrowed; outlives the table; NULL: nothing is located */
    unsigned transports;          /* that can be opened: bits 1 << enum net_transport */
    bool (*is_open)(void *ctx, const struct net_flow *flow);
    bool (*may_reach)(void *ctx, const struct net_address *address);
    /* The ways to the phone behind a GRUU; count 0: it is none of ours, or not registered.  NULL: nobody knows any. */
    void (*find_phone)(void *ctx, struct span gruu, struct errand_detours *out);
    /* An edge has answered 430: this way leads nowhere any more (RFC 5626 5.3). */
    void (*lost_phone)(void *ctx, const struct errand_detour *detour);
    /* `name` is the host of the URI, which a certificate has to be for (RFC 5922 7.3). */
    enum err (*open)(void *ctx, const struct locate_hop *hop, struct span name, struct net_flow *out_flow);
};

enum errand_end {
    ERRAND_ANSWERED, /* with a final response */
    ERRAND_TIMEOUT,  /* the last way was silent for 64*T1 */
    ERRAND_FAILED    /* the last way could not be used, or there was none */
};

/* How one try travels. */
struct errand_way {
    const struct net_flow *flow;
    struct span branch;
    const struct errand_detour *detour; /* NULL: with the dialog's own target and routes */
};
/* The routes of a detour's Path as a request's; at most SIP_REQUEST_ROUTES_MAX, returns how many. */
size_t errand_detour_routes(const struct errand_detour *detour, struct span routes[static SIP_REQUEST_ROUTES_MAX]);

/* A 2xx to an INVITE of ours, and how its ACK travels: the way of the INVITE, with a branch of its own. */
struct errand_accepted {
    const struct sip_message *response;
    struct errand_way way;
};

/* Puts a connection before all others, where it is among them. */
void errand_detours_put_first(struct errand_detours *detours, const struct net_flow *flow);

/* What one kind of request is.  Each function gets the `user` of errand_send(). */
struct errand_job {
    struct span method;
    struct span (*call_id)(void *user);
    /* The URI of the first hop: first route or target. */
    struct span (*next_hop)(void *user);
    /* The bytes for one way; false: they do not fit. */
    bool (*build)(void *user, const struct errand_way *way, struct buffer *out);
    /* INVITE: the ACK for its 2xx, asked for before `done`; false: it does not fit.  NULL for other methods. */
    bool (*build_ack)(void *user, const struct errand_accepted *accepted, struct buffer *out);
    /* It went out for the first time.  NULL: nobody wants to know. */
    void (*sent)(void *user);
    /* Called once, never from within errand_send(); the errand is gone when this returns, and for the user already.
     * `response` is NULL unless it was answered; a 503 is the answer of the last way. */
    void (*done)(void *user, enum errand_end end, const struct sip_message *response);
};

struct errand_options {
    struct txn_table *txns; /* borrowed; outlives the table */
    struct errand_ways ways;
};

MUST_CHECK enum err errand_table_new(const struct errand_options *options, struct errand_table **out_table);
/* Every errand must have been cancelled or be done.  NULL is fine. */
void errand_table_free(struct errand_table *table);

struct errand_order {
    const struct errand_job *job; /* borrowed for the errand's life */
    void *user;
    struct net_flow flow; /* that the dialog came by */
    /* Where a request over LOCATE_LARGE bytes that would leave by UDP goes by TCP first (RFC 3261 18.1.1), if it can be;
     * NET_FAMILY_NONE: nowhere. */
    struct net_address stream;
};

/* Sends a request.  ERR_NOMEM, ERR_FULL, ERR_TOO_LONG: no way could be begun, `done` is not called. */
MUST_CHECK enum err errand_send(struct errand_table *table, const struct errand_order *order,
                                struct errand **out_errand);
/* Its user has gone: what is out goes on, and nobody is told.  NULL is fine. */
void errand_cancel(struct errand *errand);
/* A connection has gone: what was asked over it, and not answered, goes another way. */
void errand_table_flow_closed(struct errand_table *table, const struct net_flow *flow);
