/* SPDX-License-Identifier: Apache-2.0 */
/* Building a generation: gen-N.new is filled, edits made meanwhile are replayed, then, on the old generation's store
 * thread and so with no edit between: the last replay, gen-N.new → gen-N, `current` names N. */
#include "directory/directory_build.h"

#include <stdlib.h>

static enum err fail(struct directory_build *build, enum err err, const char *what)
{
    return fault_set(build->fault, err, build->path, 0, "%s: %s", what, err_text(err));
}

enum err directory_build_begin(struct directory *directory, struct directory_build *build)
{
    build->directory = directory;
    pthread_mutex_lock(&directory->lock);
    bool busy = directory->importing;
    directory->importing = true;
    pthread_mutex_unlock(&directory->lock);
    if (busy) {
        build->directory = NULL; /* not ours to end */
        return fault_set(build->fault, ERR_BUSY, NULL, 0, "another import or compaction is at work");
    }
    atomic_store(&directory->import_rows, 0);
    build->old = directory_generation_ref(directory);
    if (!build->old)
        return fault_set(build->fault,
                         directory_status(directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : ERR_NOT_FOUND, NULL, 0,
                         "there is no directory that can be read");
    directory_status_refresh(directory);
    enum err err = store_reader_open(build->old->store, &build->reader);
    if (err == OK)
        err = directory_build_last(build, &build->replay_after);
    return err == OK ? OK : fail(build, err, "the present directory cannot be read");
}

/* The snapshot of the old generation, renewed when it has served 10,000 rows. */
static enum err old_begin(struct directory_build *build)
{
    bool fresh = true;
    if (build->old_rows++ >= DIRECTORY_RENEW_ROWS) {
        store_reader_end(build->reader);
        build->old_rows = 0;
    }
    enum err err = store_reader_begin(build->reader, &build->old_txn, &fresh);
    build->old_walking = build->old_walking && !fresh;
    if (err == OK && !build->old_records)
        return store_cursor_open(build->old_txn, DIRECTORY_RECORDS, &build->old_records);
    return err == OK && fresh ? store_cursor_renew(build->old_records, build->old_txn) : err;
}

enum err directory_build_last(struct directory_build *build, uint64_t *out_seq)
{
    struct directory_counts counts;
    store_reader_end(build->reader); /* what is there now */
    enum err err = old_begin(build);
    if (err == OK)
        err = directory_counts_read(build->old_txn, &counts);
    if (err == OK)
        *out_seq = counts.next_seq - 1;
    return err;
}

enum err directory_build_old(struct directory_build *build, struct span name, struct entry_record *out_record)
{
    enum err err = old_begin(build);
    build->old_walking = false;
    return err == OK ? directory_seek_exact(build->old_records, name, out_record) : err;
}

enum err directory_build_old_next(struct directory_build *build, struct entry_name *io_name,
                                  struct entry_record *out_record)
{
    enum err err = old_begin(build);
    struct span key = entry_name_span(io_name), value;
    enum store_seek seek = !key.len ? STORE_FIRST : build->old_walking ? STORE_NEXT : STORE_AT_OR_AFTER;
    if (err == OK)
        err = store_cursor_move(build->old_records, seek, &key, &value);
    if (err == OK && seek == STORE_AT_OR_AFTER && span_equal(key, entry_name_span(io_name)))
        err = store_cursor_move(build->old_records, STORE_NEXT, &key, &value);
    if (err == OK)
        err = entry_record_decode(key, value, out_record);
    if (err == OK) {
        memcpy(io_name->bytes, key.at, key.len);
        io_name->len = key.len;
        build->old_walking = true;
    }
    return err;
}

static enum err open_store(struct directory_build *build, bool copy)
{
    char name[DIRECTORY_FOLDER_MAX];
    char leftover[STORE_PATH_MAX];
    directory_generation_name(build->fresh->number, "", name);
    enum err err = store_path(leftover, build->directory->folder, name);
    if (err == OK)
        err = store_remove_folder(leftover); /* of a switch that failed */
    if (err == OK)
        err = store_remove_folder(build->path);
    if (err == OK && copy)
        err = store_copy(build->old->store, build->path, true);
    if (err != OK)
        return fail(build, err, "cannot be made");
    return directory_store_open(build->directory, build->path, !copy, build->fresh, &build->fresh->store, build->fault);
}

enum err directory_build_open(struct directory_build *build, bool copy)
{
    char name[DIRECTORY_FOLDER_MAX];
    uint64_t number = build->old->number + 1;
    directory_generation_name(number, ".new", name);
    enum err err = store_path(build->path, build->directory->folder, name);
    if (err != OK)
        return fail(build, err, "the path is too long");
    build->fresh = calloc(1, sizeof(*build->fresh));
    if (!build->fresh)
        return fail(build, ERR_NOMEM, "no memory");
    *build->fresh = (struct directory_generation){.number = number, .refs = 1, .directory = build->directory};
    directory_build_step(build, "make");
    err = open_store(build, copy);
    if (err == OK)
        err = store_write_begin(build->fresh->store, &build->txn);
    if (err != OK)
        return err;
    build->counts = (struct directory_counts){.next_seq = 1};
    if (copy) { /* the copy has all up to its own snapshot, which may be newer than ours */
        err = directory_counts_read(build->txn, &build->counts);
        build->replay_after = build->counts.next_seq - 1;
        build->carried = build->replay_after;
    }
    return err;
}

static enum err commit(struct directory_build *build, bool again)
{
    enum err err = directory_counts_write(build->txn, &build->counts);
    if (err == OK) {
        err = store_write_commit(build->txn); /* it is gone, whatever came of it */
        build->txn = NULL;
    }
    if (err == OK && again)
        err = store_write_begin(build->fresh->store, &build->txn);
    build->uncommitted = 0;
    return err == OK ? OK : fail(build, err, "cannot be written");
}

enum err directory_build_wrote(struct directory_build *build)
{
    if (++build->uncommitted < DIRECTORY_COMMIT_ROWS)
        return OK;
    directory_build_step(build, "commit");
    return commit(build, true);
}

/* Does to the new generation what `row` says was done to the old. */
static enum err replay(struct directory_build *build, struct directory_row *row)
{
    struct store_cursor *cursor;
    struct entry_record present;
    struct entry_name other;
    if (!row->name.len)
        return OK;
    enum err err = store_delete(build->txn, DIRECTORY_PENDING, row->name); /* the edit was later than the import */
    if (err == OK || err == ERR_NOT_FOUND)
        err = store_cursor_open(build->txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = directory_seek_exact(cursor, row->name, &present);
    store_cursor_close(cursor);
    bool was = err == OK;
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (!was && !row->has_after)
        return OK;
    if (row->has_after) { /* rows tell no passwords: the entry itself has them */
        struct entry_record now;
        build->old_walking = false;
        err = directory_seek_exact(build->old_records, row->name, &now);
        if (err == OK)
            memcpy(row->after.ha1, now.ha1, sizeof(now.ha1));
        else if (err != ERR_NOT_FOUND)
            return err;
    }
    row->after.seq = row->seq;
    row->after.parent_from = was ? present.parent_from : 0;
    row->after.parent_to = was ? present.parent_to : 0;
    err = directory_put(build->txn, row->name, was ? &present : NULL, row->has_after ? &row->after : NULL,
                        &build->counts, &other);
    if (err == ERR_CONFLICT || err == ERR_UNSUPPORTED)
        return fault_set(build->fault, ERR_CONFLICT, NULL, 0,
                         "a range that was added meanwhile overlaps one of the file; try again");
    return err;
}

static enum err carry_row(struct directory_build *build, uint64_t seq, struct span value)
{
    struct directory_row row;
    enum err err = store_put(build->txn, DIRECTORY_JOURNAL, store_key_u64(&seq), value, STORE_PUT_APPEND);
    if (err == OK && seq > build->replay_after) {
        err = directory_row_decode(seq, value, &row);
        if (err == OK)
            err = replay(build, &row);
    }
    if (err == OK && seq >= build->counts.next_seq)
        build->counts.next_seq = seq + 1;
    build->carried = seq;
    return err == OK ? directory_build_wrote(build) : err;
}

/* Up to 10,000 rows in one snapshot; *out_more: there may be others. */
static enum err carry_some(struct directory_build *build, uint64_t last, bool *out_more)
{
    struct store_cursor *cursor;
    struct span value;
    uint64_t seq = build->carried + 1;
    struct span key = store_key_u64(&seq);
    store_reader_end(build->reader);
    enum err err = old_begin(build);
    if (err == OK)
        err = store_cursor_open(build->old_txn, DIRECTORY_JOURNAL, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value);
    bool past = false;
    for (int rows = 0; err == OK && rows < DIRECTORY_RENEW_ROWS; rows++) {
        err = store_key_to_u64(key, &seq) ? OK : ERR_CORRUPT;
        past = err == OK && seq > last;
        if (past)
            break;
        if (err == OK)
            err = carry_row(build, seq, value);
        if (err == OK)
            err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    }
    store_cursor_close(cursor);
    *out_more = err == OK && !past;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err directory_build_carry(struct directory_build *build, uint64_t last)
{
    bool more = true;
    enum err err = OK;
    while (err == OK && more && build->carried < last) {
        err = carry_some(build, last, &more);
        if (err == OK)
            err = directory_build_progress(build, DIRECTORY_PHASE_JOURNAL, build->carried);
    }
    if (build->carried < last)
        build->carried = err == OK ? last : build->carried; /* gaps at the end */
    return err;
}

static enum err reserve_job(struct store_txn *txn, void *arg)
{
    struct directory_build *build = arg;
    struct directory_counts counts;
    enum err err = directory_counts_read(txn, &counts);
    if (err != OK)
        return err;
    uint64_t count = build->reserved_end - build->reserved;
    build->reserved = counts.next_seq;
    build->reserved_end = counts.next_seq + count;
    counts.next_seq += count;
    atomic_store(&build->directory->journal_limit, build->reserved);
    return directory_counts_write(txn, &counts);
}

enum err directory_build_reserve(struct directory_build *build, uint64_t count)
{
    build->reserved = 0;
    build->reserved_end = count;
    enum err err = store_run_wait(build->old->store, reserve_job, build);
    return err == OK ? OK : fail(build, err, "the present directory cannot be written");
}

/* gen-N.new → gen-N, and `current` names N.  After an error of the last step what the file says now decides. */
static enum err name_it(struct directory_build *build)
{
    char from[DIRECTORY_FOLDER_MAX];
    char to[DIRECTORY_FOLDER_MAX];
    const char *folder = build->directory->folder;
    uint64_t number = build->fresh->number, named;
    directory_generation_name(number, ".new", from);
    directory_generation_name(number, "", to);
    directory_build_step(build, "rename");
    enum err err = store_rename(folder, from, to);
    if (err != OK)
        return err;
    if (store_path(build->path, folder, to) != OK)
        return ERR_TOO_LONG;
    directory_build_step(build, "current");
    err = directory_current_write(folder, number);
    if (err != OK && directory_current_read(folder, &named, NULL) == OK && named == number)
        return OK;
    return err;
}

/* The last edits.  A transaction of this thread's own: LMDB's are bound to the thread that began them. */
static enum err carry_last(struct directory_build *build)
{
    enum err err = store_write_begin(build->fresh->store, &build->txn);
    if (err == OK)
        err = directory_build_carry(build, UINT64_MAX - 1);
    if (err == OK)
        err = commit(build, false);
    store_write_abort(build->txn);
    build->txn = NULL;
    return err;
}

/* On the old generation's store thread, between transactions: no edit can come between. */
static enum err switch_now(void *arg)
{
    struct directory_build *build = arg;
    enum err err = carry_last(build);
    if (err == OK) {
        directory_build_step(build, "start");
        err = store_start(build->fresh->store);
    }
    if (err == OK)
        err = name_it(build);
    if (err != OK)
        return err;
    build->old->superseded = true;
    build->switched = true;
    directory_generation_install(build->directory, build->fresh);
    return OK;
}

enum err directory_build_switch(struct directory_build *build)
{
    uint64_t last = 0;
    enum err err = OK;
    /* Edits may come faster than one pass: each pass has fewer left; the rest is for the store thread. */
    for (int pass = 0; err == OK && pass < 8 && build->carried != last; pass++) {
        err = directory_build_last(build, &last);
        if (err == OK)
            err = directory_build_carry(build, last);
    }
    if (err == OK)
        err = commit(build, false);
    if (err == OK)
        err = directory_build_progress(build, DIRECTORY_PHASE_SWITCH, build->carried);
    if (err == OK)
        err = store_run_exclusive(build->old->store, switch_now, build);
    directory_build_step(build, "switched");
    return err;
}

void directory_build_end(struct directory_build *build)
{
    struct directory *directory = build->directory;
    if (!directory)
        return;
    store_write_abort(build->txn);
    store_cursor_close(build->old_records);
    store_reader_close(build->reader);
    if (!build->switched && build->fresh) {
        store_close(build->fresh->store);
        free(build->fresh);
        /* What cannot be removed now, the next import or start removes. */
        if (store_remove_folder(build->path) != OK)
            build->path[0] = '\0';
    }
    if (build->old)
        directory_generation_unref(build->old);
    atomic_store(&directory->journal_limit, UINT64_MAX);
    pthread_mutex_lock(&directory->lock);
    directory->importing = false;
    pthread_mutex_unlock(&directory->lock);
    directory_status_refresh(directory);
    if (build->switched)
        directory_tell_changed(directory);
}
