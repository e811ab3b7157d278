/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a file into a new generation, compared with the old one on the way.  What changed is kept in the table
 * "pending" until it is known which journal numbers it gets. */
#include "directory/directory_load.h"
#include "util/buffer.h"

#include <stdlib.h>

struct directory_load_row {
    struct span name;
    struct span value; /* encoded */
    int line;
    bool since_given, by_given, forward_given, cause_given, reassign_given, note_given;
    bool ha1_given[DIGEST_KIND_COUNT];
};

static enum err line_fault(const struct directory_load *load, int line, enum err err, const char *text)
{
    return fault_set(load->fault, err, load->options->file, line, "%s", text);
}

static int row_compare(const void *a, const void *b)
{
    const struct directory_load_row *const *left = a;
    const struct directory_load_row *const *right = b;
    int order = span_compare((*left)->name, (*right)->name);
    return order ? order : ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

/* The record that the row and what was there mean together. */
static void resolve(const struct directory_load *load, const struct directory_load_row *row,
                    const struct entry_record *old, struct entry_record *record)
{
    static const struct entry_record none = {.seq = 0};
    bool same = old && old->state == record->state;
    const struct entry_record *from = same ? old : &none;
    if (!row->since_given)
        record->since_ms = same ? old->since_ms : load->now_ms;
    if (!row->by_given)
        record->by = same ? old->by : load->by;
    if (!row->forward_given)
        record->forward = from->forward;
    if (!row->cause_given)
        record->cause = from->cause;
    if (!row->reassign_given)
        record->reassign_after_ms = from->reassign_after_ms;
    if (!row->note_given)
        record->note = old ? old->note : none.note;
    /* Passwords go with the user, whatever becomes of him; whoever gets the address after him begins without. */
    bool again = old && old->state == ENTRY_GONE && record->state != ENTRY_GONE;
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        if (!row->ha1_given[kind])
            record->ha1[kind] = old && !again ? old->ha1[kind] : none.ha1[kind];
    record->more = old && !again ? old->more : none.more;
    record->seq = old ? old->seq : 0;
}

static enum err note_pending(struct directory_load *load, enum directory_op op, const struct entry_record *before,
                             const struct entry_record *after, struct span name)
{
    char value[DIRECTORY_ROW_MAX];
    size_t len;
    struct directory_row row = {.op = op,
                                .when_ms = load->now_ms,
                                .previous_seq = before ? before->seq : 0,
                                .by = load->by,
                                .name = name,
                                .had_before = before != NULL,
                                .has_after = after != NULL};
    if (before)
        row.before = *before;
    if (after)
        row.after = *after;
    enum err err = directory_row_encode(&row, value, &len);
    if (err == OK)
        err = store_put(load->build->txn, DIRECTORY_PENDING, name, span_make(value, len), STORE_PUT_REPLACE);
    return err == OK ? directory_build_wrote(load->build) : err;
}

static enum err put_record(struct directory_load *load, struct span name, const struct entry_record *record)
{
    char value[ENTRY_VALUE_MAX];
    size_t len;
    enum err err = entry_record_encode(record, name, value, &len);
    if (err != OK)
        return err;
    bool append = span_compare(name, entry_name_span(&load->last)) > 0;
    err = store_put(load->build->txn, DIRECTORY_RECORDS, name, span_make(value, len),
                    append ? STORE_PUT_APPEND : STORE_PUT_NEW);
    if (err != OK)
        return err;
    load->build->counts.entries[record->kind][record->state]++;
    if (append) {
        memcpy(load->last.bytes, name.at, name.len);
        load->last.len = name.len;
    }
    return OK;
}

/* Counts what the row is to what was there, and notes it for the journal where it is more than an addition. */
static enum err note_difference(struct directory_load *load, const struct entry_record *old,
                                const struct entry_record *record)
{
    struct directory_import_result *result = load->result;
    if (old && entry_record_same(old, record)) {
        result->unchanged++;
        return OK;
    }
    result->changed += old != NULL;
    result->added += old == NULL;
    result->retired += old && old->state != ENTRY_GONE && record->state == ENTRY_GONE;
    if (!old && record->state == ENTRY_ACTIVE)
        return OK;
    return note_pending(load, DIRECTORY_OP_IMPORT_SET, old, record, record->name);
}

static enum err write_row(struct directory_load *load, const struct directory_load_row *row)
{
    struct entry_record old, record;
    enum err err = entry_record_decode(row->name, row->value, &record);
    if (err != OK)
        return err;
    err = load->result->before ? directory_build_old(load->build, row->name, &old) : ERR_NOT_FOUND;
    if (err != OK && err != ERR_NOT_FOUND)
        return fault_set(load->fault, err, NULL, 0, "the present directory cannot be read: %s", err_text(err));
    const struct entry_record *before = err == OK ? &old : NULL;
    resolve(load, row, before, &record);
    if (record.state == ENTRY_MOVED && !record.forward.len)
        return line_fault(load, row->line, ERR_INVALID,
                          "forward: expected a sip:, sips: or tel: URI for a moved entry");
    err = put_record(load, row->name, &record);
    if (err == ERR_EXISTS)
        return line_fault(load, row->line, err, "this key is in the file already, in an earlier line");
    if (err == OK)
        err = note_difference(load, before, &record);
    if (err == OK)
        err = directory_build_wrote(load->build);
    return err == OK ? OK : fault_set(load->fault, err, load->build->path, 0, "cannot be written: %s", err_text(err));
}

static enum err write_chunk(struct directory_load *load)
{
    enum err err = OK;
    qsort(load->rows, load->row_count, sizeof(*load->rows), row_compare);
    for (size_t i = 1; i < load->row_count; i++) {
        if (span_equal(load->rows[i - 1]->name, load->rows[i]->name))
            return fault_set(load->fault, ERR_EXISTS, load->options->file, load->rows[i]->line,
                             "this key is in the file already, in line %d", load->rows[i - 1]->line);
    }
    directory_build_step(load->build, "chunk");
    for (size_t i = 0; err == OK && i < load->row_count; i++)
        err = write_row(load, load->rows[i]);
    load->row_count = 0;
    arena_reset(&load->arena);
    return err;
}

/* Copies an item into the chunk; ERR_FULL: write the chunk first. */
static enum err keep_row(struct directory_load *load, const struct entry_item *item)
{
    char value[ENTRY_VALUE_MAX];
    size_t len;
    struct span name = entry_name_span(&item->name);
    if (load->row_count == DIRECTORY_CHUNK_ROWS)
        return ERR_FULL;
    enum err err = entry_record_encode(&item->record, name, value, &len);
    if (err != OK)
        return err;
    struct directory_load_row *row = arena_alloc(&load->arena, sizeof(*row));
    struct span kept_name = arena_copy(&load->arena, name);
    struct span kept_value = arena_copy(&load->arena, span_make(value, len));
    if (load->arena.overflow)
        return ERR_FULL;
    *row = (struct directory_load_row){
        .name = kept_name,
        .value = kept_value,
        .line = load->input->line,
        .since_given = item->since_given,
        .by_given = item->by_given,
        .forward_given = item->forward_given,
        .cause_given = item->cause_given,
        .reassign_given = item->reassign_given,
        .note_given = item->note_given,
    };
    memcpy(row->ha1_given, item->ha1_given, sizeof(row->ha1_given));
    load->rows[load->row_count++] = row;
    return OK;
}

static enum err next_item(struct directory_load *load, struct entry_item *out_item)
{
    struct entry_fields fields;
    enum err err = entry_input_next(load->input, &fields, load->fault);
    if (err != OK)
        return err;
    struct fault why = {.err = OK};
    err = entry_item_read(&fields, load->now_ms, out_item, &why);
    if (err == ERR_NOT_FOUND)
        err = ERR_INVALID;
    return err == OK ? OK : line_fault(load, load->input->line, err, why.text);
}

static enum err load_rows(struct directory_load *load)
{
    struct entry_item item;
    enum err err = next_item(load, &item);
    while (err == OK) {
        err = keep_row(load, &item);
        if (err == ERR_FULL) {
            err = write_chunk(load);
            if (err == OK)
                err = keep_row(load, &item);
        }
        if (err == OK && ++load->result->rows % 10000 == 0) {
            atomic_store(&load->build->directory->import_rows, load->result->rows);
            err = directory_build_progress(load->build, DIRECTORY_PHASE_READ, load->result->rows);
        }
        if (err == OK)
            err = next_item(load, &item);
    }
    return err == ERR_NOT_FOUND ? write_chunk(load) : err;
}

enum err directory_load_file(struct directory_load *load)
{
    char *memory = malloc(DIRECTORY_CHUNK_BYTES); /* touched as far as it is used */
    load->rows = malloc(DIRECTORY_CHUNK_ROWS * sizeof(struct directory_load_row *));
    enum err err = ERR_NOMEM;
    if (memory && load->rows) {
        load->arena = arena_over(memory, DIRECTORY_CHUNK_BYTES);
        err = load_rows(load);
    }
    free(memory);
    free(load->rows);
    return err == ERR_NOMEM ? fault_set(load->fault, err, NULL, 0, "out of memory") : err;
}

static enum err rest_entry(struct directory_load *load, const struct entry_record *old)
{
    struct span value;
    enum err err = store_get(load->build->txn, DIRECTORY_RECORDS, old->name, &value);
    if (err != ERR_NOT_FOUND)
        return err;
    if (!load->options->merge) {
        load->result->removed++;
        return note_pending(load, DIRECTORY_OP_IMPORT_REMOVE, old, NULL, old->name);
    }
    load->result->unchanged++;
    err = put_record(load, old->name, old);
    return err == OK ? directory_build_wrote(load->build) : err;
}

enum err directory_load_rest(struct directory_load *load)
{
    struct entry_name name = {.len = 0};
    struct entry_record old;
    enum err err = OK;
    directory_build_step(load->build, "compare");
    for (uint64_t seen = 1; err == OK; seen++) {
        err = directory_build_old_next(load->build, &name, &old);
        if (err == ERR_NOT_FOUND)
            return OK;
        if (err == OK)
            err = rest_entry(load, &old);
        if (err == OK && seen % 10000 == 0)
            err = directory_build_progress(load->build, DIRECTORY_PHASE_COMPARE, seen);
    }
    return err;
}

/* Numbers one pending row: its record learns the number, the row goes to the journal. */
static enum err number_row(struct directory_load *load, struct directory_row *row)
{
    struct directory_build *build = load->build;
    char value[ENTRY_VALUE_MAX];
    size_t len;
    struct store_cursor *cursor;
    struct entry_record record;
    row->after.seq = build->counts.next_seq;
    enum err err = directory_journal_append(build->txn, &build->counts, row, build->directory->options.journal_cap);
    if (err == OK)
        err = store_delete(build->txn, DIRECTORY_PENDING, row->name);
    if (err != OK || !row->has_after)
        return err;
    err = store_cursor_open(build->txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = directory_seek_exact(cursor, row->name, &record); /* not row->after: a range has learnt its parent since */
    store_cursor_close(cursor);
    record.seq = row->seq;
    if (err == OK)
        err = entry_record_encode(&record, row->name, value, &len);
    if (err == OK)
        err = store_put(build->txn, DIRECTORY_RECORDS, row->name, span_make(value, len), STORE_PUT_REPLACE);
    return err;
}

/* The first row that waits, copied out of the map. */
static enum err first_pending(struct directory_load *load, char copy[DIRECTORY_ROW_MAX], struct directory_row *out_row)
{
    struct store_cursor *cursor;
    struct span key, value;
    enum err err = store_cursor_open(load->build->txn, DIRECTORY_PENDING, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, STORE_FIRST, &key, &value);
    store_cursor_close(cursor);
    if (err != OK)
        return err;
    memcpy(copy, value.at, value.len);
    return directory_row_decode(0, span_make(copy, value.len), out_row);
}

enum err directory_load_journal(struct directory_load *load)
{
    struct directory_build *build = load->build;
    const struct directory_import_result *result = load->result;
    char copy[DIRECTORY_ROW_MAX];
    struct buffer note = buffer_over(copy, sizeof(copy));
    buffer_addf(&note, "%s: %llu rows, %llu added, %llu changed, %llu removed, %llu of the changed retired",
                load->options->merge ? "merge" : "replace", (unsigned long long)result->rows,
                (unsigned long long)result->added, (unsigned long long)result->changed,
                (unsigned long long)result->removed, (unsigned long long)result->retired);
    struct directory_row row = {
        .op = DIRECTORY_OP_IMPORT, .when_ms = load->now_ms, .by = load->by, .note = buffer_span(&note)};
    directory_build_step(build, "journal");
    build->counts.next_seq = build->reserved;
    enum err err = directory_journal_append(build->txn, &build->counts, &row, build->directory->options.journal_cap);
    while (err == OK) {
        err = first_pending(load, copy, &row);
        if (err == OK)
            err = number_row(load, &row);
        if (err == OK)
            err = directory_build_wrote(build);
    }
    if (build->counts.next_seq > build->reserved_end)
        return ERR_CONFLICT;
    build->counts.next_seq = build->reserved_end;
    return err == ERR_NOT_FOUND ? OK : err;
}
