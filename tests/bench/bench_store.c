/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of bindings alone, beside what the same bytes cost without it: CPU of the writing thread and time, a commit.
 *
 *   bench_store [ROWS [COMMITS]]     rows of 330 bytes a commit, default 57; commits, default 2,000
 *
 * One JSON line each, all in a folder beneath TMPDIR or /tmp, every one durable before the next begins:
 *   journal      what a worker hands over: the store thread writes one value, clears the head, syncs, says so
 *   lmdb rows    LMDB by itself, a row a value, the head deleted
 *   lmdb value   LMDB by itself, the commit's rows as one value
 *   file         one pwrite and one fdatasync, over and over in a file that has its blocks: the disk's own price */
#include "registrar/registrar_batch.h"
#include "store/store_file.h"
#include "util/clock.h"

#include <fcntl.h>
#include <lmdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ROW_LEN = 330, KEPT_ROWS = 20000, FILE_BYTES = 16 << 20, ROWS_MAX = 4096 };

struct bench {
    char folder[64];
    unsigned rows, commits;
    struct rusage began;
    uint64_t began_ns;
    sem_t written;
    unsigned done; /* commits of the journal, those before the measured ones included */
    bool failed;
};

static double micros(struct timeval later, struct timeval earlier)
{
    return 1e6 * (double)(later.tv_sec - earlier.tv_sec) + (double)(later.tv_usec - earlier.tv_usec);
}

/* As many commits come before the measured ones as fill the journal, so that its head is being cleared. */
static unsigned warm(const struct bench *bench)
{
    return 2 * KEPT_ROWS / bench->rows + 16;
}

/* Both on the thread that writes. */
static void measure_begin(struct bench *bench)
{
    getrusage(RUSAGE_THREAD, &bench->began);
    bench->began_ns = clock_mono_ns();
}

static void measure_end(struct bench *bench, const char *what)
{
    struct rusage now;
    double commits = bench->commits;
    getrusage(RUSAGE_THREAD, &now);
    double user = micros(now.ru_utime, bench->began.ru_utime), system = micros(now.ru_stime, bench->began.ru_stime);
    printf("{\"bench\":\"store\",\"what\":\"%s\",\"rows\":%u,\"user_us\":%.1f,\"system_us\":%.1f,"
           "\"elapsed_us\":%.0f,\"waits\":%.1f,\"cpu_us_a_row\":%.2f}\n",
           what, bench->rows, user / commits, system / commits,
           (double)(clock_mono_ns() - bench->began_ns) / 1e3 / commits,
           (double)(now.ru_nvcsw - bench->began.ru_nvcsw) / commits, (user + system) / commits / bench->rows);
    fflush(stdout);
}

/* Calls `commit` once a commit, the first of them unmeasured; false: one has failed. */
static bool run(struct bench *bench, const char *what, bool (*commit)(void *ctx, unsigned number), void *ctx)
{
    unsigned before = warm(bench);
    for (unsigned i = 0; i < before + bench->commits; i++) {
        if (i == before)
            measure_begin(bench);
        if (!commit(ctx, i))
            return false;
    }
    measure_end(bench, what);
    return true;
}

/* ---- the journal ---- */

/* On the store thread, whose own times are asked for. */
static void on_written(void *ctx, unsigned worker, struct registrar_batch *batch)
{
    struct bench *bench = ctx;
    (void)worker;
    bench->failed = bench->failed || batch->err != OK;
    if (++bench->done == warm(bench))
        measure_begin(bench);
    if (bench->done == warm(bench) + bench->commits)
        measure_end(bench, "journal");
    sem_post(&bench->written);
}

static void fill(struct registrar_batch *batch, unsigned rows)
{
    static const char row[ROW_LEN];
    registrar_packs_clear(&batch->rows);
    for (unsigned i = 0; i < rows; i++) {
        registrar_packs_begin_row(&batch->rows);
        buffer_add(&batch->rows.bytes, row, sizeof(row));
        if (registrar_packs_end_row(&batch->rows))
            batch->count++;
    }
}

static bool run_journal(struct bench *bench)
{
    struct registrar_journal_options options = {.workers = 1, .written = on_written, .ctx = bench};
    struct registrar_batch batch = {.rows = {.bytes = buffer_heap(ROWS_MAX * (ROW_LEN + 16))}, .floor = 1};
    struct registrar_journal *journal;
    struct fault fault = {0};
    char path[96];
    snprintf(path, sizeof(path), "%s/bindings", bench->folder);
    if (sem_init(&bench->written, 0, 0) != 0 || registrar_journal_open(path, &options, &journal, &fault) != OK) {
        fprintf(stderr, "bench_store: %s\n", fault.text);
        return false;
    }
    list_init(&batch.changes);
    fill(&batch, bench->rows);
    for (unsigned i = 0; !bench->failed && i < warm(bench) + bench->commits; i++) {
        batch.floor = batch.last > KEPT_ROWS ? batch.last - KEPT_ROWS : 1;
        bench->failed = registrar_journal_submit(journal, &batch) != OK;
        while (!bench->failed && sem_wait(&bench->written) != 0)
            continue;
    }
    registrar_journal_close(journal);
    buffer_done(&batch.rows.bytes);
    return !bench->failed;
}

