/* SPDX-License-Identifier: Apache-2.0 */
/* Edits as jobs of the store thread: a slice of at most a few milliseconds each, all of it on disk before the caller goes
 * on. */
#include "directory/directory_edit.h"
#include "directory/directory_priv.h"
#include "util/clock.h"

#include <stdlib.h>

enum { SLICE_NS = 8000000 };

/* Changes on their way through the store thread. */
struct edit_batch {
    struct directory *directory;
    struct directory_generation *generation;
    const struct directory_change *changes;
    const struct entry_name *names;
    struct directory_edit_result *results; /* an error from the start: not to be tried */
    size_t count;
    size_t begin; /* of the present slice */
    size_t end;
    int64_t now_ms;
    uint64_t total; /* entries afterwards */
    bool superseded;
};

/* One slice in one transaction.  May run twice: everything is set anew from `begin`. */
static enum err edit_job(struct store_txn *txn, void *arg)
{
    struct edit_batch *batch = arg;
    struct directory_counts counts;
    batch->end = batch->begin;
    batch->superseded = batch->generation->superseded;
    if (batch->superseded)
        return OK; /* an import switched: the caller goes to the new one */
    enum err err = directory_counts_read(txn, &counts);
    uint64_t next_before = counts.next_seq;
    uint64_t deadline = clock_mono_ns() + SLICE_NS;
    while (err == OK && batch->end < batch->count && (batch->end == batch->begin || clock_mono_ns() < deadline)) {
        size_t i = batch->end++;
        struct directory_apply apply = {.change = &batch->changes[i],
                                        .name = &batch->names[i],
                                        .now_ms = batch->now_ms,
                                        .journal_cap = batch->directory->options.journal_cap};
        if (batch->names[i].len)
            err = directory_apply(txn, &apply, &counts, &batch->results[i]);
    }
    if (err == OK && counts.next_seq != next_before)
        err = directory_counts_write(txn, &counts);
    batch->total = directory_counts_total(&counts);
    return err;
}

/* Runs slices until all are done, following a switch of generations. */
static enum err run_slices(struct edit_batch *batch)
{
    enum err err = OK;
    while (err == OK && batch->begin < batch->count) {
        batch->generation = directory_generation_ref(batch->directory);
        if (!batch->generation)
            return directory_status(batch->directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : ERR_AGAIN;
        err = store_run_wait(batch->generation->store, edit_job, batch);
        directory_generation_unref(batch->generation);
        for (size_t i = batch->begin; err != OK && i < batch->end; i++) {
            if (batch->names[i].len)
                batch->results[i] = (struct directory_edit_result){.err = err};
        }
        batch->begin = batch->end;
    }
    return err;
}

/* Names of all changes; a change that is wrong by itself has its result now and an empty name. */
static void check_all(struct edit_batch *batch, struct entry_name *names, struct fault *out_last)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct fault fault = {.err = OK};
        names[i].len = 0;
        batch->results[i] = (struct directory_edit_result){.err = OK};
        enum err err = directory_change_check(&batch->changes[i], batch->now_ms, &names[i], &fault);
        if (err == OK)
            continue;
        names[i].len = 0;
        batch->results[i].err = err;
        (void)span_copy(span_slice(span_of(fault.text), 0, sizeof(batch->results[i].text) - 1), batch->results[i].text,
                        sizeof(batch->results[i].text));
        *out_last = fault;
    }
}

/* Tells the consumers, and lets the status follow. */
static void after_edits(struct edit_batch *batch)
{
    if (batch->total == 0 || directory_status(batch->directory) != DIRECTORY_READABLE)
        directory_status_refresh(batch->directory);
    directory_tell_changed(batch->directory);
}

enum err directory_edit_many(struct directory *directory, const struct directory_change *changes, size_t count,
                             struct directory_edit_result *out_results, size_t *out_failed)
{
    if (count > DIRECTORY_EDITS_MAX)
        return ERR_TOO_LONG;
    struct entry_name *names = malloc((count ? count : 1) * sizeof(*names));
    if (!names)
        return ERR_NOMEM;
    struct edit_batch batch = {.directory = directory,
                               .changes = changes,
                               .names = names,
                               .results = out_results,
                               .count = count,
                               .now_ms = clock_wall_ms()};
    struct fault last;
    check_all(&batch, names, &last);
    enum err err = run_slices(&batch);
    size_t failed = 0, done = 0;
    for (size_t i = 0; i < count; i++) {
        if (err != OK && i >= batch.begin && out_results[i].err == OK)
            out_results[i].err = err; /* not tried */
        failed += out_results[i].err != OK;
    }
    done = count - failed;
    if (done)
        after_edits(&batch);
    free(names);
    if (err != OK && !done)
        return err;
    *out_failed = failed;
    return OK;
}

enum err directory_edit(struct directory *directory, const struct directory_change *change, uint64_t *out_seq,
                        struct fault *fault)
{
    struct directory_edit_result result = {.err = OK};
    struct entry_name name;
    struct edit_batch batch = {.directory = directory,
                               .changes = change,
                               .names = &name,
                               .results = &result,
                               .count = 1,
                               .now_ms = clock_wall_ms()};
    enum err err = directory_change_check(change, batch.now_ms, &name, fault);
    if (err != OK)
        return err;
    err = run_slices(&batch);
    if (err == OK)
        err = result.err;
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "%s", result.text[0] ? result.text : err_text(err));
    after_edits(&batch);
    if (out_seq)
        *out_seq = result.seq;
    return OK;
}
