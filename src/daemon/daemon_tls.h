/* SPDX-License-Identifier: Apache-2.0 */
/* The process's certificates: loaded at the start, watched, loaded again without touching a connection. */
#pragma once

#include "engine/engine_config.h"
#include "release/release_watch.h"
#include "tls/tls_aliases.h"
#include "worker/worker_watch.h"

struct net_listeners;

enum { DAEMON_TLS_FILES_MAX = 2 * ENGINE_LIST_MAX + 3 };

struct daemon_tls {
    const struct engine_config *config;
    struct tls *tls;             /* NULL: nothing here speaks TLS */
    struct tls_aliases *aliases; /* NULL likewise */
    enum tls_clients *clients;   /* by net_flow.listener */
    unsigned listener_count;
    uv_loop_t *loop;
    const char *files[DAEMON_TLS_FILES_MAX]; /* of the configuration, each once */
    unsigned file_count;
    struct worker_watch *watches[DAEMON_TLS_FILES_MAX];
    struct release_watch watched;
};

/* Loads the certificates where a listener or our own connections may need them. */
MUST_CHECK enum err daemon_tls_init(struct daemon_tls *self, const struct engine_config *config, struct fault *fault);
/* After the ports are bound: what each listener asks of its clients. */
MUST_CHECK enum err daemon_tls_listeners(struct daemon_tls *self, const struct net_listeners *listeners,
                                         struct fault *fault);
void daemon_tls_done(struct daemon_tls *self);

void daemon_tls_watch(struct daemon_tls *self, uv_loop_t *loop);
void daemon_tls_unwatch(struct daemon_tls *self);
/* Loads the files again, all or none; the log says what came of it. */
MUST_CHECK enum err daemon_tls_reload(struct daemon_tls *self, struct fault *fault);
