/* SPDX-License-Identifier: Apache-2.0 */
/* Lua's patterns (manual, 6.4.1), each step of a match charged: a pattern that goes back over its subject again and again
 * runs out of fuel instead of holding the thread. */
#pragma once

#include "vm/vm_priv.h"

enum { VM_PATTERN_CAPTURES = 32 };

struct vm_capture {
    const char *at;
    ptrdiff_t len; /* or one of the two below */
};

enum { VM_CAPTURE_OPEN = -1, VM_CAPTURE_POSITION = -2 };

struct vm_pattern {
    lua_State *state;
    const char *subject;
    const char *subject_end;
    const char *pattern_end;
    int depth; /* levels of recursion left */
    int fuel;  /* steps drawn from the VM and not used yet */
    int level; /* captures begun */
    struct vm_capture captures[VM_PATTERN_CAPTURES];
};

void vm_pattern_init(struct vm_pattern *match, lua_State *state, struct span subject, struct span pattern);
/* Matches `pattern` (without its anchor) at `at`; the end of the match, or NULL.  Raises on a malformed pattern. */
const char *vm_pattern_match(struct vm_pattern *match, const char *at, const char *pattern);
/* Gives back the steps that were drawn and not used, so that fuel is exact.  Nothing may be matched after. */
void vm_pattern_done(struct vm_pattern *match);
/* Pushes capture `index`, or the whole match [at, end) where it is 0 and there are no captures. */
void vm_pattern_push_capture(struct vm_pattern *match, int index, const char *at, const char *end);
/* Pushes all captures, or the whole match where there are none and `at` is not NULL; returns how many. */
int vm_pattern_push_captures(struct vm_pattern *match, const char *at, const char *end);
