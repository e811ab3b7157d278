/* SPDX-License-Identifier: Apache-2.0 */
/* Private to txn: the transaction itself, the state tables' shape and the runner. */
#pragma once

#include "txn/txn_index.h"
#include "txn/txn_slab.h"
#include "txn/txn_table.h"
#include "util/buffer.h"

enum txn_event {
    TXN_EV_REQUEST_AGAIN, /* the same request once more */
    TXN_EV_ACK,
    TXN_EV_REPLY_1XX, /* from the user of a server transaction */
    TXN_EV_REPLY_2XX,
    TXN_EV_REPLY_FINAL, /* 300-699; for a non-INVITE 200-699 */
    TXN_EV_ABSORB,
    TXN_EV_RESPONSE_1XX, /* from the wire, to a client transaction */
    TXN_EV_RESPONSE_FINAL,
    TXN_EV_RESPONSE_2XX, /* to our INVITE; else it is a final one like any other */
    TXN_EV_ACKNOWLEDGE,  /* the 2xx to our INVITE, by its user */
    TXN_EV_TRANSPORT_ERROR,
    TXN_EV_TIMER_100, /* nothing went out for too long */
    TXN_EV_TIMER_E,   /* repeat our request (A of an INVITE) */
    TXN_EV_TIMER_F,   /* our request (B of an INVITE), or an unanswered one of theirs, has timed out */
    TXN_EV_TIMER_G,   /* repeat the final answer to INVITE */
    TXN_EV_TIMER_H,   /* no ACK */
    TXN_EV_TIMER_I,   /* no more ACKs */
    TXN_EV_TIMER_J,   /* no more retransmissions of a non-INVITE */
    TXN_EV_TIMER_K,   /* no more responses (D, and M, of an INVITE) */
    TXN_EV_TIMER_L,   /* no more retransmissions of an accepted INVITE */
    TXN_EVENT_COUNT
};

/* What a step does, in this order. */
enum txn_action {
    TXN_DO_SEND = 1 << 0,        /* the bytes at hand, for the first time */
    TXN_DO_STORE = 1 << 1,       /* keep a copy of them */
    TXN_DO_RESEND = 1 << 2,      /* what is kept */
    TXN_DO_TRYING = 1 << 3,      /* build a 100 from the held request, send and keep it */
    TXN_DO_STOP = 1 << 4,        /* no timer goes on */
    TXN_DO_FORGET = 1 << 5,      /* give back what is kept */
    TXN_DO_START_E = 1 << 6,     /* first at T1, then doubling to T2 */
    TXN_DO_SLOW_E = 1 << 7,      /* at T2 */
    TXN_DO_START_F = 1 << 8,     /* 64*T1 */
    TXN_DO_START_G = 1 << 9,     /* as E; not on reliable transports */
    TXN_DO_START_H = 1 << 10,    /* 64*T1 */
    TXN_DO_START_I = 1 << 11,    /* T4, or 0 on reliable transports */
    TXN_DO_START_J = 1 << 12,    /* 64*T1, or 0 */
    TXN_DO_START_K = 1 << 13,    /* T4, or 0 */
    TXN_DO_START_L = 1 << 14,    /* 64*T1 */
    TXN_DO_EXPECT_ACK = 1 << 15, /* count one more unacknowledged answer */
    TXN_DO_TELL_ACK = 1 << 16,
    TXN_DO_TELL_NO_ACK = 1 << 17,
    TXN_DO_TELL_TRANSPORT = 1 << 18,
    TXN_DO_TELL_PROVISIONAL = 1 << 19,
    TXN_DO_TELL_FINAL = 1 << 20,
    TXN_DO_TELL_TIMEOUT = 1 << 21,
    TXN_DO_STRAY_ACK = 1 << 22, /* count an ACK that came for nothing */
    TXN_DO_START_A = 1 << 23,   /* first at T1, then doubling without a limit; not on reliable transports */
    TXN_DO_START_C = 1 << 24,   /* 360*T1: a proxy's three minutes (16.6) */
    TXN_DO_START_D = 1 << 25,   /* 64*T1, or 0 */
    TXN_DO_START_M = 1 << 26,   /* 64*T1 */
    TXN_DO_SEND_ACK = 1 << 27   /* build the ACK for the 300-699 at hand, send it, keep it instead of the request */
};

/* One cell of a table; zero: the event is ignored. */
struct txn_step {
    bool is_set;
    uint8_t next; /* enum txn_state */
    uint32_t actions;
};
#define TXN_GO(state, what)                                                                                            \
    {                                                                                                                  \
        true, TXN_##state, (what)                                                                                      \
    }

/* The machines: txn_invite_server.c, txn_server.c, txn_client.c. */
extern const struct txn_step txn_invite_server_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT];
extern const struct txn_step txn_server_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT];
extern const struct txn_step txn_client_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT];
extern const struct txn_step txn_invite_client_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT];

/* A run of bytes from the slab. */
struct txn_bytes {
    char *at;
    uint32_t len;
};

#define TXN_NEVER UINT64_MAX

