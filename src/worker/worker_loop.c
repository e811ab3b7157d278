/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's loop: turns, the clock, the timer wheel, and its end. */
#include "worker/worker_priv.h"

#include "util/invariant.h"

static void on_timer(uv_timer_t *timer);

void worker_turn_begin(struct worker *worker)
{
    if (worker->turn_open)
        return;
    worker->turn_open = true;
    clock_refresh(&worker->clock);
    if (worker->group->ops.on_turn_begin)
        worker->group->ops.on_turn_begin(worker->group->ops.ctx, worker);
}

static uint64_t next_due_ms(const struct worker *worker)
{
    uint64_t in_ms = wheel_next_ms(&worker->wheel);
    return in_ms == UINT64_MAX ? UINT64_MAX : worker->wheel.now_ms + in_ms;
}

/* The first of the turn's last steps. */
static void on_turn_end(uv_prepare_t *handle)
{
    struct worker *worker = handle->data;
    if (worker->turn_open && worker->group->ops.on_turn_end)
        worker->group->ops.on_turn_end(worker->group->ops.ctx, worker);
}

/* The very last: the loop goes to sleep after this. */
static void on_departure(uv_prepare_t *handle)
{
    struct worker *worker = handle->data;
    uint64_t due_ms = next_due_ms(worker);
    worker_post_publish(worker);
    if (due_ms != worker->timer_due_ms) {
        worker->timer_due_ms = due_ms;
        uint64_t now_ms = uv_now(&worker->loop); /* what the timer counts from; the same clock as ours */
        int failed = due_ms == UINT64_MAX
                         ? uv_timer_stop(&worker->timer)
                         : uv_timer_start(&worker->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
        invariant(failed == 0);
    }
    if (worker->turn_open && worker->group->ops.on_departed)
        worker->group->ops.on_departed(worker->group->ops.ctx, worker);
    worker->counters.turns += worker->turn_open;
    worker->turn_open = false;
    worker_wake_before_sleep(worker);
}

static void on_timer(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    worker->timer_due_ms = UINT64_MAX;
    worker_turn_begin(worker);
    wheel_advance(&worker->wheel, worker->clock.mono_ms);
}

/* Our own handles must not keep the loop alive any more; only what the group's user has made does. */
static void begin_stop(struct worker *worker)
{
    if (worker->stopping)
        return;
    worker->stopping = true;
    if (worker->start_error == OK)
        worker->group->ops.on_stop(worker->group->ops.ctx, worker);
    worker_wake_unref(worker);
    uv_unref((uv_handle_t *)&worker->arrival);
    uv_unref((uv_handle_t *)&worker->timer);
    uv_unref((uv_handle_t *)&worker->turn_end);
    uv_unref((uv_handle_t *)&worker->departure);
}

static void on_arrival(uv_check_t *check)
{
    struct worker *worker = check->data;
    if (!worker_wake_after_sleep(worker))
        return;
    worker_turn_begin(worker);
    worker_post_receive(worker);
    if (worker_control_run(worker))
        begin_stop(worker);
}

enum err worker_loop_init(struct worker *worker)
{
    int failed = uv_loop_init(&worker->loop);
    if (failed != 0)
        return failed == UV_EMFILE || failed == UV_ENFILE ? ERR_FULL : ERR_IO;
    worker->timer.data = worker->turn_end.data = worker->departure.data = worker->arrival.data = worker;
    worker->timer_due_ms = UINT64_MAX;
    enum err err = worker_wake_init(worker);
    if (err != OK) {
        uv_loop_close(&worker->loop);
        return err;
    }
    failed = uv_check_init(&worker->loop, &worker->arrival);
    invariant(failed == 0);
    failed = uv_timer_init(&worker->loop, &worker->timer);
    invariant(failed == 0);
    failed = uv_prepare_init(&worker->loop, &worker->turn_end);
    invariant(failed == 0);
    failed = uv_prepare_init(&worker->loop, &worker->departure);
    invariant(failed == 0);
    clock_refresh(&worker->clock);
    wheel_init(&worker->wheel, worker->clock.mono_ms, worker);
    return OK;
}

void worker_loop_done(struct worker *worker)
{
    worker_wake_close(worker);
    uv_close((uv_handle_t *)&worker->arrival, NULL);
    uv_close((uv_handle_t *)&worker->timer, NULL);
    uv_close((uv_handle_t *)&worker->turn_end, NULL);
    uv_close((uv_handle_t *)&worker->departure, NULL);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&worker->loop);
    invariant(failed == 0); /* else somebody's handle was never closed */
}

static void report_started(struct worker *worker)
{
    struct worker_group *group = worker->group;
    pthread_mutex_lock(&group->lock);
    group->started++;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

/* Others may still post to this worker, and would wake a handle that is closed: so all wait for the last one. */
static void wait_until_all_ended(struct worker_group *group)
{
    pthread_mutex_lock(&group->lock);
    group->ended++;
    pthread_cond_broadcast(&group->changed);
    while (group->ended < group->made)
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
}

void worker_loop_run(struct worker *worker)
{
    struct worker_group *group = worker->group;
    /* libuv runs prepare handles in the reverse of the order in which they were started: so this one is behind all that
     * on_start starts, and turn_end before them. */
    int failed = uv_prepare_start(&worker->departure, on_departure);
    invariant(failed == 0);
    failed = uv_check_start(&worker->arrival, on_arrival);
    invariant(failed == 0);
    clock_refresh(&worker->clock);
    wheel_advance(&worker->wheel, worker->clock.mono_ms);
    worker->start_error = group->ops.on_start(group->ops.ctx, worker);
    failed = uv_prepare_start(&worker->turn_end, on_turn_end);
    invariant(failed == 0);
    report_started(worker);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    wait_until_all_ended(group);
    worker_loop_done(worker);
    if (worker->start_error == OK && group->ops.on_end)
        group->ops.on_end(group->ops.ctx, worker);
}

unsigned worker_index(const struct worker *worker)
{
    return worker->index;
}

unsigned worker_count(const struct worker *worker)
{
    return worker->group->count;
}

uv_loop_t *worker_loop(struct worker *worker)
{
    return &worker->loop;
}

const struct clock *worker_clock(const struct worker *worker)
{
    return &worker->clock;
}

struct wheel *worker_wheel(struct worker *worker)
{
    return &worker->wheel;
}

void *worker_data(const struct worker *worker)
{
    return worker->data;
}

void worker_set_data(struct worker *worker, void *data)
{
    worker->data = data;
}

const struct worker_counters *worker_counters(const struct worker *worker)
{
    return &worker->counters;
}
