/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: one thread per environment owns every write transaction, because LMDB's single writer blocks the others.
 * Jobs wait in a bounded queue and are run in order, many in one transaction of at most about 10 ms, which is on disk
 * (fsync) before anybody is told. */
#pragma once

#include "store/store_txn.h"

/* Runs on the store thread inside a write transaction.  On an error nothing of the job stays; a job may be run twice
 * (when one beside it failed after writing), so it sets its results anew each time and must not count. */
typedef enum err (*store_job_fn)(struct store_txn *txn, void *arg);
/* Runs on the store thread once the job's fate is durable: OK, the job's own error, or the commit's. */
typedef void (*store_done_fn)(void *arg, enum err err);

enum { STORE_BATCH_MS = 10 };

/* Queues a job.  ERR_FULL: the queue is; ERR_CLOSED: the store is closing.  On an error `done` is not called.  `done` may be
 * NULL.  Any thread. */
MUST_CHECK enum err store_submit(struct store *store, store_job_fn job, store_done_fn done, void *arg);
/* Queues a job and waits until it is durable.  Any thread but the store's own and a worker. */
MUST_CHECK enum err store_run_wait(struct store *store, store_job_fn job, void *arg);
/* Runs `fn` on the store thread *between* transactions, and waits: while it runs nothing is written and everything
 * before it is durable.  What it returns is returned. */
typedef enum err (*store_exclusive_fn)(void *arg);
MUST_CHECK enum err store_run_exclusive(struct store *store, store_exclusive_fn fn, void *arg);
/* Makes the tick come soon. Any thread. */
void store_poke(struct store *store);

struct store_load {
    uint64_t jobs;         /* done */
    uint64_t transactions; /* committed */
    uint64_t failed;       /* commits that failed */
    unsigned waiting;
    unsigned waiting_max;
};
struct store_load store_load(struct store *store);

/* Before store_start only: transactions of the opener's own, of any size (a build of a new environment). */
MUST_CHECK enum err store_write_begin(struct store *store, struct store_txn **out_txn);
/* On disk when it returns OK; on an error all is undone.  The transaction is gone either way. */
MUST_CHECK enum err store_write_commit(struct store_txn *txn);
void store_write_abort(struct store_txn *txn);
