/* SPDX-License-Identifier: Apache-2.0 */
/* How bindings lie in memory.  Private to this folder. */
#pragma once

#include "registrar/registrar.h"
#include "registrar/registrar_batch.h"
#include "registrar/registrar_way.h"
#include "util/map.h"

/* One contact; its texts follow in `bytes`: URI, parameters (";q=0.5;+sip.instance=..." without expires), Call-ID, Path. */
struct registrar_binding {
    struct registrar_binding *next; /* of the same user, oldest first */
    struct map_node on_flow;        /* while `user` is set */
    struct registrar_user *user;    /* NULL, or it is by a connection that lives: in registrar.flows */
    uint64_t expires_ms;            /* on the monotonic clock */
    uint64_t since_ms;              /* likewise: registered without a gap */
    uint32_t cseq;
    uint32_t reg_id; /* 0: none, or without an instance (RFC 5626 6) */
    uint16_t uri_len, params_len, call_id_len, path_len;
    uint16_t instance_at, instance_len; /* within the parameters */
    uint8_t event;                      /* enum registrar_event: the last one */
    bool held;                          /* counted in registrar_options.gruus */
    bool flow_gone;                     /* its connection has ended: it is to go */
    struct registrar_way *way;          /* of outbound; NULL: none */
    uint8_t flow_transport; /* net_flow's, as the next three; NET_TRANSPORT_COUNT: it has none, or none any more */
    uint16_t flow_worker;   /* all three 0: datagrams */
    uint32_t flow_slot, flow_generation;
    char bytes[];
};

/* Texts of a binding that is to be made. */
struct registrar_texts {
    struct span uri, params, call_id, path;
    struct span instance; /* a part of params */
    uint32_t reg_id;
};

/* Who has bindings, or wants to have some. */
struct registrar_user {
    struct map_node node;
    struct list age; /* in the order of `row` among the users that have one; unlinked: no row */
    struct timer timer;
    struct registrar_binding *first;
    struct registrar_change *change;   /* on its way to the disk; NULL: none */
    struct registrar_waiting *waiting; /* behind it, in order */
    uint64_t row;                      /* the journal's, that says this state; 0: none */
    struct registrar *registrar;
    uint16_t aor_len, owner_len;
    uint8_t count;
    bool pinned; /* not to be freed: somebody is at work on it */
    char aor[];
};

/* What a transaction's user data points to while it is held here. */
struct registrar_held {
    struct txn *txn; /* NULL: it has ended, or there never was one */
};

struct registrar_removal {
    unsigned open;
    enum err err;
    registrar_done_fn done;
    void *arg;
    bool gone_only; /* bindings whose flow has gone; else all */
};

/* A user's next state, written into the batch that it is linked to. */
struct registrar_change {
    struct registrar_held held; /* first */
    struct list node;
    struct registrar_user *user;
    struct registrar_removal *removal; /* NULL: not of registrar_remove_all() */
    enum registrar_event event;        /* of what is removed */
    bool moves;                        /* nothing changes: the row is written anew */
    unsigned count, removed_count;
    uint32_t answer_len;
    struct registrar_binding *bindings[]; /* `count`, then `removed_count`, then the answer's bytes */
};

struct registrar_waiting {
    struct registrar_held held; /* first */
    struct registrar_waiting *next;
    struct registrar_removal *removal;
    enum registrar_event event;
    uint32_t extra_len;
    char extra[];
};

/* When the batch that fills is to leave (registrar_batch.c). */
struct registrar_gather {
    struct timer timer;
    unsigned until; /* changes; 0: at the turn's end */
    unsigned pause; /* batches that leave at once, whatever the last one had */
};

struct registrar {
    struct registrar_options options; /* limits filled in */
    struct map users;
    struct map watches;            /* struct registrar_watch */
    struct map flows;              /* registrar_binding.on_flow */
    struct list by_row;            /* registrar_user.age, oldest first */
    struct registrar_batch *batch; /* that fills; NULL: none yet */
    struct registrar_batch *spare;
    struct registrar_batch *flying; /* is with the store thread */
    struct registrar_gather gather;
    bool refuses, stopped;
    struct registrar_census census;
    char date[32]; /* of `date_s` */
    size_t date_len;
    int64_t date_s;
};