/* ---- LMDB by itself ---- */

struct bare {
    const struct bench *bench;
    MDB_env *env;
    MDB_dbi dbi;
    unsigned entries; /* a commit */
    size_t len;       /* of one */
    char *bytes;
    uint64_t first, last;
};

static bool commit_bare(void *ctx, unsigned number)
{
    struct bare *bare = ctx;
    MDB_txn *txn;
    MDB_val key, value;
    uint64_t most = (uint64_t)KEPT_ROWS * bare->entries / bare->bench->rows;
    (void)number;
    if (mdb_txn_begin(bare->env, NULL, 0, &txn) != 0)
        return false;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < bare->entries; i++) {
        bare->last++;
        key = (MDB_val){sizeof(bare->last), &bare->last};
        value = (MDB_val){bare->len, bare->bytes};
        rc = mdb_put(txn, bare->dbi, &key, &value, MDB_APPEND);
    }
    for (; rc == 0 && bare->last - bare->first > most; bare->first++) {
        key = (MDB_val){sizeof(bare->first), &bare->first};
        rc = mdb_del(txn, bare->dbi, &key, NULL);
    }
    if (rc == 0)
        return mdb_txn_commit(txn) == 0;
    mdb_txn_abort(txn);
    return false;
}

static bool open_bare(struct bare *bare, const char *path)
{
    MDB_txn *txn;
    return mdb_env_create(&bare->env) == 0 && mdb_env_set_mapsize(bare->env, (size_t)1 << 30) == 0 &&
           mdb_env_set_maxdbs(bare->env, 2) == 0 && mdb_env_open(bare->env, path, MDB_NOTLS, 0600) == 0 &&
           mdb_txn_begin(bare->env, NULL, 0, &txn) == 0 &&
           mdb_dbi_open(txn, "rows", MDB_CREATE | MDB_INTEGERKEY, &bare->dbi) == 0 && mdb_txn_commit(txn) == 0;
}

static bool run_bare(struct bench *bench, bool together)
{
    struct bare bare = {.bench = bench,
                        .entries = together ? 1 : bench->rows,
                        .len = together ? (size_t)bench->rows * ROW_LEN : ROW_LEN,
                        .first = 1};
    char path[96];
    snprintf(path, sizeof(path), "%s/bare-%d", bench->folder, together);
    bare.bytes = calloc(1, bare.len);
    bool done = bare.bytes && store_make_folder(path) == OK && open_bare(&bare, path) &&
                run(bench, together ? "lmdb value" : "lmdb rows", commit_bare, &bare);
    if (bare.env)
        mdb_env_close(bare.env);
    free(bare.bytes);
    return done;
}

/* ---- a file ---- */

struct file {
    int fd;
    size_t len; /* of a commit */
    char *bytes;
};

static bool commit_file(void *ctx, unsigned number)
{
    struct file *file = ctx;
    size_t at = (size_t)number * file->len % (FILE_BYTES - file->len);
    return pwrite(file->fd, file->bytes, file->len, (off_t)at) == (ssize_t)file->len && fdatasync(file->fd) == 0;
}

static bool fill_file(int fd)
{
    static const char zeros[1 << 16];
    for (off_t at = 0; at < FILE_BYTES; at += (off_t)sizeof(zeros))
        if (pwrite(fd, zeros, sizeof(zeros), at) != (ssize_t)sizeof(zeros))
            return false;
    return fsync(fd) == 0;
}

static bool run_file(struct bench *bench)
{
    struct file file = {.len = (size_t)bench->rows * ROW_LEN};
    char path[96];
    snprintf(path, sizeof(path), "%s/file", bench->folder);
    file.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    file.bytes = calloc(1, file.len);
    bool done = file.fd >= 0 && file.bytes && fill_file(file.fd) && run(bench, "file", commit_file, &file);
    if (file.fd >= 0)
        close(file.fd);
    free(file.bytes);
    return done;
}

int main(int argc, char **argv)
{
    struct bench bench = {.rows = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 57,
                          .commits = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000};
    const char *base = getenv("TMPDIR");
    snprintf(bench.folder, sizeof(bench.folder), "%.40s/store-XXXXXX", base ? base : "/tmp");
    if (!bench.rows || bench.rows > ROWS_MAX || !bench.commits || !mkdtemp(bench.folder)) {
        fprintf(stderr, "bench_store: 1 to %d rows, some commits, and a folder to write in\n", ROWS_MAX);
        return 1;
    }
    bool done = run_journal(&bench) && run_bare(&bench, false) && run_bare(&bench, true) && run_file(&bench);
    if (!done)
        fprintf(stderr, "bench_store: %s: something could not be written\n", bench.folder);
    return store_remove_folder(bench.folder) == OK && done ? 0 : 1;
}
