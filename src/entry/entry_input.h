/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a CSV or JSON-lines file, one at a time, strictly. */
#pragma once

#include "entry/entry_record.h"
#include "util/arena.h"

enum entry_format { ENTRY_CSV, ENTRY_JSONL };

/* Fills `buffer` with up to `cap` bytes, *out_len 0 at the end.  An error stops the reading and is its error. */
typedef enum err (*entry_read_fn)(void *ctx, char *buffer, size_t cap, size_t *out_len);
/* An entry_read_fn over a file descriptor (ctx: int *). */
MUST_CHECK enum err entry_read_fd(void *ctx, char *buffer, size_t cap, size_t *out_len);

enum entry_column {
    ENTRY_COL_KIND,
    ENTRY_COL_KEY,
    ENTRY_COL_STATE,
    ENTRY_COL_FORWARD,
    ENTRY_COL_SINCE,
    ENTRY_COL_CAUSE,
    ENTRY_COL_BY,
    ENTRY_COL_REASSIGN,
    ENTRY_COL_NOTE,
    ENTRY_COL_HA1_MD5, /* these three as hexadecimal digits, in the order of enum digest_kind */
    ENTRY_COL_HA1_SHA256,
    ENTRY_COL_HA1_SHA512_256,
    ENTRY_COL_COUNT,
    ENTRY_COL_OPEN_COUNT = ENTRY_COL_HA1_MD5 /* those before are no secrets */
};
/* "kind", "key", "state", "forward", "since", "cause", "by", "reassign_after", "note", "ha1_md5", "ha1_sha256",
 * "ha1_sha512_256". */
const char *entry_column_text(enum entry_column column);
/* ENTRY_COL_COUNT: none of that name. */
enum entry_column entry_column_find(struct span text);

enum { ENTRY_LINE_MAX = 16384, ENTRY_INPUT_BYTES = 262144 };

struct entry_fields {
    struct span text[ENTRY_COL_COUNT]; /* into the line, or into the scratch memory */
    bool given[ENTRY_COL_COUNT];       /* named by the row: an empty text then means "none" */
};

/* Splits one CSV line (RFC 4180; no line feed inside quotes).  Fields in `out_fields[*out_count]`. `scratch` is an arena
 * for unquoted text.  ERR_SYNTAX, with the reason in *out_why. */
enum err entry_csv_split(struct span line, struct arena *scratch, struct span *out_fields, unsigned max,
                         unsigned *out_count, const char **out_why);
/* Reads one flat JSON object whose members are columns: strings, null (none), or for cause a number. */
enum err entry_json_fields(struct span line, struct arena *scratch, struct entry_fields *out_fields,
                           const char **out_why);

/* An open file of rows. */
struct entry_input {
    enum entry_format format;
    entry_read_fn read;
    void *read_ctx;
    const char *file; /* for messages */
    int line;         /* of the row returned last, from 1 */
    bool at_end;
    bool have_header;
    enum entry_column columns[ENTRY_COL_COUNT]; /* CSV: what each field is */
    unsigned column_count;
    size_t begin, end; /* unread bytes of `bytes` */
    char bytes[ENTRY_INPUT_BYTES];
    char scratch[ENTRY_LINE_MAX * 2];
};

/* `input` is big: on the heap. */
void entry_input_init(struct entry_input *input, enum entry_format format, const char *file, entry_read_fn read_fn,
                      void *read_ctx);
/* The next row.  ERR_NOT_FOUND: the end.  ERR_SYNTAX with line and expectation in `fault`; else the reader's error.  Spans live until
 * the next call. */
enum err entry_input_next(struct entry_input *input, struct entry_fields *out_fields, struct fault *fault);

/* A row's meaning: a name, and a record whose spans point into the fields; what the row leaves open is resolved
 * later against the entry that exists. */
struct entry_item {
    struct entry_name name;
    struct entry_record record;
    bool since_given, by_given, forward_given, cause_given, reassign_given, note_given;
    bool ha1_given[DIGEST_KIND_COUNT];
    char ha1[DIGEST_KIND_COUNT][DIGEST_MAX]; /* what the record's spans point to */
};
/* HA1 from its hexadecimal digits. */
bool entry_ha1_read(enum digest_kind kind, struct span hex, char out_bytes[DIGEST_MAX]);
enum err entry_item_read(const struct entry_fields *fields, int64_t now_ms, struct entry_item *out_item,
                         struct fault *fault);
