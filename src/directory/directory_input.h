/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder only: rows of a CSV or JSON-lines file, one at a time, strictly. */
#pragma once

#include "directory/directory_import.h"
#include "util/arena.h"

enum directory_column {
    DIRECTORY_COL_KIND,
    DIRECTORY_COL_KEY,
    DIRECTORY_COL_STATE,
    DIRECTORY_COL_FORWARD,
    DIRECTORY_COL_SINCE,
    DIRECTORY_COL_CAUSE,
    DIRECTORY_COL_BY,
    DIRECTORY_COL_REASSIGN,
    DIRECTORY_COL_NOTE,
    DIRECTORY_COL_COUNT
};
/* "kind", "key", "state", "forward", "since", "cause", "by", "reassign_after", "note". */
const char *directory_column_text(enum directory_column column);
/* DIRECTORY_COL_COUNT: none of that name. */
enum directory_column directory_column_find(struct span text);

enum { DIRECTORY_LINE_MAX = 16384, DIRECTORY_INPUT_BYTES = 262144 };

struct directory_fields {
    struct span text[DIRECTORY_COL_COUNT]; /* into the line, or into the scratch memory */
    bool given[DIRECTORY_COL_COUNT];       /* named by the row: an empty text then means "none" */
};

/* Splits one CSV line (RFC 4180; no line feed inside quotes).  Fields in `out_fields[*out_count]`. `scratch` is an arena
 * for unquoted text.  ERR_SYNTAX, with the reason in *out_why. */
enum err directory_csv_split(struct span line, struct arena *scratch, struct span *out_fields, unsigned max,
                             unsigned *out_count, const char **out_why);
/* Reads one flat JSON object whose members are columns: strings, null (none), or for cause a number. */
enum err directory_json_fields(struct span line, struct arena *scratch, struct directory_fields *out_fields,
                               const char **out_why);

/* An open file of rows. */
struct directory_input {
    enum directory_format format;
    directory_read_fn read;
    void *read_ctx;
    const char *file; /* for messages */
    int line;         /* of the row returned last, from 1 */
    bool at_end;
    bool have_header;
    enum directory_column columns[DIRECTORY_COL_COUNT]; /* CSV: what each field is */
    unsigned column_count;
    size_t begin, end; /* unread bytes of `bytes` */
    char bytes[DIRECTORY_INPUT_BYTES];
    char scratch[DIRECTORY_LINE_MAX * 2];
};

/* `input` is big: on the heap. */
void directory_input_init(struct directory_input *input, const struct directory_import_options *options,
                          directory_read_fn read, void *read_ctx);
/* The next row.  ERR_NOT_FOUND: the end.  ERR_SYNTAX with line and expectation in `fault`; else the reader's error.  Spans live until
 * the next call. */
enum err directory_input_next(struct directory_input *input, struct directory_fields *out_fields, struct fault *fault);

/* A row's meaning: a name, and a record whose spans point into the fields; what the row leaves open is resolved
 * later against the entry that exists. */
struct directory_item {
    struct directory_name name;
    struct directory_record record;
    bool since_given, by_given, forward_given, cause_given, reassign_given, note_given;
};
enum err directory_item_read(const struct directory_fields *fields, int64_t now_ms, struct directory_item *out_item,
                             struct fault *fault);