static inline struct span registrar_user_aor(const struct registrar_user *user)
{
    return span_make(user->aor, user->aor_len);
}
static inline struct span registrar_user_owner(const struct registrar_user *user)
{
    return span_make(user->aor, user->owner_len);
}

/* registrar_binding.c */
static inline struct span registrar_binding_uri(const struct registrar_binding *binding)
{
    return span_make(binding->bytes, binding->uri_len);
}
static inline struct span registrar_binding_params(const struct registrar_binding *binding)
{
    return span_make(binding->bytes + binding->uri_len, binding->params_len);
}
static inline struct span registrar_binding_call_id(const struct registrar_binding *binding)
{
    return span_make(binding->bytes + binding->uri_len + binding->params_len, binding->call_id_len);
}
static inline struct span registrar_binding_path(const struct registrar_binding *binding)
{
    return span_make(binding->bytes + binding->uri_len + binding->params_len + binding->call_id_len, binding->path_len);
}
static inline struct span registrar_binding_instance(const struct registrar_binding *binding)
{
    return span_make(binding->bytes + binding->uri_len + binding->instance_at, binding->instance_len);
}
size_t registrar_binding_bytes(const struct registrar_binding *binding);
/* What is left of it; while it counts at least 1, since 0 says to everybody who reads it that it was removed. */
uint32_t registrar_binding_expires_s(const struct registrar_binding *binding, uint64_t now_ms);
/* ERR_TOO_LONG over REGISTRAR_TEXT_MAX; ERR_NOMEM. */
MUST_CHECK enum err registrar_binding_new(const struct registrar_texts *texts, struct registrar_binding **out_binding);
/* Forgets its flow, and frees it. */
void registrar_binding_free(struct registrar_binding *binding);

/* registrar_flow.c: bindings by the connection that they came by. */
void registrar_flow_note(struct registrar_binding *binding, const struct net_flow *flow);
/* From now on the end of its connection, if it has one, is the binding's; of a user of this registrar. */
void registrar_flow_link(struct registrar_user *user, struct registrar_binding *binding);
void registrar_flow_unlink(struct registrar_binding *binding);

/* registrar_user.c */
uint64_t registrar_hash(const struct registrar *registrar, struct span owner_key);
struct registrar_user *registrar_user_find(const struct registrar *registrar, const struct registrar_name *name);
/* The same, where its hash is known. */
struct registrar_user *registrar_user_find_hashed(const struct registrar *registrar, const struct registrar_name *name,
                                                  uint64_t hash);
/* By the address-of-record alone. */
struct registrar_user *registrar_user_of(const struct registrar *registrar, struct span aor);
/* The next user of this owner key after `after` (NULL: the first). */
struct registrar_user *registrar_user_next(const struct registrar *registrar, struct span owner_key,
                                           struct registrar_user *after);
/* The user, made without bindings where there is none; NULL: out of memory. */
struct registrar_user *registrar_user_take(struct registrar *registrar, const struct registrar_name *name);
/* Frees a user that has no bindings and for whom nothing is on its way: NULL; else returns it. */
struct registrar_user *registrar_user_settle(struct registrar *registrar, struct registrar_user *user);
/* Makes `count` bindings the user's own, in this order; those that it had and that are not among them are freed. */
void registrar_user_set(struct registrar *registrar, struct registrar_user *user,
                        struct registrar_binding *const *bindings, unsigned count);
/* Sees to it that its timer comes at the first of its bindings' ends, or before. */
void registrar_user_arm(struct registrar *registrar, struct registrar_user *user);
/* Takes off what has expired, and says whether anything has; nothing of it may be on its way. */
bool registrar_user_expire(struct registrar *registrar, struct registrar_user *user);
/* Row `number` says the user's state now; 0: no row does. */
void registrar_user_row(struct registrar *registrar, struct registrar_user *user, uint64_t number);
void registrar_user_free(struct registrar *registrar, struct registrar_user *user);

