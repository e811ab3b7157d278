/* SPDX-License-Identifier: Apache-2.0 */
/* Small state that policies share across workers and versions: counters in a window, values that expire, token buckets.
 * Each table is typed and capped, split into shards with a lock each, and lives on under its name and type while any
 * version holds it.  Safe from any thread.  Time comes in as the caller's monotonic milliseconds. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum facts_shared_kind {
    FACTS_COUNTER, /* key -> how often in a window of ttl_ms that began with its first */
    FACTS_MAP,     /* key -> a short text, for ttl_ms */
    FACTS_BUCKET,  /* key -> tokens: rate a second up to burst */
    FACTS_SHARED_KIND_COUNT
};

enum {
    FACTS_KEY_MAX = 255,   /* bytes of a key; longer ones are refused */
    FACTS_VALUE_MAX = 255, /* bytes of a FACTS_MAP's value */
    FACTS_SHARED_NAME_MAX = 63,
    FACTS_SHARED_MAX = 10 * 1000 * 1000 /* the largest `max` */
};

/* What a table is.  Tables with the same name and an equal spec are the same table. */
struct facts_shared_spec {
    enum facts_shared_kind kind;
    uint64_t ttl_ms; /* > 0; of FACTS_BUCKET: 0, it follows from rate and burst */
    uint64_t max;    /* keys at once */
    double rate;     /* FACTS_BUCKET: tokens a second, > 0 */
    double burst;    /* FACTS_BUCKET: >= 1 */
};

/* A hash of all of it: tables of a name with equal ones are the same. */
uint64_t facts_shared_options(const struct facts_shared_spec *spec);

struct facts_shared;
struct facts_shared_registry;

/* "counter", "map", "bucket". */
const char *facts_shared_kind_name(enum facts_shared_kind kind);

MUST_CHECK enum err facts_shared_registry_new(struct facts_shared_registry **out_registry);
/* Tables that somebody still holds outlive it. */
void facts_shared_registry_free(struct facts_shared_registry *registry);

/* The table of that name and spec: the one that lives (*out_kept true), else a new one.
 * Held by the caller until facts_shared_unref.  ERR_INVALID with a fault for an impossible spec. */
MUST_CHECK enum err facts_shared_open(struct facts_shared_registry *registry, struct span name,
                                      const struct facts_shared_spec *spec, struct facts_shared **out_shared,
                                      bool *out_kept, struct fault *fault);
/* A table of its own, in no registry: for check, test and explain. */
MUST_CHECK enum err facts_shared_new(const struct facts_shared_spec *spec, struct facts_shared **out_shared,
                                     struct fault *fault);
struct facts_shared *facts_shared_ref(struct facts_shared *shared);
void facts_shared_unref(struct facts_shared *shared);

enum facts_shared_kind facts_shared_kind(const struct facts_shared *shared);
/* Keys held now, and keys refused because `max` was reached. */
uint64_t facts_shared_count(const struct facts_shared *shared);
uint64_t facts_shared_refused(const struct facts_shared *shared);

/* FACTS_COUNTER: adds `by` and gives the count in the present window.  ERR_FULL when `max` keys live (nothing is counted),
 * ERR_TOO_LONG, ERR_INVALID on a table of another kind. */
MUST_CHECK enum err facts_shared_incr(struct facts_shared *shared, struct span key, uint64_t by, uint64_t now_ms,
                                      uint64_t *out_count);
/* FACTS_COUNTER: the count without adding; 0 where there is none. */
MUST_CHECK enum err facts_shared_read(struct facts_shared *shared, struct span key, uint64_t now_ms,
                                      uint64_t *out_count);

/* FACTS_MAP. */
MUST_CHECK enum err facts_shared_set(struct facts_shared *shared, struct span key, struct span value, uint64_t now_ms);
/* Copies the value into `out` (FACTS_VALUE_MAX + 1 bytes); ERR_NOT_FOUND. */
MUST_CHECK enum err facts_shared_get(struct facts_shared *shared, struct span key, uint64_t now_ms, char *out,
                                     size_t *out_len);
/* Any kind: forgets the key; nothing happens where there is none. */
void facts_shared_forget(struct facts_shared *shared, struct span key);

/* FACTS_BUCKET: takes `tokens` if they are there.  *out_taken false: over the limit (or `max` keys are held). */
MUST_CHECK enum err facts_shared_take(struct facts_shared *shared, struct span key, double tokens, uint64_t now_ms,
                                      bool *out_taken);
