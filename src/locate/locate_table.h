/* SPDX-License-Identifier: Apache-2.0 */
/* Where to send our own requests (RFC 3263): searches, the questions that they share, and what the DNS said, for as long
 * as it said.  One worker's; single-threaded; clock, timers, randomness and the DNS come in. */
#pragma once

#include "locate/locate_plan.h"
#include "util/clock.h"
#include "util/siphash.h"
#include "util/wheel.h"

struct locate_table;
struct locate_search;

struct locate_options {
    const struct clock *clock; /* borrowed, as all here */
    struct wheel *wheel;
    struct locate_resolver resolver;
    struct siphash_key key; /* names come from a network */
    uint64_t seed;          /* of the weights' draws; 0: from the system */
    uint32_t timeout_ms;    /* a search takes what it has after so long; 0: 4,000 */
    unsigned search_cap;    /* 0: 4,096 */
    unsigned question_cap;  /* under way; 0: 256 */
    unsigned cache_cap;     /* answers kept; 0: 1,024 */
};

MUST_CHECK enum err locate_table_new(const struct locate_options *options, struct locate_table **out_table);
/* No search is told; the resolver must not answer any more.  NULL is fine. */
void locate_table_free(struct locate_table *table);

/* How a search ended: `err` and `hops` as by locate_plan(), never ERR_AGAIN; `hops` is NULL on an error. */
typedef void (*locate_found_fn)(void *user, enum err err, const struct locate_hops *hops);

/* Starts a search; `found` is called once: before this returns (*out_search is then NULL), or later from the wheel.  ERR_FULL,
 * ERR_NOMEM: it is not called.  The places that failed of late come last. */
MUST_CHECK enum err locate_table_find(struct locate_table *table, const struct locate_request *request,
                                      locate_found_fn found, void *user, struct locate_search **out_search);
/* `found` will not be called. */
void locate_search_cancel(struct locate_search *search);

/* From the resolver. */
void locate_table_answer(struct locate_table *table, uint64_t id, const struct locate_answer *answer);

/* This place failed (RFC 3263 4.3, RFC 4321): for `for_ms`, at most LOCATE_AVOID_MAX_MS, it is tried after all others.  Of
 * more than LOCATE_AVOID_MAX of them, the one that would be forgiven first is forgotten. */
enum { LOCATE_AVOID_MAX = 64, LOCATE_AVOID_MAX_MS = 300000 };
void locate_table_avoid(struct locate_table *table, const struct locate_hop *hop, uint64_t for_ms);

struct locate_counters {
    uint64_t searches, found, failed, refused_full;
    uint64_t asked, cache_hits, timeouts;
};
const struct locate_counters *locate_table_counters(const struct locate_table *table);
/* Now: searches under way, questions under way, answers kept. */
struct locate_census {
    unsigned searches, questions, cached;
};
struct locate_census locate_table_census(const struct locate_table *table);
