/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as the engine asks it.  One thread. */
#pragma once

#include "directory/directory_reader.h"
#include "engine/engine_core.h"

struct store_lock;

struct daemon_lookup {
    struct directory *directory;       /* NULL: no data folder */
    struct directory_reader *reader;   /* NULL: the same */
    struct store_lock *lock;           /* of a folder opened by daemon_lookup_open */
    char key_text[ENTRY_KEY_TEXT_MAX]; /* of the entry that was looked up last */
};

/* Its `keys`: HA1s of the account user@realm, in whatever state it is. */
enum err daemon_lookup_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys);
/* An engine_lookup's `find` with this as its ctx; what it finds stays valid until the reader's turn ends. */
enum err daemon_lookup_find(void *ctx, const struct policy_target *target, struct policy_record *out_record);

/* The directory of a data folder that no daemon is using, for explain and replay; `lookup` comes zeroed, and is good for
 * daemon_lookup_close in any case. */
MUST_CHECK enum err daemon_lookup_open(struct daemon_lookup *lookup, const char *data, struct fault *fault);
void daemon_lookup_close(struct daemon_lookup *lookup);
/* What was found may go; without a directory there is nothing to do. */
void daemon_lookup_turn_end(struct daemon_lookup *lookup);
