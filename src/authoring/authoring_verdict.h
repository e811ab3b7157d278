/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts as they are written in a script, `gone { q850 = 1 }`: what a function returns is seen by no schema before a
 * request makes it run. */
#pragma once

#include "authoring/authoring_scan.h"
#include "policy/policy_decision.h"

struct authoring_verdict {
    enum policy_verdict verdict;
    struct authoring_token name; /* where it begins */
    bool in_code;                /* behind `return`, `and`, `or`: no rule's own, which the schema knows */
    bool has_evidence;
    int code; /* its status, 0: not known here */
    int q850; /* 0: none is written */
    struct authoring_token q850_at;
};

typedef void (*authoring_verdict_fn)(void *ctx, const struct authoring_verdict *verdict);
/* A field of such a table, in the order of the source, before its verdict. */
typedef void (*authoring_verdict_field_fn)(void *ctx, enum policy_verdict verdict, const struct authoring_token *field);

void authoring_verdict_walk(struct span source, authoring_verdict_fn found, authoring_verdict_field_fn field,
                            void *ctx);
