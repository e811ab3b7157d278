/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups on the call path: one reader a thread, no locks, no allocation.  A change that was acknowledged before a turn's
 * first lookup is seen by it. */
#pragma once

#include "directory/directory.h"

struct directory_reader;

/* Never fails but for ERR_NOMEM and ERR_FULL: where there is no readable directory, lookups say so. */
MUST_CHECK enum err directory_reader_open(struct directory *directory, struct directory_reader **out_reader);
void directory_reader_close(struct directory_reader *reader);

/* Whom to look for; an empty span is not asked for.  Normalised as the engine's req.target is: the user's escapes
 * decoded; host and domain in lower case (folded again here); the number's digits, "+" or not.  */
struct directory_key {
    struct span aor_user, aor_host; /* account: both */
    struct span number;             /* E.164: its own entry, else the narrowest range around it */
    struct span domain;
};

/* The most specific entry: account, number, narrowest range, domain.  Spans of *out_record are valid until
 * directory_reader_turn_end().
 * ERR_NOT_FOUND: proven absent (both neighbours were read and are sound).  Everything else means that nothing is known,
 * so 503 and never 404 or 410: ERR_AGAIN (never made, empty, or its first import under way), ERR_CORRUPT, ERR_IO, ERR_FULL
 * (no reader slot).  A key too long for the store cannot be in it: ERR_NOT_FOUND. */
MUST_CHECK enum err directory_lookup(struct directory_reader *reader, const struct directory_key *key,
                                     struct entry_record *out_record);
/* Exactly the entry of this name, as a command shows it.  Errors as directory_lookup. */
MUST_CHECK enum err directory_find(struct directory_reader *reader, const struct entry_name *name,
                                   struct entry_record *out_record);
/* To call at the end of every turn of the loop, and on every worker once after an import, so that the old file
 * can go: gives the snapshot back, and leaves a generation that was replaced. */
void directory_reader_turn_end(struct directory_reader *reader);
