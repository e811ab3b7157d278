/* SPDX-License-Identifier: Apache-2.0 */
/* Reading beside the writer, without locks.  One handle a thread: its snapshot is taken at the first use in a turn of
 * the loop and given back at the turn's end, so that no snapshot is held while polling and each turn sees what was
 * committed before it. */
#pragma once

#include "store/store_txn.h"

struct store_reader;

/* ERR_FULL: all slots are taken. */
MUST_CHECK enum err store_reader_open(struct store *store, struct store_reader **out_reader);
void store_reader_close(struct store_reader *reader);
/* The snapshot of this turn, taken now if there is none; *out_fresh (may be NULL) says whether it was taken by this
 * call.  After an error the next call begins anew. */
MUST_CHECK enum err store_reader_begin(struct store_reader *reader, struct store_txn **out_txn, bool *out_fresh);
/* Gives the snapshot back: all spans out of it are dead.  Costs nothing when none was taken. */
void store_reader_end(struct store_reader *reader);
