/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that are slow, full, failing or damaged: a REGISTER is answered 503 and nothing has changed; never a 200 that is not
 * kept. The functions of the system that LMDB writes with are this file's own. */
#include "support_registrar.h"
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int write_error, sync_error; /* 0: none */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned syncs_begun, syncs_ended;

/* Stands still while the gate is held. */
int fdatasync(int fd)
{
    atomic_fetch_add(&syncs_begun, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    int error = atomic_load(&sync_error);
    int result = error ? -1 : (int)syscall(SYS_fdatasync, fd);
    atomic_fetch_add(&syncs_ended, 1);
    if (error)
        errno = error;
    return result;
}

static bool refuses(void)
{
    int error = atomic_load(&write_error);
    errno = error;
    return error != 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return refuses() ? -1 : syscall(SYS_pwrite64, fd, bytes, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return refuses() ? -1 : syscall(SYS_writev, fd, parts, count);
}

static int setup(void **state)
{
    atomic_store(&write_error, 0);
    atomic_store(&sync_error, 0);
    return bench_setup(state);
}

static void keep(struct bench *bench, const char *aor, const char *contact)
{
    unsigned before = bench->kept;
    assert_int_equal(bench_register(bench, aor, contact, aor, 1), ERR_AGAIN);
    bench_commit(bench);
    assert_int_equal(bench->kept, before + 1);
}

/* As keep, but it must be refused, and change nothing. */
static void be_refused(struct bench *bench, const char *aor, const char *contact)
{
    unsigned before = bench->failed;
    char was[BENCH_TEXT], after[BENCH_TEXT];
    snprintf(was, sizeof(was), "%s", bench_bindings(bench, aor + 4));
    assert_int_equal(bench_register(bench, aor, contact, "refused", 1), ERR_AGAIN);
    bench_commit(bench);
    snprintf(after, sizeof(after), "%s", bench_bindings(bench, aor + 4));
    assert_int_equal(bench->failed, before + 1);
    assert_string_equal(was, after);
}

static void no_answer_leaves_before_the_sync_returns(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    unsigned begun = atomic_load(&syncs_begun), ended = atomic_load(&syncs_ended);
    pthread_mutex_lock(&gate);
    assert_int_equal(bench_register(bench, "sip:a@h", "<sip:a@192.0.2.1>", "c", 1), ERR_AGAIN);
    registrar_flush(bench->registrar);
    while (atomic_load(&syncs_begun) == begun)
        sched_yield();
    for (int i = 0; i < 20; i++) {
        usleep(1000); /* a store thread that would not wait has this long to say so */
        pthread_mutex_lock(&bench->lock);
        assert_int_equal(bench->written_count, 0);
        pthread_mutex_unlock(&bench->lock);
    }
    assert_int_equal(bench->wire.count, 0);
    assert_int_equal(atomic_load(&syncs_ended), ended);
    pthread_mutex_unlock(&gate);
    bench_commit(bench);
    assert_int_equal(bench->wire.count, 1);
    assert_true(atomic_load(&syncs_ended) > ended);
}

static void a_full_disk_is_said(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:a@192.0.2.1>");
    atomic_store(&write_error, ENOSPC);
    be_refused(bench, "sip:a@h", "<sip:b@192.0.2.1>");
    be_refused(bench, "sip:b@h", "<sip:b@192.0.2.1>");
    assert_int_equal(bench->last_err, ERR_FULL);
    /* What only asks is still answered: what is known is true. */
    assert_int_equal(bench_register(bench, "sip:a@h", NULL, "fetch", 1), OK);
    assert_non_null(strstr(bench->answer, "sip:a@192.0.2.1"));
    atomic_store(&write_error, 0);
    keep(bench, "sip:b@h", "<sip:b@192.0.2.1>");
    bench_close(bench);
    bench_open(bench);
    assert_string_equal(bench_bindings(bench, "a@h"), "sip:a@192.0.2.1");
    assert_string_equal(bench_bindings(bench, "b@h"), "sip:b@192.0.2.1");
}

static void a_failing_sync_is_said(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:a@192.0.2.1>");
    atomic_store(&sync_error, EIO);
    be_refused(bench, "sip:a@h", "<sip:b@192.0.2.1>");
    be_refused(bench, "sip:b@h", "<sip:b@192.0.2.1>");
    assert_int_equal(bench->last_err, ERR_IO);
    atomic_store(&sync_error, 0);
}

static void a_full_map_is_said(void **state)
{
    struct bench *bench = *state;
    char aor[64], large[600];
    memset(large, 'x', sizeof(large));
    memcpy(large, "<sip:", 5);
    memcpy(large + sizeof(large) - 4, "@h>", 4);
    bench->options.map_bytes = 128 * 1024;
    bench_open(bench);
    unsigned kept = 0;
    while (bench->failed == 0 && kept < 5000) {
        snprintf(aor, sizeof(aor), "sip:user%u@h", kept);
        assert_int_equal(bench_register(bench, aor, large, "c", 1), ERR_AGAIN);
        bench_commit(bench);
        kept += bench->failed == 0;
    }
    assert_int_equal(bench->failed, 1);
    assert_int_equal(bench->last_err, ERR_FULL);
    assert_int_equal(bench->kept, kept);
    bench_close(bench);
    bench_open(bench);
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_int_equal(census.users, kept);
}

/* Whoever opens the same files with a larger map, and grows them beyond ours. */
static void grow_elsewhere(const char *path)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    static char large[512 * 1024];
    static char name[] = "grow";
    MDB_val key = {4, name}, value = {sizeof(large), large};
    bool done = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 16 << 20) == 0 &&
                mdb_env_set_maxdbs(env, 8) == 0 && mdb_env_open(env, path, 0, 0600) == 0 &&
                mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "about", 0, &dbi) == 0 &&
                mdb_put(txn, dbi, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0;
    _exit(done ? 0 : 1);
}

