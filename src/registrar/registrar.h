/* SPDX-License-Identifier: Apache-2.0 */
/* The bindings of one worker's users (RFC 3261 10): in memory, every change kept in a journal before it is answered.  A
 * REGISTER is planned (registrar_plan), its 200 is built from the plan (registrar_add_bindings), and the plan is
 * committed with that answer (registrar_commit); what changes nothing is only planned.  While a user's change is on its
 * way to the disk, further ones for the same user wait behind it (registrar_wait).  Single-threaded. */
#pragma once

#include "notifier/notifier.h"
#include "registrar/registrar_gruu.h"
#include "registrar/registrar_journal.h"
#include "sip/sip_message.h"
#include "txn/txn_slab.h"
#include "txn/txn_table.h"

struct registrar;
struct registrar_user;
struct registrar_binding;
struct registrar_batch;

enum {
    REGISTRAR_USER_MAX = 64,      /* bindings a user that any setting may allow, and Contacts a request */
    REGISTRAR_TEXT_MAX = 4096,    /* bytes of one binding's texts: URI, parameters, Call-ID, Path */
    REGISTRAR_WAITING_MAX = 16384 /* requests of one worker that wait for the disk; over it 503 */
};

/* What befell a contact (RFC 3680 5.1, "event"). */
enum registrar_event {
    REGISTRAR_REGISTERED, /* by an administrator */
    REGISTRAR_CREATED,
    REGISTRAR_REFRESHED,
    REGISTRAR_SHORTENED,
    REGISTRAR_EXPIRED,
    REGISTRAR_DEACTIVATED, /* register again, please */
    REGISTRAR_PROBATION,   /* register again, later */
    REGISTRAR_UNREGISTERED,
    REGISTRAR_REJECTED, /* not welcome any more: do not register again */
    REGISTRAR_EVENT_COUNT
};
/* "refreshed"; never NULL. */
const char *registrar_event_text(enum registrar_event event);

struct registrar_limits {
    uint32_t min_s, max_s, default_s; /* of a binding's expiry; 0: 60, 7200, 3600 */
    uint32_t per_user;                /* bindings; 0: 16; at most REGISTRAR_USER_MAX */
    uint32_t total;                   /* bindings of this worker; 0: 10,000,000 */
};

/* All are called from registrar_batch_done().  None may free the registrar. */
struct registrar_handlers {
    void *ctx;
    /* The change of a held transaction is decided.  OK: it is on disk and in memory, and `answer` (as committed) may
     * go; else nothing has changed, and `answer` must not go. */
    void (*on_kept)(void *ctx, struct txn *txn, enum err err, struct span answer);
    /* The user that a held transaction waited for is free: plan it again, from txn_request(). */
    void (*on_ready)(void *ctx, struct txn *txn, struct span extra);
};

struct registrar_options {
    const struct clock *clock; /* borrowed, as the next three */
    struct wheel *wheel;
    struct txn_slab *slab;             /* where changes lie that are on their way; outlives the registrar */
    struct notifier_table *notifier;   /* is given the package `reg`, and told of each change; NULL: nobody watches */
    struct registrar_journal *journal; /* NULL: bindings do not outlive the process */
    struct siphash_key key;
    struct registrar_limits limits;
    uint32_t flow_timer_s;         /* of a 200 with outbound (RFC 5626 4.4), to who comes without a proxy; 0: none */
    struct span service_route;     /* value of a 200's Service-Route (RFC 3608); borrowed; empty: none */
    struct registrar_gruus *gruus; /* borrowed; NULL: no GRUUs are given out */
    unsigned worker;
    struct registrar_handlers handlers;
};

/* ERR_NOMEM. */
MUST_CHECK enum err registrar_new(const struct registrar_options *options, struct registrar **out_registrar);
/* Forgets everything, before the transactions go; nothing may be on its way to the disk (registrar_stop, then the journal's
 * end).  NULL is fine. */
void registrar_free(struct registrar *registrar);
/* Hands over what it has and then nothing more: what wants to change is refused (ERR_CLOSED), and what was to follow a
 * batch that is still on its way is not answered.  The journal may then be closed; what it gives back is still taken. */
