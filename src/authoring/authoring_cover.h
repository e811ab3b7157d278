/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that are never reached, and verdicts that nothing supports. */
#pragma once

#include "policy/policy_match.h"

/* Whether `earlier` holds for every request for which `later` does, as far as that shows in how they are written: the same
 * conditions or fewer, the same values or more. */
bool authoring_cover_when(const struct policy_when *earlier, const struct policy_when *later);
