/* SPDX-License-Identifier: Apache-2.0 */
/* The store thread: jobs from many threads, batches, failures that take nothing else along, closing. */
#include "store/store_reader.h"
#include "store/store_write.h"
#include "support/cmocka_all.h"
#include "support_store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct put {
    uint64_t key;
    enum err then;    /* what the job returns after it has written */
    enum err instead; /* not OK: returned before anything is written */
    atomic_int runs;
    atomic_int done;
    enum err result;
};

static enum err put_job(struct store_txn *txn, void *arg)
{
    struct put *put = arg;
    atomic_fetch_add(&put->runs, 1);
    if (put->instead != OK)
        return put->instead;
    enum err err = store_put(txn, 1, store_key_u64(&put->key), SPAN("x"), STORE_PUT_REPLACE);
    return err == OK ? put->then : err;
}

static void put_done(void *arg, enum err err)
{
    struct put *put = arg;
    put->result = err;
    atomic_store(&put->done, 1);
}

static uint64_t count_rows(struct store *store)
{
    struct store_reader *reader;
    struct store_txn *txn;
    uint64_t count = 0;
    assert_int_equal(store_reader_open(store, &reader), OK);
    assert_int_equal(store_reader_begin(reader, &txn, NULL), OK);
    assert_int_equal(store_count(txn, 1, &count), OK);
    store_reader_close(reader);
    return count;
}

static void a_job_is_durable_when_the_wait_ends(void **state)
{
    struct store_folder *folder = *state;
    struct store *store = store_test_open(folder);
    struct put put = {.key = 1};
    assert_int_equal(store_start(store), OK);
    assert_int_equal(store_run_wait(store, put_job, &put), OK);
    assert_int_equal(count_rows(store), 1);
    store_close(store);
    store = store_test_open(folder);
    assert_int_equal(count_rows(store), 1);
    store_close(store);
}

/* Holds the store thread until it is let go, so that what comes after waits in the queue together. */
struct gate {
    pthread_mutex_t lock;
    atomic_int entered;
};

