/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy's tests have reached: lines of its scripts, rules, and both sides of each condition of `when`. */
#pragma once

#include "policy/policy.h"
#include "policy/policy_trace.h"

struct buffer;
struct authoring_coverage;

/* Finds the lines of `source` that can run; ERR_SYNTAX where a script does not compile. */
MUST_CHECK enum err authoring_coverage_new(struct source *source, struct authoring_coverage **out_coverage,
                                           struct fault *fault);
void authoring_coverage_free(struct authoring_coverage *coverage); /* NULL is fine */
/* Give this to the policy before it is loaded; lives as long as the coverage. */
const struct policy_trace *authoring_coverage_trace(const struct authoring_coverage *coverage);
/* Prints a line for each of the three, and what was not reached.  Returns the per cent of all of them together, rounded
 * down: 100 means all.  `description` is of the version that was tested. */
unsigned authoring_coverage_report(const struct authoring_coverage *coverage,
                                   const struct policy_description *description, struct buffer *out);
