/* SPDX-License-Identifier: Apache-2.0 */
/* Closures from other threads, run one after another on the control thread while their callers wait. */
#include "daemon/daemon_priv.h"

enum err daemon_control_init(struct daemon *daemon)
{
    if (pthread_mutex_init(&daemon->mutex, NULL) != 0)
        return ERR_NOMEM;
    if (pthread_cond_init(&daemon->done, NULL) != 0) {
        pthread_mutex_destroy(&daemon->mutex);
        return ERR_NOMEM;
    }
    return OK;
}

void daemon_control_done(struct daemon *daemon)
{
    pthread_cond_destroy(&daemon->done);
    pthread_mutex_destroy(&daemon->mutex);
}

enum err daemon_control(struct daemon *daemon, daemon_control_fn fn, void *arg)
{
    struct daemon_call call = {.fn = fn, .arg = arg};
    pthread_mutex_lock(&daemon->mutex);
    if (daemon->closed) {
        pthread_mutex_unlock(&daemon->mutex);
        return ERR_CLOSED;
    }
    struct daemon_call **last = &daemon->calls;
    while (*last)
        last = &(*last)->next;
    *last = &call;
    uv_async_send(&daemon->wake);
    while (!call.done)
        pthread_cond_wait(&daemon->done, &daemon->mutex);
    pthread_mutex_unlock(&daemon->mutex);
    return call.refused ? ERR_CLOSED : OK;
}

static struct daemon_call *take_call(struct daemon *daemon)
{
    pthread_mutex_lock(&daemon->mutex);
    struct daemon_call *call = daemon->calls;
    if (call)
        daemon->calls = call->next;
    pthread_mutex_unlock(&daemon->mutex);
    return call;
}

static void finish_call(struct daemon *daemon, struct daemon_call *call, bool refused)
{
    pthread_mutex_lock(&daemon->mutex);
    call->refused = refused;
    call->done = true;
    pthread_cond_broadcast(&daemon->done);
    pthread_mutex_unlock(&daemon->mutex);
}

void daemon_control_serve(struct daemon *daemon)
{
    struct daemon_call *call;
    while ((call = take_call(daemon))) {
        call->fn(daemon, call->arg);
        finish_call(daemon, call, false);
    }
}

void daemon_control_close(struct daemon *daemon)
{
    struct daemon_call *call;
    pthread_mutex_lock(&daemon->mutex);
    daemon->closed = true;
    pthread_mutex_unlock(&daemon->mutex);
    while ((call = take_call(daemon)))
        finish_call(daemon, call, true);
}
