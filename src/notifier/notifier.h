/* SPDX-License-Identifier: Apache-2.0 */
/* The subscriptions and publications of one worker (RFC 6665, RFC 3903): who watches which user for which event package,
 * and what they are told.  All that watch one user are on the worker that owns its AOR, and so is what was published
 * for it.  Single-threaded, on top of the transactions of the same worker. */
#pragma once

#include "errand/errand.h"
#include "util/siphash.h"

struct notifier_table;
struct notifier_subscription;

/* Why a subscription ends (RFC 6665 4.1.3, "reason"). */
enum notifier_reason {
    NOTIFIER_DEACTIVATED, /* come back at once: another server, or this one again */
    NOTIFIER_PROBATION,   /* come back later */
    NOTIFIER_REJECTED,    /* do not come back: no longer allowed */
    NOTIFIER_TIMEOUT,     /* not refreshed, unsubscribed, or fetched */
    NOTIFIER_GIVEUP,
    NOTIFIER_NORESOURCE, /* do not come back: who was watched is gone */
    NOTIFIER_INVARIANT,  /* nothing can ever change again */
    NOTIFIER_REASON_COUNT
};
/* "noresource"; never NULL. */
const char *notifier_reason_text(enum notifier_reason reason);

/* ---- what a package implements ---- */

/* One document that a package is to write: for one subscription, at the moment at which it is sent. */
struct notifier_view {
    struct span aor;             /* who is watched: "user@host", normalised as engine_target.aor */
    bool full;                   /* everything has to be in it: the first one, one after a refresh, one after a loss */
    bool last;                   /* the subscription ends with it ... */
    enum notifier_reason reason; /* ... for this reason */
    uint32_t version;            /* documents that were sent to this subscription before: 0, 1, 2, ... */
    uint64_t mark;               /* the package's own, kept with the subscription: 0 before the first document */
    struct span media_type; /* of the document: the package's, unless build() sets it; must live as long as `ctx` */
};

/* An event package: a table of functions, borrowed for the table's life.  Each function gets the `ctx` of
 * notifier_add_package(). */
struct notifier_package {
    const char *name;       /* "presence" */
    const char *media_type; /* of its documents, in lower case: "application/pidf+xml" */
    bool is_published;      /* PUBLISH is taken for it (RFC 3903), bodies of media_type only */
    /* Whether a published body is one that may be passed on; *out_why says what is wrong with it (400).  NULL: any. */
    bool (*check)(void *ctx, struct span body, const char **out_why);
    /* Appends a document.  view->mark may be changed; it is kept only when the document is sent.  ERR_NOT_FOUND, allowed
     * where neither `full` nor `last` is set: nothing has happened that this subscription has not been told.  Any other
     * error, and an overflow of `out`: nothing can be said now, the NOTIFY goes without a body.  It must not call back
     * into the table. */
    enum err (*build)(void *ctx, struct notifier_view *view, struct buffer *out);
    /* No subscription of this package watches `aor` any more: what was kept for them alone may go (the last state of a
     * user that was retired, while its watchers are told one after the other).  NULL: nothing is. */
    void (*unwatched)(void *ctx, struct span aor);
};

enum { NOTIFIER_PACKAGES_MAX = 4 };
/* Before the first SUBSCRIBE.  ERR_FULL; ERR_EXISTS: one of this name is there. */
MUST_CHECK enum err notifier_add_package(struct notifier_table *table, const struct notifier_package *package,
                                         void *ctx);

/* ---- what those who change state call ---- */

/* The state of `aor` changed as far as `package` shows it; NULL: any package.  Everybody who watches it is told from the
 * wheel, soon (a subscription's own interval and the worker's rate bound how soon).  Several changes before a NOTIFY has
 * gone become one.  Cheap where nobody watches. */
void notifier_changed(struct notifier_table *table, const struct notifier_package *package, struct span aor);

/* `aor` is gone, or is to be watched elsewhere: its publications are dropped at once, and every subscription to it, of
 * all packages, gets a last document and ends for `reason`, one after the other at the worker's rate, from the wheel.  A
 * refresh meanwhile is 481.  New ones may come meanwhile (the policy decides on them) and are left alone. */
void notifier_end(struct notifier_table *table, struct span aor, enum notifier_reason reason);

/* Calls `fn` with each AOR that is watched or published for under `owner_key`: the AOR itself, or a number, which may stand
 * before several hosts. `fn` must change nothing here. */
