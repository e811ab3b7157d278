/* SPDX-License-Identifier: Apache-2.0 */
/* What one worker keeps and exports of the messages that pass it: a ring of the latest (trace_ring.h) and HEP to a
 * collector (trace_export.h), each if it is wanted. */
#pragma once

#include "trace/trace_export.h"

struct trace;

struct trace_options {
    size_t ring_bytes;             /* 0: no ring; less than TRACE_RING_LEAST is that much */
    const struct net_address *hep; /* the collector; NULL: no export */
    uint32_t hep_id;               /* of this capture agent */
    struct siphash_key key;
};

/* ERR_NOMEM; ERR_IO: no socket to the collector. */
MUST_CHECK enum err trace_new(const struct trace_options *options, struct trace **out_trace);
void trace_free(struct trace *trace); /* NULL is fine */

/* One message that came or was sent.  What is none (keep-alives) is passed over. */
void trace_put(struct trace *trace, enum trace_direction direction, const struct net_flow *flow, struct span bytes);
/* At the end of a loop's turn: what is to be exported leaves. */
void trace_turn_end(struct trace *trace);

/* NULL where there is none. */
const struct trace_ring *trace_ring_of(const struct trace *trace);

/* Zeros without an export. */
struct trace_export_counters trace_counters(const struct trace *trace);
