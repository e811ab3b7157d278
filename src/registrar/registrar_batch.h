/* SPDX-License-Identifier: Apache-2.0 */
/* Rows on their way from one worker to the disk.  Private to this folder and its tests. */
#pragma once

#include "registrar/registrar_journal.h"
#include "util/buffer.h"
#include "util/list.h"

/* registrar_pack.c: rows as the journal's values, one behind the other. */
struct registrar_packs {
    struct buffer bytes;
    size_t open_at; /* the value that still takes rows */
    unsigned open_rows;
    size_t row_at; /* of the row between begin and end */
    bool row_is_first;
};
void registrar_packs_clear(struct registrar_packs *packs);
/* What is added to `bytes` in between is a row.  False: there was no room, and it is as if it had never been begun. */
void registrar_packs_begin_row(struct registrar_packs *packs);
MUST_CHECK bool registrar_packs_end_row(struct registrar_packs *packs);
/* Takes the next value off the front of what is not empty. */
struct span registrar_packs_take(struct span *rest, unsigned *out_rows);
/* How many rows a value of the journal has, at least 1; false: it is damaged. */
MUST_CHECK bool registrar_pack_count(struct span value, unsigned *out_rows);
/* Calls `row` for each of them, the first of which has this number.  ERR_CORRUPT, or what `row` returns. */
MUST_CHECK enum err registrar_pack_rows(struct span value, uint64_t number, registrar_row_fn row, void *ctx);

struct registrar_batch {
    unsigned worker;
    unsigned count; /* rows */
    struct registrar_packs rows;
    uint64_t floor;      /* rows of this worker before this number count no more; UINT64_MAX: none counts */
    struct list changes; /* the worker's own, in the order of the rows */
    /* The store thread's, before it gives the batch back. */
    struct registrar_journal *journal;
    uint64_t first, last;   /* numbers of its rows; last < first: it has none */
    uint64_t trimmed_first; /* the journal's first row afterwards */
    enum err err;
    uint64_t began_ns, us; /* handed over; then until it came back */
};
