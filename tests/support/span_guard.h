/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a check with its input against an unreadable page, behind its end and before its beginning. */
#pragma once

#include "support/page_guard.h"

enum { GUARD_ROOM = 1 << 17 };

typedef void (*guard_fn)(void *ctx, struct span input);

static inline void guard_both(struct span input, guard_fn check, void *ctx)
{
    struct page_guard guard = page_guard_new(input.len > GUARD_ROOM ? input.len : GUARD_ROOM);
    check(ctx, page_guard_put(&guard, input));
    check(ctx, page_guard_put_begin(&guard, input));
    page_guard_done(&guard);
}

#define assert_span(got, text)                                                                                         \
    do {                                                                                                               \
        struct span assert_got_ = (got), assert_want_ = span_of(text);                                                 \
        if (!span_equal(assert_got_, assert_want_))                                                                    \
            fail_msg("got \"%.*s\", want \"%.*s\"", SPAN_ARG(assert_got_), SPAN_ARG(assert_want_));                    \
    } while (0)
