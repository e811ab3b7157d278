/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of one worker: dialogs that we answered (RFC 3261 12, 13.3.1, 14, 15), their 2xx until the ACK, and what is
 * said inside them.  Single-threaded, on top of the transactions of the same worker. */
#pragma once

#include "errand/errand.h"
#include "txn/txn_table.h"

struct call;
struct call_table;

enum call_state {
    CALL_RINGING,  /* a 1xx is out, the answer comes later */
    CALL_ANSWERED, /* a 2xx is out and waits for its ACK */
    CALL_UP,       /* acknowledged */
    CALL_LEAVING,  /* we want to hang up, but have to wait for the ACK (RFC 3261 15) */
    CALL_WAITING,  /* the ACK is missing, and the BYE waits for its turn (rate limit) */
    CALL_ENDING,   /* our BYE is out */
    CALL_OVER,     /* about to be freed */
    CALL_STATE_COUNT
};

enum call_end {
    CALL_END_PEER,            /* the peer's BYE */
    CALL_END_HANGUP,          /* call_hangup() */
    CALL_END_SHUTDOWN,        /* call_table_shutdown() */
    CALL_END_NO_ACK,          /* no ACK for a 2xx in 64*T1 */
    CALL_END_BAD_ANSWER,      /* the SDP in the ACK does not answer our offer */
    CALL_END_CANCELLED,       /* while it rang: by CANCEL, or by BYE */
    CALL_END_EXPIRED,         /* while it rang: the Expires of its INVITE */
    CALL_END_NO_PRACK,        /* no PRACK for a reliable 1xx in 64*T1 */
    CALL_END_SESSION_EXPIRED, /* no refresh came through (RFC 4028) */
    CALL_END_TIME_UP,         /* hangup_after_s */
    CALL_END_COUNT
};

/* How a 2xx was acknowledged. */
struct call_ack {
    uint32_t cseq;
    uint32_t resends;   /* of the 2xx before the ACK */
    uint32_t waited_ms; /* from the 2xx */
    bool reinvite;      /* not the first one */
};

/* What a policy says to an INFO, OPTIONS, MESSAGE or REFER in a call; spans live until the next message. */
struct call_say {
    unsigned code;      /* 200, or a refusal that ends no dialog (RFC 5057) */
    struct span reason; /* phrase; empty: the usual one */
    struct span extra;  /* further header fields, whole lines */
};

/* Each may be NULL.  They run after the fact and can change nothing; none may free the table. */
struct call_handlers {
    void *ctx;
    /* The first 2xx went out; not called for a call that ended while it rang. */
    void (*on_start)(void *ctx, struct call *call);
    void (*on_ack)(void *ctx, struct call *call, const struct call_ack *ack);
    /* A BYE follows, unless the peer's came first. */
    void (*on_ack_missing)(void *ctx, struct call *call, const struct call_ack *ack);
    /* The call is freed when this returns: drop what call_user() points to.  Called once for each call_new(). */
    void (*on_end)(void *ctx, struct call *call, enum call_end end);
    /* A request in the call was answered here; for the decision log.  This one must not end the call. */
    void (*on_request)(void *ctx, struct call *call, const struct sip_message *request, unsigned code);
    /* How such a request is answered.  False: as the engine does by itself.  This one must not end the call either. */
    bool (*on_ask)(void *ctx, struct call *call, const struct sip_message *request, struct call_say *out_say);
};

struct call_options {
    struct txn_table *txns;     /* borrowed; its clock, wheel, wire, ledger and caps serve here too */
    size_t cap;                 /* calls; 0: 250,000 */
    uint32_t session_expires_s; /* seconds that a session may stand without a refresh, where the caller knows RFC 4028;
                                   0: as long as the caller says */
    uint32_t min_se_s;          /* the least that is taken; 0: 90 */
    uint32_t retry_after_s;     /* in the 503 to INVITEs that ring when the table shuts down; 0: not said */
    struct call_handlers handlers;
    struct errand_ways ways; /* of our BYE */
};

MUST_CHECK enum err call_table_new(const struct call_options *options, struct call_table **out_table);
/* Frees all calls without a word to anybody. */
void call_table_free(struct call_table *table);

enum call_sdp {
    CALL_SDP_INACTIVE, /* every stream answered, media inactive */
    CALL_SDP_SENDONLY, /* or with this direction at most */
    CALL_SDP_RECVONLY,
    CALL_SDP_SENDRECV,
    CALL_SDP_REJECT, /* every stream refused by port 0 */
    CALL_SDP_BODY    /* the body that is given */
};

/* How an INVITE is accepted.  All spans are borrowed for the call of call_new(). */
struct call_accept {
    struct span reason;        /* phrase; empty: "OK" */
    struct span contact;       /* our Contact, a whole value: "<sip:verdict@192.0.2.1:5060>" */
    struct span media_address; /* IP address for o= and c=, text */
    bool media_is_ipv6;
    enum call_sdp sdp;
    struct span body;      /* CALL_SDP_BODY */
    struct span body_type; /* empty: application/sdp */
    /* Further header fields of the 200 as whole lines ("Name: value\r\n"...), checked by whoever gives them. */
    struct span extra;
    bool rings;    /* 180 first (reliable where the INVITE requires 100rel), then the 200 ... */
    bool progress; /* 183 instead, with the session description that the 200 would have: early media; reliable where the
                      caller knows 100rel */
    uint32_t ring_ms;        /* ... after so long */
    uint32_t hangup_after_s; /* BYE so long after the 200; 0: not */
    uint32_t
        session_expires_s; /* as in the options, and also where the caller does not know RFC 4028: then we refresh */
    struct span aor;       /* whose call this is, for call_aor(); copied, and may be empty */
    struct net_address source; /* where the INVITE came from (for the caps; txn_flow() has where answers go) */
    void *user;
};

