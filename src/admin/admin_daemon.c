/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the control API meets the daemon. */
#include "admin/admin_priv.h"
#include "daemon/daemon.h"
#include "release/release.h"
#include "util/log.h"

struct closure {
    void (*fn)(void *arg);
    void *arg;
};

static void call_closure(struct daemon *daemon, void *arg)
{
    const struct closure *closure = arg;
    (void)daemon;
    closure->fn(closure->arg);
}

static enum err world_control(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct closure closure = {fn, arg};
    return daemon_control(ctx, call_closure, &closure);
}

static enum err world_reload(void *ctx, const struct release_request *request, struct release_report *out_report)
{
    return daemon_reload(ctx, request, out_report);
}

static enum err world_shadow_cancel(void *ctx)
{
    return daemon_shadow_cancel(ctx);
}

static void world_trial(void *ctx, bool probation, struct buffer *out)
{
    daemon_trial_json(ctx, probation, out);
}

static enum err world_certificates(void *ctx, struct fault *fault)
{
    return daemon_reload_certificates(ctx, fault);
}

static enum err world_rollback(void *ctx, struct release_report *out_report)
{
    return daemon_rollback(ctx, out_report);
}

static void world_versions(void *ctx, struct buffer *out)
{
    release_versions_json(daemon_release(ctx), out);
}

static void world_status(void *ctx, struct buffer *out)
{
    daemon_status_json(ctx, out);
}

static void world_calls(void *ctx, size_t limit, struct buffer *out)
{
    daemon_calls_json(ctx, limit, out);
}

static enum err world_call(void *ctx, struct span call_id, struct buffer *out)
{
    return daemon_call_json(ctx, call_id, out);
}

static void world_subscriptions(void *ctx, struct span aor, size_t limit, struct buffer *out)
{
    daemon_subscriptions_json(ctx, aor, limit, out);
}

static enum err world_bindings(void *ctx, struct span aor, size_t limit, struct buffer *out)
{
    return daemon_bindings_json(ctx, aor, limit, out);
}

static void world_peers(void *ctx, struct buffer *out)
{
    daemon_peers_json(ctx, out);
}

static void world_drain(void *ctx, bool on)
{
    daemon_drain(ctx, on);
}

static struct directory *world_directory(void *ctx)
{
    return daemon_directory(ctx);
}

static enum err world_ban(void *ctx, struct span address, int64_t until_ms, struct span note)
{
    return daemon_ban(ctx, address, until_ms, note);
}

static enum err world_unban(void *ctx, struct span address)
{
    return daemon_unban(ctx, address);
}

static void world_bans(void *ctx, struct buffer *out)
{
    daemon_bans_json(ctx, out);
}

static void world_metrics(void *ctx, struct buffer *out)
{
    daemon_metrics_render(ctx, out);
}

void admin_world_of_daemon(struct daemon *daemon, struct admin_world *out_world)
{
    *out_world = (struct admin_world){
        .ctx = daemon,
        .control = world_control,
        .reload = world_reload,
        .certificates = world_certificates,
        .rollback = world_rollback,
        .shadow_cancel = world_shadow_cancel,
        .trial = world_trial,
        .versions = world_versions,
        .status = world_status,
        .drain = world_drain,
        .calls = world_calls,
        .call = world_call,
        .subscriptions = world_subscriptions,
        .peers = world_peers,
        .bindings = world_bindings,
        .directory = world_directory,
        .metrics = world_metrics,
        .ban = world_ban,
        .unban = world_unban,
        .bans = world_bans,
    };
}

enum err admin_start_for_daemon(struct daemon *daemon, struct admin **out_admin, struct fault *fault)
{
    const struct engine_config *config = daemon_configuration(daemon);
    struct admin_options options = {.socket_path = config->control_path, .metrics = config->metrics};
    if (!options.socket_path && !options.metrics) {
        *out_admin = NULL;
        return OK;
    }
    admin_world_of_daemon(daemon, &options.world);
    enum err err = admin_start(&options, out_admin, fault);
    if (err != OK)
        return err;
    if (options.socket_path)
        log_info("admin", "control socket %s", options.socket_path);
    if (options.metrics)
        log_info("admin", "listening metrics:%s", admin_metrics_address(*out_admin));
    return OK;
}
