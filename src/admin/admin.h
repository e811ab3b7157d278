/* SPDX-License-Identifier: Apache-2.0 */
/* The control API: HTTP/JSON over a unix socket, and an optional TCP address that serves GET /metrics alone.  Runs on
 * libmicrohttpd's threads, one a connection, so a slow control call stops neither another one nor the metrics, and none of
 * them stops a call.  README.md lists the endpoints. */
#pragma once

#include "admin/admin_world.h"
#include "util/err.h"

struct admin;
struct daemon;

enum {
    ADMIN_CONNECTIONS_MAX = 64,   /* at once, a server */
    ADMIN_BODY_MAX = 256 * 1024,  /* bytes of a request's body, imports excepted, which are streamed */
    ADMIN_IDLE_TIMEOUT_S = 30,    /* of a connection on which nothing moves */
    ADMIN_METRICS_TIMEOUT_S = 10, /* the same on the metrics address */
    ADMIN_ANSWER_MAX = 16 << 20   /* bytes of an answer that is built whole */
};

struct admin_options {
    const char *socket_path;  /* NULL: no control socket */
    const char *metrics;      /* "127.0.0.1:9464" or "[::1]:0"; NULL: none */
    struct admin_world world; /* what it points to must outlive the admin */
};

/* Listens on both.  The socket is 0600 from its first moment; one that a dead process left is replaced, one that a living
 * process listens on is ERR_BUSY.  An address in use is ERR_BUSY, a bad one ERR_SYNTAX; `fault` says which. */
MUST_CHECK enum err admin_start(const struct admin_options *options, struct admin **out_admin, struct fault *fault);
/* Ends all connections, joins the threads, removes the socket.  The control thread must not be waited for by a request then:
 * world.control answers ERR_CLOSED.  NULL is fine. */
void admin_stop(struct admin *admin);

/* "127.0.0.1:9464", with the port that was bound; "" without a metrics address. */
const char *admin_metrics_address(const struct admin *admin);

/* The world of a running daemon, and a whole admin made from its configuration: what an daemon_hooks.start needs.
 * *out_admin is NULL when the configuration asks for neither a socket nor metrics. */
void admin_world_of_daemon(struct daemon *daemon, struct admin_world *out_world);
MUST_CHECK enum err admin_start_for_daemon(struct daemon *daemon, struct admin **out_admin, struct fault *fault);