static void another_process_resized_the_map(void **state)
{
    struct bench *bench = *state;
    int status;
    bench->options.map_bytes = 256 * 1024;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:a@192.0.2.1>");
    pid_t child = fork();
    if (child == 0)
        grow_elsewhere(bench->path);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    be_refused(bench, "sip:a@h", "<sip:b@192.0.2.1>");
    be_refused(bench, "sip:b@h", "<sip:b@192.0.2.1>");
}

/* A reader in another process that died with its slot taken. */
static void die_reading(const char *path)
{
    MDB_env *env;
    MDB_txn *txn;
    bool done = mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 8) == 0 &&
                mdb_env_open(env, path, MDB_RDONLY, 0600) == 0 && mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0;
    _exit(done ? 0 : 1);
}

static void a_dead_reader_holds_nobody_up(void **state)
{
    struct bench *bench = *state;
    int status;
    bench->options.slack = 10;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:a@192.0.2.1>");
    pid_t child = fork();
    if (child == 0)
        die_reading(bench->path);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (unsigned i = 2; i < 50; i++) {
        assert_int_equal(bench_register(bench, "sip:a@h", "<sip:a@192.0.2.1>", "sip:a@h", i), ERR_AGAIN);
        bench_commit(bench);
    }
    assert_int_equal(bench->kept, 49);
    bench_close(bench);
    bench_open(bench);
    assert_string_equal(bench_bindings(bench, "a@h"), "sip:a@192.0.2.1");
}

static void expect_unreadable(struct bench *bench)
{
    struct fault fault = {0};
    struct registrar_journal *journal = NULL;
    enum err err = registrar_journal_open(bench->path, &bench->options, &journal, &fault);
    if (err != OK) {
        assert_true(fault.text[0] != '\0');
        return;
    }
    struct registrar_options options = {
        .clock = &bench->fake.clock, .wheel = &bench->fake.wheel, .journal = journal, .key = {3, 4}};
    assert_int_equal(registrar_new(&options, &bench->registrar), OK);
    assert_int_equal(registrar_load(bench->registrar, NULL, NULL), ERR_CORRUPT);
    bench->journal = journal;
    assert_int_equal(bench_register(bench, "sip:a@h", NULL, "x", 1), OK);
    assert_non_null(strstr(bench->answer, "SIP/2.0 503"));
    bench_close(bench);
}

static void damage(struct bench *bench, const char *what)
{
    char file[128], bytes[65536];
    snprintf(file, sizeof(file), "%s/data.mdb", bench->path);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    if (!what) {
        /* What says where the rows are is left, and the rows are not; the store keeps some room behind them. */
        assert_int_equal(ftruncate(fd, 3 * sysconf(_SC_PAGESIZE)), 0);
    } else {
        char *found = memmem(bytes, (size_t)len, what, strlen(what));
        assert_non_null(found);
        for (; found; found = memmem(found + 1, (size_t)(bytes + len - found - 1), what, strlen(what)))
            assert_int_equal(syscall(SYS_pwrite64, fd, "X", 1, found - bytes), 1);
    }
    close(fd);
}

static void a_changed_byte_is_noticed(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:findme@192.0.2.1>");
    bench_close(bench);
    damage(bench, "findme");
    expect_unreadable(bench);
}

static void a_truncated_file_is_noticed(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    keep(bench, "sip:a@h", "<sip:a@192.0.2.1>");
    bench_close(bench);
    damage(bench, NULL);
    expect_unreadable(bench);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(no_answer_leaves_before_the_sync_returns),
        TEST(a_full_disk_is_said),
        TEST(a_failing_sync_is_said),
        TEST(a_full_map_is_said),
        TEST(another_process_resized_the_map),
        TEST(a_dead_reader_holds_nobody_up),
        TEST(a_changed_byte_is_noticed),
        TEST(a_truncated_file_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
