/* SPDX-License-Identifier: Apache-2.0 */
/* A second version beside the active one.  Requests of a sample are put by, with what was answered, and decided once more
 * when everything of the turn is on its way: their callers wait for nothing, and nothing that the second one does, or that
 * is done to it, reaches them.  It has a tenth of the worker's time, saved up to ENGINE_BESIDE_NS: what a busy worker has no
 * time for is skipped and counted, and after a kill it rests until that is paid for. */
#pragma once

#include "engine/engine_core.h"
#include "release/release_tally.h"

enum {
    ENGINE_BESIDE_MAX = 64,           /* requests put by in a turn */
    ENGINE_BESIDE_BYTES = 128 * 1024, /* their bytes */
    ENGINE_BESIDE_NS = 1000 * 1000,   /* thread CPU time that is saved up at most */
    ENGINE_BESIDE_SHARE = 10          /* one part in so many of the time that passes is its */
};

/* Who decides beside, from the next request on. */
struct engine_beside_options {
    struct policy *policy;       /* borrowed until engine_beside_stop */
    struct release_tally *tally; /* the same; written by this thread alone */
    unsigned sample;             /* one Call-ID in so many */
    bool shadow;                 /* it is the newer one, and each decision has a fresh `req`; else the active one is */
};

/* `core` keeps one, which is NULL until the first start: ERR_NOMEM. */
MUST_CHECK enum err engine_beside_start(struct engine_core *core, const struct engine_beside_options *options);
void engine_beside_stop(struct engine_core *core);
void engine_beside_free(struct engine_beside *beside); /* NULL is fine */
/* Whose decision this is, while one is made: its script's log lines are swallowed. */
bool engine_beside_decides(const struct engine_core *core);
/* Whether engine_beside_turn() has something to do. */
bool engine_beside_waits(const struct engine_core *core);
/* After the answers of the turn are out, while what they were decided on (clock, directory) is still the same. */
void engine_beside_turn(struct engine_core *core);
/* The policy of the second version, NULL when there is none. */
struct policy *engine_beside_policy(const struct engine_core *core);
