/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the life of policy versions to the workers, to the engine's own tests, and to the watch on the folder. */
#include "daemon/daemon_priv.h"
#include "offline/offline_check.h"
#include "util/log.h"

/* ---- Workers ---- */

struct stage_order {
    uint64_t version;
    struct policy *policy;
    enum err err;
};

static void on_worker_stage(struct worker *worker, void *arg)
{
    struct stage_order *order = arg;
    order->err = daemon_worker_stage(worker_data(worker), order->version, order->policy);
}

static void on_worker_activate(struct worker *worker, void *arg)
{
    daemon_worker_activate(worker_data(worker), *(const uint64_t *)arg);
}

static void on_worker_withdraw(struct worker *worker, void *arg)
{
    daemon_worker_withdraw(worker_data(worker), *(const uint64_t *)arg);
}

struct host_order {
    struct policy_host host;
};

static void on_worker_host(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    ((struct host_order *)arg)->host = engine_core_host(self->core);
}

static void workers_options(void *ctx, unsigned index, struct policy_options *out_options)
{
    struct daemon *daemon = ctx;
    struct host_order order = {0};
    if (worker_run_wait(daemon->group, index, on_worker_host, &order) != OK)
        log_error("reload", "worker %u does not answer", index);
    *out_options =
        (struct policy_options){.host = order.host, .watchdog = daemon->watchdog, .shared = daemon->shared_tables};
}

static enum err workers_stage(void *ctx, unsigned index, uint64_t version, struct policy *policy, struct fault *fault)
{
    struct daemon *daemon = ctx;
    struct stage_order order = {version, policy, OK};
    enum err err = worker_run_wait(daemon->group, index, on_worker_stage, &order);
    if (err == OK)
        err = order.err;
    return err == OK ? OK : fault_set(fault, err, "", 0, "worker %u cannot take the version: %s", index, err_text(err));
}

static void workers_activate(void *ctx, uint64_t version)
{
    struct daemon *daemon = ctx;
    if (worker_run_wait_all(daemon->group, on_worker_activate, &version) != OK)
        log_error("reload", "the workers are ending; version %llu is not active", (unsigned long long)version);
}

static void workers_withdraw(void *ctx, unsigned index, uint64_t version)
{
    struct daemon *daemon = ctx;
    /* ERR_CLOSED: the workers have ended, and nothing uses the policy any more. */
    enum err err = worker_run_wait(daemon->group, index, on_worker_withdraw, &version);
    (void)err;
}

static void on_worker_compare(struct worker *worker, void *arg)
{
    daemon_worker_compare(worker_data(worker), arg);
}

static void workers_compare(void *ctx, const struct release_comparison *comparison)
{
    struct daemon *daemon = ctx;
    struct release_comparison copy = {0};
    if (comparison)
        copy = *comparison;
    /* ERR_CLOSED: the workers have ended, and nothing compares any more. */
    enum err err = worker_run_wait_all(daemon->group, on_worker_compare, comparison ? &copy : NULL);
    (void)err;
}

struct collect_order {
    pthread_mutex_t lock;
    struct release_tally *total;
    struct release_tally *const *tallies;
};

static void on_worker_collect(struct worker *worker, void *arg)
{
    struct collect_order *order = arg;
    pthread_mutex_lock(&order->lock);
    release_tally_merge(order->total, order->tallies[worker_index(worker)]);
    pthread_mutex_unlock(&order->lock);
}

static void workers_collect(void *ctx, struct release_tally *const *tallies, struct release_tally *total)
{
    struct daemon *daemon = ctx;
    struct collect_order order = {.lock = PTHREAD_MUTEX_INITIALIZER, .total = total, .tallies = tallies};
    enum err err = worker_run_wait_all(daemon->group, on_worker_collect, &order);
    (void)err;
}

/* ---- Checks ---- */

static enum err accept_policy(void *ctx, const struct policy_description *description, struct fault *fault)
{
    const struct daemon *daemon = ctx;
    if (!description->asks_directory)
        return OK;
    if (!daemon->shared.directory)
        return fault_set(fault, ERR_CONFLICT, "policy.lua", 0,
                         "it asks the directory, and there is no data folder: run with --data DIR, after "
                         "`verdict directory import --data DIR FILE`");
    if (directory_status(daemon->shared.directory) != DIRECTORY_NEVER_MADE)
        return OK;
    return fault_set(
        fault, ERR_CONFLICT, "policy.lua", 0,
        "it asks the directory, and none was ever made: `verdict directory import --data %s FILE` makes one",
        daemon->config->data_dir);
}

static enum err test_policy(void *ctx, struct source *source, struct authoring_test_summary *out_summary,
                            struct fault *fault)
{
    (void)ctx;
    /* As `verdict test` runs them: a policy's tests speak of hosts of their own, not of this daemon's. */
    return offline_test_source(NULL, source, out_summary, fault);
}

enum err daemon_release_init(struct daemon *daemon, struct fault *fault)
{
    struct release_options options = {
        .workers = {.ctx = daemon,
                    .count = worker_group_count(daemon->group),
                    .options = workers_options,
                    .stage = workers_stage,
                    .activate_all = workers_activate,
                    .withdraw = workers_withdraw,
                    .compare = workers_compare,
                    .collect = workers_collect},
        .checks = {.ctx = daemon, .accept = accept_policy, .test = test_policy},
        .data_dir = daemon->config->data_dir,
        .probation_ms = daemon->config->probation_s * 1000,
        .probation_sample = daemon->config->probation_sample,
        .band = daemon->config->probation_band,
    };
    enum err err = release_new(&options, &daemon->release);
    return err == OK ? OK : fault_set(fault, err, "", 0, "policies: %s", err_text(err));
}

