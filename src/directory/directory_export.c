/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as CSV or JSON lines. */
#include "directory/directory_export.h"
#include "directory/directory_priv.h"
#include "entry/entry_print.h"
#include "entry/entry_time.h"
#include "util/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXPORT_BUFFER = 65536 };

enum err directory_write_fd(void *ctx, struct span bytes)
{
    const int *fd = ctx;
    while (bytes.len) {
        ssize_t wrote = write(*fd, bytes.at, bytes.len);
        if (wrote < 0 && errno != EINTR)
            return store_errno(errno);
        if (wrote > 0)
            bytes = span_slice(bytes, (size_t)wrote, bytes.len);
    }
    return OK;
}

static void record_member(struct json *json, const char *key, const struct entry_record *record, bool is_there)
{
    json_key(json, key);
    if (!is_there) {
        json_none(json);
        return;
    }
    json_object_begin(json);
    entry_print_json(record, json);
    json_object_end(json);
}

void directory_row_json(const struct directory_row *row, struct json *json)
{
    char when[ENTRY_TIME_MAX];
    char key[ENTRY_KEY_TEXT_MAX];
    size_t key_len;
    entry_time_text(row->when_ms, when);
    json_object_begin(json);
    json_put_u64(json, "seq", row->seq);
    json_put_text(json, "when", when);
    json_put_text(json, "op", directory_op_text(row->op));
    json_put_span(json, "by", row->by);
    if (row->name.len && entry_name_text(row->name, key, &key_len) == OK)
        json_put_span(json, "key", span_make(key, key_len));
    if (row->note.len)
        json_put_span(json, "note", row->note);
    if (row->name.len) {
        record_member(json, "before", &row->before, row->had_before);
        record_member(json, "after", &row->after, row->has_after);
    }
    json_object_end(json);
}

struct export
{
    enum entry_format format;
    bool passwords;
    directory_write_fn write;
    void *ctx;
    struct buffer out;
    struct entry_name at;
    uint64_t rows;
};

static enum err export_flush(struct export *export)
{
    enum err err = export->out.overflow ? ERR_TOO_LONG : export->write(export->ctx, buffer_span(&export->out));
    buffer_clear(&export->out);
    return err;
}

/* Up to 10,000 entries in one snapshot, from after `at`. */
static enum err export_some(struct export *export, struct store_txn *txn)
{
    struct store_cursor *cursor;
    struct entry_record record;
    struct span key = entry_name_span(&export->at), value;
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, key.len ? STORE_AT_OR_AFTER : STORE_FIRST, &key, &value);
    if (err == OK && span_equal(key, entry_name_span(&export->at)))
        err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    for (int rows = 0; err == OK && rows < DIRECTORY_RENEW_ROWS; rows++) {
        err = entry_record_decode(key, value, &record);
        if (err != OK)
            break;
        if (export->format == ENTRY_CSV)
            entry_print_csv_row(&export->out, &record, export->passwords);
        else
            entry_print_json_row(&export->out, &record, export->passwords);
        memcpy(export->at.bytes, key.at, key.len);
        export->at.len = key.len;
        export->rows++;
        if (export->out.len > EXPORT_BUFFER - ENTRY_PRINT_MAX)
            err = export_flush(export);
        if (err == OK)
            err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    }
    store_cursor_close(cursor);
    return err;
}

static enum err export_all(struct export *export, struct store_reader *reader)
{
    enum err err = OK;
    if (export->format == ENTRY_CSV)
        entry_print_csv_head(&export->out, export->passwords);
    while (err == OK) {
        struct store_txn *txn;
        err = store_reader_begin(reader, &txn, NULL);
        if (err == OK)
            err = export_some(export, txn);
        store_reader_end(reader);
    }
    return err == ERR_NOT_FOUND ? export_flush(export) : err;
}

enum err directory_export(struct directory *directory, const struct directory_export_options *options,
                          directory_write_fn write_fn, void *write_ctx, uint64_t *out_rows)
{
    char *memory = malloc(EXPORT_BUFFER);
    if (!memory)
        return ERR_NOMEM;
    struct export export = {.format = options->format,
                            .passwords = options->passwords,
                            .write = write_fn,
                            .ctx = write_ctx,
                            .out = buffer_over(memory, EXPORT_BUFFER)};
    struct store_reader *reader;
    struct directory_generation *generation = directory_generation_ref(directory);
    enum err err = directory_status(directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : generation ? OK : ERR_AGAIN;
    if (err == OK)
        err = store_reader_open(generation->store, &reader);
    if (err == OK) {
        err = export_all(&export, reader);
        store_reader_close(reader);
    }
    if (generation)
        directory_generation_unref(generation);
    free(memory);
    if (err == OK && out_rows)
        *out_rows = export.rows;
    return err;
}
