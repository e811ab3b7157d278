/* SPDX-License-Identifier: Apache-2.0 */
/* Changing single entries.  Each change is checked, done together with its journal row, and on disk before the caller
 * hears of it. */
#pragma once

#include "directory/directory_journal.h"

enum { DIRECTORY_EDITS_MAX = 1000 };

/* What is asked.  Which state allows which change is one table in directory_apply.c. */
struct directory_change {
    enum directory_op op;   /* ADD ... REMOVE, PASSWD */
    struct span key;        /* as a human writes it (entry_name_parse) */
    enum entry_kind kind;   /* ENTRY_KIND_COUNT: by the key's form; mind that 0 is ENTRY_ACCOUNT */
    enum entry_state state; /* ADD: the state to begin in */
    struct span forward;    /* MOVE, ADD moved: a sip:, sips: or tel: URI */
    struct span by;         /* who; empty: "unknown" */
    struct span note;
    int64_t since_ms;          /* 0: now */
    int64_t reassign_after_ms; /* RETIRE, ADD gone; 0: not said */
    uint16_t cause;            /* RETIRE, ADD gone: Q.850, 1-127; 0: not known */
    bool force;                /* ADD over a tombstone that may not be reassigned yet */
    struct span
        ha1[DIGEST_KIND_COUNT]; /* PASSWD, of an account: those to keep, binary; empty: none for this algorithm */
};

/* Does it and waits until it is durable.  *out_seq (may be NULL) is its journal row.  ERR_INVALID: `fault` says what was expected;
 * ERR_EXISTS, ERR_NOT_FOUND; ERR_CONFLICT: the entry's state does not allow it; ERR_AGAIN: no directory to change (never made);
 * ERR_FULL, ERR_IO, ERR_CORRUPT: it cannot be stored, nothing changed.  Any thread that may wait; never a worker. */
MUST_CHECK enum err directory_edit(struct directory *directory, const struct directory_change *change,
                                   uint64_t *out_seq, struct fault *fault);

struct directory_edit_result {
    enum err err;
    uint64_t seq;
    char text[160]; /* why not */
};
/* Up to DIRECTORY_EDITS_MAX changes with one wait; each stands for itself and has its result.  OK even if some
 * failed (out_failed counts them); an error when none could be tried. */
MUST_CHECK enum err directory_edit_many(struct directory *directory, const struct directory_change *changes,
                                        size_t count, struct directory_edit_result *out_results, size_t *out_failed);