/* Accepts `invite`, for which `txn` was opened: sends the 200 (or the 180) through `txn` and opens the call.  On an error nothing was
 * sent: ERR_FULL and ERR_NOMEM (503 or 486 is left), ERR_SYNTAX (the SDP cannot be read: 400 with *out_why),
 * ERR_UNSUPPORTED (nothing in the offer fits: 488), ERR_INVALID (no Contact in the INVITE: 400, RFC
 * 3261 8.1.1.8; or `txn` has been answered), ERR_TOO_LONG (the 200 would be: 513). */
MUST_CHECK enum err call_new(struct call_table *table, struct txn *txn, const struct sip_message *invite,
                             const struct call_accept *accept, struct call **out_call, const char **out_why);

/* Whether the INVITE asks for a session timer below the least that is taken: 422 with Min-SE: *out_min_s is left. */
bool call_interval_is_small(const struct call_table *table, const struct sip_message *invite, uint32_t *out_min_s);

/* An ACK that txn_receive() left to the calls.  False when no call waited for it; all is counted by kind in the ledger,
 * and nothing is ever answered. */
bool call_receive_ack(struct call_table *table, const struct sip_message *ack, const struct net_flow *flow);

/* A new request with a To tag (and no CANCEL or ACK): finds its call and answers it through a transaction of its own;
 * 481 when there is no such call.  `flow` is where answers go, `source` where it came from.  ERR_FULL and ERR_NOMEM: no
 * transaction could be opened, a stateless 503 is left. */
MUST_CHECK enum err call_receive(struct call_table *table, const struct sip_message *request,
                                 const struct net_flow *flow, const struct net_address *source);

/* A CANCEL that is new: 200 with the INVITE's tag and 487 to the INVITE where it still waits, or 481 when `invite` is
 * NULL (TXN_CANCEL_UNMATCHED).  A call that has been answered goes on (RFC 3261 9.2).  Errors as call_receive(). */
MUST_CHECK enum err call_cancel(struct call_table *table, const struct sip_message *cancel, struct txn *invite,
                                const struct net_flow *flow, const struct net_address *source);

/* Ends a call: with BYE, at once or at its ACK, or at 64*T1. `reason`: value of the Reason header, empty: none; cut at
 * CALL_REASON_MAX. */
enum { CALL_REASON_MAX = 127 };
/* A call that rings is refused with 480 instead, and is gone when this returns. */
void call_hangup(struct call *call, struct span reason);
/* Hangs up every call; to one that rings, 503: another server may take it.  New ones are refused (ERR_FULL) from now on. */
void call_table_shutdown(struct call_table *table);

/* A connection has gone: what we asked over it, and was not answered, goes another way. */
void call_table_flow_closed(struct call_table *table, const struct net_flow *flow);

size_t call_table_count(const struct call_table *table);
/* Calls whose BYE has not gone out yet, and was not given up: at 0 an orderly end owes nobody anything. */
size_t call_table_open(const struct call_table *table);
/* Walks all calls in no order: start with NULL, ends with NULL.  Nothing may happen to the table in between. */
struct call *call_next(struct call_table *table, struct call *after);
/* The calls of bucket `index`, < call_table_buckets(): for a walk in slices (map_bucket).  `fn` may end the call it is given. */
typedef void (*call_fn)(void *ctx, struct call *call);
size_t call_table_buckets(const struct call_table *table);
void call_table_bucket(struct call_table *table, size_t index, call_fn fn, void *ctx);
/* The call with this Call-ID and tags, or NULL: for `verdict call show`. */
struct call *call_find(struct call_table *table, struct span call_id, struct span local_tag, struct span remote_tag);
/* Whether the request is in the dialog of a call that is here: Call-ID and both tags (RFC 3261 12.2.2). */
bool call_knows(struct call_table *table, const struct sip_message *request);

/* Accessors; spans live as long as the call. */
enum call_state call_state(const struct call *call);
const char *call_state_text(enum call_state state);
const char *call_end_text(enum call_end end);
struct span call_id(const struct call *call);
struct span call_from(const struct call *call); /* the caller's From value, with tag */
struct span call_to(const struct call *call);   /* our To value, without tag */
struct span call_local_tag(const struct call *call);
const struct net_flow *call_flow(const struct call *call);
const struct net_address *call_source(const struct call *call);
uint64_t call_age_ms(const struct call *call);
uint32_t call_resends(const struct call *call); /* of all its 2xx */
/* What is known of the ACK for its latest 2xx: "none" (no 2xx went out, or a BYE came first), "awaited", "acknowledged" or
 * "missing". */
const char *call_ack_text(const struct call *call);
void *call_user(const struct call *call);
/* The user who was called, as call_new() was told: the To of a forwarded call names another (RFC 3261 8.1.1.2). */
struct span call_aor(const struct call *call);

struct call_counters {
    uint64_t started, ended[CALL_END_COUNT];
    uint64_t refused_full;
    uint64_t resends; /* 2xx sent again */
    uint64_t acks, late_acks, missing_acks;
    uint64_t byes_sent, byes_delayed, byes_suppressed; /* the last: over the rate limit for too long */
    uint64_t bye_failures;                             /* timed out, or the wire refused */
    uint64_t refreshes;                                /* of ours, sent */
    uint64_t unknown_dialog;                           /* 481 */
};
const struct call_counters *call_table_counters(const struct call_table *table);
