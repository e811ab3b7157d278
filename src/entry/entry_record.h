/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the directory as plain data, and its form in the store: a fixed head, then tagged fields, so that later
 * versions can add some; a checksum over key and value. */
#pragma once

#include "entry/entry_name.h"
#include "util/digest.h"

/* Two ends that are never confused: SUSPENDED is for now, GONE is for ever. */
enum entry_state {
    ENTRY_ACTIVE,
    ENTRY_SUSPENDED, /* known, not now: 480, never 410 */
    ENTRY_MOVED,     /* `forward` says where */
    ENTRY_GONE,      /* a tombstone */
    ENTRY_STATE_COUNT
};

enum { ENTRY_TEXT_MAX = 1024, ENTRY_VALUE_MAX = 4096 };
/* What may be asked for; a record may hold up to ENTRY_TEXT_MAX. */
enum { ENTRY_BY_MAX = 128, ENTRY_NOTE_MAX = 512, ENTRY_FORWARD_MAX = 512 };

struct entry_record {
    enum entry_kind kind;
    enum entry_state state;
    uint16_t cause;            /* Q.850 cause, 1-127; 0: not known */
    int64_t since_ms;          /* Unix time at which the state began */
    int64_t reassign_after_ms; /* Unix time after which a gone entry may be given out again; 0: not said */
    uint64_t seq;              /* the journal row of its last change; 0: loaded by a first import */
    struct span name;          /* its key in the store's form; entry_name_text() makes it readable */
    struct span forward;       /* MOVED: a URI, else empty */
    struct span by;            /* who made the last change */
    struct span note;
    uint64_t range_from, range_to;   /* RANGE: inclusive, without "+" */
    uint64_t parent_from, parent_to; /* RANGE: the next wider range around it; 0, 0: none */
    /* H(user:realm:password) of an account, binary, for each algorithm that it is known for, else empty.  No part of a state:
     * a change of state leaves them, and what tells of an entry (journal, show, export) leaves them out. */
    struct span ha1[DIGEST_KIND_COUNT];
    struct span more; /* tagged fields of a later version, kept as they are */
};

/* "active", "suspended", "moved", "gone". */
const char *entry_state_text(enum entry_state state);
bool entry_state_parse(struct span text, enum entry_state *out_state);

/* Encodes all but kind, name and range bounds (they are the key) for storage under `name`.  ERR_TOO_LONG. */
MUST_CHECK enum err entry_record_encode(const struct entry_record *record, struct span name,
                                        char out_value[ENTRY_VALUE_MAX], size_t *out_len);
/* Checks and decodes; spans point into `name` and `value`.  ERR_CORRUPT. */
MUST_CHECK enum err entry_record_decode(struct span name, struct span value, struct entry_record *out_record);
bool entry_record_has_password(const struct entry_record *record);
/* Whether each is empty or as long as its algorithm makes them. */
bool entry_ha1s_fit(const struct span ha1[DIGEST_KIND_COUNT]);
/* Whether both say the same about the entry (seq and parents aside). */
bool entry_record_same(const struct entry_record *a, const struct entry_record *b);

/* What can be said of an entry that somebody asks for without looking at what is there: its texts' lengths and characters, and
 * which fields belong to which state.  ERR_INVALID, with what was expected in `fault`. */
MUST_CHECK enum err entry_check(const struct entry_record *record, int64_t now_ms, struct fault *fault);
bool entry_forward_is_fine(struct span forward);
