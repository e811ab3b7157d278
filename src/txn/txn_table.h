/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of one worker (RFC 3261 17, RFC 6026, RFC 4320): what arrives is sorted against them, what is answered
 * is kept for retransmission.  Single-threaded; sends through an injected wire and reads an injected clock. */
#pragma once

#include "net/net_flow.h"
#include "sip/sip_message.h"
#include "txn/txn_ledger.h"
#include "txn/txn_reflect.h"
#include "util/clock.h"
#include "util/siphash.h"
#include "util/wheel.h"

struct txn;
struct txn_table;
struct txn_slab;

enum { TXN_TAG_LEN = 16, TXN_BRANCH_LEN = 23 };

enum txn_kind { TXN_INVITE_SERVER, TXN_SERVER, TXN_CLIENT, TXN_INVITE_CLIENT, TXN_KIND_COUNT };

enum txn_state {
    TXN_TRYING,     /* no response yet (non-INVITE) */
    TXN_PROCEEDING, /* no final response yet */
    TXN_ACCEPTED,   /* INVITE: a 2xx went out, which is the call's to repeat; or came in, which the call
                       acknowledges (RFC 6026) */
    TXN_COMPLETED,  /* a final response went out (came in) */
    TXN_CONFIRMED,  /* INVITE: and was acknowledged */
    TXN_ABSORBING,  /* no response will ever be sent */
    TXN_TERMINATED, /* about to be freed */
    TXN_STATE_COUNT
};

/* How bytes leave.  `bytes` are borrowed for the call.  An error means that they will not arrive; a datagram that is
 * merely delayed or dropped for lack of room is OK (retransmission mends it). */
struct txn_wire {
    void *ctx;
    enum err (*send)(void *ctx, const struct net_flow *flow, struct span bytes);
};

/* Milliseconds.  0: 500, 8*T1, 10*T1. */
struct txn_timers {
    uint32_t t1_ms, t2_ms, t4_ms;
};

/* How the answer of an INVITE transaction was acknowledged. */
struct txn_ack {
    uint32_t resends;   /* of the final answer before the ACK */
    uint32_t waited_ms; /* from the first answer */
    bool mistagged;     /* its branch was right, its To tag was not */
};

/* Called from the wheel and from txn_receive.  Each may be NULL.  None may free the table; each may start transactions. */
struct txn_handlers {
    void *ctx;
    /* A 300-699 was acknowledged; once a transaction. */
    void (*on_ack)(void *ctx, struct txn *txn, const struct txn_ack *ack);
    /* A 300-699 was not acknowledged in 64*T1 (timer H), on any transport. */
    void (*on_no_ack)(void *ctx, struct txn *txn, const struct txn_ack *ack);
    /* The wire refused an answer.  The transaction stays in its state (RFC 6026) and goes on. */
    void (*on_transport_error)(void *ctx, struct txn *txn, enum err err);
    /* The last word on a server transaction: drop what txn_user() points to. */
    void (*on_end)(void *ctx, struct txn *txn);
};

/* For one of our own requests; `user` is what txn_client_new() was given.  Exactly one of on_final, on_timeout and
 * on_transport_error is called, never from within txn_client_new(), and none after txn_client_detach(). */
struct txn_client_handlers {
    void (*on_provisional)(void *user, struct txn *txn, const struct sip_message *response);
    void (*on_final)(void *user, struct txn *txn, const struct sip_message *response);
    void (*on_timeout)(void *user, struct txn *txn);
    void (*on_transport_error)(void *user, struct txn *txn, enum err err);
};

struct txn_options {
    const struct clock *clock; /* borrowed */
    struct wheel *wheel;       /* borrowed; its ctx is not used */
    struct txn_wire wire;
    struct siphash_key key; /* secret, and the same on all workers: stateless tags follow from it */
    struct txn_timers timers;
    size_t cap;           /* server transactions; client transactions may be as many again.  0: 1,000,000 */
    size_t ledger_cap;    /* peers in the ledger; 0: 4,096 */
    uint64_t seed;        /* of tags and branches, for simulations; 0: from the system */
    uint32_t reflect_cap; /* unacknowledged answers a source; 0: 256 */
    struct txn_handlers handlers;
};

/* ERR_NOMEM. */
MUST_CHECK enum err txn_table_new(const struct txn_options *options, struct txn_table **out_table);
/* Frees all transactions without a word to anybody, on_end included. */
void txn_table_free(struct txn_table *table);

