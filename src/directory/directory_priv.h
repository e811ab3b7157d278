/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the handle, its generations, tables and counts. */
#pragma once

#include "directory/directory_edit.h"
#include "directory/directory_reader.h"
#include "store/store_file.h"
#include "store/store_reader.h"
#include "store/store_write.h"

#include <pthread.h>
#include <stdatomic.h>

enum directory_table {
    DIRECTORY_RECORDS, /* name → record */
    DIRECTORY_JOURNAL, /* sequence number → row */
    DIRECTORY_META,    /* "counts" → struct directory_counts and checksum */
    DIRECTORY_PENDING, /* an import's rows before they have numbers: name → row; else empty */
    DIRECTORY_TABLE_COUNT
};

enum { DIRECTORY_FORMAT = 1, DIRECTORY_FOLDER_MAX = 64, DIRECTORY_RENEW_ROWS = 10000, DIRECTORY_ROW_MAX = 12288 };

/* The row "counts" of DIRECTORY_META: kept with every change, read once a snapshot. */
struct directory_counts {
    uint64_t entries[ENTRY_KIND_COUNT][ENTRY_STATE_COUNT];
    uint64_t next_seq; /* of the journal */
};
uint64_t directory_counts_total(const struct directory_counts *counts);
uint64_t directory_counts_kind(const struct directory_counts *counts, enum entry_kind kind);
enum err directory_counts_read(struct store_txn *txn, struct directory_counts *out_counts);
enum err directory_counts_write(struct store_txn *txn, const struct directory_counts *counts);

/* One environment.  Readers hold references; the handle holds one on the current. */
struct directory_generation {
    struct store *store;
    uint64_t number;
    unsigned refs;   /* under the directory's lock */
    bool superseded; /* only touched on its store thread: no more edits */
    struct directory *directory;
    struct directory_generation *next_old; /* list of those replaced */
};

struct directory {
    char data_dir[STORE_PATH_MAX];
    char folder[STORE_PATH_MAX]; /* data_dir/directory */
    struct directory_options options;
    _Atomic int status;                 /* enum directory_status */
    _Atomic uint64_t generation_number; /* 0: none; a reader compares it with its own */
    _Atomic uint64_t journal_limit;     /* an import's rows will begin here: reading stops; UINT64_MAX: none */
    _Atomic uint64_t import_rows;
    pthread_mutex_t lock;                 /* guards all below */
    struct directory_generation *current; /* NULL: none is open */
    struct directory_generation *old;     /* replaced: closed and removed when nobody holds them */
    char reason[FAULT_TEXT_MAX];
    bool importing;
    directory_changed_fn changed;
    void *changed_ctx;
};

extern const struct store_table directory_tables[DIRECTORY_TABLE_COUNT];

/* directory_generation.c */
/* "gen-7" */
void directory_generation_name(uint64_t number, const char *suffix, char out_name[DIRECTORY_FOLDER_MAX]);
/* Opens (or makes) the environment in `path`, without a thread. */
enum err directory_store_open(const struct directory *directory, const char *path, bool create,
                              struct directory_generation *tick_for, struct store **out_store, struct fault *fault);
/* What the file `current` says.  ERR_NOT_FOUND: no directory; ERR_CORRUPT. */
enum err directory_current_read(const char *folder, uint64_t *out_number, struct fault *fault);
enum err directory_current_write(const char *folder, uint64_t number);
/* Removes every generation and half-built one but `number`. */
void directory_leftovers_remove(const char *folder, uint64_t number);
/* Opens generation `number` and starts its thread; not yet anybody's current. */
enum err directory_generation_open(struct directory *directory, uint64_t number,
                                   struct directory_generation **out_generation, struct fault *fault);
/* Makes `generation` the current one; the one before becomes old. Sets the status from its content. */
void directory_generation_install(struct directory *directory, struct directory_generation *generation);
/* The current one with a reference, NULL when there is none. */
struct directory_generation *directory_generation_ref(struct directory *directory);
void directory_generation_unref(struct directory_generation *generation);
/* Closes and removes old generations that nobody holds.  Not on a worker. */
void directory_sweep(struct directory *directory);
/* Counts by a snapshot of its own. */
enum err directory_generation_counts(struct directory_generation *generation, struct directory_counts *out_counts);
/* After a change that may have made the directory empty or no longer empty, and when an import begins or ends: reads the
 * counts and sets EMPTY, IMPORTING or READABLE. */
