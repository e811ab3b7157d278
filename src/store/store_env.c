/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing and copying an environment, and the rules that hold for it. */
#include "store/store_env.h"
#include "store/store_file.h"
#include "store/store_priv.h"
#include "util/invariant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t map_bytes_default = (size_t)64 << 30;
enum { READERS_DEFAULT = 512, QUEUE_DEFAULT = 4096 };

enum err store_err(int mdb_result)
{
    switch (mdb_result) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_KEYEXIST:
        return ERR_EXISTS;
    case MDB_MAP_FULL:
    case MDB_DBS_FULL:
    case MDB_READERS_FULL:
    case MDB_TXN_FULL:
        return ERR_FULL;
    case MDB_BAD_VALSIZE:
        return ERR_TOO_LONG;
    case MDB_VERSION_MISMATCH:
        return ERR_UNSUPPORTED;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_DBI:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
        return ERR_CORRUPT;
    default:
        /* MDB_PANIC, MDB_BAD_TXN, MDB_MAP_RESIZED, MDB_BAD_RSLOT: this handle can go no further. */
        return mdb_result > 0 && mdb_result != ENOENT ? store_errno(mdb_result) : ERR_IO;
    }
}

/* What the file says it is, or is now told to be: rows of a table of their own. */
static enum err about_check(struct store *store, MDB_txn *txn, const struct store_options *options,
                            uint32_t *out_format)
{
    MDB_val key = {.mv_size = 4, .mv_data = (void *)(uintptr_t) "kind"};
    MDB_val value;
    int rc = mdb_get(txn, store->about, &key, &value);
    if (rc == MDB_NOTFOUND || (rc == 0 && !span_equal(span_make(value.mv_data, value.mv_size), span_of(store->kind))))
        return ERR_CORRUPT;
    if (rc != 0)
        return store_err(rc);
    uint32_t found;
    key = (MDB_val){.mv_size = 6, .mv_data = (void *)(uintptr_t) "format"};
    rc = mdb_get(txn, store->about, &key, &value);
    if (rc != 0 || value.mv_size != sizeof(found))
        return ERR_CORRUPT;
    memcpy(&found, value.mv_data, sizeof(found));
    *out_format = found;
    bool is_older = options->format_least && found >= options->format_least && found < options->format;
    return found == options->format || is_older ? OK : ERR_UNSUPPORTED;
}

static int about_write(struct store *store, MDB_txn *txn, uint32_t format)
{
    MDB_val key = {.mv_size = 4, .mv_data = (void *)(uintptr_t) "kind"};
    MDB_val value = {.mv_size = strlen(store->kind), .mv_data = store->kind};
    int rc = mdb_put(txn, store->about, &key, &value, 0);
    if (rc != 0)
        return rc;
    key = (MDB_val){.mv_size = 6, .mv_data = (void *)(uintptr_t) "format"};
    value = (MDB_val){.mv_size = sizeof(format), .mv_data = &format};
    return mdb_put(txn, store->about, &key, &value, 0);
}

/* A file of an older format is about to get records of this one, which a program that knows the older must not meet. */
static enum err about_renew(struct store *store, uint32_t format)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc != 0)
        return store_err(rc);
    rc = about_write(store, txn, format);
    if (rc == 0)
        return store_err(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return store_err(rc);
}

/* Opens all tables (makes them, in a new file); the handles live as long as the environment. */
static enum err tables_open(struct store *store, const struct store_options *options, bool make)
{
    uint32_t format = options->format;
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, make ? 0 : MDB_RDONLY, &txn);
    if (rc != 0)
        return store_err(rc);
    unsigned flags = make ? MDB_CREATE : 0;
    rc = mdb_dbi_open(txn, "about", flags, &store->about);
    for (unsigned i = 0; rc == 0 && i < options->table_count; i++) {
        const struct store_table *table = &options->tables[i];
        rc = mdb_dbi_open(txn, table->name, flags | (table->integer_key ? MDB_INTEGERKEY : 0), &store->tables[i]);
    }
    if (rc == 0 && make)
        rc = about_write(store, txn, options->format);
    enum err err = rc == MDB_NOTFOUND ? ERR_CORRUPT : store_err(rc);
    if (err == OK && !make)
        err = about_check(store, txn, options, &format);
    if (err != OK) {
        mdb_txn_abort(txn);
        return err;
    }
    err = store_err(mdb_txn_commit(txn)); /* a read transaction too: only then the handles stay */
    return err == OK && format != options->format ? about_renew(store, options->format) : err;
}

