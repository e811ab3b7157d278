/* SPDX-License-Identifier: Apache-2.0 */
/* What the control API asks of the engine, as a table of functions, so that it is tested without one. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

struct directory;
struct release_report;
struct release_request;

struct admin_world {
    void *ctx;
    /* Runs fn(arg) on the control thread and waits for its end; ERR_CLOSED when the engine is going (fn does not run). */
    enum err (*control)(void *ctx, void (*fn)(void *arg), void *arg);

    /* These are only called inside of `control`.  The first two fill *out_report in any case; release_report_done() it. */
    enum err (*reload)(void *ctx, const struct release_request *request, struct release_report *out_report);
    /* Loads the certificates again, all or none. */
    enum err (*certificates)(void *ctx, struct fault *fault);
    enum err (*rollback)(void *ctx, struct release_report *out_report);
    enum err (*shadow_cancel)(void *ctx);                         /* ERR_NOT_FOUND: none is going */
    void (*trial)(void *ctx, bool probation, struct buffer *out); /* a JSON object: the shadow, or the probation */
    void (*versions)(void *ctx, struct buffer *out);              /* a JSON array */
    void (*status)(void *ctx, struct buffer *out);                /* a JSON object */
    void (*drain)(void *ctx, bool on);
    void (*calls)(void *ctx, size_t limit, struct buffer *out);           /* a JSON object */
    enum err (*call)(void *ctx, struct span call_id, struct buffer *out); /* one; ERR_NOT_FOUND: nothing is known */
    /* Those to one user, or, where `aor` is empty, to all; a JSON object. */
    void (*subscriptions)(void *ctx, struct span aor, size_t limit, struct buffer *out);
    void (*peers)(void *ctx, struct buffer *out); /* one */
    /* One; ERR_INVALID: `aor` is no address of ours (empty: all users). */
    enum err (*bindings)(void *ctx, struct span aor, size_t limit, struct buffer *out);

    /* These are called on any thread, and never wait for the control thread. */
    struct directory *(*directory)(void *ctx); /* NULL where none was ever made */
    void (*metrics)(void *ctx, struct buffer *out);
    enum err (*ban)(void *ctx, struct span address, int64_t until_ms, struct span note);
    enum err (*unban)(void *ctx, struct span address);
    void (*bans)(void *ctx, struct buffer *out); /* a JSON object */
};