void directory_status_refresh(struct directory *directory);
void directory_tell_changed(struct directory *directory);

/* directory_seek.c */
/* The entry at or after `name`.  OK: *out_record, and whether it is the very one; when it is not, the entry before was
 * read too and is sound and in order, so the absence is proven.  ERR_NOT_FOUND: proven, and nothing comes after.  Any other
 * error: nothing is known. */
enum err directory_seek(struct store_cursor *cursor, struct span name, struct entry_record *out_record,
                        bool *out_exact);
/* Exactly this entry; ERR_NOT_FOUND is proven. */
enum err directory_seek_exact(struct store_cursor *cursor, struct span name, struct entry_record *out_record);

/* directory_range.c: ranges nest or are apart; each knows the next wider one around it. */
enum { DIRECTORY_RANGE_DEPTH = 64 };
/* The narrowest range that holds the number.  ERR_NOT_FOUND: none, proven. */
enum err directory_range_find(struct store_cursor *cursor, unsigned digits, uint64_t number,
                              struct entry_record *out_record);
/* For a new range in an edit: finds its parent and makes it the parent of those inside.  ERR_CONFLICT: overlaps
 * *out_other without lying inside or around it; ERR_UNSUPPORTED: nested too deep. */
enum err directory_range_link(struct store_txn *txn, struct entry_record *range, struct entry_name *out_other);
/* For a range about to be removed: those inside get its parent. */
enum err directory_range_unlink(struct store_txn *txn, const struct entry_record *range);
/* Sets every range's parent, for an import: `table` of a write transaction.  Errors as directory_range_link. */
enum err directory_range_link_all(struct store_txn *txn, struct entry_name *out_one, struct entry_name *out_other);

/* directory_apply.c: one change inside a write transaction. */
struct directory_apply {
    const struct directory_change *change; /* checked by directory_change_check() */
    const struct entry_name *name;
    int64_t now_ms;
    uint64_t journal_cap;
};
/* Everything that can be said without looking: lengths, characters, which fields belong to which change. */
enum err directory_change_check(const struct directory_change *change, int64_t now_ms, struct entry_name *out_name,
                                struct fault *fault);
/* Does it.  Returns a store's error (the transaction is spoiled), else OK and what became of the change in *out_result, which
 * is an error only if nothing was written. */
enum err directory_apply(struct store_txn *txn, const struct directory_apply *apply, struct directory_counts *counts,
                         struct directory_edit_result *out_result);
/* Puts (`after`) or removes (NULL) the entry `name`, keeps ranges and counts right; writes neither counts nor journal.
 * `before` is what is there, or NULL; its spans may be dead afterwards.  ERR_CONFLICT: a range that
 * overlaps *out_other; ERR_UNSUPPORTED: nested too deep; nothing was written then. */
enum err directory_put(struct store_txn *txn, struct span name, const struct entry_record *before,
                       struct entry_record *after, struct directory_counts *counts, struct entry_name *out_other);

/* directory_journal.c */
enum err directory_row_encode(const struct directory_row *row, char out_value[DIRECTORY_ROW_MAX], size_t *out_len);
/* `seq` is the row's key.  ERR_CORRUPT. */
enum err directory_row_decode(uint64_t seq, struct span value, struct directory_row *out_row);
/* Appends an encoded row under counts->next_seq, which moves on, and trims at most two old ones. */
enum err directory_journal_put(struct store_txn *txn, struct directory_counts *counts, struct span value,
                               uint64_t journal_cap);
/* Encodes `row` (its seq is set here) and appends it. */
enum err directory_journal_append(struct store_txn *txn, struct directory_counts *counts, struct directory_row *row,
                                  uint64_t journal_cap);
enum err directory_journal_get(struct store_txn *txn, uint64_t seq, struct directory_row *out_row);
