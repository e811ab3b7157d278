/* SPDX-License-Identifier: Apache-2.0 */
/* Looking after the file: verify, backup, compact. */
#pragma once

#include "directory/directory_import.h"

struct directory_verify_result {
    uint64_t records;
    uint64_t journal_rows;
    uint64_t damaged;           /* records or rows whose checksum or form is wrong, or which are out of order */
    char first[FAULT_TEXT_MAX]; /* the first damage, readable */
};
/* Reads everything: checksums, order, counts, ranges and their parents, journal.  ERR_CORRUPT when something is wrong;
 * *out_result is written then too. */
MUST_CHECK enum err directory_verify(struct directory *directory, directory_progress_fn progress, void *progress_ctx,
                                     struct directory_verify_result *out_result);
/* A consistent copy as a data folder of its own: `verdict run --data FOLDER` reads it.  `folder` must not hold a directory. */
MUST_CHECK enum err directory_backup(struct directory *directory, const char *folder, struct fault *fault);
/* Builds a new generation without free pages and switches to it.  ERR_BUSY beside an import. */
MUST_CHECK enum err directory_compact(struct directory *directory, uint64_t *out_bytes_before,
                                      uint64_t *out_bytes_after, struct fault *fault);
