/* SPDX-License-Identifier: Apache-2.0 */
/* The store thread: takes jobs from the queue, runs as many as fit into 10 ms in one transaction, commits, tells. */
#include "store/store_write.h"
#include "store/store_priv.h"
#include "util/clock.h"
#include "util/invariant.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum err store_txn_begin_write(struct store *store, struct store_txn *txn)
{
    *txn = (struct store_txn){.store = store, .writable = true};
    enum err err = store_check_place(store);
    if (err != OK)
        return err;
    return store_err(mdb_txn_begin(store->env, NULL, 0, &txn->mdb));
}

enum err store_txn_commit(struct store_txn *txn)
{
    int rc = mdb_txn_commit(txn->mdb); /* frees it, whatever it returns */
    txn->mdb = NULL;
    if (rc == 0)
        store_fit_file(txn->store);
    return store_err(rc);
}

void store_txn_abort(struct store_txn *txn)
{
    if (txn->mdb)
        mdb_txn_abort(txn->mdb);
    txn->mdb = NULL;
}

static void jobs_done(struct store *store, struct store_job *jobs, unsigned count)
{
    pthread_mutex_lock(&store->lock);
    store->load.jobs += count;
    pthread_mutex_unlock(&store->lock);
    for (unsigned i = 0; i < count; i++) {
        if (jobs[i].done)
            jobs[i].done(jobs[i].arg, jobs[i].result);
    }
}

static void note_commit(struct store *store, enum err err)
{
    pthread_mutex_lock(&store->lock);
    if (err == OK)
        store->load.transactions++;
    else
        store->load.failed++;
    pthread_mutex_unlock(&store->lock);
}

/* Each in a transaction of its own: the way when one of a batch failed after it had written. */
static void run_singly(struct store *store, struct store_job *jobs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct store_txn txn;
        jobs[i].result = store_txn_begin_write(store, &txn);
        if (jobs[i].result != OK)
            continue;
        jobs[i].result = jobs[i].job(&txn, jobs[i].arg);
        if (jobs[i].result != OK) {
            store_txn_abort(&txn);
            continue;
        }
        jobs[i].result = store_txn_commit(&txn);
        note_commit(store, jobs[i].result);
    }
}

static void all_failed(struct store_job *jobs, unsigned count, enum err err)
{
    for (unsigned i = 0; i < count; i++)
        jobs[i].result = err;
}

/* Runs jobs from the front until 10 ms are over; returns how many have their results. */
static unsigned run_together(struct store *store, struct store_job *jobs, unsigned count)
{
    struct store_txn txn;
    enum err err = store_txn_begin_write(store, &txn);
    if (err != OK) {
        all_failed(jobs, count, err);
        return count;
    }
    uint64_t deadline = clock_mono_ns() + (uint64_t)STORE_BATCH_MS * 1000000;
    unsigned ran = 0;
    bool spoiled = false, wrote = false;
    while (ran < count && !spoiled && (ran == 0 || clock_mono_ns() < deadline)) {
        txn.dirty = false;
        jobs[ran].result = jobs[ran].job(&txn, jobs[ran].arg);
        spoiled = jobs[ran].result != OK && txn.dirty;
        wrote = wrote || txn.dirty;
        ran++;
    }
    if (spoiled || !wrote) {
        store_txn_abort(&txn);
        if (spoiled)
            run_singly(store, jobs, ran);
        return ran;
    }
    err = store_txn_commit(&txn);
    note_commit(store, err);
    if (err != OK)
        all_failed(jobs, ran, err);
    return ran;
}

static void run_batch(struct store *store, unsigned count)
{
    struct store_job *jobs = store->batch;
    if (jobs[0].exclusive) {
        jobs[0].result = jobs[0].exclusive(jobs[0].arg);
        jobs_done(store, jobs, 1);
        return;
    }
    while (count) {
        unsigned ran = run_together(store, jobs, count);
        jobs_done(store, jobs, ran);
        jobs += ran;
        count -= ran;
    }
}

