/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the environment, its queue and its thread. */
#pragma once

#include "store/store_write.h"
#include "util/log.h"

#include <lmdb.h>
#include <pthread.h>

enum { STORE_BATCH_JOBS = 1024, STORE_TICK_MS = 10000, STORE_KIND_MAX = 64 };

struct store_job {
    store_job_fn job;
    store_exclusive_fn exclusive; /* instead of `job`: between transactions */
    store_done_fn done;
    void *arg;
    enum err result; /* of the last run */
};

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES_MAX];
    MDB_dbi about; /* kind and format */
    unsigned table_count;
    int guard_fd; /* flock: opened once in the whole system */
    char kind[STORE_KIND_MAX];
    size_t page_bytes;
    off_t file_bytes; /* the store thread's own: length of the file at the last write transaction */
    struct log_limit complaints;
    store_tick_fn tick;
    void *tick_ctx;

    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct store_job *queue; /* a ring of queue_cap */
    unsigned queue_cap, queue_head, queue_count;
    bool closing;
    bool poked;
    bool asleep; /* the store thread waits for `wake` */
    struct store_load load;
    struct store_job batch[STORE_BATCH_JOBS]; /* the store thread's own */
};

struct store_txn {
    MDB_txn *mdb;
    struct store *store;
    bool writable;
    bool dirty; /* something was written since the job began */
};

/* LMDB's (or errno's) result as enum err. */
enum err store_err(int mdb_result);
/* Before mapping: the file is LMDB's, sane, and as long as its last page says (SIGBUS is the alternative). */
enum err store_check_file(const char *path, struct fault *fault);
/* LMDB leaves the last pages unwritten when they are free by the commit (8 of 20,000 commits in a test), so that a sound
 * file may be shorter than its last page says.  Keeps the file's length ahead of that, before the next commit is made. */
void store_fit_file(struct store *store);
/* Before each write transaction: the file is still in its folder (ERR_IO), since what is written to one that was removed is
 * gone with the process, and no shorter than it was (ERR_CORRUPT), since LMDB would run into SIGBUS. */
enum err store_check_place(struct store *store);
/* Begins, ends a write transaction into *txn. */
enum err store_txn_begin_write(struct store *store, struct store_txn *txn);
enum err store_txn_commit(struct store_txn *txn);
void store_txn_abort(struct store_txn *txn);
/* A leaf page whose entries all lie within it, exactly one of them with its key `key_at` bytes into the page. */
bool store_page_is_sound(const char *page, size_t page_bytes, size_t key_at);
