/* SPDX-License-Identifier: Apache-2.0 */
/* A reader's LMDB transaction is made once (it holds a slot of the reader table) and then reset and renewed. */
#include "store/store_reader.h"
#include "store/store_priv.h"

#include <stdlib.h>

struct store_reader {
    struct store_txn txn; /* .mdb NULL: none, begun anew at the next use */
    bool active;
};

enum err store_reader_open(struct store *store, struct store_reader **out_reader)
{
    struct store_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return ERR_NOMEM;
    reader->txn.store = store;
    struct store_txn *txn;
    enum err err = store_reader_begin(reader, &txn, NULL);
    if (err != OK) {
        free(reader);
        return err;
    }
    store_reader_end(reader);
    *out_reader = reader;
    return OK;
}

void store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return;
    if (reader->txn.mdb)
        mdb_txn_abort(reader->txn.mdb);
    free(reader);
}

enum err store_reader_begin(struct store_reader *reader, struct store_txn **out_txn, bool *out_fresh)
{
    bool fresh = !reader->active;
    if (fresh) {
        int rc = 0;
        if (reader->txn.mdb && mdb_txn_renew(reader->txn.mdb) != 0) {
            mdb_txn_abort(reader->txn.mdb); /* an error leaves it unusable: begin anew */
            reader->txn.mdb = NULL;
        }
        if (!reader->txn.mdb)
            rc = mdb_txn_begin(reader->txn.store->env, NULL, MDB_RDONLY, &reader->txn.mdb);
        if (rc != 0) {
            reader->txn.mdb = NULL;
            return store_err(rc);
        }
        reader->active = true;
    }
    if (out_fresh)
        *out_fresh = fresh;
    *out_txn = &reader->txn;
    return OK;
}

void store_reader_end(struct store_reader *reader)
{
    if (!reader->active)
        return;
    mdb_txn_reset(reader->txn.mdb);
    reader->active = false;
}