enum txn_class {
    TXN_NEW,              /* a request that has no transaction yet */
    TXN_ABSORBED,         /* a retransmission: answered again if that was due, nothing is left to do */
    TXN_ACK_ABSORBED,     /* an ACK for a 300-699, stateless ones included: nothing is left to do */
    TXN_ACK_FOR_CALL,     /* an ACK for a 2xx, or for nothing that is known here: the calls' to sort */
    TXN_CANCEL_MATCHED,   /* a new CANCEL for `txn`, an INVITE's */
    TXN_CANCEL_UNMATCHED, /* a new CANCEL for nothing: 481 */
    TXN_MERGED            /* the same request came by another way: 482 (RFC 3261 8.2.2.2) */
};

struct txn_arrival {
    enum txn_class class;
    struct txn *txn; /* TXN_CANCEL_MATCHED; else NULL */
};

/* Sorts a request (RFC 3261 17.2.3; branch, sent-by, method and Call-ID, or the RFC 2543 rules where the branch has no
 * magic cookie) and runs the machine that it belongs to.  `flow` says where answers to it go (RFC 3261 18.2.2).
 * Nothing is kept of either. */
struct txn_arrival txn_receive(struct txn_table *table, const struct sip_message *request, const struct net_flow *flow);

/* Sorts a request that is going to be answered without state, and opens no dialog: neither it nor any copy of it has a
 * transaction to be looked for, so it is new, for the cost of a counter. */
void txn_receive_stateless(struct txn_table *table);

/* Opens a server transaction for a request that txn_receive() called TXN_NEW, a CANCEL or TXN_MERGED.  ERR_FULL at the
 * cap and ERR_NOMEM: a stateless 503 is left.  The transaction must get a final answer, txn_absorb(), or txn_hold()
 * before control returns to the loop.  An ACK has no transaction: ERR_INVALID. */
MUST_CHECK enum err txn_server_new(struct txn_table *table, const struct sip_message *request,
                                   const struct net_flow *flow, struct txn **out_txn);

/* Sends `bytes`, a response with status `code`, and keeps one copy where the machine will need it again (not of a 2xx to
 * INVITE: the call repeats that).  ERR_INVALID: not allowed now (a second final answer; 408 or a 1xx other than a late
 * 100 to a non-INVITE request, RFC 4320), nothing was sent.  ERR_NOMEM: it was sent once, and is not kept.  The
 * transaction lives at least until the wheel turns. */
MUST_CHECK enum err txn_reply(struct txn *txn, unsigned code, struct span bytes);
/* No answer, ever: retransmissions are absorbed for 64*T1. */
void txn_absorb(struct txn *txn);

/* The answer comes later: keeps a copy of the request (txn_request()), sends 100 by itself when nothing else went out in
 * 200 ms (INVITE) or until RFC 4320 asks for it (others), and lets a non-INVITE transaction end unanswered after 64*T1.
 * ERR_NOMEM: not held. */
MUST_CHECK enum err txn_hold(struct txn *txn, const struct sip_message *request);
/* The held request's bytes; empty once a final answer went out, or when it was never held. */
struct span txn_request(const struct txn *txn);
/* The kept response's bytes (for its Call-ID, say); empty where none is kept. */
struct span txn_answer(const struct txn *txn);

/* Our To tag: the same in every response of a transaction; TXN_TAG_LEN characters.  The 200 to a CANCEL takes the tag of
 * the INVITE's transaction (RFC 3261 9.2). */
struct span txn_tag(const struct txn *txn);
enum txn_kind txn_kind(const struct txn *txn);
enum txn_state txn_state(const struct txn *txn);
enum sip_method txn_method(const struct txn *txn);
/* The final answer's status, else the last provisional's, else 0. */
unsigned txn_code(const struct txn *txn);
const struct net_flow *txn_flow(const struct txn *txn);
/* Times that the final answer (or our request) was sent again. */
uint32_t txn_resends(const struct txn *txn);
/* Milliseconds since the transaction began. */
uint64_t txn_age_ms(const struct txn *txn);
/* Server transactions: a pointer for the handlers. */
void txn_set_user(struct txn *txn, void *user);
void *txn_user(const struct txn *txn);

/* Forgets every transaction, and tells nobody: a fresh start that costs little, for those who decide one request after
 * another (tests, explain, replay).  No call may be left that has one.  After ERR_NOMEM the table is only good for
 * txn_table_free(). */