/* registrar_row.c: a user's state as bytes, native to nothing but this format (little-endian). */
struct registrar_state {
    struct registrar_name name;
    unsigned count;
    struct registrar_binding *const *bindings;
};
void registrar_row_add(struct buffer *out, const struct registrar_state *state, const struct clock *clock);
/* The name in a row; false: it is none of ours, or damaged. */
bool registrar_row_name(struct span row, struct registrar_name *out_name);
/* Its bindings that have not expired by `clock`, made anew; at most REGISTRAR_USER_MAX.  ERR_CORRUPT, ERR_NOMEM: none. */
MUST_CHECK enum err registrar_row_bindings(struct span row, const struct clock *clock,
                                           struct registrar_binding *out_bindings[static REGISTRAR_USER_MAX],
                                           unsigned *out_count);

/* registrar_contact.c: one value of Contact, read for a registrar. */
struct registrar_contact {
    struct sip_uri uri;
    struct span instance;
    uint32_t reg_id;
    uint32_t expires_s;
    struct span params; /* cleaned, in the reader's memory */
};
struct registrar_contacts {
    unsigned count;
    bool star;
    struct registrar_contact items[REGISTRAR_USER_MAX];
    struct buffer space;   /* for what is cleaned */
    struct span path;      /* all values, cleaned */
    bool edge_knows_flows; /* the last of them, the first hop's, has "ob" (RFC 5626 5.1) */
};
/* NULL, or what is wrong (a phrase of a 400). */
const char *registrar_contacts_read(const struct sip_message *request, uint32_t default_s,
                                    struct registrar_contacts *contacts);
/* Whether `contact` is this binding: by flow (RFC 5626 6) or by URI (RFC 3261 19.1.4). */
bool registrar_contact_is(const struct registrar_contact *contact, const struct registrar_binding *binding);

/* registrar_reginfo.c */
/* Before it is freed: a contact of this user has gone.  registrar_tell() is to follow. */
void registrar_depart(struct registrar *registrar, struct span aor, const struct registrar_binding *binding,
                      enum registrar_event event);
/* The user's bindings have changed: who watches it is told. */
void registrar_tell(struct registrar *registrar, struct span aor);
void registrar_reginfo_done(struct registrar *registrar);

/* registrar_change.c */
/* Opens a change of `user` with room for these; NULL: out of memory. */
struct registrar_change *registrar_change_new(struct registrar_user *user, unsigned count, unsigned removed_count,
                                              struct span answer);
/* It does not come true: frees it and the bindings that it would have brought. */
void registrar_change_drop(struct registrar_change *change);
/* Makes it true in memory, and frees it: without a journal at once. */
void registrar_change_apply(struct registrar *registrar, struct registrar_change *change);
/* Its batch has come back: true in memory from now on (as `row`), or forgotten; then who waited for its user. */
void registrar_change_finish(struct registrar *registrar, struct registrar_change *change, enum err err, uint64_t row);
/* It will not come back, and nobody is answered. */
void registrar_change_abandon(struct registrar_change *change);
/* Puts `like` (a request's or a removal's) behind what is on its way for this user. */
MUST_CHECK enum err registrar_wait_behind(struct registrar *registrar, struct registrar_user *user,
                                          const struct registrar_waiting *like, struct span extra);
void registrar_waiting_free(struct registrar_user *user);

/* registrar_removal.c */
/* Takes off the bindings of `user` whose flow has gone, or once nothing of its is on its way any more. */
void registrar_change_gone(struct registrar *registrar, struct registrar_user *user);
/* Makes its change, of a user who has none on its way. */
void registrar_removal_begin(struct registrar *registrar, struct registrar_user *user,
                             struct registrar_removal *removal, enum registrar_event event);
/* One of the users that it waited for is done with. */
void registrar_removal_close(struct registrar_removal *removal, enum err err);

/* registrar_batch.c */
/* Hands it to the batch that fills, as the user's change.  On an error it is freed, and the user as before. */
MUST_CHECK enum err registrar_change_send(struct registrar *registrar, struct registrar_change *change);
void registrar_on_gathered(struct timer *timer, void *ctx);
/* Frees what is on its way and what waits; nothing is answered. */
void registrar_abandon(struct registrar *registrar);
