/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads ask of a worker: a short queue under a lock that no call ever takes. */
#include "worker/worker_priv.h"

#include "util/invariant.h"
#include <stdlib.h>

/* Counts down what a waiting thread waits for. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned left;
    worker_run_fn fn;
    void *arg;
};

enum err worker_control_init(struct worker *worker)
{
    list_init(&worker->controls);
    return pthread_mutex_init(&worker->lock, NULL) == 0 ? OK : ERR_NOMEM;
}

void worker_control_done(struct worker *worker)
{
    struct list *node;
    while ((node = list_first(&worker->controls)) != NULL) {
        list_remove(node);
        free(container_of(node, struct worker_control, node));
    }
    pthread_mutex_destroy(&worker->lock);
}

void worker_control_close(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->closed = true;
    atomic_store_explicit(&worker->has_controls, true, memory_order_seq_cst);
    (void)worker_wake(worker);
    pthread_mutex_unlock(&worker->lock);
}

bool worker_control_run(struct worker *worker)
{
    struct list due;
    struct list *node;
    if (!atomic_exchange_explicit(&worker->has_controls, false, memory_order_seq_cst))
        return false;
    list_init(&due);
    pthread_mutex_lock(&worker->lock);
    list_splice(&due, &worker->controls);
    worker->control_count = 0;
    bool closed = worker->closed;
    pthread_mutex_unlock(&worker->lock);
    while ((node = list_first(&due)) != NULL) {
        struct worker_control *control = container_of(node, struct worker_control, node);
        list_remove(node);
        worker->counters.controls++;
        control->fn(worker, control->arg);
        free(control);
    }
    return closed;
}

enum err worker_run(struct worker_group *group, unsigned index, worker_run_fn fn, void *arg)
{
    invariant(index < group->count);
    struct worker *worker = &group->workers[index];
    struct worker_control *control = malloc(sizeof(*control));
    if (!control)
        return ERR_NOMEM;
    control->fn = fn;
    control->arg = arg;
    enum err err = OK;
    pthread_mutex_lock(&worker->lock);
    if (worker->closed)
        err = ERR_CLOSED;
    else if (worker->control_count == WORKER_CONTROLS_MAX)
        err = ERR_FULL;
    if (err == OK) {
        list_push_back(&worker->controls, &control->node);
        worker->control_count++;
        atomic_store_explicit(&worker->has_controls, true, memory_order_seq_cst);
        /* Under the lock, since the descriptor may be closed once `closed` is set. */
        (void)worker_wake(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    if (err != OK)
        free(control);
    return err;
}

static void run_and_count(struct worker *worker, void *arg)
{
    struct waiting *waiting = arg;
    waiting->fn(worker, waiting->arg);
    pthread_mutex_lock(&waiting->lock);
    waiting->left--;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

/* Runs on workers [first, end) and waits for those that accepted it. */
static enum err run_wait(struct worker_group *group, unsigned first, unsigned end, struct waiting *waiting)
{
    enum err err = OK;
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_cond_init(&waiting->changed, NULL);
    waiting->left = end - first;
    for (unsigned i = first; i < end; i++) {
        enum err one = worker_run(group, i, run_and_count, waiting);
        if (one == OK)
            continue;
        err = one;
        pthread_mutex_lock(&waiting->lock);
        waiting->left--;
        pthread_mutex_unlock(&waiting->lock);
    }
    pthread_mutex_lock(&waiting->lock);
    while (waiting->left > 0)
        pthread_cond_wait(&waiting->changed, &waiting->lock);
    pthread_mutex_unlock(&waiting->lock);
    pthread_cond_destroy(&waiting->changed);
    pthread_mutex_destroy(&waiting->lock);
    return err;
}

enum err worker_run_wait(struct worker_group *group, unsigned index, worker_run_fn fn, void *arg)
{
    struct waiting waiting = {.fn = fn, .arg = arg};
    return run_wait(group, index, index + 1, &waiting);
}

enum err worker_run_wait_all(struct worker_group *group, worker_run_fn fn, void *arg)
{
    struct waiting waiting = {.fn = fn, .arg = arg};
    return run_wait(group, 0, group->count, &waiting);
}
