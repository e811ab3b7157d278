/* SPDX-License-Identifier: Apache-2.0 */
/* Waking a worker from another thread.  Not by uv_async: libuv 1.44 has the receiver spin until the sender has left its
 * call, which costs 35 microseconds where the sender is preempted by whom it wakes.  Here a worker says that it is about
 * to sleep and then looks once more; whoever has something for it says so and then looks whether it sleeps.  Each side
 * writes before it reads, sequentially consistent, so one of the two sees the other; and no system call is made to wake
 * one who is awake. */
#include "worker/worker_priv.h"

#include "util/invariant.h"
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    const struct worker *worker = poll->data;
    uint64_t count;
    (void)status;
    (void)events;
    /* What it is about is found by the check handle, behind all events of this turn. */
    (void)!read(worker->wake_fd, &count, sizeof(count));
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being there keeps the loop from sleeping */
}

enum err worker_wake_init(struct worker *worker)
{
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake_fd < 0)
        return ERR_FULL;
    if (uv_poll_init(&worker->loop, &worker->wake_poll, worker->wake_fd) != 0) {
        close(worker->wake_fd);
        return ERR_IO;
    }
    int failed = uv_idle_init(&worker->loop, &worker->stay_awake);
    invariant(failed == 0);
    worker->wake_poll.data = worker;
    failed = uv_poll_start(&worker->wake_poll, UV_READABLE, on_readable);
    invariant(failed == 0);
    return OK;
}

void worker_wake_unref(struct worker *worker)
{
    uv_unref((uv_handle_t *)&worker->wake_poll);
    uv_unref((uv_handle_t *)&worker->stay_awake);
}

void worker_wake_close(struct worker *worker)
{
    uv_close((uv_handle_t *)&worker->wake_poll, NULL);
    uv_close((uv_handle_t *)&worker->stay_awake, NULL);
    close(worker->wake_fd);
}

bool worker_wake(struct worker *worker)
{
    uint64_t one = 1;
    if (!atomic_load_explicit(&worker->asleep, memory_order_seq_cst) ||
        !atomic_exchange_explicit(&worker->asleep, false, memory_order_seq_cst))
        return false;
    (void)!write(worker->wake_fd, &one, sizeof(one));
    return true;
}

static bool something_waits(struct worker *worker)
{
    return atomic_load_explicit(&worker->posters, memory_order_seq_cst) != 0 ||
           atomic_load_explicit(&worker->has_controls, memory_order_seq_cst);
}

void worker_wake_before_sleep(struct worker *worker)
{
    atomic_store_explicit(&worker->asleep, true, memory_order_seq_cst);
    if (!something_waits(worker))
        return;
    atomic_store_explicit(&worker->asleep, false, memory_order_relaxed);
    int failed = uv_idle_start(&worker->stay_awake, on_idle);
    invariant(failed == 0);
}

bool worker_wake_after_sleep(struct worker *worker)
{
    atomic_store_explicit(&worker->asleep, false, memory_order_relaxed);
    uv_idle_stop(&worker->stay_awake);
    return something_waits(worker);
}
