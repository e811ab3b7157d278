/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing within one transaction, whoever owns it: a reader's snapshot (store_reader.h) or a job's write
 * transaction (store_write.h).  Values are spans into the map: valid until the transaction ends, or, inside a
 * write transaction, until the next write. */
#pragma once

#include "store/store_env.h"

struct store_txn;

/* A number as the key of a table with integer_key; the span borrows *number. */
static inline struct span store_key_u64(const uint64_t *number)
{
    return span_make((const char *)number, sizeof(*number));
}
/* Reads a number back out of such a key; false when it is not 8 bytes. */
bool store_key_to_u64(struct span key, uint64_t *out_number);

/* ERR_NOT_FOUND when there is none; anything else but OK: cannot be read. */
MUST_CHECK enum err store_get(struct store_txn *txn, unsigned table, struct span key, struct span *out_value);
MUST_CHECK enum err store_count(struct store_txn *txn, unsigned table, uint64_t *out_count);
/* The snapshot's number: equal numbers see equal contents. */
uint64_t store_txn_id(const struct store_txn *txn);

enum store_put_mode {
    STORE_PUT_REPLACE,
    STORE_PUT_NEW,    /* ERR_EXISTS when there is one */
    STORE_PUT_APPEND, /* the key is greater than all others; much faster; else ERR_EXISTS */
};
/* Write transactions only.  ERR_TOO_LONG: key empty or over STORE_KEY_MAX; ERR_FULL: map or disk. */
MUST_CHECK enum err store_put(struct store_txn *txn, unsigned table, struct span key, struct span value,
                              enum store_put_mode mode);
MUST_CHECK enum err store_delete(struct store_txn *txn, unsigned table, struct span key);

/* Walking a table.  A cursor belongs to its transaction; one on a reader survives its turns by store_cursor_renew. */
struct store_cursor;
enum store_seek { STORE_FIRST, STORE_LAST, STORE_NEXT, STORE_PREV, STORE_AT_OR_AFTER /* reads *key */ };

MUST_CHECK enum err store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **out_cursor);
/* Puts a reader's cursor onto the reader's present snapshot. */
MUST_CHECK enum err store_cursor_renew(struct store_cursor *cursor, struct store_txn *txn);
void store_cursor_close(struct store_cursor *cursor);
/* Moves; *key is read by STORE_AT_OR_AFTER and written by all, *out_value written.  ERR_NOT_FOUND past either end. */
MUST_CHECK enum err store_cursor_move(struct store_cursor *cursor, enum store_seek seek, struct span *key,
                                      struct span *out_value);
/* Whether the page that holds `key`, where the cursor stands, is sound in itself: LMDB does not check its pages, and one
 * changed byte in a page's table of entries makes a search end at a wrong but well-formed entry.  *out_page is an
 * identity of the page.  In a write transaction nothing can be said (true, page 0). */
bool store_cursor_page_is_sound(const struct store_cursor *cursor, struct span key, uintptr_t *out_page);
