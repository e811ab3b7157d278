/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where the control API meets the engine. */
#include "admin/admin_priv.h"
#include "engine/engine.h"
#include "release/release.h"
#include "util/log.h"

struct closure {
    void (*fn)(void *arg);
    void *arg;
};

static void call_closure(struct engine *engine, void *arg)
{
    const struct closure *closure = arg;
    (void)engine;
    closure->fn(closure->arg);
}

static enum err world_control(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct closure closure = {fn, arg};
    return engine_control(ctx, call_closure, &closure);
}

static enum err world_reload(void *ctx, const char *path, struct release_report *out_report)
{
    return engine_reload(ctx, path, out_report);
}

static enum err world_rollback(void *ctx, struct release_report *out_report)
{
    return engine_rollback(ctx, out_report);
}

static void world_versions(void *ctx, struct buffer *out)
{
    release_versions_json(engine_release(ctx), out);
}

static void world_status(void *ctx, struct buffer *out)
{
    engine_status_json(ctx, out);
}

static void world_drain(void *ctx, bool on)
{
    engine_drain(ctx, on);
}

static struct directory *world_directory(void *ctx)
{
    return engine_directory(ctx);
}

static void world_metrics(void *ctx, struct buffer *out)
{
    engine_metrics_render(ctx, out);
}

void admin_world_of_engine(struct engine *engine, struct admin_world *out_world)
{
    *out_world = (struct admin_world){
        .ctx = engine,
        .control = world_control,
        .reload = world_reload,
        .rollback = world_rollback,
        .versions = world_versions,
        .status = world_status,
        .drain = world_drain,
        .directory = world_directory,
        .metrics = world_metrics,
    };
}

enum err admin_start_for_engine(struct engine *engine, struct admin **out_admin, struct fault *fault)
{
    const struct engine_config *config = engine_configuration(engine);
    struct admin_options options = {.socket_path = config->control_path, .metrics = config->metrics};
    if (!options.socket_path && !options.metrics) {
        *out_admin = NULL;
        return OK;
    }
    admin_world_of_engine(engine, &options.world);
    enum err err = admin_start(&options, out_admin, fault);
    if (err != OK)
        return err;
    if (options.socket_path)
        log_info("admin", "control socket %s", options.socket_path);
    if (options.metrics)
        log_info("admin", "listening metrics:%s", admin_metrics_address(*out_admin));
    return OK;
}
