/* SPDX-License-Identifier: Apache-2.0 */
/* When a touched policy is worth loading: pure, with the time coming in.  A save is many events (write, rename, chmod), and
 * may be half done when the first arrives; so a load waits until nothing was touched for a while and the files looked the
 * same at both ends of that while.  worker/worker_watch.h brings the events and the timer. */
#pragma once

#include "util/err.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    RELEASE_QUIET_MS = 200, /* without any event before a load */
    RELEASE_POLL_MS = 5000, /* a look at the files without any event: a network folder, a link's target, lost events */
    RELEASE_BLIND_MS = 1000 /* the same where the system gives no events at all */
};

struct release_watch {
    uint64_t seen;    /* fingerprint of what was last handed out for loading */
    uint64_t pending; /* fingerprint at the last look, while something is going on */
    uint64_t due_ms;
    bool restless; /* something was touched and is not loaded yet */
    bool blind;
};

/* `fingerprint` is what the files look like as they were loaded. */
void release_watch_init(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);
/* The system reported a change at or below the path. */
void release_watch_touched(struct release_watch *watch, uint64_t now_ms);
/* Whether the system gives events. */
void release_watch_set_blind(struct release_watch *watch, bool blind, uint64_t now_ms);
/* When release_watch_look() is to be called next, on the clock of `now_ms`. */
uint64_t release_watch_due_ms(const struct release_watch *watch);
/* A look at the files, when due: true says "load now"; the caller loads and tells release_watch_loaded(). */
bool release_watch_look(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);
/* What was loaded (or refused) looked like `fingerprint` before and after it was read: true when it is the same.  When not,
 * it was read while it was being written, and is looked at again. */
bool release_watch_loaded(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);

/* What the files at `path` (a folder with everything that policy_source_read would take, or one file) look like: names,
 * inodes, sizes, times of change.  0 is never given; a path that cannot be read has a fingerprint of its own. */
uint64_t release_fingerprint(const char *path);
