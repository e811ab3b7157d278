/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as a row of CSV, as a line of JSON, and as members of an object. */
#include "entry/entry_print.h"
#include "entry/entry_input.h"
#include "entry/entry_time.h"

/* An entry's columns as texts, into memory of the caller's. */
struct columns {
    struct span text[ENTRY_COL_COUNT];
    char key[ENTRY_KEY_TEXT_MAX];
    char since[ENTRY_TIME_MAX];
    char reassign[ENTRY_TIME_MAX];
    char cause[8];
    char ha1[DIGEST_KIND_COUNT][DIGEST_HEX_MAX];
};

static void columns_of(const struct entry_record *record, struct columns *out_columns)
{
    struct span *text = out_columns->text;
    struct buffer cause = buffer_over(out_columns->cause, sizeof(out_columns->cause));
    size_t key_len = 0;
    memset(text, 0, sizeof(out_columns->text));
    if (entry_name_text(record->name, out_columns->key, &key_len) != OK)
        key_len = 0;
    text[ENTRY_COL_KIND] = span_of(entry_kind_text(record->kind));
    text[ENTRY_COL_KEY] = span_make(out_columns->key, key_len);
    text[ENTRY_COL_STATE] = span_of(entry_state_text(record->state));
    text[ENTRY_COL_FORWARD] = record->forward;
    text[ENTRY_COL_BY] = record->by;
    text[ENTRY_COL_NOTE] = record->note;
    entry_time_text(record->since_ms, out_columns->since);
    text[ENTRY_COL_SINCE] = span_of(out_columns->since);
    if (record->reassign_after_ms) {
        entry_time_text(record->reassign_after_ms, out_columns->reassign);
        text[ENTRY_COL_REASSIGN] = span_of(out_columns->reassign);
    }
    if (record->cause) {
        buffer_add_u64(&cause, record->cause);
        text[ENTRY_COL_CAUSE] = buffer_span(&cause);
    }
}

static void add_passwords(const struct entry_record *record, struct columns *columns)
{
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        struct buffer hex = buffer_over(columns->ha1[kind], DIGEST_HEX_MAX);
        buffer_add_hex(&hex, record->ha1[kind].at, record->ha1[kind].len);
        columns->text[ENTRY_COL_HA1_MD5 + kind] = buffer_span(&hex);
    }
}

static int column_count(bool passwords)
{
    return passwords ? ENTRY_COL_COUNT : ENTRY_COL_OPEN_COUNT;
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

void entry_print_csv_row(struct buffer *out, const struct entry_record *record, bool passwords)
{
    struct columns columns;
    columns_of(record, &columns);
    if (passwords)
        add_passwords(record, &columns);
    for (int i = 0; i < column_count(passwords); i++) {
        if (i)
            buffer_add_byte(out, ',');
        csv_field(out, columns.text[i]);
    }
    buffer_add_byte(out, '\n');
}

static void put_members(const struct entry_record *record, bool passwords, struct json *json)
{
    struct columns columns;
    columns_of(record, &columns);
    if (passwords)
        add_passwords(record, &columns);
    for (int i = 0; i < column_count(passwords); i++) {
        const char *name = entry_column_text((enum entry_column)i);
        if (i == ENTRY_COL_CAUSE && record->cause)
            json_put_u64(json, name, record->cause);
        else if (columns.text[i].len)
            json_put_span(json, name, columns.text[i]);
    }
}

void entry_print_json(const struct entry_record *record, struct json *json)
{
    put_members(record, false, json);
}

void entry_print_json_row(struct buffer *out, const struct entry_record *record, bool passwords)
{
    struct json json = json_into(out);
    json_object_begin(&json);
    put_members(record, passwords, &json);
    json_object_end(&json);
    buffer_add_byte(out, '\n');
}

void entry_print_csv_head(struct buffer *out, bool passwords)
{
    for (int i = 0; i < column_count(passwords); i++) {
        buffer_add_text(out, i ? "," : "");
        buffer_add_text(out, entry_column_text((enum entry_column)i));
    }
    buffer_add_byte(out, '\n');
}
