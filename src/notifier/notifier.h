/* SPDX-License-Identifier: Apache-2.0 */
/* The subscriptions and publications of one worker (RFC 6665, RFC 3903): who watches which user for which event package,
 * and what they are told.  All that watch one user are on the worker that owns its AOR, and so is what was published
 * for it.  Single-threaded, on top of the transactions of the same worker. */
#pragma once

#include "txn/txn_table.h"
#include "util/buffer.h"

struct notifier_table;

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
};

/* An event package: a table of functions, borrowed for the table's life.  Each function gets the `ctx` of
 * notifier_add_package(). */
struct notifier_package {
    const char *name;       /* "presence" */
    const char *media_type; /* of its documents, in lower case: "application/pidf+xml" */
    uint32_t expires_s; /* of a SUBSCRIBE that does not say: RFC 3856 6.4, RFC 3680 4.3; cut to the table's bounds */
    bool is_published;  /* PUBLISH is taken for it (RFC 3903), bodies of media_type only */
    bool wants_accept;  /* its media type has to be named by an Accept, where there is one at all */
    /* Appends a document.  view->mark may be changed; it is kept only when the document is sent.  ERR_NOT_FOUND, allowed
     * where neither `full` nor `last` is set: nothing has happened that this subscription has not been told.  Any other
     * error, and an overflow of `out`: nothing can be said now, the NOTIFY goes without a body.  It must not call back
     * into the table. */
    enum err (*build)(void *ctx, struct notifier_view *view, struct buffer *out);
    /* No subscription of this package watches `aor` any more: what was kept for them alone may go (the last state of a
     * user that was retired, while its watchers are told one after the other).  NULL: nothing is. */
    void (*unwatched)(void *ctx, struct span aor);
};

enum { NOTIFIER_PACKAGES_MAX = 8 };
/* Before the first SUBSCRIBE.  ERR_FULL; ERR_EXISTS: one of this name is there. */
MUST_CHECK enum err notifier_add_package(struct notifier_table *table, const struct notifier_package *package,
                                         void *ctx);

/* ---- what those who change state call ---- */

/* The state of `aor` in `package` changed: everybody who watches it is told, soon (a subscription's own interval and the
 * worker's rate bound how soon).  Several changes before a NOTIFY has gone become one.  Cheap where nobody watches. */
void notifier_changed(struct notifier_table *table, const struct notifier_package *package, struct span aor);

/* `aor` is gone, or is to be watched elsewhere: its publications are dropped at once, and every subscription to it, of
 * all packages, gets a last document and ends for `reason`, one after the other at the worker's rate.  New ones may come
 * meanwhile (the policy decides on them) and are left alone. */
void notifier_end(struct notifier_table *table, struct span aor, enum notifier_reason reason);

/* Whether somebody watches `aor` in `package`. */
bool notifier_is_watched(const struct notifier_table *table, const struct notifier_package *package, struct span aor);

/* ---- steering ---- */

/* Our tags are TXN_TAG_LEN characters and name the worker that made them.  A request with such a To tag, and a response
 * with such a From tag (to our NOTIFY), belong to that worker, whatever their Call-ID.  False: the tag is none of ours. */
bool notifier_tag_worker(struct span tag, unsigned *out_worker);
