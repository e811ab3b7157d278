/* SPDX-License-Identifier: Apache-2.0 */
/* The exclusive lock on a data folder: DIR/verdict.lock, held by flock(2) as long as the process lives, with a line that
 * says who holds it, so that a second daemon can say so and the command line finds the control socket. */
#pragma once

#include "util/err.h"

enum { STORE_SOCKET_MAX = 256 };

struct store_lock;

/* Who holds a lock. */
struct store_holder {
    long pid;                              /* 0: unknown */
    char control_socket[STORE_SOCKET_MAX]; /* "" when the holder has none (a command at work) */
};

/* Takes the lock; `control_socket` may be NULL or "".  The folder is made (0700) when missing.  ERR_BUSY: held by another,
 * described in `fault` and, if not NULL, *out_holder.  ERR_INVALID: a socket path with a line feed or too long. */
MUST_CHECK enum err store_lock_take(const char *data_dir, const char *control_socket, struct store_lock **out_lock,
                                    struct store_holder *out_holder, struct fault *fault);
/* Writes another control socket into the lock that is held. */
MUST_CHECK enum err store_lock_set_socket(struct store_lock *lock, const char *control_socket);
void store_lock_release(struct store_lock *lock);
/* Who holds the lock of `data_dir` now: ERR_NOT_FOUND when nobody does. */
MUST_CHECK enum err store_lock_holder(const char *data_dir, struct store_holder *out_holder);