static void log_report(const struct release_report *report, const char *what)
{
    char text[1024], where[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    struct buffer line = buffer_over(text, sizeof(text) - 1);
    release_report_text(report, &line);
    text[line.len] = '\0';
    log_write(report->ok ? LOG_INFO : LOG_ERROR, "reload", "%s: %s", what, text);
    if (report->last_good) {
        fault_format(&report->fault, where, sizeof(where));
        log_error("reload", "THE POLICY AS IT IS ON DISK DOES NOT LOAD: %s; the last good version decides", where);
    }
}

enum err daemon_release_start(struct daemon *daemon, struct fault *fault)
{
    struct release_report report = {0};
    enum err err = release_start(daemon->release, daemon->config->policy, &report);
    if (err == OK)
        log_report(&report, "start");
    else
        *fault = report.fault;
    release_report_done(&report);
    return err;
}

static void set_version_metric(struct daemon *daemon)
{
    const struct release_counters *counters = release_counters(daemon->release);
    metric_set(daemon->up_metrics[0], 0, (int64_t)release_active(daemon->release));
    metric_set(daemon->up_metrics[1], 0, (int64_t)counters->failures);
    metric_set(daemon->rollback_metrics[0], 0, (int64_t)(counters->rollbacks - counters->rolled_back));
    metric_set(daemon->rollback_metrics[1], 0, (int64_t)counters->rolled_back);
}

void daemon_release_changed(struct daemon *daemon)
{
    set_version_metric(daemon);
    daemon_trial_arm(daemon);
    if (daemon->watch)
        (void)!worker_watch_set_path(daemon->watch, release_path(daemon->release));
}

enum err daemon_reload(struct daemon *daemon, const struct release_request *request, struct release_report *out_report)
{
    daemon_notify_reloading(&daemon->notify);
    enum err err = release_reload(daemon->release, request, out_report);
    log_report(out_report, "reload");
    daemon_release_changed(daemon);
    daemon_tell_ready(daemon);
    return err;
}

enum err daemon_rollback(struct daemon *daemon, struct release_report *out_report)
{
    enum err err = release_rollback(daemon->release, out_report);
    log_report(out_report, "rollback");
    daemon_release_changed(daemon);
    return err;
}

struct release *daemon_release(struct daemon *daemon)
{
    return daemon->release;
}

void daemon_serve_rebuilds(struct daemon *daemon)
{
    uint64_t wanted = atomic_exchange(&daemon->rebuilds, 0);
    for (unsigned i = 0; wanted; i++, wanted >>= 1) {
        struct fault fault = {0};
        if (!(wanted & 1))
            continue;
        if (release_rebuild(daemon->release, i, &fault) == OK)
            log_warn("policy", "worker %u: the VM outgrew its memory and was made anew", i);
        else
            log_error("policy", "worker %u: the VM outgrew its memory and cannot be made anew: %s", i, fault.text);
    }
}

/* ---- The watch ---- */

static void reload_from_watch(struct daemon *daemon, uint64_t now_ms)
{
    struct release_report report = {0};
    struct release_request request = {.watched = true};
    enum err err = release_reload(daemon->release, &request, &report);
    /* Read while it was being written: what was loaded or refused is not what is there; another look follows. */
    bool stable = release_watch_loaded(&daemon->watched, release_fingerprint(release_path(daemon->release)), now_ms);
    if (!report.unchanged && (err == OK || stable))
        log_report(&report, "saved");
    daemon_release_changed(daemon);
    release_report_done(&report);
}

static uint64_t on_watch(void *ctx, enum worker_watch_reason reason)
{
    struct daemon *daemon = ctx;
    uint64_t now_ms = uv_now(&daemon->loop);
    const char *path = release_path(daemon->release);
    if (reason == WORKER_WATCH_TOUCHED)
        release_watch_touched(&daemon->watched, now_ms);
    else if (reason == WORKER_WATCH_BLIND || reason == WORKER_WATCH_SIGHTED)
        release_watch_set_blind(&daemon->watched, reason == WORKER_WATCH_BLIND, now_ms);
    else if (release_watch_due_ms(&daemon->watched) <= now_ms) {
        uint64_t fingerprint = release_fingerprint(path);
        if (release_watch_look(&daemon->watched, fingerprint, now_ms))
            reload_from_watch(daemon, now_ms);
    }
    uint64_t due = release_watch_due_ms(&daemon->watched);
    return due > now_ms ? due - now_ms : 1;
}

void daemon_watch_start(struct daemon *daemon)
{
    daemon_release_changed(daemon);
    if (!daemon->config->watch) {
        log_info("reload", "the policy's folder is not watched: `verdict reload` and SIGHUP load it again");
        return;
    }
    const char *path = release_path(daemon->release);
    release_watch_init(&daemon->watched, release_fingerprint(path), uv_now(&daemon->loop));
    if (worker_watch_new(&daemon->loop, path, on_watch, daemon, &daemon->watch) != OK)
        log_warn("reload", "%s is not watched: only `verdict reload` and SIGHUP load it again", path);
}

void daemon_watch_stop(struct daemon *daemon)
{
    worker_watch_close(daemon->watch);
    daemon->watch = NULL;
}