void registrar_stop(struct registrar *registrar);

/* Takes over what the journal keeps of the users that `is_ours` says (their owner key is given; NULL: all), before the
 * first request.  On an error nothing can be known: every REGISTER is then refused (registrar_plan: 503). */
typedef bool (*registrar_is_ours_fn)(void *ctx, struct span owner_key);
MUST_CHECK enum err registrar_load(struct registrar *registrar, registrar_is_ours_fn is_ours, void *ctx);
/* From now on everything is refused with 503: the journal could not be opened or read. */
void registrar_refuse(struct registrar *registrar);

/* Who registers: an address-of-record in its normal form, and the beginning of it by which its owner is found. */
struct registrar_name {
    struct span aor;
    struct span owner_key;
};

/* What one REGISTER would do (RFC 3261 10.3, steps 6 to 8). */
struct registrar_plan {
    unsigned code;      /* 200, or 400, 403, 423, 500, 503: nothing is to change */
    const char *reason; /* phrase of that answer; "" for the usual one */
    bool waits;         /* a change of this user is on its way: for registrar_wait() alone */
    bool changes;       /* to be committed */
    bool fetches;       /* no Contact: only asks */
    struct registrar_name name;
    struct registrar_user *user; /* NULL: nothing is known of it */
    unsigned count, removed_count;
    struct registrar_binding *next[REGISTRAR_USER_MAX];    /* all bindings afterwards: kept ones and new ones */
    struct registrar_binding *removed[REGISTRAR_USER_MAX]; /* taken off by this request */
};

/* A REGISTER for this user is on its way through the engine: what is known of the user is brought into the cache step by
 * step, each a few hundred instructions after the one before.  Nothing is changed, and any step may be left out.  The first
 * returns the hash that the others, and registrar_question, take. */
uint64_t registrar_expect(const struct registrar *registrar, const struct registrar_name *name);
void registrar_expect_user(const struct registrar *registrar, uint64_t hash);
void registrar_expect_bindings(const struct registrar *registrar, uint64_t hash);

struct registrar_question {
    const struct sip_message *request;
    const struct net_flow *flow; /* that it came by; NULL: not known */
    struct registrar_name name;
    uint64_t hash;   /* of its owner key, from registrar_expect(); 0: not known */
    uint32_t most_s; /* a further upper bound of what is granted; 0: none */
};

/* Fills `plan` in; one that changes something or waits must be committed, waited for or dropped before anything else is asked
 * of this registrar.  The spans of its name are borrowed as long. */
void registrar_plan(struct registrar *registrar, const struct registrar_question *question,
                    struct registrar_plan *out_plan);
/* Holds `txn`, whose plan waits, until on_ready; `extra` is copied and given to it.  ERR_FULL, ERR_NOMEM, ERR_CLOSED: not
 * held. */
MUST_CHECK enum err registrar_wait(struct registrar *registrar, const struct registrar_plan *plan, struct txn *txn,
                                   const struct sip_message *request, struct span extra);
/* Appends what a 200 says of the bindings (Contact with what is left of expires, Path, Service-Route, Date), a 423's
 * Min-Expires; nothing for other codes. */
void registrar_add_bindings(struct registrar *registrar, const struct registrar_plan *plan,
                            const struct sip_message *request, struct buffer *answer);
/* OK: done, the answer may go.  ERR_AGAIN: `txn` is held, on_kept will be called.  Any other error: nothing changes (503).
 * The plan is used up in any case.  `answer` is copied. */
MUST_CHECK enum err registrar_commit(struct registrar *registrar, struct registrar_plan *plan, struct txn *txn,
                                     const struct sip_message *request, struct span answer);
void registrar_drop(struct registrar_plan *plan);
/* A transaction that was held here has ended without an answer (txn_handlers.on_end). */
void registrar_forget(struct txn *txn);

/* Takes all bindings of a user away, for `event`; of a number, at every host.  `done` (may be NULL) is called once that is
 * on disk (OK) or could not be (then nothing has changed), never from within this call unless there is no journal or
 * nothing to take away.  Waits behind what is on its way. */
