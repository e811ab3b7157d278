/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder only: an import at work, from rows to records of the new generation. */
#pragma once

#include "directory/directory_build.h"
#include "entry/entry_input.h"

enum { DIRECTORY_CHUNK_BYTES = 192 << 20, DIRECTORY_CHUNK_ROWS = 1500000 };

struct directory_load_row;

struct directory_load {
    struct directory_build *build;
    const struct directory_import_options *options;
    struct directory_import_result *result;
    struct fault *fault;
    struct entry_input *input;
    int64_t now_ms;
    struct span by;
    struct arena arena; /* rows of the present chunk */
    struct directory_load_row **rows;
    size_t row_count;
    struct entry_name last; /* the greatest name written: greater ones are appended */
};

/* Reads the whole file into the new generation: in chunks of up to DIRECTORY_CHUNK_ROWS rows, each sorted, so that a usual file
 * is appended in order. */
enum err directory_load_file(struct directory_load *load);
/* What the file does not name: kept (merge) or counted and noted as removed. */
enum err directory_load_rest(struct directory_load *load);
/* Writes an import's own rows under the numbers that were reserved for them. */
enum err directory_load_journal(struct directory_load *load);
