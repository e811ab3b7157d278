/* SPDX-License-Identifier: Apache-2.0 */
/* What one worker does with a message, from bytes to answer, without sockets: its wire, clock and directory come in, so
 * that the daemon, `verdict test` and the unit tests run the same dispatch, guard and reply builder.  One thread. */
#pragma once

#include "auth/auth_check.h"
#include "call/call_table.h"
#include "decisions/decisions_log.h"
#include "engine/engine_guard.h"
#include "engine/engine_meters.h"
#include "engine/engine_site.h"
#include "facts/facts_gauge.h"
#include "facts/facts_limit.h"
#include "notifier/notifier.h"
#include "policy/policy.h"
#include "registrar/registrar.h"
#include "txn/txn_reply_via.h"

/* Who is known: the live directory, or a test's. */
struct engine_lookup {
    void *ctx;
    /* The entry for `target`.  ERR_NOT_FOUND: there is none, or no directory was ever made; any other error: nothing can
     * be known now (503).  Spans stay valid until the message has been handled. */
    enum err (*find)(void *ctx, const struct policy_target *target, struct policy_record *out_record);
    /* The HA1s of user@realm.  ERR_NOT_FOUND: no such user, or none with a password.  NULL: nobody has one. */
    enum err (*keys)(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys);
};

/* Who a connection's peer proved to be. */
struct engine_peers {
    void *ctx;
    /* The names behind net_flow.peer, at most ENGINE_PEER_NAMES_MAX; returns how many.  Valid until the message has been
     * handled. */
    unsigned (*names)(void *ctx, uint16_t peer, struct span *out_names);
    /* A request with `alias` came by this connection of a proven peer: it lends it for requests to `via`'s sent-by
     * (RFC 5923 8).  NULL: nothing is borrowed. */
    void (*lend)(void *ctx, const struct net_flow *flow, const struct sip_via *via);
};
enum { ENGINE_PEER_NAMES_MAX = 16 };

/* What came of a request, for tests and the decision log. */
struct engine_outcome {
    struct policy_decision decision; /* valid when `decided` */
    bool decided;                    /* a policy was asked */
    bool asked_in_call;              /* on_request was: `decision` says what it gave, without an answer where nothing */
    bool guarded;                    /* gone{} went through the guard */
    enum engine_guard_kind guard;
    enum policy_verdict verdict; /* as carried out */
    unsigned code;               /* final status, 0: nothing was sent */
    const char *note;            /* why it is not what the policy said; "" otherwise */
};

/* What a test says of a request that its bytes cannot say. */
struct engine_credentials {
    struct span authenticated_as;
    struct span identity; /* of a trusted source; empty: what the message says */
    bool in_dialog;
};

/* Where bindings are kept.  All zero: in memory alone. */
struct engine_bindings {
    struct registrar_journal *journal; /* NULL: they do not outlive the core */
    bool unreadable;                   /* there should be a journal, and it could not be opened: REGISTER gets 503 */
    registrar_is_ours_fn is_ours;      /* which users of the journal are this worker's; NULL: all */
    void *is_ours_ctx;
};

struct engine_core_options {
    const struct engine_config *config;
    const struct engine_site *site;
    const struct clock *clock;
    struct wheel *wheel;
    struct txn_wire wire;
    struct engine_lookup lookup;
    struct decisions_log *decisions; /* NULL: none */
    struct engine_meters *meters;    /* NULL: none */
    struct siphash_key key;          /* secret, the same on all workers */
    unsigned worker;
    unsigned workers;          /* of which it is one; 0: the only one */
    struct facts_gauge *calls; /* of all workers, by whom they are for; borrowed; NULL: not limited */
    struct errand_ways ways;   /* all zero: over the flows that calls came by */
    struct engine_peers peers; /* all zero: nobody has a name */
    struct engine_bindings bindings;
    struct auth *auth;         /* shared by all workers; NULL: credentials cannot be judged */
    struct facts_limit *users; /* requests for one user, likewise; NULL: no limit */
};

enum { ENGINE_IDENTITY_MAX = 2048 };

/* Who sent the request at hand, by its credentials: judged at most once, when a policy asks or challenges. */
struct engine_identity {
    bool asked;
    enum err err;
    struct auth_result result;
    struct span aor; /* "sip:user@realm" as req.target.aor is written; empty: nobody is proven */
    char text[ENGINE_IDENTITY_MAX];
};

enum { ENGINE_REPLY_BYTES = 72 * 1024, ENGINE_LINES_MAX = 2048, ENGINE_ABILITIES_MAX = 512, ENGINE_GROUP = 16 };

/* Log lines that may repeat per packet are held back by kind. */
enum engine_limit {
    ENGINE_LIMIT_FAILURES,
    ENGINE_LIMIT_CONFLICTS,
    ENGINE_LIMIT_ACKS,
    ENGINE_LIMIT_TRIES,
    ENGINE_LIMIT_COUNT
};

