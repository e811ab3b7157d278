/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/trace.h"

#include "util/clock.h"

#include <stdlib.h>

struct trace {
    struct trace_ring *ring;
    struct trace_export *hep;
    uint64_t turn_us; /* 0: nothing was put in this turn yet */
};

enum err trace_new(const struct trace_options *options, struct trace **out_trace)
{
    struct trace *trace = calloc(1, sizeof(*trace));
    if (!trace)
        return ERR_NOMEM;
    size_t cap = options->ring_bytes < TRACE_RING_LEAST ? TRACE_RING_LEAST : options->ring_bytes;
    enum err err = OK;
    if (options->ring_bytes)
        err = trace_ring_new(cap, &options->key, &trace->ring);
    if (err == OK && options->hep)
        err = trace_export_new(&(struct trace_export_options){.collector = *options->hep, .agent = options->hep_id},
                               &trace->hep);
    if (err != OK) {
        trace_free(trace);
        return err;
    }
    *out_trace = trace;
    return OK;
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    trace_export_free(trace->hep);
    trace_ring_free(trace->ring);
    free(trace);
}

void trace_put(struct trace *trace, enum trace_direction direction, const struct net_flow *flow, struct span bytes)
{
    /* CRLF, NUL and STUN keep a way open, and say nothing. */
    if (bytes.len == 0 || (unsigned char)bytes.at[0] <= ' ')
        return;
    /* The ring has its order, and reading the clock costs more than the copy: once a turn will do.  A collector sorts by
     * time. */
    if (trace->hep || !trace->turn_us)
        trace->turn_us = clock_wall_us();
    struct trace_message message = {direction, trace->turn_us, flow, bytes};
    if (trace->ring)
        trace_ring_put(trace->ring, &message);
    if (trace->hep)
        trace_export_put(trace->hep, &message);
}

void trace_turn_end(struct trace *trace)
{
    trace->turn_us = 0;
    if (trace->hep)
        trace_export_flush(trace->hep);
}

const struct trace_ring *trace_ring_of(const struct trace *trace)
{
    return trace->ring;
}

struct trace_export_counters trace_counters(const struct trace *trace)
{
    return trace->hep ? *trace_export_counters(trace->hep) : (struct trace_export_counters){0};
}
