/* SPDX-License-Identifier: Apache-2.0 */
/* The journal that bindings survive a crash in: an LMDB environment of its own, one table of rows numbered in order of
 * time, each the whole state of one user at that moment.  It is only ever appended to, and shortened at its head; the
 * store thread writes what all workers hand over, one commit for all that waits.  Thread-safe where it says so. */
#pragma once

#include "store/store_write.h"

struct registrar_journal;
struct registrar_batch;

enum { REGISTRAR_WORKERS_MAX = 64 };

/* On the store thread: the rows of a worker's batch are on disk, or none of them is (registrar_batch_error). */
typedef void (*registrar_written_fn)(void *ctx, unsigned worker, struct registrar_batch *batch);

struct registrar_journal_options {
    unsigned workers;
    registrar_written_fn written;
    void *ctx;
    size_t map_bytes; /* 0: the store's default */
    uint64_t slack;   /* rows beyond twice those that count before old ones are cleared away; 0: 65,536 */
};

/* Opens or makes the environment in folder `path`, and starts its thread.  Errors as store_open(); what is damaged stays
 * as it is. */
MUST_CHECK enum err registrar_journal_open(const char *path, const struct registrar_journal_options *options,
                                           struct registrar_journal **out_journal, struct fault *fault);
/* Writes what waits (`written` is called for it), then closes.  NULL is fine. */
void registrar_journal_close(struct registrar_journal *journal);

/* Calls `row` for every row in order, on the caller's thread, beside the writer.  ERR_CORRUPT: a row's checksum is
 * wrong, or numbers are missing; what `row` returns otherwise. */
typedef enum err (*registrar_row_fn)(void *ctx, uint64_t number, struct span row);
MUST_CHECK enum err registrar_journal_read(struct registrar_journal *journal, registrar_row_fn row, void *ctx);

/* Hands a batch over: it is the store thread's until `written` gives it back.  ERR_CLOSED, ERR_FULL: it was not taken.  Any
 * thread. */
MUST_CHECK enum err registrar_journal_submit(struct registrar_journal *journal, struct registrar_batch *batch);

/* Microseconds from its handing over to the disk's word, of a batch that came back. */
uint64_t registrar_batch_us(const struct registrar_batch *batch);

/* Rows that still count, of all workers: each says how many are its own.  Any thread. */
void registrar_journal_count(struct registrar_journal *journal, unsigned worker, uint64_t live);
/* Rows before this number are to be written anew where they still count; 0: the journal is short enough.  Any thread. */
uint64_t registrar_journal_stale(struct registrar_journal *journal);

struct registrar_journal_stat {
    uint64_t rows, live;
    uint64_t file_bytes, used_bytes;
    uint64_t commits, failures;
    uint64_t commit_us_last, commit_us_max; /* of a batch, as registrar_batch_us() */
};
MUST_CHECK enum err registrar_journal_stat(struct registrar_journal *journal, struct registrar_journal_stat *out_stat);