static enum err gate_fn(void *arg)
{
    struct gate *gate = arg;
    atomic_store(&gate->entered, 1);
    pthread_mutex_lock(&gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return OK;
}

struct gate_keeper {
    struct store *store;
    struct gate gate;
    pthread_t thread;
};

static void *gate_thread(void *arg)
{
    struct gate_keeper *keeper = arg;
    return store_run_exclusive(keeper->store, gate_fn, &keeper->gate) == OK ? NULL : keeper;
}

static void gate_close(struct gate_keeper *keeper)
{
    pthread_mutex_init(&keeper->gate.lock, NULL);
    atomic_store(&keeper->gate.entered, 0);
    pthread_mutex_lock(&keeper->gate.lock);
    assert_int_equal(pthread_create(&keeper->thread, NULL, gate_thread, keeper), 0);
    while (!atomic_load(&keeper->gate.entered))
        sched_yield();
}

static void gate_open(struct gate_keeper *keeper)
{
    void *result = keeper;
    pthread_mutex_unlock(&keeper->gate.lock);
    pthread_join(keeper->thread, &result);
    assert_null(result);
    pthread_mutex_destroy(&keeper->gate.lock);
}

static void jobs_that_wait_share_a_transaction(void **state)
{
    enum { COUNT = 100 };
    struct gate_keeper keeper = {.store = store_test_open(*state)};
    struct put *puts = calloc(COUNT, sizeof(*puts));
    assert_int_equal(store_start(keeper.store), OK);
    gate_close(&keeper);
    for (unsigned i = 0; i < COUNT; i++) {
        puts[i].key = i + 1;
        assert_int_equal(store_submit(keeper.store, put_job, put_done, &puts[i]), OK);
    }
    gate_open(&keeper);
    assert_int_equal(store_run_wait(keeper.store, put_job, &(struct put){.key = 1000}), OK);
    struct store_load load = store_load(keeper.store);
    assert_int_equal(load.jobs, COUNT + 2);
    assert_true(load.transactions < COUNT / 2);
    assert_true(load.waiting_max >= COUNT);
    assert_int_equal(count_rows(keeper.store), COUNT + 1);
    store_close(keeper.store);
    free(puts);
}

static void a_failing_job_takes_nobody_along(void **state)
{
    struct gate_keeper keeper = {.store = store_test_open(*state)};
    struct put puts[4] = {{.key = 1}, {.key = 2, .then = ERR_CONFLICT}, {.key = 3, .instead = ERR_INVALID}, {.key = 4}};
    assert_int_equal(store_start(keeper.store), OK);
    gate_close(&keeper);
    for (int i = 0; i < 4; i++)
        assert_int_equal(store_submit(keeper.store, put_job, put_done, &puts[i]), OK);
    gate_open(&keeper);
    assert_int_equal(store_run_wait(keeper.store, put_job, &(struct put){.key = 5}), OK);
    assert_int_equal(puts[0].result, OK);
    assert_int_equal(puts[1].result, ERR_CONFLICT);
    assert_int_equal(puts[2].result, ERR_INVALID);
    assert_int_equal(puts[3].result, OK);
    assert_int_equal(count_rows(keeper.store), 3); /* 1, 4, 5: what 2 wrote is undone */
    store_close(keeper.store);
}

static void the_queue_has_a_cap(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct gate_keeper keeper = {.store = NULL};
    struct put puts[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    options.queue_cap = 2;
    assert_int_equal(store_open(folder->env, &options, &keeper.store, NULL), OK);
    assert_int_equal(store_start(keeper.store), OK);
    gate_close(&keeper);
    assert_int_equal(store_submit(keeper.store, put_job, put_done, &puts[0]), OK);
    assert_int_equal(store_submit(keeper.store, put_job, NULL, &puts[1]), OK);
    assert_int_equal(store_submit(keeper.store, put_job, put_done, &puts[2]), ERR_FULL);
    gate_open(&keeper);
    store_close(keeper.store); /* runs what waits */
    assert_int_equal(atomic_load(&puts[0].done), 1);
    assert_int_equal(atomic_load(&puts[1].runs), 1);
    assert_int_equal(atomic_load(&puts[2].runs), 0);
}

struct crowd {
    struct store *store;
    uint64_t first;
    enum err err;
};

static void *crowd_thread(void *arg)
{
    struct crowd *crowd = arg;
    for (uint64_t i = 0; crowd->err == OK && i < 50; i++)
        crowd->err = store_run_wait(crowd->store, put_job, &(struct put){.key = crowd->first + i});
    return NULL;
}

static void many_threads_lose_nothing(void **state)
{
    enum { THREADS = 8 };
    struct store *store = store_test_open(*state);
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    assert_int_equal(store_start(store), OK);
    for (unsigned i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){.store = store, .first = 1 + i * 1000};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].err, OK);
    }
    assert_int_equal(count_rows(store), THREADS * 50);
    store_close(store);
}

struct tick {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int count;
};

static void tick_fn(void *ctx)
{
    struct tick *tick = ctx;
    pthread_mutex_lock(&tick->lock);
    tick->count++;
    pthread_cond_signal(&tick->wake);
    pthread_mutex_unlock(&tick->lock);
}

static void a_poke_brings_the_tick(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct store *store = NULL;
    struct tick tick = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    options.tick = tick_fn;
    options.tick_ctx = &tick;
    assert_int_equal(store_open(folder->env, &options, &store, NULL), OK);
    assert_int_equal(store_start(store), OK);
    store_poke(store);
    pthread_mutex_lock(&tick.lock);
    while (!tick.count)
        pthread_cond_wait(&tick.wake, &tick.lock);
    pthread_mutex_unlock(&tick.lock);
    store_close(store);
}

static enum err big_job(struct store_txn *txn, void *arg)
{
    static const char big[8192];
    uint64_t *key = arg;
    for (int i = 0; i < 64; i++) {
        *key += 1;
        enum err err = store_put(txn, 1, store_key_u64(key), span_make(big, sizeof(big)), STORE_PUT_REPLACE);
        if (err != OK)
            return err;
    }
    return OK;
}