struct engine_beside;

/* What came of reading a message. */
struct engine_reading {
    enum err err;
    struct sip_problem problem;
};

struct engine_core {
    const struct engine_config *config;
    const struct engine_site *site;
    const struct clock *clock;
    struct wheel *wheel;
    struct txn_wire wire;
    struct engine_lookup lookup;
    struct decisions_log *decisions;
    struct engine_meters *meters;
    struct siphash_key key;
    unsigned worker;
    unsigned workers; /* of which it is one; 0: the only one */
    struct errand_ways ways;
    struct engine_peers peers;
    struct span peer_names[ENGINE_PEER_NAMES_MAX];
    struct engine_bindings bindings;
    struct facts_gauge *gauge;
    struct auth *auth;
    struct engine_identity identity;
    const struct net_address *source; /* of the request at hand */
    uint64_t challenges;              /* that were sent */
    struct txn_table *txns;
    struct call_table *calls;
    struct notifier_table *notifier;
    struct registrar *registrar;
    struct policy *policy; /* borrowed: the active version's VM of this worker; NULL: nothing can be decided, 503 */
    uint64_t version;
    struct engine_beside *beside;          /* engine_beside.h; NULL: no second version has ever decided here */
    const struct engine_credentials *said; /* NULL live */
    bool draining;
    struct facts_limit *users; /* requests for one user; NULL: no limit */
    bool refuse_new;           /* the message at hand, if it is a new request, gets 503: too much is going on */
    bool deciding;             /* `last` is in use: the policy is told of what began only afterwards */
    struct call *started;      /* meanwhile; NULL: none */
    bool owes_collection;      /* the policy made garbage since the last policy_collect */
    struct log_limit limits[ENGINE_LIMIT_COUNT];
    struct engine_outcome last;
    struct sip_message *message; /* the one at hand: one of the group */
    struct sip_message group[ENGINE_GROUP];
    struct engine_reading readings[ENGINE_GROUP];
    struct engine_target target;
    struct span abilities; /* what every 200 to OPTIONS says, as whole lines */
    char ability_lines[ENGINE_ABILITIES_MAX];
    char lines[ENGINE_LINES_MAX]; /* a policy's header fields, while an answer is built */
    char reply[ENGINE_REPLY_BYTES];
};

/* What judges credentials, by the configuration: one a process.  `key` is secret. */
MUST_CHECK enum err engine_core_auth_new(const struct engine_config *config, const struct siphash_key *key,
                                         struct auth **out_auth);
/* What limits the requests for one user, by the configuration: one a process.  NULL comes out where there is no limit. */
MUST_CHECK enum err engine_core_users_new(const struct engine_config *config, struct facts_limit **out_users);
MUST_CHECK enum err engine_core_new(const struct engine_core_options *options, struct engine_core **out_core);
void engine_core_free(struct engine_core *core); /* NULL is fine */

/* Forgets every transaction and call: a test's fresh start. */
MUST_CHECK enum err engine_core_reset(struct engine_core *core);

/* A group of messages from the wire is read first and handled then, in order: the code for one message (52 KiB, Lua's
 * included) is more than a core's nearest cache holds (32), so that each part had to be fetched again for each message.  `place` is below ENGINE_GROUP; `bytes` have to stay until the message has been handled, which each is once. */
void engine_core_read(struct engine_core *core, unsigned place, struct span bytes, enum sip_framing framing);
void engine_core_handle(struct engine_core *core, unsigned place, const struct net_flow *flow);
/* A group of one.  `framing` says whether it is a datagram or was cut from a stream. */
void engine_core_receive(struct engine_core *core, const struct net_flow *flow, struct span bytes,
                         enum sip_framing framing);

/* How a message of this flow ends: over TCP and TLS where its Content-Length says; elsewhere with its datagram, or its
 * WebSocket message (RFC 7118 5), whatever it says. */
static inline enum sip_framing engine_framing_of(const struct net_flow *flow)
{
    return flow->transport == NET_TCP || flow->transport == NET_TLS ? SIP_STREAM : SIP_DATAGRAM;
}

/* What a stream is told whose framing is lost (`bytes` starts with the message that lost it): an answer with the
 * problem's code where one can be addressed, else empty.  Valid until the next call of this core. */
struct span engine_core_refuse_stream(struct engine_core *core, const struct net_flow *flow, struct span bytes,
                                      const struct sip_problem *problem);

/* At the end of each turn: what was registered in it goes to the disk. */
void engine_core_turn_end(struct engine_core *core);

/* Decides with `policy` from now on; the caller keeps it alive until it is replaced. */
void engine_core_use(struct engine_core *core, struct policy *policy, uint64_t version);
/* The world that a policy of this core sees. */
struct policy_host engine_core_host(struct engine_core *core);
/* Nothing of this core waits any more: no call, no INVITE that owes an answer or waits for its ACK. */
bool engine_core_is_idle(const struct engine_core *core);