typedef void (*notifier_aor_fn)(void *ctx, struct span aor);
void notifier_owned(const struct notifier_table *table, struct span owner_key, notifier_aor_fn fn, void *ctx);
/* The same for the AORs of bucket `index`, < notifier_buckets(): for a walk over all in slices (map_bucket). */
size_t notifier_buckets(const struct notifier_table *table);
void notifier_bucket(const struct notifier_table *table, size_t index, notifier_aor_fn fn, void *ctx);

/* Whether somebody watches `aor` in `package`; NULL: in any. */
bool notifier_is_watched(const struct notifier_table *table, const struct notifier_package *package, struct span aor);

/* ---- the table ---- */

/* Bounds of an Expires, in seconds. */
struct notifier_lifetime {
    uint32_t min_s;     /* shorter ones than this and than an hour: 423 (RFC 6665 4.2.1.1, RFC 3903 6) */
    uint32_t default_s; /* where none is given */
    uint32_t max_s;     /* longer ones are cut to this */
};

/* 0 takes the default in brackets. */
struct notifier_caps {
    size_t subscriptions;         /* [1,000,000] */
    size_t per_user;              /* to one user [10,000] */
    size_t per_source;            /* from one address that is not trusted [half of `subscriptions`] */
    size_t publications;          /* [100,000] */
    size_t publications_per_user; /* [8] */
    size_t publication_bytes;     /* of one body [16 KiB] */
};

struct notifier_options {
    struct txn_table *txns; /* borrowed; its clock, wheel, wire and caps serve here too */
    struct errand_ways ways;
    struct siphash_key key;
    unsigned worker; /* named in our tags */
    struct notifier_lifetime subscribe, publish;
    struct notifier_caps caps;
    uint32_t interval_ms; /* between two NOTIFYs of one subscription, but for what a SUBSCRIBE asks; 0: none */
    uint32_t rate;        /* NOTIFYs a second for changes and ends of users; 0: 10,000 */
    /* Whether a user has a registration, for `presence`; NULL: nobody has. */
    void *ctx;
    bool (*is_registered)(void *ctx, struct span aor);
};

/* With the package `presence`.  ERR_NOMEM. */
MUST_CHECK enum err notifier_table_new(const struct notifier_options *options, struct notifier_table **out_table);
/* Frees all without a word to anybody. */
void notifier_table_free(struct notifier_table *table);
/* "presence, reg": for Allow-Events. */
struct span notifier_events(const struct notifier_table *table);
const struct notifier_package *notifier_presence(const struct notifier_table *table);

/* ---- what the engine calls for a request ---- */

/* An answer other than 200, for the caller to give: a status, a phrase (empty: the usual one) and at most one header.
 * Spans live as long as the refusal and the table. */
struct notifier_refusal {
    unsigned code;
    struct span reason;
    struct span name, value;
    char text[64];
};

/* What is wrong with a SUBSCRIBE or PUBLISH whoever it is for, before anybody is asked: 400, 406, 413, 415, 423, 489.
 * False: nothing. */
bool notifier_refuses(const struct notifier_table *table, const struct sip_message *request,
                      struct notifier_refusal *out_refusal);

/* How a SUBSCRIBE or PUBLISH is accepted.  Spans are borrowed for the call. */
struct notifier_accept {
    struct span aor;     /* for whom */
    struct span contact; /* our Contact, a whole value (SUBSCRIBE) */
    struct net_address source;
    bool is_trusted;   /* no cap for its source */
    int64_t expires_s; /* the policy's word, an upper bound; -1: none */
};

/* Opens a subscription for a SUBSCRIBE without To tag that notifier_refuses() let pass.  The caller sends the 200, with
 * notifier_tag(), notifier_expires_s(), Contact and Record-Route, and then calls notifier_begin(), or notifier_drop() where the
 * 200 could not be built.  Errors come with *out_refusal, and nothing has changed. */
MUST_CHECK enum err notifier_subscribe(struct notifier_table *table, const struct sip_message *request,
                                       const struct net_flow *flow, const struct notifier_accept *accept,
                                       struct notifier_subscription **out_subscription,
                                       struct notifier_refusal *out_refusal);
