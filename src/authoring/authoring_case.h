/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of test.lua: read from its table, made into a message, held against what came of it. */
#pragma once

#include "authoring/authoring_test.h"
#include "util/buffer.h"

struct lua_State;

enum { CASE_BYTES_MAX = 65535, CASE_TIMES_MAX = 100000, CASE_LINES_MAX = 8192 };

struct authoring_case {
    struct authoring_test_case test;
    unsigned times;  /* how often the request is sent; the last answer counts */
    unsigned number; /* of the case, from 1 */
    char bytes[CASE_BYTES_MAX];
    char lines[CASE_LINES_MAX]; /* in_call's header fields */
    char problem[256];          /* why the entry is no case */
};

/* Reads the entry at `index` (absolute, a table), inside a protected call.  False with `problem` set when it is wrong. */
bool authoring_case_read(struct authoring_case *test, struct lua_State *L, int index);
/* Writes the message of the `round`-th sending (from 1): each has its own Call-ID and branch.  Same rules. */
bool authoring_case_message(struct authoring_case *test, struct lua_State *L, int index, unsigned round);
/* Holds the entry's `expect` against `got`; writes each difference into `out`, nothing when all is as expected.  False
 * with `problem` set when `expect` itself is wrong. */
bool authoring_case_compare(struct authoring_case *test, struct lua_State *L, int index,
                            const struct authoring_test_got *got, struct buffer *out);
