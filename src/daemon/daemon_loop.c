/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread's loop: signals, closures, and the orderly end (no new requests, calls ended by BYE, then exit). */
#include "daemon/daemon_priv.h"
#include "util/log.h"
#include <signal.h>

enum { TICK_MS = 1000, ENDING_TICK_MS = 20 };

static void on_worker_drain(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    self->core->draining = *(const bool *)arg;
}

void daemon_drain(struct daemon *daemon, bool on)
{
    daemon->draining = on;
    if (worker_run_wait_all(daemon->group, on_worker_drain, &on) == OK)
        log_info("daemon", on ? "draining: new requests get 503" : "no longer draining");
    if (daemon->phase == DAEMON_RUNNING)
        daemon_tell_ready(daemon);
}

static void on_worker_hang_up(struct worker *worker, void *arg)
{
    (void)arg;
    struct daemon_worker *self = worker_data(worker);
    call_table_shutdown(self->core->calls);
    notifier_shutdown(self->core->notifier, self->shared->config->drain_timeout_ms);
}

static void on_worker_idle(struct worker *worker, void *arg)
{
    const struct daemon_worker *self = worker_data(worker);
    if (!engine_core_is_idle(self->core))
        atomic_store((atomic_bool *)arg, false);
}

void daemon_stop(struct daemon *daemon)
{
    if (daemon->phase != DAEMON_RUNNING) {
        log_warn("daemon", "ending at once");
        daemon->phase = DAEMON_ENDED;
        uv_stop(&daemon->loop);
        return;
    }
    daemon->phase = DAEMON_ENDING;
    log_info("daemon",
             "ending: calls get BYE and watchers their last NOTIFY, at most %u ms; a second signal ends at once",
             daemon->config->drain_timeout_ms);
    daemon_notify_stopping(&daemon->notify, "calls get BYE");
    daemon_drain(daemon, true);
    if (worker_run_wait_all(daemon->group, on_worker_hang_up, NULL) != OK)
        log_error("daemon", "the workers do not answer");
    daemon->deadline_ms = uv_now(&daemon->loop) + daemon->config->drain_timeout_ms;
    uv_timer_set_repeat(&daemon->tick, ENDING_TICK_MS);
    uv_timer_again(&daemon->tick);
}

static void publish(struct daemon *daemon)
{
    if (daemon->shared.decisions)
        metric_set(daemon->up_metrics[2], 0, (int64_t)decisions_log_dropped(daemon->shared.decisions));
    daemon_bindings_publish(daemon);
}

static void on_worker_turn(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
}

/* Said only when every worker has taken a turn: one that hangs keeps us here, and the manager hears nothing. */
static void tell_alive(struct daemon *daemon)
{
    uint64_t now_ms = uv_now(&daemon->loop);
    if (!daemon->notify.watchdog_ms || now_ms - daemon->alive_ms < daemon->notify.watchdog_ms / 3)
        return;
    if (worker_run_wait_all(daemon->group, on_worker_turn, NULL) != OK)
        return;
    daemon->alive_ms = now_ms;
    daemon_notify_alive(&daemon->notify);
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    publish(daemon);
    if (daemon->phase == DAEMON_RUNNING || daemon->phase == DAEMON_ENDING)
        tell_alive(daemon);
    if (daemon->phase != DAEMON_ENDING)
        return;
    atomic_bool idle = true;
    bool asked = worker_run_wait_all(daemon->group, on_worker_idle, &idle) == OK;
    bool late = uv_now(&daemon->loop) >= daemon->deadline_ms;
    if (asked && !atomic_load(&idle) && !late)
        return;
    if (late && !atomic_load(&idle))
        log_warn("daemon", "the time to end is over; what is still open is left");
    daemon->phase = DAEMON_ENDED;
    uv_stop(&daemon->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    struct release_report report = {0};
    static const struct release_request request;
    switch (number) {
    case SIGHUP:
        (void)daemon_reload(daemon, &request, &report);
        release_report_done(&report);
        break;
    case SIGUSR1:
        decisions_log_reopen(daemon->shared.decisions);
        break;
    default:
        daemon_stop(daemon);
        break;
    }
}

static void on_wake(uv_async_t *handle)
{
    struct daemon *daemon = handle->data;
    daemon_serve_rebuilds(daemon);
    daemon_control_serve(daemon);
}

enum err daemon_loop_init(struct daemon *daemon)
{
    static const int numbers[DAEMON_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    if (uv_loop_init(&daemon->loop) != 0)
        return ERR_NOMEM;
    uv_async_init(&daemon->loop, &daemon->wake, on_wake);
    daemon->wake.data = daemon;
    uv_timer_init(&daemon->loop, &daemon->tick);
    daemon->tick.data = daemon;
    uv_timer_start(&daemon->tick, on_tick, TICK_MS, TICK_MS);
    uv_timer_init(&daemon->loop, &daemon->trial);
    daemon->trial.data = daemon;
    for (int i = 0; i < DAEMON_SIGNALS; i++) {
        uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
    }
    return OK;
}

void daemon_loop_run(struct daemon *daemon)
{
    while (daemon->phase == DAEMON_RUNNING || daemon->phase == DAEMON_ENDING)
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
}

void daemon_loop_done(struct daemon *daemon)
{
    uv_close((uv_handle_t *)&daemon->wake, NULL);
    uv_close((uv_handle_t *)&daemon->tick, NULL);
    uv_close((uv_handle_t *)&daemon->trial, NULL);
    for (int i = 0; i < DAEMON_SIGNALS; i++)
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon->loop);
}
