/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups against a bare mdb_get on the same keys of the same file, imports and starts, at a number of entries:
 *     bench_directory [ENTRIES] [FOLDER]
 * JSON lines; ns are CPU time per lookup.  "uniform" asks for any entry, "hot" for one of a thousand, "miss" for none that is there;
 * a turn of the loop is 32 lookups, "turn-of-1" is one. */
#include "directory/directory_edit.h"
#include "directory/directory_import.h"
#include "directory/directory_reader.h"
#include "store/store_file.h"
#include "util/clock.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOKUPS = 1000000, TURN = 32, HOT = 1000, USER_MAX = 32 };

struct bench {
    char folder[STORE_PATH_MAX];
    uint64_t entries;
    uint64_t generated;
    uint32_t *order; /* which entry is asked for */
};

static void report(const struct bench *bench, const char *what, const char *unit, double value)
{
    printf("{\"bench\":\"directory\",\"what\":\"%s\",\"entries\":%llu,\"%s\":%.1f}\n", what,
           (unsigned long long)bench->entries, unit, value);
    fflush(stdout);
}

/* Users in no order: the i-th of the file is spread over all. */
static size_t user_of(uint64_t i, char out_user[USER_MAX])
{
    return (size_t)snprintf(out_user, USER_MAX, "u%010llu", (unsigned long long)(i * 2654435761u % 4294967296u));
}

static enum err generate(void *ctx, char *buffer, size_t cap, size_t *out_len)
{
    struct bench *bench = ctx;
    size_t len = bench->generated == 0 ? (size_t)snprintf(buffer, cap, "key,state\n") : 0;
    for (; bench->generated < bench->entries && cap - len > 96; bench->generated++) {
        char user[USER_MAX];
        user_of(bench->generated, user);
        len += (size_t)snprintf(buffer + len, cap - len, "sip:%s@example.com,%s\n", user,
                                bench->generated % 20 ? "active" : "gone");
    }
    *out_len = len;
    return OK;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void choose(struct bench *bench, uint64_t among)
{
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < LOOKUPS; i++)
        bench->order[i] = (uint32_t)(next_random(&random) % among);
}

static double lookups(struct bench *bench, struct directory_reader *reader, int turn, const char *host,
                      enum err expected)
{
    uint64_t begin = clock_thread_cpu_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        char user[USER_MAX];
        struct entry_record record;
        struct directory_key key = {.aor_user = span_make(user, user_of(bench->order[i], user)),
                                    .aor_host = span_of(host)};
        if (directory_lookup(reader, &key, &record) != expected)
            abort();
        if (i % turn == 0)
            directory_reader_turn_end(reader);
    }
    directory_reader_turn_end(reader);
    return (double)(clock_thread_cpu_ns() - begin) / LOOKUPS;
}

/* What writing the key alone costs, to be taken off both. */
static double keys_alone(struct bench *bench)
{
    size_t sum = 0;
    uint64_t begin = clock_thread_cpu_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        char user[USER_MAX];
        sum += user_of(bench->order[i], user);
        __asm__ volatile("" : : "r"(user) : "memory");
    }
    double ns = (double)(clock_thread_cpu_ns() - begin) / LOOKUPS;
    return sum ? ns : 0;
}

static double bare(struct bench *bench, MDB_env *env, MDB_dbi dbi)
{
    MDB_txn *txn;
    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        abort();
    uint64_t begin = clock_thread_cpu_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        char name[64] = "a";
        size_t len = 1 + user_of(bench->order[i], name + 1);
        memcpy(name + len, "@example.com", 12);
        MDB_val key = {.mv_size = len + 12, .mv_data = name}, value;
        if (mdb_get(txn, dbi, &key, &value) != 0)
            abort();
        __asm__ volatile("" : : "r"(*(const char *)value.mv_data) : "memory");
        if (i % TURN == 0) {
            mdb_txn_reset(txn);
            if (mdb_txn_renew(txn) != 0)
                abort();
        }
    }
    double ns = (double)(clock_thread_cpu_ns() - begin) / LOOKUPS;
    mdb_txn_abort(txn);
    return ns;
}

