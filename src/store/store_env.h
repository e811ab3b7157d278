/* SPDX-License-Identifier: Apache-2.0 */
/* One LMDB environment in a folder of its own, opened under the rules that keep LMDB honest: a fixed large map, no
 * thread-local readers, opened once in the whole system, the file's size checked before it is mapped.  The only folder
 * that includes lmdb.h.  Life: store_open → (store_write_* by the opener alone) → store_start → jobs → store_close. */
#pragma once

#include "util/err.h"
#include "util/span.h"
#include <stdatomic.h>

enum { STORE_TABLES_MAX = 8, STORE_KEY_MAX = 511 };

struct store;

/* A named table.  Keys are bytes in memcmp order, or 64-bit unsigned numbers in order (`integer_key`; see
 * store_key_u64). */
struct store_table {
    const char *name;
    bool integer_key;
};

/* Called on the store thread about every 10 seconds, and soon after store_poke(). */
typedef void (*store_tick_fn)(void *ctx);

struct store_options {
    const struct store_table *tables; /* an index into this array names a table everywhere else; copied */
    unsigned table_count;             /* at most STORE_TABLES_MAX */
    const char *kind;                 /* what the file is ("directory"), checked at open, at most 63 bytes */
    uint32_t format;                  /* version of the records; a file of another one is ERR_UNSUPPORTED */
    uint32_t format_least; /* older ones from this on are read, too, and called `format` from then on; 0: none */
    size_t map_bytes;      /* 0: 64 GiB of address space, which costs nothing until it is used */
    unsigned max_readers;  /* 0: 512 */
    unsigned queue_cap;    /* jobs that may wait; 0: 4096 */
    bool create;           /* make it when missing; else ERR_NOT_FOUND */
    store_tick_fn tick;    /* may be NULL */
    void *tick_ctx;
};

/* Opens the environment in folder `path` (made when `create` is set).  ERR_NOT_FOUND: there is none; ERR_CORRUPT: shorter
 * than its last page, not LMDB, or not this kind; ERR_UNSUPPORTED: another format; ERR_BUSY: open already, here or
 * in another process; ERR_IO, ERR_DENIED, ERR_FULL, ERR_NOMEM.  No thread is started. */
MUST_CHECK enum err store_open(const char *path, const struct store_options *options, struct store **out_store,
                               struct fault *fault);
/* Ends the store thread after the jobs that wait have run, and unmaps.  All readers and cursors must be closed.  NULL is
 * fine. */
void store_close(struct store *store);
/* Starts the store thread; from now on it alone writes. */
MUST_CHECK enum err store_start(struct store *store);

struct store_stat {
    uint64_t file_bytes;
    uint64_t used_bytes; /* up to the last page; free pages in between included */
    uint64_t map_bytes;
    unsigned readers; /* slots taken */
    unsigned max_readers;
    uint64_t last_txn;
};
MUST_CHECK enum err store_stat(struct store *store, struct store_stat *out_stat);

/* Copies a consistent snapshot into `folder`, which is made and must be empty; `compact` leaves free pages out.  Safe
 * beside readers and the writer; synced to disk. */
MUST_CHECK enum err store_copy(struct store *store, const char *folder, bool compact);
/* Brings the used part into memory and maps it (MADV_POPULATE_READ; where the kernel has none, it is asked to read
 * ahead), until *stop; returns for how many bytes that was done. */
size_t store_warm(struct store *store, const atomic_bool *stop);
/* Frees slots of readers whose process died. Done at open and by the store thread; here for tests. */
MUST_CHECK enum err store_reader_check(struct store *store, int *out_freed);
