/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a data folder: who is known here.  One handle a process; every function here is for any thread but a
 * worker's call path, which only uses directory_reader.h and directory_status().  Layout, formats and decisions: README.md
 * beside this file. */
#pragma once

#include "entry/entry_record.h"
#include <stdatomic.h>

struct directory;

struct directory_options {
    /* The daemon's way: make a handle even where there is no directory or an unreadable one (directory_status() says
     * which); a lookup fails until directory_ensure() or directory_reopen() succeeds. */
    bool lenient;
    uint64_t journal_cap; /* rows kept for history and consumers; 0: 1,000,000 */
    size_t map_bytes;     /* 0: the store's default (64 GiB of address space) */
};

/* Opens the directory of `data_dir`, whose lock (store_lock.h) the caller holds, and removes what an interrupted import
 * left.  ERR_NOT_FOUND: none was ever made; ERR_CORRUPT, ERR_IO, ERR_UNSUPPORTED (another version), ERR_BUSY: there is one, and it cannot be
 * read.  With `lenient` only ERR_NOMEM and ERR_TOO_LONG (path).  Not before fork(). */
MUST_CHECK enum err directory_open(const char *data_dir, const struct directory_options *options,
                                   struct directory **out_directory, struct fault *fault);
/* All readers must be closed.  Waits for edits on their way.  NULL is fine. */
void directory_close(struct directory *directory);
/* Makes an empty directory on disk, whole or not at all.  ERR_EXISTS. */
MUST_CHECK enum err directory_create(const char *data_dir, struct fault *fault);
/* On a lenient handle: makes the directory where none was ever made, and opens it; OK when it is open already. */
MUST_CHECK enum err directory_ensure(struct directory *directory, struct fault *fault);
/* On a lenient handle: tries again to open. OK when it is open already. */
MUST_CHECK enum err directory_reopen(struct directory *directory, struct fault *fault);

enum directory_status {
    DIRECTORY_NEVER_MADE, /* policies that do not ask it run as they are */
    DIRECTORY_READABLE,
    DIRECTORY_EMPTY,     /* it holds nobody: emptied, or not filled yet: 503 */
    DIRECTORY_IMPORTING, /* its first content is on the way: 503 */
    DIRECTORY_UNREADABLE /* damaged, or of another version: 503 */
};
/* One atomic read; the call path may ask.  A damage that a lookup meets is that lookup's error, not this one's. */
enum directory_status directory_status(const struct directory *directory);
/* "never made", "readable", ... */
const char *directory_status_text(enum directory_status status);

struct directory_info {
    enum directory_status status;
    char reason[FAULT_TEXT_MAX]; /* UNREADABLE: why */
    uint64_t generation;         /* counts imports and compactions */
    uint64_t counts[ENTRY_KIND_COUNT][ENTRY_STATE_COUNT];
    uint64_t total;
    uint64_t journal_first, journal_last; /* sequence numbers kept; last 0: none */
    uint64_t file_bytes, used_bytes;
    unsigned old_generations; /* replaced, but still read by somebody */
    bool importing;           /* an import or compaction is at work */
    uint64_t import_rows;     /* its progress */
};
/* For status pages: takes a snapshot of its own. */
MUST_CHECK enum err directory_info(struct directory *directory, struct directory_info *out_info);
/* Brings the file into memory and maps it, until *stop; returns for how many bytes.  For a thread of its own. */
size_t directory_warm(struct directory *directory, const atomic_bool *stop);
