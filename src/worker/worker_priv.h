/* SPDX-License-Identifier: Apache-2.0 */
/* Private to worker: the group and its workers. */
#pragma once

#include "util/list.h"
#include "worker/worker_group.h"
#include "worker/worker_ring.h"
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

enum { WORKER_CONTROLS_MAX = 1024 };

/* A function that another thread wants run here. */
struct worker_control {
    struct list node;
    worker_run_fn fn;
    void *arg;
};

struct worker {
    /* The worker thread's own. */
    struct worker_group *group;
    unsigned index;
    bool turn_open;
    bool stopping;        /* on_stop was called */
    enum err start_error; /* of on_start; read by the group after `started` */
    void *data;
    uv_loop_t loop;
    int wake_fd;
    uv_poll_t wake_poll;
    uv_idle_t stay_awake;   /* active: the loop does not sleep */
    uv_check_t arrival;     /* behind a turn's other events: posts and controls */
    uv_timer_t timer;       /* the wheel's next moment */
    uv_prepare_t turn_end;  /* runs before every other prepare handle, */
    uv_prepare_t departure; /* and this one after them */
    uint64_t timer_due_ms;  /* what `timer` is set for; UINT64_MAX: not set */
    struct clock clock;
    struct wheel wheel;
    uint64_t unpublished; /* bit n: the ring to worker n has something that is not shown yet */
    size_t asked_bytes;   /* posted since all rings were last looked at, and not taken then */
    struct worker_counters counters;
    pthread_t thread;
    bool thread_made;

    /* Written by other threads. */
    alignas(WORKER_RING_LINE) _Atomic bool asleep;
    _Atomic uint64_t posters; /* bit n: worker n has published something for us */
    _Atomic bool has_controls;
    pthread_mutex_t lock; /* for the rest */
    struct list controls;
    unsigned control_count;
    bool closed; /* nothing more is accepted */
};

struct worker_group {
    struct worker_ops ops;
    unsigned count;
    const char *name;
    struct worker *workers;    /* count */
    struct worker_ring *rings; /* [(from * count + to) * WORKER_LANES + lane] */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock; threads. */
    unsigned made;
    unsigned started; /* on_start has returned */
    unsigned ended;   /* the loop has ended: it posts no more */
};

/* Answers have a ring of their own, which is always drained: if they shared one with what asks for them, two workers
 * could each wait for the other to make room. */
enum worker_lane { WORKER_LANE_ASK, WORKER_LANE_ANSWER, WORKER_LANES };

static inline struct worker_ring *worker_ring_between(struct worker_group *group, unsigned from, unsigned to,
                                                      enum worker_lane lane)
{
    return &group->rings[((size_t)from * group->count + to) * WORKER_LANES + lane];
}

/* worker_loop.c: everything a worker does on its loop. */
MUST_CHECK enum err worker_loop_init(struct worker *worker);
void worker_loop_run(struct worker *worker);
/* Of a loop that never ran, or has ended. */
void worker_loop_done(struct worker *worker);

/* worker_wake.c */
MUST_CHECK enum err worker_wake_init(struct worker *worker);
void worker_wake_unref(struct worker *worker);
void worker_wake_close(struct worker *worker);
/* From any thread, after `posters` or `has_controls` was set: the worker will look.  Returns whether it slept. */
bool worker_wake(struct worker *worker);
/* The last thing before the loop sleeps, and the first after it; the latter says whether something waits. */
void worker_wake_before_sleep(struct worker *worker);
MUST_CHECK bool worker_wake_after_sleep(struct worker *worker);

/* worker_control.c */
MUST_CHECK enum err worker_control_init(struct worker *worker);
void worker_control_done(struct worker *worker);
/* Nothing more is accepted; the worker wakes up and sees it. */
void worker_control_close(struct worker *worker);
/* Runs what waits; returns whether the worker is to stop. */
bool worker_control_run(struct worker *worker);

/* worker_post.c */
void worker_post_publish(struct worker *worker);
void worker_post_receive(struct worker *worker);