MUST_CHECK enum err txn_table_forget(struct txn_table *table);

/* The tag that is made from now on, so that an answer that once went out can be made again to the byte (explain, replay);
 * empty or of another length: they are made as ever. */
void txn_table_give_tag(struct txn_table *table, struct span tag);

/* A new random tag, and a new branch with its magic cookie; neither is terminated. */
void txn_tag_new(struct txn_table *table, char out_tag[static TXN_TAG_LEN]);
void txn_branch_new(struct txn_table *table, char out_branch[static TXN_BRANCH_LEN]);

/* What a client transaction needs to know of its request; spans are borrowed for the call. */
struct txn_client_request {
    struct span method;
    struct span call_id;
    struct span branch; /* from txn_branch_new() */
    struct net_flow flow;
    struct span bytes;                          /* one copy is kept for timer E */
    const struct txn_client_handlers *handlers; /* borrowed for the transaction's life; each may be NULL */
    void *user;
};
/* Sends a request (RFC 3261 17.1.1 and 17.1.2).  A 300-699 to an INVITE is acknowledged here, and its on_final tells of
 * it; a 2xx is acknowledged in on_final, by txn_client_acknowledge().  An INVITE that only ever gets provisional responses
 * times out after 360*T1.  ERR_FULL, ERR_NOMEM: nothing was sent.  When the wire refuses, the
 * transaction is made all the same, and on_transport_error comes from the wheel. */
MUST_CHECK enum err txn_client_new(struct txn_table *table, const struct txn_client_request *request,
                                   struct txn **out_txn);
/* Sends the ACK for the 2xx to our INVITE, and again for each time that the 2xx comes again, until 64*T1 later.  Its way
 * is the INVITE's (both follow the route set).  Without memory it is sent once. */
void txn_client_acknowledge(struct txn *txn, struct span ack);
/* Its user has gone: the transaction goes on (it still repeats and absorbs), but calls nobody. */
void txn_client_detach(struct txn *txn);
/* The connection that the request went over has gone: on_transport_error is called before this returns, unless a final
 * response came first. */
void txn_client_fail(struct txn *txn, enum err err);
/* A response: false when it belongs to no request of ours (it is to be dropped). */
bool txn_receive_response(struct txn_table *table, const struct sip_message *response);

/* The To tag of a refusal without state (RFC 3261 8.2.7): a keyed hash of Call-ID, From tag, CSeq and branch, so a
 * retransmission gets the same one and the ACK is known by it at any time, on any worker. */
void txn_stateless_tag(const struct txn_table *table, const struct sip_message *request,
                       char out_tag[static TXN_TAG_LEN]);
/* Whether `ack` acknowledges such a refusal.  txn_receive() asks this itself. */
bool txn_is_stateless_ack(const struct txn_table *table, const struct sip_message *ack);

/* Live transactions by kind and state, for draining and metrics. */
struct txn_census {
    size_t live[TXN_KIND_COUNT][TXN_STATE_COUNT];
    size_t servers, clients;
    size_t memory; /* bytes taken from the system for transactions and what they keep */
};
void txn_table_census(const struct txn_table *table, struct txn_census *out_census);
/* Server transactions that still owe an answer, or still wait for an ACK. */
size_t txn_table_unfinished(const struct txn_table *table);

struct txn_counters {
    uint64_t received[TXN_MERGED + 1]; /* by enum txn_class */
    uint64_t resends;                  /* bytes of a final answer sent again, for whatever reason */
    uint64_t full;                     /* requests refused at the cap */
    uint64_t stray_acks;               /* ACKs for a transaction that had sent nothing to acknowledge */
    uint64_t stray_responses;
    uint64_t transport_errors;
};
const struct txn_counters *txn_table_counters(const struct txn_table *table);

/* Shared with the calls. */
struct txn_ledger *txn_table_ledger(struct txn_table *table);
struct txn_reflect *txn_table_reflect(struct txn_table *table);
struct txn_slab *txn_table_slab(struct txn_table *table);
const struct txn_timers *txn_table_timers(const struct txn_table *table); /* with the defaults filled in */
const struct clock *txn_table_clock(const struct txn_table *table);
struct wheel *txn_table_wheel(struct txn_table *table);
/* Sends bytes that belong to no machine (a call's 2xx, a stateless refusal). */
MUST_CHECK enum err txn_table_send(struct txn_table *table, const struct net_flow *flow, struct span bytes);