/* One transaction: its keys' hashes, no strings. */
struct txn {
    struct txn_link link;   /* by what 17.2.3 matches; first */
    struct txn_link merged; /* by From tag, Call-ID, CSeq (RFC 3261 8.2.2.2), or unlinked */
    uint64_t print;         /* second half of the first key */
    struct timer timer;     /* the earliest of the three below */
    uint64_t repeat_ms;     /* A, E or G is due; TXN_NEVER: it is not running */
    uint64_t end_ms;        /* B, C, D, F, H, I, J, K, L or M is due */
    uint64_t trying_ms;     /* the 100 is due */
    uint64_t began_ms;
    uint64_t replied_ms;
    struct txn_table *table;
    void *user;
    const struct txn_client_handlers *handlers; /* client; NULL once detached */
    struct txn_bytes kept;                      /* last response (server) or the request (client) */
    struct txn_bytes held;                      /* the request whose answer comes later */
    struct net_flow flow;
    uint32_t interval_ms; /* of E or G */
    uint32_t resends;
    uint16_t code;
    uint8_t kind;   /* enum txn_kind */
    uint8_t state;  /* enum txn_state */
    uint8_t method; /* enum sip_method */
    uint8_t end_event;
    uint8_t repeat_event;
    bool is_counted; /* among the source's unacknowledged answers */
    bool has_to_tag; /* the request had one, so the answer's is not ours */
    char tag[TXN_TAG_LEN];
};

struct txn_key {
    uint64_t hash;
    uint64_t print;
};

/* The keys of a request, reckoned once. */
struct txn_sorted {
    const struct sip_message *request; /* NULL: nothing is remembered */
    struct txn_key key;
    uint64_t merge;
    bool is_merged;
};

struct txn_table {
    struct txn_options options; /* timers filled in */
    struct txn_index by_key;
    struct txn_index by_merge;
    struct txn_slab *slab;
    struct txn_ledger *ledger;
    struct txn_reflect *reflect;
    struct siphash_key merge_key, stateless_key, tag_key;
    uint64_t tag_count;
    bool has_given_tag;
    char given_tag[TXN_TAG_LEN];
    size_t servers, clients;
    size_t live[TXN_KIND_COUNT][TXN_STATE_COUNT];
    struct txn_counters counters;
    struct sip_message *scratch; /* for the 100 of a held request */
    struct txn_sorted sorted;    /* what txn_receive() found, for the txn_server_new() that follows */
};

/* What an event brings along; zero where it brings nothing. */
struct txn_cause {
    struct span bytes;                 /* REPLY_... */
    unsigned code;                     /* REPLY_... */
    const struct sip_message *message; /* RESPONSE_..., ACK */
    enum err err;                      /* TRANSPORT_ERROR */
};

/* The only way in which a transaction changes: looks the step up, performs its actions.  The transaction may be gone
 * afterwards, when the step ends in TXN_TERMINATED (only timers and TRANSPORT_ERROR of a client do that).  ERR_INVALID:
 * the cell is empty; ERR_NOMEM: what was sent could not be kept. */
enum err txn_run(struct txn *txn, enum txn_event event, const struct txn_cause *cause);
static inline bool txn_is_client(const struct txn *txn)
{
    return txn->kind == TXN_CLIENT || txn->kind == TXN_INVITE_CLIENT;
}
/* The ACK for a refusal of our INVITE (17.1.1.3), built from what is kept of it.  False: it does not fit. */
bool txn_client_ack(struct txn *txn, const struct sip_message *response, struct buffer *out);
/* Sends a client's request for the first time and starts E and F (A and B). */
void txn_client_start(struct txn *txn);
/* The wheel's function for all transactions. */
void txn_timer(struct timer *timer, void *ctx);
/* Arms the wheel for the earliest of a transaction's times. */
void txn_arm(struct txn *txn);

/* A cleared transaction of this kind, or NULL when memory is out; txn_drop() takes it out of the table, tells its user,
 * and frees it. */
struct txn *txn_take(struct txn_table *table, enum txn_kind kind, enum txn_state state);
void txn_drop(struct txn *txn);
void txn_set_state(struct txn *txn, enum txn_state state);
/* Copies into the slab; false when memory is out, `out` is then empty.  Gives back what was there before. */
bool txn_bytes_set(struct txn_table *table, struct txn_bytes *out, struct span bytes);
void txn_bytes_clear(struct txn_table *table, struct txn_bytes *bytes);

/* A transaction was last touched tens of thousands of others ago: all its lines are asked for at once, instead of one
 * after the other as each is needed. */
static inline void txn_prefetch(const struct txn *txn)
{
    for (size_t at = 64; at < sizeof(*txn); at += 64)
        __builtin_prefetch((const char *)txn + at);
}

/* Keys (txn_key.c). */
/* Of the server transaction that `request` belongs to when its method is taken to be `method`. */
struct txn_key txn_key_server(const struct txn_table *table, const struct sip_message *request, enum sip_method method);
struct txn_key txn_key_client(const struct txn_table *table, struct span branch, struct span method,
                              struct span call_id);
struct txn *txn_find(const struct txn_table *table, struct txn_key key);
/* 0 when the request has a To tag: it cannot be a merged one. */
uint64_t txn_key_merge(const struct txn_table *table, const struct sip_message *request);

_Static_assert(sizeof(struct txn) <= 320, "with a 500-byte answer in its block a transaction stays under 1 KiB");
