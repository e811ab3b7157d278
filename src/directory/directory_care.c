/* SPDX-License-Identifier: Apache-2.0 */
/* Verify, backup, compact. */
#include "directory/directory_care.h"
#include "directory/directory_build.h"

#include <stdio.h>
#include <sys/stat.h>

/* A walk over everything in one generation. */
struct verify {
    struct directory_verify_result result;
    struct directory_counts counts; /* as counted */
    struct store_txn *txn;
    struct store_cursor *cursor;
    struct store_cursor *ranges;
    directory_progress_fn progress;
    void *progress_ctx;
};

static void damage(struct verify *verify, const char *what, struct span key)
{
    if (verify->result.damaged++)
        return;
    char text[ENTRY_KEY_TEXT_MAX];
    size_t len = 0;
    if (entry_name_text(key, text, &len) != OK)
        len = 0;
    snprintf(verify->result.first, sizeof(verify->result.first), "%s%s%.*s", what, len ? ": " : "",
             len > 300 ? 300 : (int)len, text);
}

/* A range is found again from its own first number, by the way that a lookup takes. */
static void verify_range(struct verify *verify, const struct entry_record *range)
{
    struct entry_record found;
    unsigned digits = (unsigned char)range->name.at[1];
    enum err err = directory_range_find(verify->ranges, digits, range->range_to, &found);
    if (err != OK || found.range_from < range->range_from || found.range_to > range->range_to)
        damage(verify, "a range that lookups do not find", range->name);
}

static void verify_record(struct verify *verify, struct span key, struct span value)
{
    struct entry_record record;
    verify->result.records++;
    if (entry_record_decode(key, value, &record) != OK) {
        damage(verify, "a record whose checksum or form is wrong", key);
        return;
    }
    verify->counts.entries[record.kind][record.state]++;
    if (record.kind == ENTRY_RANGE)
        verify_range(verify, &record);
}

static enum err verify_records(struct verify *verify)
{
    struct entry_name before = {.len = 0};
    struct span key, value;
    enum err err = store_cursor_open(verify->txn, DIRECTORY_RECORDS, &verify->cursor);
    if (err == OK)
        err = store_cursor_open(verify->txn, DIRECTORY_RECORDS, &verify->ranges);
    if (err != OK)
        return err;
    err = store_cursor_move(verify->cursor, STORE_FIRST, &key, &value);
    while (err == OK) {
        if (key.len > ENTRY_KEY_MAX || span_compare(key, entry_name_span(&before)) <= 0)
            damage(verify, "a record out of order", key);
        else
            verify_record(verify, key, value);
        before.len = key.len > ENTRY_KEY_MAX ? ENTRY_KEY_MAX : key.len;
        memcpy(before.bytes, key.at, before.len);
        if (verify->result.records % 10000 == 0 && verify->progress &&
            !verify->progress(verify->progress_ctx, DIRECTORY_PHASE_COMPARE, verify->result.records))
            return ERR_CLOSED;
        err = store_cursor_move(verify->cursor, STORE_NEXT, &key, &value);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err verify_journal(struct verify *verify)
{
    struct store_cursor *cursor;
    struct span key, value;
    uint64_t before = 0;
    enum err err = store_cursor_open(verify->txn, DIRECTORY_JOURNAL, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, STORE_FIRST, &key, &value);
    while (err == OK) {
        uint64_t seq = 0;
        struct directory_row row;
        verify->result.journal_rows++;
        if (!store_key_to_u64(key, &seq) || seq <= before)
            damage(verify, "a journal row out of order", (struct span){0});
        else if (directory_row_decode(seq, value, &row) != OK)
            damage(verify, "a journal row whose checksum or form is wrong", (struct span){0});
        before = seq;
        err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    }
    store_cursor_close(cursor);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err verify_all(struct verify *verify)
{
    struct directory_counts counts;
    enum err err = verify_records(verify);
    store_cursor_close(verify->cursor);
    store_cursor_close(verify->ranges);
    if (err == OK)
        err = verify_journal(verify);
    if (err != OK)
        return err;
    if (directory_counts_read(verify->txn, &counts) != OK ||
        memcmp(counts.entries, verify->counts.entries, sizeof(counts.entries)) != 0)
        damage(verify, "the counts of entries differ from the entries", (struct span){0});
    return verify->result.damaged ? ERR_CORRUPT : OK;
}

enum err directory_verify(struct directory *directory, directory_progress_fn progress, void *progress_ctx,
                          struct directory_verify_result *out_result)
{
    struct verify verify = {.progress = progress, .progress_ctx = progress_ctx};
    struct store_reader *reader;
    struct directory_generation *generation = directory_generation_ref(directory);
    if (!generation)
        return directory_status(directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : ERR_AGAIN;
    enum err err = store_reader_open(generation->store, &reader);
    if (err == OK) {
        /* One snapshot over all: counts and entries must belong together. */
        err = store_reader_begin(reader, &verify.txn, NULL);
        if (err == OK)
            err = verify_all(&verify);
        store_reader_close(reader);
    }
    directory_generation_unref(generation);
    if (err == OK || verify.result.damaged)
        *out_result = verify.result;
    return err;
}

enum err directory_backup(struct directory *directory, const char *folder, struct fault *fault)
{
    char beside[STORE_PATH_MAX];
    char copy[STORE_PATH_MAX];
    char target[STORE_PATH_MAX];
    struct stat found;
    struct directory_generation *generation = directory_generation_ref(directory);
    if (!generation)
        return fault_set(fault, directory_status(directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : ERR_AGAIN, NULL, 0,
                         "there is no directory that can be read");
    enum err err = store_path(target, folder, "directory");
    if (err == OK)
        err = store_path(beside, folder, "directory.new");
    if (err == OK)
        err = store_path(copy, beside, "gen-1");
    if (err == OK && stat(target, &found) == 0)
        err = ERR_EXISTS;
    if (err == OK)
        err = store_make_folder(folder);
    if (err == OK)
        err = store_remove_folder(beside);
    if (err == OK)
        err = store_make_folder(beside);
    if (err == OK)
        err = store_copy(generation->store, copy, false);
    if (err == OK)
        err = directory_current_write(beside, 1);
    if (err == OK)
        err = store_rename(folder, "directory.new", "directory");
    directory_generation_unref(generation);
    return err == OK ? OK : fault_set(fault, err, folder, 0, "the copy cannot be made: %s", err_text(err));
}

enum err directory_compact(struct directory *directory, uint64_t *out_bytes_before, uint64_t *out_bytes_after,
                           struct fault *fault)
{
    struct fault why = {.err = OK};
    struct directory_build build = {.fault = &why};
    struct store_stat before, after;
    enum err err = directory_build_begin(directory, &build);
    if (err == OK)
        err = store_stat(build.old->store, &before);
    if (err == OK)
        err = directory_build_open(&build, true);
    if (err == OK)
        err = directory_build_switch(&build);
    if (err == OK)
        err = store_stat(build.fresh->store, &after);
    if (err != OK && why.err == OK)
        fault_set(&why, err, NULL, 0, "%s", err_text(err));
    directory_build_end(&build);
    if (err != OK) {
        if (fault)
            *fault = why;
        return err;
    }
    *out_bytes_before = before.used_bytes;
    *out_bytes_after = after.used_bytes;
    return OK;
}
