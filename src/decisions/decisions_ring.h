/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded ring of records from one worker to the writer: one producer, one consumer, no lock. */
#pragma once

#include "decisions/decisions_log.h"
#include <stdatomic.h>

/* A record holds a whole request where requests are logged. */
enum { DECISIONS_RING_BYTES = 4 << 20, DECISIONS_RECORD_MAX = 72 * 1024 };

struct decisions_ring {
    _Alignas(64) _Atomic uint64_t written; /* bytes ever put in; the producer's */
    _Atomic uint64_t dropped;
    _Alignas(64) _Atomic uint64_t taken; /* bytes ever taken out; the consumer's */
    _Alignas(64) char *bytes;
};

MUST_CHECK enum err decisions_ring_init(struct decisions_ring *ring);
void decisions_ring_done(struct decisions_ring *ring);
/* Copies the record; when it does not fit it is dropped and counted.  Spans that are too long are cut. */
void decisions_ring_put(struct decisions_ring *ring, const struct decisions_record *record);
/* Takes the oldest record; its spans point into `scratch`.  False when the ring is empty. */
bool decisions_ring_take(struct decisions_ring *ring, char scratch[DECISIONS_RECORD_MAX],
                         struct decisions_record *out_record);
