/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload or a rollback did, in full: the synchronous answer that section 4 of the design asks for. */
#pragma once

#include "authoring/authoring_test.h"
#include "policy/policy.h"
#include "release/release_state.h"
#include "util/err.h"

struct buffer;

/* Names, owned by the report. */
struct release_names {
    char **list;
    size_t count;
};

/* Where the time went, in microseconds. */
enum release_phase {
    RELEASE_READ,
    RELEASE_VALIDATE,
    RELEASE_TEST,
    RELEASE_STAGE,
    RELEASE_SWITCH,
    RELEASE_SAVE,
    RELEASE_PHASE_COUNT
};

struct release_report {
    bool ok;                    /* `version` decides now */
    bool unchanged;             /* the bytes are those of the active version: nothing was done */
    bool last_good;             /* the version asked for failed (`fault`), the last good one was started in its place */
    bool rolled_back;           /* a rollback */
    bool saved;                 /* kept as the last good version; else `save_fault` says why, where it was to be */
    uint64_t version;           /* that decides now; 0: none */
    uint64_t previous;          /* that decided before; 0: none */
    enum release_state reached; /* how far the new version came; ACTIVE when ok */
    char name[64];              /* the policy's */
    char hash[DIGEST_HEX_MAX];  /* of the version that was asked for; "" when it could not even be read */
    struct release_names added; /* rules */
    struct release_names removed;
    struct release_names changed;
    struct release_names kept;  /* `shared` tables that live on: same name, type and options */
    struct release_names reset; /* `shared` tables that start fresh */
    bool has_tests;
    struct authoring_test_summary tests;
    uint64_t took_us[RELEASE_PHASE_COUNT];
    uint64_t took_total_us;
    struct fault fault; /* why it failed, with file and line; err OK when it did not */
    struct fault save_fault;
    uint64_t candidate;    /* the version that decides beside the active one from now on; 0: none */
    uint32_t shadow_ms;    /* for so long */
    uint64_t against;      /* the version that this one is on probation against; 0: it is not */
    uint32_t probation_ms; /* for so long */
    char remark[512];      /* what else an operator has to hear; "" */
};

/* A report is zeroed by whoever fills it; this frees its names.  Twice is fine. */
void release_report_done(struct release_report *report);

/* Fills added, removed and changed, kept and reset from the two descriptions; `before` may be NULL (all are added). */
MUST_CHECK enum err release_report_compare(struct release_report *report, const struct policy_description *before,
                                           const struct policy_description *after);

/* One JSON object: {"ok":true,"version":7,"previous":6,"hash":"...","rules":{"added":[],"removed":[],"changed":[]},
 * "tests":{"passed":3,"failed":0},"state":{"kept":[],"reset":[]},"took_us":{"read":..,"total":..},"error":{...}}. */
void release_report_json(const struct release_report *report, struct buffer *out);
/* One line for the log: "version 7 (1a2b3c4d) active, 1 rule added, 2 changed, 3 tests passed, 12.3 ms". */
void release_report_text(const struct release_report *report, struct buffer *out);
