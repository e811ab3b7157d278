/* SPDX-License-Identifier: Apache-2.0 */
/* One CSV line into fields (RFC 4180). */
#include "entry/entry_input.h"

/* After the opening quote; `*io_at` ends behind the closing one. */
static enum err take_quoted(struct span line, size_t *io_at, struct arena *scratch, struct span *out_field,
                            const char **out_why)
{
    char *text = arena_alloc(scratch, line.len - *io_at + 1);
    size_t len = 0, at = *io_at;
    if (!text) {
        *out_why = "too many quoted fields";
        return ERR_SYNTAX;
    }
    for (;; at++) {
        if (at >= line.len) {
            *out_why = "expected a closing quote on the same line";
            return ERR_SYNTAX;
        }
        if (line.at[at] == '"' && (at + 1 >= line.len || line.at[at + 1] != '"'))
            break;
        at += line.at[at] == '"'; /* two quotes are one */
        text[len++] = line.at[at];
    }
    *io_at = at + 1;
    scratch->used = (size_t)(text - scratch->base) + len; /* give back what was not needed */
    *out_field = span_make(text, len);
    return OK;
}

static enum err take_field(struct span line, size_t *io_at, struct arena *scratch, struct span *out_field,
                           const char **out_why)
{
    if (*io_at < line.len && line.at[*io_at] == '"') {
        *io_at += 1;
        enum err err = take_quoted(line, io_at, scratch, out_field, out_why);
        if (err == OK && *io_at < line.len && line.at[*io_at] != ',') {
            *out_why = "expected a comma after a closing quote";
            return ERR_SYNTAX;
        }
        return err;
    }
    struct span rest = span_slice(line, *io_at, line.len);
    struct span field = span_slice(rest, 0, span_find(rest, ','));
    if (span_find(field, '"') < field.len) {
        *out_why = "a quote inside a field: quote the whole field and double the quote";
        return ERR_SYNTAX;
    }
    *io_at += field.len;
    *out_field = field;
    return OK;
}

enum err entry_csv_split(struct span line, struct arena *scratch, struct span *out_fields, unsigned max,
                         unsigned *out_count, const char **out_why)
{
    unsigned count = 0;
    size_t at = 0;
    for (;;) {
        struct span field;
        enum err err = take_field(line, &at, scratch, &field, out_why);
        if (err != OK)
            return err;
        if (count == max) {
            *out_why = "more fields than the first line has columns";
            return ERR_SYNTAX;
        }
        out_fields[count++] = field;
        if (at >= line.len)
            break;
        at++; /* the comma */
    }
    *out_count = count;
    return OK;
}
