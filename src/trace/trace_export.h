/* SPDX-License-Identifier: Apache-2.0 */
/* Sends HEP to one collector over UDP: collected during a turn, handed over by one system call, never waiting.  What the
 * kernel does not take at once is dropped and counted.  One thread. */
#pragma once

#include "trace/trace_hep.h"

struct net_system;
struct trace_export;

struct trace_export_options {
    struct net_address collector;
    uint32_t agent;                  /* the capture agent's id */
    const struct net_system *system; /* NULL: the real system calls */
};

struct trace_export_counters {
    uint64_t sent;
    uint64_t dropped; /* the socket was full, or the collector refused */
    uint64_t cut;     /* too long for a datagram: sent without its end */
};

/* ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err trace_export_new(const struct trace_export_options *options, struct trace_export **out_export);
/* What waits is sent first. */
void trace_export_free(struct trace_export *self); /* NULL is fine */

void trace_export_put(struct trace_export *self, const struct trace_message *message);
/* Hands over what waits; by itself when 64 messages or 128 KiB do. */
void trace_export_flush(struct trace_export *self);
const struct trace_export_counters *trace_export_counters(const struct trace_export *self);
