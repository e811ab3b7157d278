/* SPDX-License-Identifier: Apache-2.0 */
/* The latest messages of one worker, in and out, in a run of memory that never grows: the oldest make room.  One thread
 * writes and reads.  A message costs one copy; whose call it belongs to is only looked up when somebody asks. */
#pragma once

#include "net/net_flow.h"
#include "util/siphash.h"

enum trace_direction { TRACE_IN, TRACE_OUT };

/* Bytes of a message that are kept, and the least memory of a ring. */
enum { TRACE_KEEP_MAX = 2048, TRACE_RING_LEAST = 16384 };

/* One message on its way; borrowed. */
struct trace_message {
    enum trace_direction direction;
    uint64_t at_us; /* Unix time */
    const struct net_flow *flow;
    struct span bytes;
};

/* As it lies in the ring. */
struct trace_record {
    uint32_t size;      /* of the record with its bytes, in the ring */
    uint16_t kept;      /* bytes that are here */
    uint8_t direction;  /* enum trace_direction */
    uint8_t is_filler;  /* 1: nothing; the ring goes on at its start */
    uint64_t at_us;     /* Unix time */
    uint64_t call_hash; /* of the Call-ID, where the message was cut; else 0 */
    uint64_t len;       /* bytes that the message had */
    struct net_flow flow;
    char bytes[];
};

struct trace_ring;

/* Of `cap` bytes, at least TRACE_RING_LEAST.  `key` is for the Call-IDs of messages that are cut.  ERR_NOMEM. */
MUST_CHECK enum err trace_ring_new(size_t cap, const struct siphash_key *key, struct trace_ring **out_ring);
void trace_ring_free(struct trace_ring *ring); /* NULL is fine */

void trace_ring_put(struct trace_ring *ring, const struct trace_message *message);

/* From the oldest to the latest: start with NULL, ends with NULL.  Nothing may be put in between. */
const struct trace_record *trace_ring_next(const struct trace_ring *ring, const struct trace_record *after);
/* Messages that are here. */
size_t trace_ring_count(const struct trace_ring *ring);
/* Whether the message has this Call-ID. */
bool trace_ring_is_of(const struct trace_ring *ring, const struct trace_record *record, struct span call_id);