typedef void (*registrar_done_fn)(void *arg, enum err err);
void registrar_remove_all(struct registrar *registrar, struct span owner_key, enum registrar_event event,
                          registrar_done_fn done, void *arg);

/* The same for one user alone. */
void registrar_remove(struct registrar *registrar, const struct registrar_name *name, enum registrar_event event,
                      registrar_done_fn done, void *arg);

/* A connection has ended, of whichever worker: contacts that came by it with outbound (RFC 5626) are taken away, and their
 * watchers told `deactivated`: the phone may come back at once. */
void registrar_flow_closed(struct registrar *registrar, const struct net_flow *flow);

/* An edge said 430 (RFC 5626 5.3): contacts of this user with this Path, flow token and all, lead nowhere any more and go, as if
 * their connection had ended.  Nothing of a user who is not this worker's. */
void registrar_path_failed(struct registrar *registrar, struct span aor, struct span path);

/* Calls `fn` with the name of each user that has bindings, or a change on its way, under `owner_key`. `fn` must change
 * nothing here. */
typedef void (*registrar_name_fn)(void *ctx, struct span aor);
void registrar_owned(const struct registrar *registrar, struct span owner_key, registrar_name_fn fn, void *ctx);
/* The same for the users of bucket `index`, < registrar_buckets(): for a walk over all in slices (map_bucket). */
size_t registrar_buckets(const struct registrar *registrar);
void registrar_bucket(const struct registrar *registrar, size_t index, registrar_name_fn fn, void *ctx);

/* At the end of a turn: what was committed in it leaves for the disk. */
void registrar_flush(struct registrar *registrar);
/* Once a second or so: old rows that still count are written anew, so that the journal's head can go. */
void registrar_tick(struct registrar *registrar);
/* What registrar_flush() handed to the journal has come back; `batch` is given back. */
void registrar_batch_done(struct registrar *registrar, struct registrar_batch *batch);

/* Whether somebody has a binding; `aor` as in struct registrar_name. */
bool registrar_is_registered(const struct registrar *registrar, struct span aor);

/* The event package (RFC 3680); its ctx is the registrar. */
extern const struct notifier_package registrar_reg_package;

/* For an operator's eyes. */
struct registrar_view {
    struct span aor, uri, params, call_id, path;
    struct span instance; /* with its "<" and ">"; empty: none */
    uint32_t cseq, expires_s, reg_id;
    struct span gruu;  /* the public one; empty: none */
    bool has_flow;     /* of outbound, that it came by in this process; then: */
    bool is_flow_open; /* false: the connection has ended, and the binding is on its way out */
    enum net_transport transport;
    unsigned worker; /* of a connection */
};
/* Calls `fn` for each binding, of one user or (NULL) of all, in no order, while it returns true. */
typedef bool (*registrar_see_fn)(void *ctx, const struct registrar_view *view);
void registrar_see(const struct registrar *registrar, const struct registrar_name *name, registrar_see_fn fn,
                   void *ctx);

enum registrar_outcome {
    REGISTRAR_OUT_STORED, /* a change is kept */
    REGISTRAR_OUT_FETCHED,
    REGISTRAR_OUT_BAD,       /* 400 */
    REGISTRAR_OUT_TOO_MANY,  /* 403 */
    REGISTRAR_OUT_TOO_BRIEF, /* 423 */
    REGISTRAR_OUT_ORDER,     /* 500: CSeq */
    REGISTRAR_OUT_UNSTORED,  /* 503 */
    REGISTRAR_OUT_COUNT
};
const char *registrar_outcome_text(enum registrar_outcome outcome);

struct registrar_census {
    size_t users, bindings, bytes; /* bytes: of memory, as asked of the allocator */
    size_t waiting;                /* requests that wait for the disk */
    uint64_t outcomes[REGISTRAR_OUT_COUNT];
    uint64_t expired, moved; /* bindings; rows written anew for compaction */
};
void registrar_census(const struct registrar *registrar, struct registrar_census *out_census);