/* Moves jobs from the queue's front into the batch: up to the next exclusive one, which comes alone.  Under the lock. */
static unsigned take_batch(struct store *store)
{
    unsigned taken = 0;
    while (store->queue_count && taken < STORE_BATCH_JOBS) {
        const struct store_job *front = &store->queue[store->queue_head];
        if (front->exclusive && taken)
            break;
        store->batch[taken++] = *front;
        store->queue_head = (store->queue_head + 1) % store->queue_cap;
        store->queue_count--;
        if (store->batch[0].exclusive)
            break;
    }
    return taken;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static void tick(struct store *store)
{
    int freed;
    if (mdb_reader_check(store->env, &freed) != 0) {
        /* The next one tries again; a dead reader only costs space until then. */
    }
    if (store->tick)
        store->tick(store->tick_ctx);
}

static void wait_for_jobs(struct store *store, const struct timespec *until)
{
    store->asleep = true;
    pthread_cond_timedwait(&store->wake, &store->lock, until);
    store->asleep = false;
}

static void *store_thread(void *arg)
{
    struct store *store = arg;
    uint64_t tick_ns = clock_mono_ns() + (uint64_t)STORE_TICK_MS * 1000000;
    pthread_mutex_lock(&store->lock);
    for (;;) {
        struct timespec until = timespec_of(tick_ns);
        while (!store->queue_count && !store->closing && !store->poked && clock_mono_ns() < tick_ns)
            wait_for_jobs(store, &until);
        unsigned count = take_batch(store);
        bool tick_due = store->poked || clock_mono_ns() >= tick_ns;
        store->poked = false;
        if (!count && store->closing)
            break;
        pthread_mutex_unlock(&store->lock);
        if (count)
            run_batch(store, count);
        if (tick_due) {
            tick(store);
            tick_ns = clock_mono_ns() + (uint64_t)STORE_TICK_MS * 1000000;
        }
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

enum err store_start(struct store *store)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's, but for those that a bad access raises here */
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->started = true;
    int rc = pthread_create(&store->thread, NULL, store_thread, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        store->started = false;
        return ERR_NOMEM;
    }
    pthread_setname_np(store->thread, "store");
    return OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->started) {
        pthread_mutex_lock(&store->lock);
        store->closing = true;
        pthread_cond_signal(&store->wake);
        pthread_mutex_unlock(&store->lock);
        pthread_join(store->thread, NULL);
    }
    if (store->env)
        mdb_env_close(store->env);
    if (store->guard_fd >= 0)
        close(store->guard_fd);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    free(store->queue);
    free(store);
}

static enum err queue_add(struct store *store, const struct store_job *job)
{
    enum err err = OK;
    bool wakes = false;
    invariant(store->started);
    pthread_mutex_lock(&store->lock);
    if (store->closing) {
        err = ERR_CLOSED;
    } else if (store->queue_count == store->queue_cap) {
        err = ERR_FULL;
    } else {
        store->queue[(store->queue_head + store->queue_count) % store->queue_cap] = *job;
        store->queue_count++;
        if (store->queue_count > store->load.waiting_max)
            store->load.waiting_max = store->queue_count;
        wakes = store->asleep;
    }
    pthread_mutex_unlock(&store->lock);
    /* Not under the lock, which the thread would run into at once.  Nobody adds to a store that is being freed. */
    if (wakes)
        pthread_cond_signal(&store->wake);
    return err;
}

enum err store_submit(struct store *store, store_job_fn job, store_done_fn done, void *arg)
{
    return queue_add(store, &(struct store_job){.job = job, .done = done, .arg = arg});
}

/* Somebody who waits for a job on another thread. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
    enum err err;
    store_job_fn job;
    store_exclusive_fn exclusive;
    void *arg;
};

static enum err waiter_job(struct store_txn *txn, void *arg)
{
    struct waiter *waiter = arg;
    return waiter->job(txn, waiter->arg);
}

static enum err waiter_exclusive(void *arg)
{
    struct waiter *waiter = arg;
    return waiter->exclusive(waiter->arg);
}

static void waiter_done(void *arg, enum err err)
{
    struct waiter *waiter = arg;
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    waiter->err = err;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

static enum err wait_for(struct store *store, struct waiter *waiter)
{
    invariant(!pthread_equal(pthread_self(), store->thread)); /* it would wait for itself */
    pthread_mutex_init(&waiter->lock, NULL);
    pthread_cond_init(&waiter->wake, NULL);
    enum err err = queue_add(store, &(struct store_job){.job = waiter->job ? waiter_job : NULL,
                                                        .exclusive = waiter->exclusive ? waiter_exclusive : NULL,
                                                        .done = waiter_done,
                                                        .arg = waiter});
    if (err == OK) {
        pthread_mutex_lock(&waiter->lock);
        while (!waiter->done)
            pthread_cond_wait(&waiter->wake, &waiter->lock);
        pthread_mutex_unlock(&waiter->lock);
        err = waiter->err;
    }
    pthread_cond_destroy(&waiter->wake);
    pthread_mutex_destroy(&waiter->lock);
    return err;
}

enum err store_run_wait(struct store *store, store_job_fn job, void *arg)
{
    return wait_for(store, &(struct waiter){.job = job, .arg = arg});
}

enum err store_run_exclusive(struct store *store, store_exclusive_fn fn, void *arg)
{
    return wait_for(store, &(struct waiter){.exclusive = fn, .arg = arg});
}

void store_poke(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->poked = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
}

struct store_load store_load(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct store_load load = store->load;
    load.waiting = store->queue_count;
    pthread_mutex_unlock(&store->lock);
    return load;
}

enum err store_write_begin(struct store *store, struct store_txn **out_txn)
{
    invariant(!store->started);
    struct store_txn *txn = malloc(sizeof(*txn));
    if (!txn)
        return ERR_NOMEM;
    enum err err = store_txn_begin_write(store, txn);
    if (err != OK) {
        free(txn);
        return err;
    }
    *out_txn = txn;
    return OK;
}

enum err store_write_commit(struct store_txn *txn)
{
    enum err err = store_txn_commit(txn);
    free(txn);
    return err;
}

void store_write_abort(struct store_txn *txn)
{
    if (!txn)
        return;
    store_txn_abort(txn);
    free(txn);
}
