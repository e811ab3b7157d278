/* SPDX-License-Identifier: Apache-2.0 */
/* The running engine: one control thread (signals, reload), N workers, the stores.  Admin and the command line reach it
 * by these functions alone. */
#pragma once

#include "engine/engine_config.h"
#include "util/buffer.h"

struct engine;
struct directory;
struct release_report;

/* Called on the control thread once everything listens (start) and before it goes (stop), so that floors above can hang
 * their own servers on the engine.  A fault from start ends the engine with its text. */
struct engine_hooks {
    void *ctx;
    enum err (*start)(void *ctx, struct engine *engine, struct fault *fault);
    void (*stop)(void *ctx);
};

/* Runs the engine in the calling thread until SIGTERM, SIGINT or engine_stop().  Returns the exit code: 0 for an orderly
 * end, 1 when it could not start (the reason is logged). */
int engine_run(const struct engine_config *config, const struct engine_hooks *hooks);

const struct engine_config *engine_configuration(const struct engine *engine);

/* Runs fn(arg) on the control thread and waits for its end.  From any other thread; ERR_CLOSED when the engine is going. */
typedef void (*engine_control_fn)(struct engine *engine, void *arg);
MUST_CHECK enum err engine_control(struct engine *engine, engine_control_fn fn, void *arg);

/* The directory, or NULL where none was ever made (it appears here once one is created). Thread-safe. */
struct directory *engine_directory(struct engine *engine);
/* Prometheus text of all metrics. Thread-safe, never waits for the control thread. */
void engine_metrics_render(struct engine *engine, struct buffer *out);

/* The following run on the control thread (through engine_control). */

/* Loads the policy again; `path` NULL: from where the active one came. */
enum err engine_reload(struct engine *engine, const char *path, struct release_report *out_report);
enum err engine_rollback(struct engine *engine, struct release_report *out_report);
struct release *engine_release(struct engine *engine);
/* Status as one JSON object: version, listeners, workers, calls, transactions, ACK ledger, directory, drops. */
void engine_status_json(struct engine *engine, struct buffer *out);
/* New requests get 503 with Retry-After from now on; calls go on. */
void engine_drain(struct engine *engine, bool on);
/* Orderly end, as SIGTERM; a second call ends at once. */
void engine_stop(struct engine *engine);
