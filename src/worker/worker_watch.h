/* SPDX-License-Identifier: Apache-2.0 */
/* Watches one path on a loop of libuv: events of the system, and a timer whose next moment the watcher's function gives.
 * What an event is worth is not decided here (release/release_watch.h). */
#pragma once

#include "util/err.h"
#include <stdint.h>
#include <uv.h>

struct worker_watch;

enum worker_watch_reason {
    WORKER_WATCH_TOUCHED, /* something at or below the path changed */
    WORKER_WATCH_TIMER,   /* the time that was asked for has come */
    WORKER_WATCH_BLIND,   /* the system gives no events (any more): only the timer is left */
    WORKER_WATCH_SIGHTED, /* it gives them (again) */
};

/* Returns in how many milliseconds it wants to be called with WORKER_WATCH_TIMER; a later call replaces the wish.
 * Runs on the loop's thread; it may call worker_watch_set_path, not worker_watch_close. */
typedef uint64_t (*worker_watch_fn)(void *ctx, enum worker_watch_reason reason);

/* Starts to watch `path`, a folder or a file, which need not exist (yet).  A folder that is replaced, or a file saved by
 * a rename, is watched again by itself.  `fn` is called first from the loop.  ERR_NOMEM, ERR_TOO_LONG. */
MUST_CHECK enum err worker_watch_new(uv_loop_t *loop, const char *path, worker_watch_fn fn, void *ctx,
                                     struct worker_watch **out_watch);
/* Watches another path from now on. */
MUST_CHECK enum err worker_watch_set_path(struct worker_watch *watch, const char *path);
/* Stops; the memory goes once the loop has closed the handles.  `fn` is not called again.  NULL is fine. */
void worker_watch_close(struct worker_watch *watch);
