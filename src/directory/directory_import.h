/* SPDX-License-Identifier: Apache-2.0 */
/* A file of entries into the directory, whole or not at all: builds a new generation beside the one in use, replays the
 * edits made meanwhile, then switches.  Readers see the one or the other. */
#pragma once

#include "directory/directory_journal.h"
#include "entry/entry_input.h"

/* Where an import stands. Returning false cancels (ERR_CLOSED) unless it is past the switch. */
enum directory_phase {
    DIRECTORY_PHASE_READ,    /* rows of the file */
    DIRECTORY_PHASE_COMPARE, /* entries of the present directory */
    DIRECTORY_PHASE_JOURNAL, /* journal rows carried over */
    DIRECTORY_PHASE_REPLAY,
    DIRECTORY_PHASE_SWITCH
};
typedef bool (*directory_progress_fn)(void *ctx, enum directory_phase phase, uint64_t rows);

struct directory_import_options {
    enum entry_format format;
    bool merge;   /* entries that the file does not name stay; else they are removed: the file is the directory */
    bool dry_run; /* reads, checks and counts, changes nothing */
    bool force;   /* allow to remove or retire more than 5 % of the entries */
    struct span by;
    const char *file;               /* a name for messages, may be NULL */
    int64_t now_ms;                 /* for rows without `since`; 0: the system's clock */
    directory_progress_fn progress; /* about every 10,000 rows; may be NULL */
    void *progress_ctx;
    /* For tests: called with the name of each step on disk before it is done. */
    void (*step_fn)(void *ctx, const char *step);
    void *step_ctx;
};

struct directory_import_result {
    uint64_t rows; /* read */
    uint64_t added;
    uint64_t changed;
    uint64_t unchanged;
    uint64_t removed;       /* not named by the file (not with `merge`) */
    uint64_t retired;       /* of those changed: became gone */
    uint64_t before, after; /* entries */
    uint64_t generation;    /* the new one; 0: dry run */
    double seconds;
};

/* Needs an open directory (directory_ensure() makes one).  ERR_SYNTAX and ERR_INVALID: `fault` has the line and what was expected;
 * ERR_EXISTS: a key twice in the file; ERR_DENIED: too many would be removed or retired (out_result is filled);
 * ERR_BUSY: another import or compaction is at work; ERR_FULL, ERR_IO: disk.  On any error the directory is as it was.
 * *out_result is written on OK and ERR_DENIED. */
MUST_CHECK enum err directory_import(struct directory *directory, const struct directory_import_options *options,
                                     entry_read_fn read, void *read_ctx, struct directory_import_result *out_result,
                                     struct fault *fault);
