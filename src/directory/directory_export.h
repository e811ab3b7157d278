/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as a file that directory_import() reads back, and one entry as JSON. */
#pragma once

#include "directory/directory_import.h"
#include "util/json.h"

/* Takes the next bytes; an error stops the export and is its error. */
typedef enum err (*directory_write_fn)(void *ctx, struct span bytes);

struct directory_export_options {
    enum entry_format format;
    bool passwords; /* with HA1s: whoever has them can authenticate as these users, in this realm */
};
/* All entries in the store's order (accounts, numbers, ranges, domains).  Its snapshot is renewed every 10,000 rows, so an entry that is
 * edited meanwhile appears in one of its states, and no edit has to wait. */
MUST_CHECK enum err directory_export(struct directory *directory, const struct directory_export_options *options,
                                     directory_write_fn write, void *write_ctx, uint64_t *out_rows);
/* A directory_write_fn over a file descriptor (ctx: int *). */
MUST_CHECK enum err directory_write_fd(void *ctx, struct span bytes);
/* A journal row as a whole JSON object: seq, when, by, op, key, before, after. */
void directory_row_json(const struct directory_row *row, struct json *json);
