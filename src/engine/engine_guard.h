/* SPDX-License-Identifier: Apache-2.0 */
/* The 410 guard: a script decides, but it cannot contradict what is known.  410 promises that somebody was here, that
 * there is no forwarding address and that it is for good (RFC 3261 21.4.10); who is told so may never come back. */
#pragma once

#include "policy/policy_decision.h"
#include <stdbool.h>

/* What is known about the target when a script says gone{}. */
struct engine_ground {
    bool unreadable;         /* there is a directory and it cannot be read */
    enum policy_state state; /* NONE: no record, or no directory was ever made */
    bool has_forward;        /* the record has a forwarding address */
    bool strict;             /* guard = "strict" */
    bool evidence_holds;     /* the evidence names a loaded data set, and the target is in it */
};

enum engine_guard_kind {
    ENGINE_GUARD_UNREADABLE,  /* 503: nothing can be known now */
    ENGINE_GUARD_KNOWN,       /* 480: the record says active or suspended; a conflict, logged */
    ENGINE_GUARD_FORWARD,     /* 301: there is a forwarding address */
    ENGINE_GUARD_TOMBSTONE,   /* 410: the directory says so too */
    ENGINE_GUARD_WORD,        /* 410: nothing is known, the script's word stands */
    ENGINE_GUARD_EVIDENCE,    /* 410: strict, and the evidence holds */
    ENGINE_GUARD_NO_EVIDENCE, /* 404: strict, and nothing supports the script */
    ENGINE_GUARD_KIND_COUNT
};

/* What becomes of gone{}: the first line of the design's list that applies. */
enum engine_guard_kind engine_guard(const struct engine_ground *ground);

/* The status that goes out, the verdict that it is, a word for logs and metrics, and whether it contradicts the script. */
struct engine_guard_result {
    int code;
    enum policy_verdict verdict;
    const char *name;
    bool conflict;
};
const struct engine_guard_result *engine_guard_result(enum engine_guard_kind kind);
