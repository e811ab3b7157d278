/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder only: building a new generation beside the one in use, and switching to it.  One thread builds; edits go
 * on in the old generation and are replayed from its journal. */
#pragma once

#include "directory/directory_import.h"
#include "directory/directory_priv.h"

enum { DIRECTORY_COMMIT_ROWS = 25000 };

struct directory_build {
    struct directory *directory;
    struct directory_generation *old;   /* a reference */
    struct directory_generation *fresh; /* ours until the switch */
    char path[STORE_PATH_MAX];          /* gen-N.new */
    struct store_txn *txn;              /* on the new one; open until the switch */
    uint64_t uncommitted;
    struct directory_counts counts; /* of the new one */
    struct store_reader *reader;    /* on the old one, renewed every 10,000 rows */
    struct store_txn *old_txn;
    struct store_cursor *old_records;
    bool old_walking;                /* the cursor is where directory_build_old_next left it */
    uint64_t old_rows;               /* since the last renewal */
    uint64_t carried;                /* the last journal row that is in the new one */
    uint64_t replay_after;           /* rows above are changes that the new one does not have */
    uint64_t reserved, reserved_end; /* numbers for an import's own rows: [reserved, reserved_end) */
    bool switched;
    directory_progress_fn progress;
    void *progress_ctx;
    void (*step_fn)(void *ctx, const char *step);
    void *step_ctx;
    struct fault *fault;
};

/* Claims the right to build (ERR_BUSY), references the old generation and notes its journal's position.  On an error
 * directory_build_end() is still to be called. */
enum err directory_build_begin(struct directory *directory, struct directory_build *build);
/* Opens the new generation: empty, or a compacted copy of the old. */
enum err directory_build_open(struct directory_build *build, bool copy);
/* One more row was written: commits now and then. */
enum err directory_build_wrote(struct directory_build *build);
/* An entry of the old generation; ERR_NOT_FOUND is proven.  Spans live until the next call. */
enum err directory_build_old(struct directory_build *build, struct span name, struct entry_record *out_record);
/* The old generation's entry after `name` (empty: the first).  ERR_NOT_FOUND: no more. */
enum err directory_build_old_next(struct directory_build *build, struct entry_name *io_name,
                                  struct entry_record *out_record);
/* Journal rows of the old generation up to `last` into the new one, and the changes that it does not have yet. */
enum err directory_build_carry(struct directory_build *build, uint64_t last);
/* The old journal's last number now. */
enum err directory_build_last(struct directory_build *build, uint64_t *out_seq);
/* Keeps `count` numbers of the journal free for rows of our own; consumers stop before them until the switch. */
enum err directory_build_reserve(struct directory_build *build, uint64_t count);
/* Carries what is left, and makes the new generation the current one, on disk and in memory. */
enum err directory_build_switch(struct directory_build *build);
/* Ends it, however far it came: without a switch the old generation stays, and what was built is removed. */
void directory_build_end(struct directory_build *build);

static inline void directory_build_step(const struct directory_build *build, const char *step)
{
    if (build->step_fn)
        build->step_fn(build->step_ctx, step);
}
/* ERR_CLOSED: cancelled. */
static inline enum err directory_build_progress(const struct directory_build *build, enum directory_phase phase,
                                                uint64_t rows)
{
    return build->progress && !build->progress(build->progress_ctx, phase, rows) ? ERR_CLOSED : OK;
}
