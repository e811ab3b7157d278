/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded ring of records from one worker to the writer: one producer, one consumer, no lock. */
#pragma once

#include "engine/engine_decisions.h"
#include <stdatomic.h>

/* A record holds a whole request where requests are logged. */
enum { ENGINE_RING_BYTES = 4 << 20, ENGINE_RECORD_MAX = 72 * 1024 };

struct engine_ring {
    _Alignas(64) _Atomic uint64_t written; /* bytes ever put in; the producer's */
    _Atomic uint64_t dropped;
    _Alignas(64) _Atomic uint64_t taken; /* bytes ever taken out; the consumer's */
    _Alignas(64) char *bytes;
};

MUST_CHECK enum err engine_ring_init(struct engine_ring *ring);
void engine_ring_done(struct engine_ring *ring);
/* Copies the record; when it does not fit it is dropped and counted.  Spans that are too long are cut. */
void engine_ring_put(struct engine_ring *ring, const struct engine_record *record);
/* Takes the oldest record; its spans point into `scratch`.  False when the ring is empty. */
bool engine_ring_take(struct engine_ring *ring, char scratch[ENGINE_RECORD_MAX], struct engine_record *out_record);
