/* SPDX-License-Identifier: Apache-2.0 */
/* The running process: one control thread (signals, reload), N workers, the stores.  Admin and the command line reach it
 * by these functions alone. */
#pragma once

#include "engine/engine_config.h"
#include "util/buffer.h"

struct daemon;
struct directory;
struct release;
struct release_report;
struct release_request;

/* Called on the control thread once everything listens (start) and before it goes (stop), so that floors above can hang
 * their own servers on the daemon.  A fault from start ends the daemon with its text. */
struct daemon_hooks {
    void *ctx;
    enum err (*start)(void *ctx, struct daemon *daemon, struct fault *fault);
    void (*stop)(void *ctx);
};

/* Runs the daemon in the calling thread until SIGTERM, SIGINT or daemon_stop().  Returns the exit code: 0 for an orderly
 * end, 1 when it could not start (the reason is logged). */
int daemon_run(const struct engine_config *config, const struct daemon_hooks *hooks);

const struct engine_config *daemon_configuration(const struct daemon *daemon);

/* Runs fn(daemon, arg) on the control thread and waits for its end.  From any other thread; ERR_CLOSED when the daemon is
 * going (fn does not run). */
typedef void (*daemon_control_fn)(struct daemon *daemon, void *arg);
MUST_CHECK enum err daemon_control(struct daemon *daemon, daemon_control_fn fn, void *arg);

/* The directory's handle, or NULL without a data folder; directory_status() says what it is good for.  Thread-safe. */
struct directory *daemon_directory(struct daemon *daemon);
/* Prometheus text of all metrics.  Thread-safe, never waits for the control thread. */
void daemon_metrics_render(struct daemon *daemon, struct buffer *out);

/* The following run on the control thread (through daemon_control). */

/* Loads the certificates again, all or none: a fault says what is wrong, and the ones before stay in use. */
MUST_CHECK enum err daemon_reload_certificates(struct daemon *daemon, struct fault *fault);
/* Loads the policy again, as `request` says.  The report is to be given to release_report_done(). */
enum err daemon_reload(struct daemon *daemon, const struct release_request *request, struct release_report *out_report);
enum err daemon_rollback(struct daemon *daemon, struct release_report *out_report);
/* Ends the shadow that is going; ERR_NOT_FOUND: there is none. */
enum err daemon_shadow_cancel(struct daemon *daemon);
/* The shadow or probation that is going, or the last one, as one JSON object. */
void daemon_trial_json(struct daemon *daemon, bool probation, struct buffer *out);
struct release *daemon_release(struct daemon *daemon);
/* Status as one JSON object: version, listeners, workers, calls, transactions, ACK ledger, directory, drops. */
void daemon_status_json(struct daemon *daemon, struct buffer *out);
/* Live calls, at most `limit` a worker: {"total","shown","calls":[...]}. */
void daemon_calls_json(struct daemon *daemon, size_t limit, struct buffer *out);
/* What is known of one Call-ID: its live calls and its messages in the rings.  ERR_NOT_FOUND: nothing; `out` is then as it
 * was. */
MUST_CHECK enum err daemon_call_json(struct daemon *daemon, struct span call_id, struct buffer *out);
/* Who watches whom, at most `limit` a worker; an empty `aor`: all users.
 * {"total","shown","publications","subscriptions":[...]}. */
void daemon_subscriptions_json(struct daemon *daemon, struct span aor, size_t limit, struct buffer *out);
/* Bindings, at most `limit` a worker, of the user `aor` (a URI) or (empty) of all:
 * {"total","users","shown","readable","journal":{...},"bindings":[...]}.  ERR_INVALID: no address-of-record of ours. */
MUST_CHECK enum err daemon_bindings_json(struct daemon *daemon, struct span aor, size_t limit, struct buffer *out);
/* The ACK ledger, peer by peer, the latest first: {"peers":[...],"total":{...}}. */
void daemon_peers_json(struct daemon *daemon, struct buffer *out);
/* Sources that are not heard until `until_ms` (Unix time); see gate.h for the errors.  From any thread. */
MUST_CHECK enum err daemon_ban(struct daemon *daemon, struct span address, int64_t until_ms, struct span note);
MUST_CHECK enum err daemon_unban(struct daemon *daemon, struct span address);
void daemon_bans_json(struct daemon *daemon, struct buffer *out);
/* New requests get 503 with Retry-After from now on; calls go on. */
void daemon_drain(struct daemon *daemon, bool on);
/* Orderly end, as SIGTERM; a second call ends at once. */
void daemon_stop(struct daemon *daemon);
