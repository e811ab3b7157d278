/* SPDX-License-Identifier: Apache-2.0 */
/* Making, opening, closing a directory, and saying how it is. */
#include "directory/directory.h"
#include "directory/directory_priv.h"
#include "util/invariant.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { JOURNAL_CAP_DEFAULT = 1000000 };

const char *directory_status_text(enum directory_status status)
{
    static const char *const texts[] = {"never made", "readable", "empty", "importing", "unreadable"};
    return status <= DIRECTORY_UNREADABLE ? texts[status] : "?";
}

enum directory_status directory_status(const struct directory *directory)
{
    return (enum directory_status)atomic_load_explicit(&directory->status, memory_order_relaxed);
}

/* Counts of the generation, by a snapshot of its own. */
enum err directory_generation_counts(struct directory_generation *generation, struct directory_counts *out_counts)
{
    struct store_reader *reader;
    struct store_txn *txn;
    enum err err = store_reader_open(generation->store, &reader);
    if (err != OK)
        return err;
    err = store_reader_begin(reader, &txn, NULL);
    if (err == OK)
        err = directory_counts_read(txn, out_counts);
    store_reader_close(reader);
    return err;
}

void directory_status_refresh(struct directory *directory)
{
    struct directory_counts counts;
    pthread_mutex_lock(&directory->lock); /* over reading and setting: the last one to set has the last counts */
    if (directory->current) {
        enum directory_status status = directory->importing ? DIRECTORY_IMPORTING : DIRECTORY_EMPTY;
        /* Where the counts cannot be read, each lookup says so itself. */
        if (directory_generation_counts(directory->current, &counts) != OK || directory_counts_total(&counts))
            status = DIRECTORY_READABLE;
        atomic_store(&directory->status, (int)status);
    }
    pthread_mutex_unlock(&directory->lock);
}

void directory_on_change(struct directory *directory, directory_changed_fn fn, void *ctx)
{
    pthread_mutex_lock(&directory->lock);
    directory->changed = fn;
    directory->changed_ctx = ctx;
    pthread_mutex_unlock(&directory->lock);
}

void directory_tell_changed(struct directory *directory)
{
    pthread_mutex_lock(&directory->lock);
    directory_changed_fn fn = directory->changed;
    void *ctx = directory->changed_ctx;
    pthread_mutex_unlock(&directory->lock);
    if (fn)
        fn(ctx);
}

/* The first generation: no entries, the journal begins at 1. */
static enum err fill_new(struct store *store)
{
    struct store_txn *txn;
    enum err err = store_write_begin(store, &txn);
    if (err != OK)
        return err;
    err = directory_counts_write(txn, &(struct directory_counts){.next_seq = 1});
    if (err == OK)
        return store_write_commit(txn);
    store_write_abort(txn);
    return err;
}

static enum err make_in(const char *folder, struct fault *fault)
{
    char path[STORE_PATH_MAX];
    char name[DIRECTORY_FOLDER_MAX];
    struct store *store;
    directory_generation_name(1, "", name);
    enum err err = store_path(path, folder, name);
    if (err == OK)
        err = directory_store_open(NULL, path, true, NULL, &store, fault);
    if (err != OK)
        return err;
    err = fill_new(store);
    store_close(store);
    if (err == OK)
        err = directory_current_write(folder, 1);
    return err == OK ? OK : fault_set(fault, err, folder, 0, "cannot be written: %s", err_text(err));
}

enum err directory_create(const char *data_dir, struct fault *fault)
{
    char folder[STORE_PATH_MAX];
    char beside[STORE_PATH_MAX];
    struct stat found;
    enum err err = store_path(folder, data_dir, "directory");
    if (err == OK)
        err = store_path(beside, data_dir, "directory.new");
    if (err != OK)
        return fault_set(fault, err, data_dir, 0, "the path is too long");
    if (stat(folder, &found) == 0)
        return fault_set(fault, ERR_EXISTS, folder, 0, "there is a directory already");
    err = store_make_folder(data_dir);
    if (err == OK)
        err = store_remove_folder(beside);
    if (err == OK)
        err = store_make_folder(beside);
    if (err != OK)
        return fault_set(fault, err, beside, 0, "cannot be made: %s", err_text(err));
    err = make_in(beside, fault);
    if (err != OK)
        return err;
    err = store_rename(data_dir, "directory.new", "directory");
    return err == OK ? OK : fault_set(fault, err, folder, 0, "cannot be made: %s", err_text(err));
}

#define MARK "directory.made" /* beside the folder: there has been one */

static enum err open_current(struct directory *directory, struct fault *fault)
{
    struct stat found;
    if (stat(directory->folder, &found) != 0) {
        enum err err = store_errno(errno);
        if (err == ERR_NOT_FOUND && store_is_marked(directory->data_dir, MARK)) /* lost is not the same as never made */
            return fault_set(fault, ERR_CORRUPT, directory->folder, 0,
                             "there was a directory, and it is gone; bring it back, or remove %s to begin anew", MARK);
        return fault_set(fault, err, directory->folder, 0,
                         err == ERR_NOT_FOUND ? "there is no directory yet" : "cannot be read: %s", strerror(errno));
    }
    uint64_t number;
    struct directory_generation *generation;
    struct directory_counts counts;
    enum err err = directory_current_read(directory->folder, &number, fault);
    if (err == OK)
        err = directory_generation_open(directory, number, &generation, fault);
    if (err != OK)
        return err;
    err = directory_generation_counts(generation, &counts);
    if (err != OK) {
        store_close(generation->store);
        free(generation);
        return fault_set(fault, err, directory->folder, 0, "generation %llu cannot be read: %s",
                         (unsigned long long)number, err_text(err));
    }
    directory_leftovers_remove(directory->folder, number);
    (void)!store_mark(directory->data_dir, MARK);
    directory_generation_install(directory, generation);
    directory_status_refresh(directory);
    return OK;
}

