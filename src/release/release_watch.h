/* SPDX-License-Identifier: Apache-2.0 */
/* When a touched policy is worth loading: pure, with the time coming in.  A save is many events (write, rename, chmod), and
 * may be half done when the first arrives; so a load waits until nothing was touched for a while and the files looked the
 * same at both ends of that while.  worker/worker_watch.h brings the events and the timer. */
#pragma once

#include "util/err.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    RELEASE_QUIET_MS = 100,     /* from the last event to the first look, and from there to the second one */
    RELEASE_PATIENCE_MS = 5000, /* events put off a look no longer than this */
    RELEASE_POLL_MS = 5000,     /* a look without any event: a network folder, a link's target, lost events */
    RELEASE_BLIND_MS = 1000     /* the same where the system gives no events at all */
};

struct release_watch {
    uint64_t seen;     /* fingerprint of what was last loaded */
    uint64_t pending;  /* fingerprint at the last look */
    uint64_t due_ms;   /* the next look */
    uint64_t since_ms; /* restless: the first event */
    bool restless;     /* something was touched, or looks different, and is not loaded yet */
    bool blind;
};

/* `fingerprint` is what the files look like as they were loaded. */
void release_watch_init(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);
/* The system reported a change at or below the path. */
void release_watch_touched(struct release_watch *watch, uint64_t now_ms);
/* Whether the system gives no events. */
void release_watch_set_blind(struct release_watch *watch, bool blind, uint64_t now_ms);
/* When release_watch_look() is to be called next, on the clock of `now_ms`. */
uint64_t release_watch_due_ms(const struct release_watch *watch);
/* A look at the files, when due: true says "load now"; the caller loads and tells release_watch_loaded(). */
bool release_watch_look(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);
/* Something was loaded (or refused), and the files look like `fingerprint` now.  False when that is not what they looked like
 * at the last look: they are looked at again. */
bool release_watch_loaded(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms);

/* What the files at `path` (a folder, or one file) look like: names, inodes, sizes, times of change.  A path that cannot be
 * read has a fingerprint of its own. */
uint64_t release_fingerprint(const char *path);
