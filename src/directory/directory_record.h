/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the directory as plain data, and its form in the store: a fixed head, then tagged fields, so that later
 * versions can add some; a checksum over key and value. */
#pragma once

#include "directory/directory_key.h"

/* Two ends that are never confused: SUSPENDED is for now, GONE is for ever. */
enum directory_state {
    DIRECTORY_ACTIVE,
    DIRECTORY_SUSPENDED, /* known, not now: 480, never 410 */
    DIRECTORY_MOVED,     /* `forward` says where */
    DIRECTORY_GONE,      /* a tombstone */
    DIRECTORY_STATE_COUNT
};

enum { DIRECTORY_TEXT_MAX = 1024, DIRECTORY_VALUE_MAX = 4096 };

struct directory_record {
    enum directory_kind kind;
    enum directory_state state;
    uint16_t cause;            /* Q.850 cause, 1-127; 0: not known */
    int64_t since_ms;          /* Unix time at which the state began */
    int64_t reassign_after_ms; /* Unix time after which a gone entry may be given out again; 0: not said */
    uint64_t seq;              /* the journal row of its last change; 0: loaded by a first import */
    struct span name;          /* its key in the store's form; directory_name_text() makes it readable */
    struct span forward;       /* MOVED: a URI, else empty */
    struct span by;            /* who made the last change */
    struct span note;
    uint64_t range_from, range_to;   /* RANGE: inclusive, without "+" */
    uint64_t parent_from, parent_to; /* RANGE: the next wider range around it; 0, 0: none */
    struct span more;                /* tagged fields of a later version, kept as they are */
};

/* "active", "suspended", "moved", "gone". */
const char *directory_state_text(enum directory_state state);
bool directory_state_parse(struct span text, enum directory_state *out_state);

/* Encodes all but kind, name and range bounds (they are the key) for storage under `name`.  ERR_TOO_LONG. */
MUST_CHECK enum err directory_record_encode(const struct directory_record *record, struct span name,
                                            char out_value[DIRECTORY_VALUE_MAX], size_t *out_len);
/* Checks and decodes; spans point into `name` and `value`.  ERR_CORRUPT. */
MUST_CHECK enum err directory_record_decode(struct span name, struct span value, struct directory_record *out_record);
/* Whether both say the same about the entry (seq and parents aside). */
bool directory_record_same(const struct directory_record *a, const struct directory_record *b);

/* Times in files and on the command line: RFC 3339 ("2026-01-31T12:00:00Z", with an offset, or a date alone = its first
 * moment in UTC) to Unix milliseconds and back ("2026-01-31T12:00:00Z", with ".123" when not a whole second). */
bool directory_time_parse(struct span text, int64_t *out_ms);
enum { DIRECTORY_TIME_MAX = 32 };
void directory_time_text(int64_t ms, char out_text[DIRECTORY_TIME_MAX]);
