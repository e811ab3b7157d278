/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way from one worker to the disk.  Private to this folder and its tests. */
#pragma once

#include "util/buffer.h"
#include "util/list.h"

struct registrar_journal;

struct registrar_batch {
    unsigned worker;
    unsigned count;      /* rows */
    struct buffer bytes; /* each row behind its length, a uint32_t */
    uint64_t floor;      /* rows of this worker before this number count no more; UINT64_MAX: none counts */
    struct list changes; /* the worker's own, in the order of the rows */
    /* The store thread's, before it gives the batch back. */
    struct registrar_journal *journal;
    uint64_t first, last;   /* numbers of its rows; last < first: it has none */
    uint64_t trimmed_first; /* the journal's first row afterwards */
    enum err err;
    uint64_t began_ns, us; /* handed over; then until it came back */
};
