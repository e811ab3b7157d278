/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as CSV or JSON lines. */
#include "directory/directory_export.h"
#include "directory/directory_input.h"
#include "directory/directory_priv.h"
#include "util/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXPORT_BUFFER = 65536, EXPORT_ROW_MAX = 32768 };

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

/* An entry's columns as texts, into memory of the caller's. */
struct columns {
    struct span text[DIRECTORY_COL_COUNT];
    char key[DIRECTORY_KEY_TEXT_MAX];
    char since[DIRECTORY_TIME_MAX];
    char reassign[DIRECTORY_TIME_MAX];
    char cause[8];
};

static void columns_of(const struct directory_record *record, struct columns *out_columns)
{
    struct span *text = out_columns->text;
    struct buffer cause = buffer_over(out_columns->cause, sizeof(out_columns->cause));
    size_t key_len = 0;
    memset(text, 0, sizeof(out_columns->text));
    if (directory_name_text(record->name, out_columns->key, &key_len) != OK)
        key_len = 0;
    text[DIRECTORY_COL_KIND] = span_of(directory_kind_text(record->kind));
    text[DIRECTORY_COL_KEY] = span_make(out_columns->key, key_len);
    text[DIRECTORY_COL_STATE] = span_of(directory_state_text(record->state));
    text[DIRECTORY_COL_FORWARD] = record->forward;
    text[DIRECTORY_COL_BY] = record->by;
    text[DIRECTORY_COL_NOTE] = record->note;
    directory_time_text(record->since_ms, out_columns->since);
    text[DIRECTORY_COL_SINCE] = span_of(out_columns->since);
    if (record->reassign_after_ms) {
        directory_time_text(record->reassign_after_ms, out_columns->reassign);
        text[DIRECTORY_COL_REASSIGN] = span_of(out_columns->reassign);
    }
    if (record->cause) {
        buffer_add_u64(&cause, record->cause);
        text[DIRECTORY_COL_CAUSE] = buffer_span(&cause);
    }
}

static void csv_field(struct buffer *out, struct span text)
{
    bool plain = span_find(text, ',') == text.len && span_find(text, '"') == text.len;
    bool blank = text.len && (text.at[0] == ' ' || text.at[text.len - 1] == ' ');
    if (plain && !blank) {
        buffer_add_span(out, text);
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buffer_add_byte(out, '"');
        buffer_add_byte(out, text.at[i]);
    }
    buffer_add_byte(out, '"');
}

static void csv_row(struct buffer *out, const struct directory_record *record)
{
    struct columns columns;
    columns_of(record, &columns);
    for (int i = 0; i < DIRECTORY_COL_COUNT; i++) {
        if (i)
            buffer_add_byte(out, ',');
        csv_field(out, columns.text[i]);
    }
    buffer_add_byte(out, '\n');
}

void directory_record_json(const struct directory_record *record, struct json *json)
{
    struct columns columns;
    columns_of(record, &columns);
    for (int i = 0; i < DIRECTORY_COL_COUNT; i++) {
        const char *name = directory_column_text((enum directory_column)i);
        if (i == DIRECTORY_COL_CAUSE && record->cause)
            json_put_u64(json, name, record->cause);
        else if (columns.text[i].len)
            json_put_span(json, name, columns.text[i]);
    }
}

static void record_member(struct json *json, const char *key, const struct directory_record *record, bool is_there)
{
    json_key(json, key);
    if (!is_there) {
        json_none(json);
        return;
    }
    json_object_begin(json);
    directory_record_json(record, json);
    json_object_end(json);
}

void directory_row_json(const struct directory_row *row, struct json *json)
{
    char when[DIRECTORY_TIME_MAX];
    char key[DIRECTORY_KEY_TEXT_MAX];
    size_t key_len;
    directory_time_text(row->when_ms, when);
    json_object_begin(json);
    json_put_u64(json, "seq", row->seq);
    json_put_text(json, "when", when);
    json_put_text(json, "op", directory_op_text(row->op));
    json_put_span(json, "by", row->by);
    if (row->name.len && directory_name_text(row->name, key, &key_len) == OK)
        json_put_span(json, "key", span_make(key, key_len));
    if (row->note.len)
        json_put_span(json, "note", row->note);
    if (row->name.len) {
        record_member(json, "before", &row->before, row->had_before);
        record_member(json, "after", &row->after, row->has_after);
    }
    json_object_end(json);
}

static void json_row(struct buffer *out, const struct directory_record *record)
{
    struct json json = json_into(out);
    json_object_begin(&json);
    directory_record_json(record, &json);
    json_object_end(&json);
    buffer_add_byte(out, '\n');
}

struct export
{
    enum directory_format format;
    directory_write_fn write;
    void *ctx;
    struct buffer out;
    struct directory_name at;
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
    struct directory_record record;
    struct span key = directory_name_span(&export->at), value;
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, key.len ? STORE_AT_OR_AFTER : STORE_FIRST, &key, &value);
    if (err == OK && span_equal(key, directory_name_span(&export->at)))
        err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    for (int rows = 0; err == OK && rows < DIRECTORY_RENEW_ROWS; rows++) {
        err = directory_record_decode(key, value, &record);
        if (err != OK)
            break;
        if (export->format == DIRECTORY_CSV)
            csv_row(&export->out, &record);
        else
            json_row(&export->out, &record);
        memcpy(export->at.bytes, key.at, key.len);
        export->at.len = key.len;
        export->rows++;
        if (export->out.len > EXPORT_BUFFER - EXPORT_ROW_MAX)
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
    if (export->format == DIRECTORY_CSV) {
        for (int i = 0; i < DIRECTORY_COL_COUNT; i++) {
            buffer_add_text(&export->out, i ? "," : "");
            buffer_add_text(&export->out, directory_column_text((enum directory_column)i));
        }
        buffer_add_byte(&export->out, '\n');
    }
    while (err == OK) {
        struct store_txn *txn;
        err = store_reader_begin(reader, &txn, NULL);
        if (err == OK)
            err = export_some(export, txn);
        store_reader_end(reader);
    }
    return err == ERR_NOT_FOUND ? export_flush(export) : err;
}

enum err directory_export(struct directory *directory, enum directory_format format, directory_write_fn write_fn,
                          void *write_ctx, uint64_t *out_rows)
{
    char *memory = malloc(EXPORT_BUFFER);
    if (!memory)
        return ERR_NOMEM;
    struct export export = {
        .format = format, .write = write_fn, .ctx = write_ctx, .out = buffer_over(memory, EXPORT_BUFFER)};
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
