/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/registrar_journal.h"
#include "registrar/registrar_batch.h"
#include "store/store_reader.h"
#include "util/clock.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Format 1 had one row a value. */
enum { FORMAT = 2, FORMAT_LEAST = 1, SLACK = 65536, TRIM_LEAST = 512, ROWS = 0 };

static const struct store_table tables[] = {{"rows", true}};

struct registrar_journal {
    struct store *store;
    struct registrar_journal_options options;
    /* The store thread's own. */
    uint64_t floors[REGISTRAR_WORKERS_MAX];
    /* Written by one thread each, read by all. */
    _Atomic uint64_t live[REGISTRAR_WORKERS_MAX];
    _Atomic uint64_t first, last; /* numbers of the rows at both ends; last 0: none was ever written */
    _Atomic uint64_t commits, failures, commit_us_last, commit_us_max;
};

/* ---- writing, on the store thread ---- */

/* The row at one end: its number; 0: the table is empty.  The rows of a value count on from its key. */
static enum err number_at(struct store_txn *txn, enum store_seek end, uint64_t *out_number)
{
    struct store_cursor *cursor;
    struct span key, value;
    unsigned rows;
    enum err err = store_cursor_open(txn, ROWS, &cursor);
    if (err != OK)
        return err;
    *out_number = 0;
    err = store_cursor_move(cursor, end, &key, &value);
    if (err == OK && (!store_key_to_u64(key, out_number) || !registrar_pack_count(value, &rows)))
        err = ERR_CORRUPT;
    if (err == OK && end == STORE_LAST)
        *out_number += rows - 1;
    store_cursor_close(cursor);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err write_rows(struct store_txn *txn, const struct registrar_batch *batch, uint64_t number)
{
    struct span rest = buffer_span(&batch->rows.bytes);
    enum err err = OK;
    unsigned rows;
    for (; rest.len && err == OK; number += rows) {
        struct span value = registrar_packs_take(&rest, &rows);
        err = store_put(txn, ROWS, store_key_u64(&number), value, STORE_PUT_APPEND);
    }
    return err == ERR_EXISTS ? ERR_CORRUPT : err;
}

/* No row before the floor of every worker counts. */
static uint64_t lowest_floor(const struct registrar_journal *journal)
{
    uint64_t floor = UINT64_MAX;
    for (unsigned i = 0; i < journal->options.workers; i++)
        if (journal->floors[i] < floor)
            floor = journal->floors[i];
    return floor;
}

/* The head is cleared by some hundred rows: that dirties pages of its own, which every ninth or tenth commit has under load and
 * the others have not.  Each time a little more goes than was added since, so that no commit has much to do and the head
 * keeps pace.  Without rows of its own (registrar_tick) a batch clears what there is.  *first is the number of the first
 * row, and then of the first that is left. */
static enum err trim(struct store_txn *txn, uint64_t floor, unsigned count, uint64_t *first)
{
    uint64_t end = *first + 2 * (uint64_t)count + 2 * TRIM_LEAST;
    struct span value;
    unsigned rows;
    if (count && floor < *first + TRIM_LEAST)
        return OK;
    while (*first < floor && *first < end) {
        enum err err = store_get(txn, ROWS, store_key_u64(first), &value);
        if (err == OK && !registrar_pack_count(value, &rows))
            err = ERR_CORRUPT;
        if (err == OK && *first + rows > floor)
            return OK; /* one of them still counts */
        if (err == OK)
            err = store_delete(txn, ROWS, store_key_u64(first));
        if (err != OK)
            return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
        *first += rows;
    }
    return OK;
}

/* May run twice: everything is reckoned anew from the table. */
static enum err write_job(struct store_txn *txn, void *arg)
{
    struct registrar_batch *batch = arg;
    struct registrar_journal *journal = batch->journal;
    uint64_t first, last;
    enum err err = number_at(txn, STORE_FIRST, &first);
    if (err == OK)
        err = number_at(txn, STORE_LAST, &last);
    if (err != OK)
        return err;
    if (!last) /* numbers never start again, not even when the last row has gone */
        last = atomic_load(&journal->last);
    batch->first = last + 1;
    batch->trimmed_first = first ? first : last + 1;
    batch->last = last + batch->count;
    err = write_rows(txn, batch, batch->first);
    if (err != OK)
        return err;
    /* What is written here counts, too.  The very last row stays, for its number. */
    uint64_t floor = batch->floor < batch->first ? batch->floor : batch->first;
    journal->floors[batch->worker] = floor;
    floor = lowest_floor(journal);
    if (floor > batch->last)
        floor = batch->last;
    return trim(txn, floor, batch->count, &batch->trimmed_first);
}

static void write_done(void *arg, enum err err)
{
    struct registrar_batch *batch = arg;
    struct registrar_journal *journal = batch->journal;
    uint64_t us = batch->us = (clock_mono_ns() - batch->began_ns) / 1000;
    batch->err = err;
    if (err == OK) {
        atomic_store(&journal->first, batch->trimmed_first);
        atomic_store(&journal->last, batch->last);
        atomic_fetch_add(&journal->commits, 1);
        atomic_store(&journal->commit_us_last, us);
        if (us > atomic_load(&journal->commit_us_max))
            atomic_store(&journal->commit_us_max, us);
    } else {
        atomic_fetch_add(&journal->failures, 1);
    }
    journal->options.written(journal->options.ctx, batch->worker, batch);
}

enum err registrar_journal_submit(struct registrar_journal *journal, struct registrar_batch *batch)
{
    batch->journal = journal;
    batch->began_ns = clock_mono_ns();
    return store_submit(journal->store, write_job, write_done, batch);
}

uint64_t registrar_batch_us(const struct registrar_batch *batch)
{
    return batch->us;
}

/* ---- opening and reading ---- */

static enum err look_at_ends(struct registrar_journal *journal)
{
    struct store_reader *reader;
    struct store_txn *txn;
    uint64_t first = 0, last = 0;
    enum err err = store_reader_open(journal->store, &reader);
    if (err != OK)
        return err;
    err = store_reader_begin(reader, &txn, NULL);
    if (err == OK)
        err = number_at(txn, STORE_FIRST, &first);
    if (err == OK)
        err = number_at(txn, STORE_LAST, &last);
    store_reader_close(reader);
    atomic_store(&journal->first, first ? first : last + 1);
    atomic_store(&journal->last, last);
    return err;
}

enum err registrar_journal_open(const char *path, const struct registrar_journal_options *options,
                                struct registrar_journal **out_journal, struct fault *fault)
{
    struct store_options wanted = {.tables = tables,
                                   .table_count = 1,
                                   .kind = "bindings",
                                   .format = FORMAT,
                                   .format_least = FORMAT_LEAST,
                                   .map_bytes = options->map_bytes,
                                   .create = true};
    struct registrar_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    journal->options = *options;
    if (!journal->options.slack)
        journal->options.slack = SLACK;
    enum err err = store_open(path, &wanted, &journal->store, fault);
    if (err == OK && (err = look_at_ends(journal)) != OK)
        fault_set(fault, err, path, 0, "its rows cannot be read: %s", err_text(err));
    if (err == OK && (err = store_start(journal->store)) != OK)
        fault_set(fault, err, path, 0, "no thread for it: %s", err_text(err));
    if (err != OK) {
        registrar_journal_close(journal);
        return err;
    }
    *out_journal = journal;
    return OK;
}

void registrar_journal_close(struct registrar_journal *journal)
{
    if (!journal)
        return;
    store_close(journal->store);
    free(journal);
}

static enum err read_all(struct store_cursor *cursor, registrar_row_fn row, void *ctx)
{
    struct span key, value;
    uint64_t number, expected = 0;
    unsigned rows;
    enum err err = store_cursor_move(cursor, STORE_FIRST, &key, &value);
    while (err == OK) {
        if (!store_key_to_u64(key, &number) || (expected && number != expected) || !registrar_pack_count(value, &rows))
            return ERR_CORRUPT;
        expected = number + rows;
        err = registrar_pack_rows(value, number, row, ctx);
        if (err == OK)
            err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err registrar_journal_read(struct registrar_journal *journal, registrar_row_fn row, void *ctx)
{
    struct store_reader *reader;
    struct store_cursor *cursor;
    struct store_txn *txn;
    enum err err = store_reader_open(journal->store, &reader);
    if (err != OK)
        return err;
    err = store_reader_begin(reader, &txn, NULL);
    if (err == OK)
        err = store_cursor_open(txn, ROWS, &cursor);
    if (err == OK) {
        err = read_all(cursor, row, ctx);
        store_cursor_close(cursor);
    }
    store_reader_close(reader);
    return err;
}

/* ---- how long it is ---- */

void registrar_journal_count(struct registrar_journal *journal, unsigned worker, uint64_t live)
{
    atomic_store_explicit(&journal->live[worker], live, memory_order_relaxed);
}

static uint64_t live_of_all(struct registrar_journal *journal)
{
    uint64_t live = 0;
    for (unsigned i = 0; i < journal->options.workers; i++)
        live += atomic_load_explicit(&journal->live[i], memory_order_relaxed);
    return live;
}

uint64_t registrar_journal_stale(struct registrar_journal *journal)
{
    uint64_t last = atomic_load_explicit(&journal->last, memory_order_relaxed);
    uint64_t first = atomic_load_explicit(&journal->first, memory_order_relaxed);
    uint64_t room = 2 * live_of_all(journal) + journal->options.slack;
    return last + 1 - first > room ? last + 1 - room : 0;
}

enum err registrar_journal_stat(struct registrar_journal *journal, struct registrar_journal_stat *out_stat)
{
    struct store_stat stat;
    enum err err = store_stat(journal->store, &stat);
    if (err != OK)
        return err;
    *out_stat = (struct registrar_journal_stat){
        .rows = atomic_load(&journal->last) + 1 - atomic_load(&journal->first),
        .live = live_of_all(journal),
        .file_bytes = stat.file_bytes,
        .used_bytes = stat.used_bytes,
        .commits = atomic_load(&journal->commits),
        .failures = atomic_load(&journal->failures),
        .commit_us_last = atomic_load(&journal->commit_us_last),
        .commit_us_max = atomic_load(&journal->commit_us_max),
    };
    return OK;
}
