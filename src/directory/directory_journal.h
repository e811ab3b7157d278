/* SPDX-License-Identifier: Apache-2.0 */
/* Every change is a row with a sequence number, written in the transaction of the change itself.  Consumers (what a
 * retirement has to reach) read on from the position they saved. */
#pragma once

#include "directory/directory.h"

enum directory_op {
    DIRECTORY_OP_ADD,
    DIRECTORY_OP_RETIRE,
    DIRECTORY_OP_MOVE,
    DIRECTORY_OP_SUSPEND,
    DIRECTORY_OP_RESTORE,
    DIRECTORY_OP_REMOVE,
    DIRECTORY_OP_IMPORT, /* an import's own row: no entry; then one row per entry it changed or removed, or added not active */
    DIRECTORY_OP_IMPORT_SET,
    DIRECTORY_OP_IMPORT_REMOVE,
    DIRECTORY_OP_PASSWD, /* HA1s set or cleared; no row says which */
    DIRECTORY_OP_COUNT
};
/* "add", "retire", ..., "import", "import-set", "import-remove", "passwd". */
const char *directory_op_text(enum directory_op op);

struct directory_row {
    uint64_t seq;
    enum directory_op op;
    int64_t when_ms;
    uint64_t previous_seq; /* the entry's row before this one, 0: none */
    struct span by;
    struct span name; /* empty: IMPORT */
    struct span note; /* IMPORT: a summary */
    bool had_before, has_after;
    struct entry_record before, after;
};

/* Called for each row in order; spans live until it returns.  Anything but OK stops, and is returned. */
typedef enum err (*directory_row_fn)(void *ctx, const struct directory_row *row);

/* Rows with seq >= from_seq (0: from the oldest that is kept), at most `max`; sequence numbers grow but may have gaps.  *out_next (may be NULL) is where to go on.
 * ERR_CLOSED: rows from there on were trimmed; begin again from the directory itself.  The snapshot is renewed now and then:
 * a slow consumer does no harm. */
MUST_CHECK enum err directory_journal_read(struct directory *directory, uint64_t from_seq, uint64_t max,
                                           directory_row_fn fn, void *ctx, uint64_t *out_next);
/* The rows of one entry, the newest first, at most `max`.  ERR_NOT_FOUND: none is kept. */
MUST_CHECK enum err directory_history(struct directory *directory, const struct entry_name *name, uint64_t max,
                                      directory_row_fn fn, void *ctx);
/* Called after each commit that wrote rows, and after an import: on the store's or the importing thread; it may only post
 * to another thread.  Set once, before the first edit; NULL removes. */
typedef void (*directory_changed_fn)(void *ctx);
void directory_on_change(struct directory *directory, directory_changed_fn fn, void *ctx);