static enum err env_open(struct store *store, const char *path, const struct store_options *options)
{
    int rc = mdb_env_create(&store->env);
    if (rc != 0)
        return store_err(rc);
    rc = mdb_env_set_mapsize(store->env, options->map_bytes ? options->map_bytes : map_bytes_default);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX + 1);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(store->env, options->max_readers ? options->max_readers : READERS_DEFAULT);
    if (rc == 0)
        rc = mdb_env_open(store->env, path, MDB_NOTLS, 0600);
    int stale;
    if (rc == 0)
        rc = mdb_reader_check(store->env, &stale);
    MDB_stat stat;
    if (rc == 0)
        rc = mdb_env_stat(store->env, &stat);
    if (rc == 0)
        store->page_bytes = stat.ms_psize;
    return store_err(rc);
}

/* LMDB breaks when an environment is open twice in one process, so the second open has to fail; across processes ours are
 * never shared either. */
static enum err guard_take(struct store *store, const char *path, struct fault *fault)
{
    char guard[STORE_PATH_MAX];
    enum err err = store_path(guard, path, "open.lock");
    if (err != OK)
        return fault_set(fault, err, path, 0, "the path is too long");
    store->guard_fd = open(guard, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->guard_fd < 0)
        return fault_set(fault, store_errno(errno), guard, 0, "cannot be opened: %s", strerror(errno));
    if (flock(store->guard_fd, LOCK_EX | LOCK_NB) != 0)
        return fault_set(fault, ERR_BUSY, path, 0, "it is open already");
    return OK;
}

static struct store *store_new(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    store->guard_fd = -1;
    store->table_count = options->table_count;
    store->tick = options->tick;
    store->tick_ctx = options->tick_ctx;
    store->queue_cap = options->queue_cap ? options->queue_cap : QUEUE_DEFAULT;
    store->queue = calloc(store->queue_cap, sizeof(*store->queue));
    if (!store->queue || !span_copy(span_of(options->kind), store->kind, sizeof(store->kind))) {
        free(store->queue);
        free(store);
        return NULL;
    }
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return store;
}

/* Opens the environment in the existing folder `path`; `make` fills a new file, else an existing file is checked first. */
static enum err open_folder(const char *path, const struct store_options *options, bool make, struct store **out_store,
                            struct fault *fault)
{
    char file[STORE_PATH_MAX];
    if (store_path(file, path, "data.mdb") != OK)
        return fault_set(fault, ERR_TOO_LONG, path, 0, "the path is too long");
    struct store *store = store_new(options);
    if (!store)
        return fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    enum err err = guard_take(store, path, fault);
    if (err == OK && !make) {
        err = store_check_file(file, fault);
        if (err == ERR_NOT_FOUND) /* the folder is there and the file is not: that is no absence */
            err = fault_set(fault, ERR_CORRUPT, path, 0, "data.mdb is missing");
    }
    if (err != OK)
        goto fail;
    err = env_open(store, path, options);
    if (err != OK) {
        fault_set(fault, err, path, 0, "LMDB cannot open it: %s", err_text(err));
        goto fail;
    }
    err = tables_open(store, options, make);
    if (err != OK) {
        fault_set(fault, err, path, 0,
                  err == ERR_UNSUPPORTED ? "it is of another version (this one reads format %u of kind %s)"
                                         : "its tables are not as expected (format %u of kind %s)",
                  options->format, options->kind);
        goto fail;
    }
    store_fit_file(store);
    *out_store = store;
    return OK;
fail:
    store_close(store);
    return err;
}

