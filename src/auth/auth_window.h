/* SPDX-License-Identifier: Apache-2.0 */
/* Which nonce counts were used (RFC 7616 3.4, `nc`): a table of fixed size, shared by all workers, one atomic word a nonce,
 * no lock.  Only a right response ever takes a place in it. */
#pragma once

#include "auth/auth_nonce.h"
#include "util/err.h"

enum {
    AUTH_WINDOW_LATE = 16,      /* a count that comes late may be so far behind the highest */
    AUTH_WINDOW_COUNT = 0xffff, /* a nonce is good for so many requests */
    AUTH_WINDOW_TTL_MAX_S = 3600
};

struct auth_window;

/* `places` is rounded up to a power of two of at least 64; nonces older than `ttl_ms` are forgotten. */
MUST_CHECK enum err auth_window_new(uint32_t places, uint32_t ttl_ms, struct auth_window **out_window);
void auth_window_free(struct auth_window *window); /* NULL is fine */

enum auth_use {
    AUTH_USE_FIRST,  /* of this count: noted */
    AUTH_USE_AGAIN,  /* it was used, or lies so far behind the highest one that nobody knows any more */
    AUTH_USE_SPENT,  /* beyond AUTH_WINDOW_COUNT */
    AUTH_USE_NO_ROOM /* a first use of this nonce, and its bucket is full of others that live: nothing is noted, so it
                      * must not be accepted */
};
/* Notes the use of `count` (1 or more) of a nonce whose response was right.  Any thread. */
enum auth_use auth_window_use(struct auth_window *window, const struct auth_nonce *nonce, uint32_t count,
                              int64_t now_ms);