/* open_current, and the status that follows from it. */
static enum err try_open(struct directory *directory, struct fault *fault)
{
    struct fault why = {.err = OK};
    enum err err = open_current(directory, &why);
    if (err == OK)
        return OK;
    pthread_mutex_lock(&directory->lock);
    fault_format(&why, directory->reason, sizeof(directory->reason));
    atomic_store(&directory->status, err == ERR_NOT_FOUND ? DIRECTORY_NEVER_MADE : DIRECTORY_UNREADABLE);
    pthread_mutex_unlock(&directory->lock);
    if (fault)
        *fault = why;
    return err;
}

enum err directory_open(const char *data_dir, const struct directory_options *options, struct directory **out_directory,
                        struct fault *fault)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    if (!directory)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    pthread_mutex_init(&directory->lock, NULL);
    if (options)
        directory->options = *options;
    if (!directory->options.journal_cap)
        directory->options.journal_cap = JOURNAL_CAP_DEFAULT;
    atomic_store(&directory->journal_limit, UINT64_MAX);
    enum err err = store_path(directory->data_dir, data_dir, NULL);
    if (err == OK)
        err = store_path(directory->folder, data_dir, "directory");
    if (err != OK) {
        fault_set(fault, err, data_dir, 0, "the path is too long");
        goto fail;
    }
    err = try_open(directory, fault);
    if (err != OK && (!directory->options.lenient || err == ERR_NOMEM))
        goto fail;
    *out_directory = directory;
    return OK;
fail:
    directory_close(directory);
    return err;
}

enum err directory_reopen(struct directory *directory, struct fault *fault)
{
    struct directory_generation *generation = directory_generation_ref(directory);
    if (!generation)
        return try_open(directory, fault);
    directory_generation_unref(generation);
    return OK;
}

enum err directory_ensure(struct directory *directory, struct fault *fault)
{
    enum err err = directory_reopen(directory, fault);
    if (err != ERR_NOT_FOUND)
        return err;
    err = directory_create(directory->data_dir, fault);
    if (err != OK && err != ERR_EXISTS)
        return err;
    return directory_reopen(directory, fault);
}

void directory_close(struct directory *directory)
{
    if (!directory)
        return;
    pthread_mutex_lock(&directory->lock);
    struct directory_generation *current = directory->current;
    directory->current = NULL;
    if (current) {
        current->refs--;
        invariant(current->refs == 0); /* a reader is still open */
    }
    pthread_mutex_unlock(&directory->lock);
    if (current) {
        store_close(current->store);
        free(current);
    }
    directory_sweep(directory);
    pthread_mutex_destroy(&directory->lock);
    free(directory);
}

static void info_of_journal(struct store_txn *txn, struct directory_info *info)
{
    struct store_cursor *cursor;
    struct span key, value;
    if (store_cursor_open(txn, DIRECTORY_JOURNAL, &cursor) != OK)
        return;
    if (store_cursor_move(cursor, STORE_FIRST, &key, &value) == OK)
        (void)store_key_to_u64(key, &info->journal_first);
    if (store_cursor_move(cursor, STORE_LAST, &key, &value) == OK)
        (void)store_key_to_u64(key, &info->journal_last);
    store_cursor_close(cursor);
}

static enum err info_of_generation(struct directory_generation *generation, struct directory_info *info)
{
    struct store_reader *reader;
    struct store_txn *txn;
    struct store_stat stat;
    struct directory_counts counts;
    enum err err = store_reader_open(generation->store, &reader);
    if (err != OK)
        return err;
    err = store_reader_begin(reader, &txn, NULL);
    if (err == OK)
        err = directory_counts_read(txn, &counts);
    if (err == OK)
        err = store_stat(generation->store, &stat);
    if (err == OK) {
        memcpy(info->counts, counts.entries, sizeof(info->counts));
        info->total = directory_counts_total(&counts);
        info->generation = generation->number;
        info->file_bytes = stat.file_bytes;
        info->used_bytes = stat.used_bytes;
        info_of_journal(txn, info);
    }
    store_reader_close(reader);
    return err;
}

enum err directory_info(struct directory *directory, struct directory_info *out_info)
{
    struct directory_info info = {.status = directory_status(directory)};
    pthread_mutex_lock(&directory->lock);
    memcpy(info.reason, directory->reason, sizeof(info.reason));
    info.importing = directory->importing;
    for (const struct directory_generation *old = directory->old; old; old = old->next_old)
        info.old_generations++;
    pthread_mutex_unlock(&directory->lock);
    info.import_rows = atomic_load(&directory->import_rows);
    if (info.status != DIRECTORY_UNREADABLE)
        info.reason[0] = '\0';
    struct directory_generation *generation = directory_generation_ref(directory);
    enum err err = OK;
    if (generation) {
        err = info_of_generation(generation, &info);
        directory_generation_unref(generation);
    }
    if (err == OK)
        *out_info = info;
    return err;
}

size_t directory_warm(struct directory *directory, const atomic_bool *stop)
{
    struct directory_generation *generation = directory_generation_ref(directory);
    if (!generation)
        return 0;
    size_t bytes = store_warm(generation->store, stop);
    directory_generation_unref(generation);
    return bytes;
}