/* A new environment appears whole: made in a folder beside, then renamed, so that an empty file is always damage. */
static enum err make_folder(const char *path, const struct store_options *options, struct fault *fault)
{
    char beside[STORE_PATH_MAX + 8];
    struct store *store;
    if (strlen(path) + 4 >= STORE_PATH_MAX)
        return fault_set(fault, ERR_TOO_LONG, path, 0, "the path is too long");
    snprintf(beside, sizeof(beside), "%s.new", path);
    enum err err = store_remove_folder(beside);
    if (err == OK)
        err = store_make_folder(beside);
    if (err != OK)
        return fault_set(fault, err, beside, 0, "cannot be made: %s", strerror(errno));
    err = open_folder(beside, options, true, &store, fault);
    if (err != OK)
        return err;
    store_close(store);
    err = store_sync_folder(beside);
    if (err != OK)
        return fault_set(fault, err, beside, 0, "cannot be synced: %s", err_text(err));
    if (rename(beside, path) != 0)
        return fault_set(fault, store_errno(errno), path, 0, "cannot be made: %s", strerror(errno));
    char parent[STORE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct span folder = slash ? span_make(path, (size_t)(slash - path)) : SPAN(".");
    return span_copy(folder.len ? folder : SPAN("/"), parent, sizeof(parent)) ? store_sync_folder(parent)
                                                                              : ERR_TOO_LONG;
}

enum err store_open(const char *path, const struct store_options *options, struct store **out_store,
                    struct fault *fault)
{
    invariant(options->table_count <= STORE_TABLES_MAX);
    struct stat stat_of_path;
    if (stat(path, &stat_of_path) != 0) {
        if (errno != ENOENT || !options->create)
            return fault_set(fault, store_errno(errno), path, 0, "%s", strerror(errno));
        enum err err = make_folder(path, options, fault);
        if (err != OK)
            return err;
    }
    return open_folder(path, options, false, out_store, fault);
}

enum err store_stat(struct store *store, struct store_stat *out_stat)
{
    MDB_envinfo info;
    struct stat file;
    int fd;
    int rc = mdb_env_info(store->env, &info);
    if (rc == 0)
        rc = mdb_env_get_fd(store->env, &fd);
    if (rc != 0 || fstat(fd, &file) != 0)
        return ERR_IO;
    *out_stat = (struct store_stat){
        .file_bytes = (uint64_t)file.st_size,
        .used_bytes = (info.me_last_pgno + 1) * store->page_bytes,
        .map_bytes = info.me_mapsize,
        .readers = info.me_numreaders,
        .max_readers = info.me_maxreaders,
        .last_txn = info.me_last_txnid,
    };
    return OK;
}

static enum err sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return store_errno(errno);
    int result = fsync(fd);
    int number = errno;
    close(fd);
    return result == 0 ? OK : store_errno(number);
}

enum err store_copy(struct store *store, const char *folder, bool compact)
{
    char file[STORE_PATH_MAX];
    enum err err = store_path(file, folder, "data.mdb");
    if (err == OK)
        err = store_make_folder(folder);
    if (err == OK)
        err = store_err(mdb_env_copy2(store->env, folder, compact ? MDB_CP_COMPACT : 0));
    if (err == OK)
        err = sync_file(file);
    if (err == OK)
        err = store_sync_folder(folder);
    return err == OK ? store_check_file(file, NULL) : err;
}

/* Where LMDB mapped the file: it does not tell, the kernel does. */
static char *map_of(int fd, size_t *out_len)
{
    struct stat file;
    FILE *maps = fstat(fd, &file) == 0 ? fopen("/proc/self/maps", "re") : NULL;
    char line[1024];
    char *found = NULL;
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        unsigned long from, to, inode;
        if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &from, &to, &inode) == 3 && inode == file.st_ino) {
            found = (char *)(uintptr_t)from; /* NOLINT: an address as text */
            *out_len = to - from;
        }
    }
    if (maps)
        fclose(maps);
    return found;
}

size_t store_warm(struct store *store, const atomic_bool *stop)
{
    /* Small steps: while one is at work, whoever maps or unmaps memory in this process waits for it. */
    enum { STEP = 4 << 20, POPULATE_READ = 22 /* MADV_POPULATE_READ, Linux 5.14 */ };
    struct store_stat stat;
    size_t mapped = 0, at = 0;
    int fd;
    if (store_stat(store, &stat) != OK || mdb_env_get_fd(store->env, &fd) != 0)
        return 0;
    char *map = map_of(fd, &mapped);
    size_t len = stat.file_bytes < stat.used_bytes ? stat.file_bytes : stat.used_bytes;
    while (map && at < len && at < mapped && !atomic_load_explicit(stop, memory_order_relaxed)) {
        size_t step = len - at < STEP ? len - at : STEP;
        if (madvise(map + at, step, POPULATE_READ) != 0)
            (void)madvise(map + at, step, MADV_WILLNEED);
        at += step;
    }
    return at;
}

enum err store_reader_check(struct store *store, int *out_freed)
{
    return store_err(mdb_reader_check(store->env, out_freed));
}
