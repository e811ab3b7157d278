/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as the engine asks it.  One thread. */
#pragma once

#include "directory/directory_reader.h"
#include "engine/engine_core.h"

struct daemon_lookup {
    struct directory *directory;       /* NULL: no data folder */
    struct directory_reader *reader;   /* NULL: the same */
    char key_text[ENTRY_KEY_TEXT_MAX]; /* of the entry that was looked up last */
};

/* An engine_lookup's `find` with this as its ctx; what it finds stays valid until the reader's turn ends. */
enum err daemon_lookup_find(void *ctx, const struct policy_target *target, struct policy_record *out_record);