/* In a process of its own: the file may not grow beyond a limit, as on a full disk. */
static int grow_until_full(const struct store_folder *folder)
{
    struct rlimit limit = {.rlim_cur = 2 << 20, .rlim_max = 2 << 20};
    struct store_options options = store_test_options();
    struct store *store = NULL;
    uint64_t key = 0;
    enum err err = OK;
    signal(SIGXFSZ, SIG_IGN);
    if (store_open(folder->env, &options, &store, NULL) != OK || setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        store_start(store) != OK)
        return 1;
    for (int i = 0; err == OK && i < 100; i++)
        err = store_run_wait(store, big_job, &key);
    if (err != ERR_FULL && err != ERR_IO)
        return 2;
    if (store_load(store).failed == 0)
        return 3;
    /* What was acknowledged is there, and small things may still fit or fail, but nothing hangs. */
    err = store_run_wait(store, put_job, &(struct put){.key = 1});
    store_close(store);
    return err == OK || err == ERR_FULL || err == ERR_IO ? 0 : 4;
}

static void a_full_disk_is_an_error_and_not_the_end(void **state)
{
    struct store_folder *folder = *state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(grow_until_full(folder));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct store *store = store_test_open(folder);
    assert_true(count_rows(store) >= 64);
    store_close(store);
}

/* Each row that the child told of must be there after it was killed. */
static void what_was_told_survives_a_kill(void **state)
{
    struct store_folder *folder = *state;
    int pipe_fds[2];
    uint64_t told = 0, value;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store_options options = store_test_options();
        struct store *store = NULL;
        if (store_open(folder->env, &options, &store, NULL) != OK || store_start(store) != OK)
            _exit(1);
        for (uint64_t i = 1;; i++) {
            if (store_run_wait(store, put_job, &(struct put){.key = i}) != OK ||
                write(pipe_fds[1], &i, sizeof(i)) != sizeof(i))
                _exit(1);
        }
    }
    while (told < 20 && read(pipe_fds[0], &value, sizeof(value)) == sizeof(value))
        told = value;
    assert_int_equal(kill(child, SIGKILL), 0);
    close(pipe_fds[1]);
    while (read(pipe_fds[0], &value, sizeof(value)) == sizeof(value))
        told = value;
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct store *store = store_test_open(folder);
    assert_true(told >= 20);
    assert_true(count_rows(store) >= told);
    store_close(store);
}

static void what_is_written_to_a_removed_file_is_not_kept(void **state)
{
    struct store_folder *folder = *state;
    struct store *store = store_test_open(folder);
    struct put put = {.key = 1}, late = {.key = 2};
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/data.mdb", folder->env);
    assert_int_equal(store_start(store), OK);
    assert_int_equal(store_run_wait(store, put_job, &put), OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_run_wait(store, put_job, &late), ERR_IO);
    assert_int_equal(atomic_load(&late.runs), 0);
    assert_int_equal(count_rows(store), 1); /* what was there can still be read */
    store_close(store);
}

static void nothing_is_written_to_a_file_that_was_cut(void **state)
{
    struct store_folder *folder = *state;
    struct store *store = store_test_open(folder);
    struct put put = {.key = 1}, second = {.key = 2}, late = {.key = 3};
    struct stat stat_of_file;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/data.mdb", folder->env);
    assert_int_equal(store_start(store), OK);
    assert_int_equal(store_run_wait(store, put_job, &put), OK);
    assert_int_equal(store_run_wait(store, put_job, &second), OK);
    assert_int_equal(stat(path, &stat_of_file), 0);
    assert_int_equal(truncate(path, stat_of_file.st_size - 4096), 0); /* which are not used yet */
    assert_int_equal(store_run_wait(store, put_job, &late), ERR_CORRUPT);
    assert_int_equal(atomic_load(&late.runs), 0);
    assert_int_equal(count_rows(store), 2);
    store_close(store);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_job_is_durable_when_the_wait_ends),
        IN_FOLDER(jobs_that_wait_share_a_transaction),
        IN_FOLDER(a_failing_job_takes_nobody_along),
        IN_FOLDER(the_queue_has_a_cap),
        IN_FOLDER(many_threads_lose_nothing),
        IN_FOLDER(a_poke_brings_the_tick),
        IN_FOLDER(a_full_disk_is_an_error_and_not_the_end),
        IN_FOLDER(what_was_told_survives_a_kill),
        IN_FOLDER(what_is_written_to_a_removed_file_is_not_kept),
        IN_FOLDER(nothing_is_written_to_a_file_that_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
