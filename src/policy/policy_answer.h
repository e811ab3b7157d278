/* SPDX-License-Identifier: Apache-2.0 */
/* From a verdict's Lua table to a struct policy_answer: the one table of what may stand in which verdict. */
#pragma once

#include "policy/policy_priv.h"

struct policy_answer_reader {
    lua_State *L;
    struct policy_answer *answer;
    struct policy *keeper; /* texts are copied to live as long as this policy, */
    struct arena *arena;   /* or into this arena, or (both NULL) stay where Lua has them */
    char *text;            /* why it is refused */
    size_t text_cap;
};

/* Reads all fields of the table at `index` (absolute).  Raises nothing and makes nothing in Lua. */
bool policy_answer_read(struct policy_answer_reader *reader, int index);
