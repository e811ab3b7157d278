/* SPDX-License-Identifier: Apache-2.0 */
/* The debounce.  Two looks at the files, RELEASE_QUIET_MS apart and without an event in between, have to agree. */
#include "release/release_watch.h"

static void settle(struct release_watch *watch, uint64_t now_ms)
{
    watch->restless = false;
    watch->due_ms = now_ms + (watch->blind ? RELEASE_BLIND_MS : RELEASE_POLL_MS);
}

void release_watch_init(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms)
{
    *watch = (struct release_watch){.seen = fingerprint, .pending = fingerprint};
    settle(watch, now_ms);
}

void release_watch_touched(struct release_watch *watch, uint64_t now_ms)
{
    if (!watch->restless) {
        watch->restless = true;
        watch->since_ms = now_ms;
    }
    /* Something in the folder that is written without an end must not put off a load for ever. */
    if (now_ms - watch->since_ms < RELEASE_PATIENCE_MS)
        watch->due_ms = now_ms + RELEASE_QUIET_MS;
}

void release_watch_set_blind(struct release_watch *watch, bool blind, uint64_t now_ms)
{
    watch->blind = blind;
    if (!watch->restless)
        settle(watch, now_ms);
}

uint64_t release_watch_due_ms(const struct release_watch *watch)
{
    return watch->due_ms;
}

bool release_watch_look(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms)
{
    if (now_ms < watch->due_ms)
        return false;
    if (fingerprint == watch->seen) {
        watch->pending = fingerprint;
        settle(watch, now_ms);
        return false;
    }
    if (watch->restless && fingerprint == watch->pending) {
        settle(watch, now_ms);
        return true;
    }
    if (!watch->restless)
        watch->since_ms = now_ms;
    watch->restless = true;
    watch->pending = fingerprint;
    watch->due_ms = now_ms + RELEASE_QUIET_MS;
    return false;
}

bool release_watch_loaded(struct release_watch *watch, uint64_t fingerprint, uint64_t now_ms)
{
    if (fingerprint == watch->pending) {
        watch->seen = fingerprint;
        settle(watch, now_ms);
        return true;
    }
    watch->pending = fingerprint;
    watch->restless = true;
    watch->since_ms = now_ms;
    watch->due_ms = now_ms + RELEASE_QUIET_MS;
    return false;
}
