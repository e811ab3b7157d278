/* SPDX-License-Identifier: Apache-2.0 */
/* The process's parts.  Private to this folder. */
#pragma once

#include "daemon/daemon.h"
#include "daemon/daemon_notify.h"
#include "daemon/daemon_tls.h"
#include "daemon/daemon_worker.h"
#include "directory/directory_warm.h"
#include "release/release.h"
#include "release/release_watch.h"
#include "retirement/retirement.h"
#include "store/store_lock.h"
#include "util/json.h"
#include "vm/vm_watchdog.h"
#include "worker/worker_watch.h"
#include <pthread.h>

enum daemon_phase { DAEMON_STARTING, DAEMON_RUNNING, DAEMON_ENDING, DAEMON_ENDED };

/* A closure of another thread, waiting on its stack. */
struct daemon_call {
    struct daemon_call *next;
    daemon_control_fn fn;
    void *arg;
    bool done;
    bool refused;
};

enum { DAEMON_SIGNALS = 4 };

struct daemon {
    const struct engine_config *config;
    const struct daemon_hooks *hooks;
    bool hooked;
    enum daemon_phase phase;
    int exit_code;
    uint64_t started_ms; /* Unix time */
    bool draining;
    struct daemon_notify notify;
    uint64_t alive_ms; /* when the service manager last heard of us, on the loop's clock */

    struct store_lock *lock;
    struct gate gate;
    struct directory_warm warm;
    bool has_gate;
    struct engine_site site;
    struct metric_registry *registry;
    struct engine_meters meters;
    struct daemon_gauges gauges;
    struct metric *journal_metrics[3];                          /* rows, bytes, seconds of a commit */
    struct metric *up_metrics[3];                               /* version, reload failures, decision log drops */
    struct metric *trial_metrics[2][2 + RELEASE_MEASURE_COUNT]; /* of shadow and probation: daemon_trial.c */
    struct metric *rollback_metrics[2];
    struct vm_watchdog *watchdog;
    struct facts_shared_registry *shared_tables;
    struct daemon_shared shared;
    struct daemon_tls tls;
    struct net_listeners *listeners;
    struct worker_group *group;
    struct release *release;
    struct retirement *retirement; /* NULL: no data folder */

    uv_loop_t loop;
    uv_async_t wake;
    uv_signal_t signals[DAEMON_SIGNALS];
    uv_timer_t tick;
    uv_timer_t trial;     /* runs while a version is tried */
    uint64_t deadline_ms; /* of the orderly end, on the loop's clock */
    struct worker_watch *watch;
    struct release_watch watched;
    atomic_uint_least64_t rebuilds; /* a bit a worker whose VM is to be made anew */

    pthread_mutex_t mutex; /* guards the two below */
    pthread_cond_t done;
    struct daemon_call *calls;
    bool closed; /* no more closures are taken */
};

/* daemon_control.c */
MUST_CHECK enum err daemon_control_init(struct daemon *daemon);
void daemon_control_done(struct daemon *daemon);
/* Runs what waits. */
void daemon_control_serve(struct daemon *daemon);
/* Refuses what waits and whatever comes. */
void daemon_control_close(struct daemon *daemon);

/* daemon.c: tells the service manager how we are. */
void daemon_tell_ready(struct daemon *daemon);

/* daemon_release.c */
MUST_CHECK enum err daemon_release_init(struct daemon *daemon, struct fault *fault);
/* Loads the first version; the log says which. */
MUST_CHECK enum err daemon_release_start(struct daemon *daemon, struct fault *fault);
/* Watches the policy's folder and reloads what was saved. */
void daemon_watch_start(struct daemon *daemon);
void daemon_watch_stop(struct daemon *daemon);
void daemon_serve_rebuilds(struct daemon *daemon);
/* The active version may be another one now: metrics, and the path that is watched. */
void daemon_release_changed(struct daemon *daemon);

/* daemon_trial.c: shadow and probation. */
MUST_CHECK enum err daemon_trial_init(struct daemon *daemon);
/* Runs the timer while it is needed. */
void daemon_trial_arm(struct daemon *daemon);

/* daemon_bindings.c: the journal of bindings. */
MUST_CHECK enum err daemon_bindings_add_metrics(struct daemon *daemon);
void daemon_bindings_open(struct daemon *daemon);
/* What makes and knows GRUUs, into the site.  ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err daemon_gruus_open(struct daemon *daemon);
/* Once in a while: how long the journal is. */
void daemon_bindings_publish(struct daemon *daemon);
/* While the workers live: what is on its way to the disk is answered, then the journal is closed. */
void daemon_bindings_close(struct daemon *daemon);

/* daemon_retirement.c: from the directory's journal to the workers, while they live. */
MUST_CHECK enum err daemon_retirement_start(struct daemon *daemon);
void daemon_retirement_stop(struct daemon *daemon);
/* "retirement": {...}, as the status says it. */
void daemon_retirement_put(struct daemon *daemon, struct json *json);

/* daemon_loop.c: signals and the orderly end. */
MUST_CHECK enum err daemon_loop_init(struct daemon *daemon);
void daemon_loop_run(struct daemon *daemon);
void daemon_loop_done(struct daemon *daemon);
