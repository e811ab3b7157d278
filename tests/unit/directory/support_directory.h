/* SPDX-License-Identifier: Apache-2.0 */
/* A data folder of its own for each test, and short ways to edit, look up and import. */
#pragma once

#include "directory/directory_care.h"
#include "directory/directory_edit.h"
#include "directory/directory_export.h"
#include "directory/directory_import.h"
#include "directory/directory_reader.h"

struct place {
    char path[64];
    struct directory *directory;
    struct directory_reader *reader;
};

/* With an open, empty directory and a reader. */
int place_setup(void **state);
/* With the folder alone. */
int place_setup_bare(void **state);
int place_teardown(void **state);
/* Closes what is open and opens it again; the test fails when it cannot. */
void place_reopen(struct place *place);
void place_close(struct place *place);
/* The file of the generation in use. */
void place_data_file(const struct place *place, char out_path[256]);

/* One edit; `key` and `forward` as texts. */
enum err edit(struct place *place, enum directory_op op, const char *key, const char *forward);
/* Edits that must succeed. */
void add(struct place *place, const char *key);
/* A lookup in a turn of its own: account ("alice@example.com"), number ("+1555"), or domain. */
enum err look(struct place *place, const char *what, struct entry_record *out_record);
/* The same, and its state; ENTRY_STATE_COUNT when there is none. */
enum entry_state state_of(struct place *place, const char *what);

/* Imports the text. `options` may be NULL: CSV, replace. */
enum err import_text(struct place *place, const char *text, const struct directory_import_options *options,
                     struct directory_import_result *out_result, struct fault *fault);
/* The whole directory as text, terminated; free() it. */
char *export_text(struct place *place, enum entry_format format);