static void bench_bare(struct bench *bench, double keys)
{
    char path[STORE_PATH_MAX];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    if (store_path(path, bench->folder, "directory/gen-2") != OK || mdb_env_create(&env) != 0 ||
        mdb_env_set_mapsize(env, (size_t)64 << 30) != 0 || mdb_env_set_maxdbs(env, 9) != 0 ||
        mdb_env_open(env, path, MDB_NOTLS, 0600) != 0 || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
        mdb_dbi_open(txn, "records", 0, &dbi) != 0 || mdb_txn_commit(txn) != 0)
        abort();
    choose(bench, bench->entries);
    bare(bench, env, dbi);
    report(bench, "bare-uniform", "ns", bare(bench, env, dbi) - keys);
    choose(bench, HOT);
    report(bench, "bare-hot", "ns", bare(bench, env, dbi) - keys);
    mdb_env_close(env);
}

static void bench_lookups(struct bench *bench, struct directory *directory, double keys)
{
    struct directory_reader *reader;
    if (directory_reader_open(directory, &reader) != OK)
        abort();
    choose(bench, bench->entries);
    lookups(bench, reader, TURN, "example.com", OK); /* pages in */
    report(bench, "lookup-uniform", "ns", lookups(bench, reader, TURN, "example.com", OK) - keys);
    report(bench, "lookup-uniform-turn-of-1", "ns", lookups(bench, reader, 1, "example.com", OK) - keys);
    report(bench, "lookup-miss-uniform", "ns", lookups(bench, reader, TURN, "example.org", ERR_NOT_FOUND) - keys);
    choose(bench, HOT);
    report(bench, "lookup-hot", "ns", lookups(bench, reader, TURN, "example.com", OK) - keys);
    report(bench, "lookup-hot-turn-of-1", "ns", lookups(bench, reader, 1, "example.com", OK) - keys);
    directory_reader_close(reader);
}

static void bench_edits(struct bench *bench, struct directory *directory)
{
    enum { EDITS = 200 };
    uint64_t begin = clock_mono_ns();
    for (int i = 0; i < EDITS; i++) {
        char key[USER_MAX + 32], user[USER_MAX];
        user_of((uint64_t)i, user);
        snprintf(key, sizeof(key), "sip:%s@example.com", user);
        struct directory_change change = {.op = i % 20 ? DIRECTORY_OP_SUSPEND : DIRECTORY_OP_REMOVE,
                                          .key = span_of(key)};
        if (directory_edit(directory, &change, NULL, NULL) != OK)
            abort();
    }
    report(bench, "edit-durable", "us", (double)(clock_mono_ns() - begin) / EDITS / 1000);
}

int main(int argc, char **argv)
{
    struct bench bench = {.entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000};
    struct directory_import_options options = {.format = ENTRY_CSV};
    struct directory_import_result result;
    struct directory *directory;
    struct fault fault = {.err = OK};
    snprintf(bench.folder, sizeof(bench.folder), "%s/bench-directory-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    bench.order = malloc(LOOKUPS * sizeof(*bench.order));
    if (!bench.order || bench.entries < HOT || !mkdtemp(bench.folder) || directory_create(bench.folder, &fault) != OK ||
        directory_open(bench.folder, NULL, &directory, &fault) != OK ||
        directory_import(directory, &options, generate, &bench, &result, &fault) != OK) {
        fprintf(stderr, "bench_directory: %s\n", fault.text);
        return 1;
    }
    report(&bench, "import", "ms", result.seconds * 1000);
    directory_close(directory);
    uint64_t begin = clock_mono_ns();
    if (directory_open(bench.folder, NULL, &directory, &fault) != OK)
        return 1;
    report(&bench, "open", "us", (double)(clock_mono_ns() - begin) / 1000);
    double keys = keys_alone(&bench);
    bench_lookups(&bench, directory, keys);
    directory_close(directory);
    bench_bare(&bench, keys);
    if (directory_open(bench.folder, NULL, &directory, &fault) != OK)
        return 1;
    bench_edits(&bench, directory);
    directory_close(directory);
    free(bench.order);
    return store_remove_folder(bench.folder) == OK ? 0 : 1;
}