/* The subscription that a request with a To tag belongs to, or NULL. */
struct notifier_subscription *notifier_find(struct notifier_table *table, const struct sip_message *request);
/* Refreshes or ends the subscription by a SUBSCRIBE in its dialog: then as after notifier_subscribe(). */
MUST_CHECK enum err notifier_refresh(struct notifier_subscription *subscription, const struct sip_message *request,
                                     const struct net_flow *flow, struct notifier_refusal *out_refusal);
/* The number of any other request in the dialog: false when it is out of order (500, RFC 3261 12.2.2). */
bool notifier_take_cseq(struct notifier_subscription *subscription, const struct sip_message *request);
/* The 200 went to the wire: the NOTIFY follows before this returns, unless one is out whose answer has to come first.  The
 * subscription may be gone afterwards. */
void notifier_begin(struct notifier_subscription *subscription);
/* The first 200 could not be sent: the subscription never was. */
void notifier_drop(struct notifier_subscription *subscription);

/* A PUBLISH that notifier_refuses() let pass (RFC 3903 6).  Errors come with *out_refusal, 412 among them, and nothing has
 * changed. */
struct notifier_grant {
    char etag[TXN_TAG_LEN]; /* for SIP-ETag */
    uint32_t expires_s;
};
MUST_CHECK enum err notifier_publish(struct notifier_table *table, const struct sip_message *request,
                                     const struct notifier_accept *accept, struct notifier_grant *out_grant,
                                     struct notifier_refusal *out_refusal);

/* A connection has gone: a NOTIFY that is out on it goes another way.  The subscription itself stands: RFC 6665 knows no
 * flow, and the next NOTIFY tells whether its subscriber can be reached. */
void notifier_flow_closed(struct notifier_table *table, const struct net_flow *flow);
/* Ends every subscription with `deactivated`, which asks the subscribers to come back at once (RFC 6665 4.1.3), here or to
 * whoever serves meanwhile; all NOTIFYs have left after `within_ms`.  New ones are refused from now on (503). */
void notifier_shutdown(struct notifier_table *table, uint32_t within_ms);

/* ---- asking ---- */

size_t notifier_count(const struct notifier_table *table);
/* Walks all subscriptions in no order: start with NULL, ends with NULL.  Nothing may happen to the table in between. */
struct notifier_subscription *notifier_next(const struct notifier_table *table,
                                            const struct notifier_subscription *after);

/* Spans live as long as the subscription. */
struct span notifier_tag(const struct notifier_subscription *subscription);
struct span notifier_contact(const struct notifier_subscription *subscription); /* ours */
struct span notifier_aor(const struct notifier_subscription *subscription);
struct span notifier_watcher(const struct notifier_subscription *subscription); /* From value, with tag */
struct span notifier_call_id(const struct notifier_subscription *subscription);
const char *notifier_event(const struct notifier_subscription *subscription);
const char *notifier_state_text(const struct notifier_subscription *subscription);
uint32_t notifier_expires_s(const struct notifier_subscription *subscription); /* left */
uint32_t notifier_version(const struct notifier_subscription *subscription);   /* documents sent */
const struct net_address *notifier_source(const struct notifier_subscription *subscription);

struct notifier_counters {
    uint64_t subscribed, refreshed, unsubscribed, fetched;
    uint64_t expired, ended, lost;      /* by time, by notifier_end() or shutdown, because a NOTIFY failed */
    uint64_t notified, failed, refused; /* NOTIFYs sent; timed out or not sent; answered by 300 to 699 */
    uint64_t refused_full;              /* over a cap */
    uint64_t published, publications_expired;
};
const struct notifier_counters *notifier_table_counters(const struct notifier_table *table);
struct notifier_census {
    size_t subscriptions, publications, users, sources;
};
struct notifier_census notifier_table_census(const struct notifier_table *table);

/* ---- steering ---- */

/* Our tags are TXN_TAG_LEN characters and name the worker that made them.  A request with such a To tag, and a response
 * with such a From tag (to our NOTIFY), belong to that worker, whatever their Call-ID.  False: the tag is none of ours. */
bool notifier_tag_worker(struct span tag, unsigned *out_worker);

/* ---- for packages that write XML ---- */

/* Appends `text` as XML character data or attribute value; control bytes, which XML 1.0 cannot write, become '?'. */
void notifier_xml_escape(struct buffer *out, struct span text);
/* Appends "sip:user@host" for an AOR, escaped as a URI and as XML. */
void notifier_xml_aor(struct buffer *out, struct span aor);
