/* SPDX-License-Identifier: Apache-2.0 */
/* Tables within one transaction: get, put, delete, cursors; LMDB's values as spans. */
#include "store/store_priv.h"
#include "util/invariant.h"

#include <stdlib.h>

struct store_cursor {
    MDB_cursor *mdb;
    size_t mapped_page_bytes; /* 0: a write transaction's pages may be anywhere in memory */
};

static MDB_val val_of(struct span span)
{
    return (MDB_val){.mv_size = span.len, .mv_data = (void *)(uintptr_t)span.at};
}

static struct span span_of_val(MDB_val val)
{
    return span_make(val.mv_data, val.mv_size);
}

bool store_key_to_u64(struct span key, uint64_t *out_number)
{
    if (key.len != sizeof(*out_number))
        return false;
    memcpy(out_number, key.at, sizeof(*out_number));
    return true;
}

enum err store_get(struct store_txn *txn, unsigned table, struct span key, struct span *out_value)
{
    MDB_val mdb_key = val_of(key);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->tables[table], &mdb_key, &value);
    if (rc == 0)
        *out_value = span_of_val(value);
    return store_err(rc);
}

enum err store_count(struct store_txn *txn, unsigned table, uint64_t *out_count)
{
    MDB_stat stat;
    int rc = mdb_stat(txn->mdb, txn->store->tables[table], &stat);
    if (rc == 0)
        *out_count = stat.ms_entries;
    return store_err(rc);
}

uint64_t store_txn_id(const struct store_txn *txn)
{
    return mdb_txn_id(txn->mdb);
}

enum err store_put(struct store_txn *txn, unsigned table, struct span key, struct span value, enum store_put_mode mode)
{
    invariant(txn->writable);
    if (key.len == 0 || key.len > STORE_KEY_MAX)
        return ERR_TOO_LONG;
    static const unsigned flags[] = {
        [STORE_PUT_REPLACE] = 0, [STORE_PUT_NEW] = MDB_NOOVERWRITE, [STORE_PUT_APPEND] = MDB_APPEND};
    MDB_val mdb_key = val_of(key);
    MDB_val mdb_value = val_of(value);
    int rc = mdb_put(txn->mdb, txn->store->tables[table], &mdb_key, &mdb_value, flags[mode]);
    if (rc == 0 || rc != MDB_KEYEXIST)
        txn->dirty = true; /* also when it failed half-way */
    return store_err(rc);
}

enum err store_delete(struct store_txn *txn, unsigned table, struct span key)
{
    invariant(txn->writable);
    MDB_val mdb_key = val_of(key);
    int rc = mdb_del(txn->mdb, txn->store->tables[table], &mdb_key, NULL);
    if (rc != MDB_NOTFOUND)
        txn->dirty = true;
    return store_err(rc);
}

enum err store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **out_cursor)
{
    struct store_cursor *cursor = malloc(sizeof(*cursor));
    if (!cursor)
        return ERR_NOMEM;
    int rc = mdb_cursor_open(txn->mdb, txn->store->tables[table], &cursor->mdb);
    if (rc != 0) {
        free(cursor);
        return store_err(rc);
    }
    cursor->mapped_page_bytes = txn->writable ? 0 : txn->store->page_bytes;
    *out_cursor = cursor;
    return OK;
}

bool store_cursor_page_is_sound(const struct store_cursor *cursor, struct span key, uintptr_t *out_page)
{
    *out_page = 0;
    if (!cursor->mapped_page_bytes)
        return true;
    size_t into = (uintptr_t)key.at & (cursor->mapped_page_bytes - 1); /* the map begins on a page */
    *out_page = (uintptr_t)key.at - into;
    return store_page_is_sound(key.at - into, cursor->mapped_page_bytes, into);
}

enum err store_cursor_renew(struct store_cursor *cursor, struct store_txn *txn)
{
    return store_err(mdb_cursor_renew(txn->mdb, cursor->mdb));
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (!cursor)
        return;
    mdb_cursor_close(cursor->mdb);
    free(cursor);
}

enum err store_cursor_move(struct store_cursor *cursor, enum store_seek seek, struct span *key, struct span *out_value)
{
    static const MDB_cursor_op ops[] = {[STORE_FIRST] = MDB_FIRST,
                                        [STORE_LAST] = MDB_LAST,
                                        [STORE_NEXT] = MDB_NEXT,
                                        [STORE_PREV] = MDB_PREV,
                                        [STORE_AT_OR_AFTER] = MDB_SET_RANGE};
    MDB_val mdb_key = {.mv_size = 0};
    MDB_val value;
    if (seek == STORE_AT_OR_AFTER)
        mdb_key = val_of(*key);
    int rc = mdb_cursor_get(cursor->mdb, &mdb_key, &value, ops[seek]);
    if (rc != 0)
        return store_err(rc);
    *key = span_of_val(mdb_key);
    *out_value = span_of_val(value);
    return OK;
}
