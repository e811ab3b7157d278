/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the workers, starts their threads, and ends them together: no loop is closed while another may still post. */
#include "worker/worker_priv.h"

#include "util/invariant.h"
#include <stdio.h>
#include <stdlib.h>

enum { THREAD_NAME_MAX = 16 };

static void *thread_main(void *arg)
{
    worker_loop_run(arg);
    return NULL;
}

static enum err init_rings(struct worker_group *group, size_t ring_bytes)
{
    size_t count = (size_t)group->count * group->count * WORKER_LANES;
    group->rings = aligned_alloc(WORKER_RING_LINE, count * sizeof(*group->rings));
    if (!group->rings)
        return ERR_NOMEM;
    memset(group->rings, 0, count * sizeof(*group->rings));
    for (size_t i = 0; i < count; i++) {
        size_t pair = i / WORKER_LANES;
        if (pair / group->count == pair % group->count)
            continue; /* nobody posts to himself */
        enum err err = worker_ring_init(&group->rings[i], ring_bytes);
        if (err != OK)
            return err;
    }
    return OK;
}

static enum err init_worker(struct worker_group *group, unsigned index)
{
    struct worker *worker = &group->workers[index];
    worker->group = group;
    worker->index = index;
    enum err err = worker_control_init(worker);
    if (err != OK)
        return err;
    err = worker_loop_init(worker);
    if (err != OK)
        worker_control_done(worker);
    return err;
}

/* `initialised` workers have a loop; those with a thread have closed it already. */
static void group_free(struct worker_group *group, unsigned initialised)
{
    for (unsigned i = 0; i < initialised; i++) {
        struct worker *worker = &group->workers[i];
        if (!worker->thread_made)
            worker_loop_done(worker);
        worker_control_done(worker);
    }
    for (size_t i = 0; group->rings && i < (size_t)group->count * group->count * WORKER_LANES; i++)
        worker_ring_done(&group->rings[i]);
    free(group->rings);
    free(group->workers);
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

static void join_all(struct worker_group *group)
{
    for (unsigned i = 0; i < group->made; i++)
        worker_control_close(&group->workers[i]);
    for (unsigned i = 0; i < group->made; i++)
        pthread_join(group->workers[i].thread, NULL);
}

static enum err start_thread(struct worker_group *group, struct worker *worker)
{
    char name[THREAD_NAME_MAX];
    if (pthread_create(&worker->thread, NULL, thread_main, worker) != 0)
        return ERR_NOMEM;
    worker->thread_made = true;
    group->made++;
    (void)snprintf(name, sizeof(name), "%.12s-%u", group->name, worker->index);
    (void)pthread_setname_np(worker->thread, name);
    return OK;
}

/* Starts all threads and waits until every on_start has returned; the first error. */
static enum err start_all(struct worker_group *group, unsigned *out_failed)
{
    enum err err = OK;
    for (unsigned i = 0; i < group->count && err == OK; i++) {
        *out_failed = i;
        err = start_thread(group, &group->workers[i]);
    }
    pthread_mutex_lock(&group->lock);
    while (group->started < group->made)
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
    for (unsigned i = 0; i < group->made && err == OK; i++) {
        *out_failed = i;
        err = group->workers[i].start_error;
    }
    return err;
}

static enum err group_alloc(const struct worker_group_options *options, struct worker_group **out_group)
{
    struct worker_group *group = calloc(1, sizeof(*group));
    if (!group)
        return ERR_NOMEM;
    group->ops = options->ops;
    group->count = options->count;
    group->name = options->name ? options->name : "worker";
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    *out_group = group;
    return OK;
}

static enum err group_init(struct worker_group *group, size_t ring_bytes, unsigned *out_initialised)
{
    size_t bytes = group->count * sizeof(*group->workers);
    group->workers = aligned_alloc(alignof(struct worker), bytes);
    if (!group->workers)
        return ERR_NOMEM;
    memset(group->workers, 0, bytes);
    enum err err = init_rings(group, ring_bytes ? ring_bytes : WORKER_RING_BYTES_DEFAULT);
    for (unsigned i = 0; i < group->count && err == OK; i++) {
        err = init_worker(group, i);
        *out_initialised += err == OK;
    }
    return err;
}

enum err worker_group_new(const struct worker_group_options *options, struct worker_group **out_group,
                          struct fault *fault)
{
    struct worker_group *group;
    unsigned initialised = 0;
    unsigned failed = 0;
    invariant(options->count >= 1 && options->count <= WORKER_COUNT_MAX);
    enum err err = group_alloc(options, &group);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "out of memory");
    err = group_init(group, options->ring_bytes, &initialised);
    if (err != OK) {
        group_free(group, initialised);
        return fault_set(fault, err, NULL, 0, "cannot make %u workers: %s", options->count, err_text(err));
    }
    err = start_all(group, &failed);
    if (err != OK) {
        join_all(group);
        group_free(group, group->count);
        return fault_set(fault, err, NULL, 0, "worker %u did not start: %s", failed, err_text(err));
    }
    *out_group = group;
    return OK;
}

void worker_group_free(struct worker_group *group)
{
    if (!group)
        return;
    join_all(group);
    group_free(group, group->count);
}

unsigned worker_group_count(const struct worker_group *group)
{
    return group->count;
}
