/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a request on its way through, and the ways to answer it. */
#pragma once

#include "admin/admin.h"
#include "net/net_address.h"
#include "util/buffer.h"
#include <microhttpd.h>

struct json_t;
struct admin_request;
struct admin_import;
struct admin_export;

/* Answers by admin_fail() or by filling request->answer; runs on the connection's thread, when the body is complete. */
typedef void (*admin_handler_fn)(struct admin_request *request);

struct admin_route {
    const char *method;
    const char *path;
    admin_handler_fn handler;
    bool streams_body; /* goes to admin_import_* as it arrives, instead of into request->body */
};

struct admin_request {
    const struct admin_world *world;
    struct MHD_Connection *connection;
    const struct admin_route *route;
    struct buffer body;
    struct buffer answer; /* JSON, or what `content_type` says */
    unsigned status;
    const char *content_type;
    const char *allow;             /* 405: the methods that the path has */
    struct admin_import *import;   /* while a body is streamed */
    struct admin_export *export_;  /* while an answer is streamed */
    struct MHD_Response *response; /* in place of `answer`, where it is streamed */
};

/* One libmicrohttpd daemon with its listening socket. */
struct admin_server {
    struct admin_world world;
    bool metrics_only;
    struct MHD_Daemon *daemon;
};

/* Serves on `listen_fd`, which it takes over in any case. */
MUST_CHECK enum err admin_server_start(struct admin_server *server, int listen_fd);
void admin_server_stop(struct admin_server *server);

/* A unix socket that listens at `path`, 0600; *out_inode says which file is ours. */
struct admin_socket_id {
    uint64_t device, inode;
};
MUST_CHECK enum err admin_socket_unix(const char *path, int *out_fd, struct admin_socket_id *out_id,
                                      struct fault *fault);
/* Removes the file at `path` if it is still the one that was bound. */
void admin_socket_remove(const char *path, const struct admin_socket_id *id);
/* A TCP socket that listens at "ADDR:PORT"; *out_address is where, with the real port. */
MUST_CHECK enum err admin_socket_tcp(const char *address, int *out_fd, char out_address[NET_ADDRESS_TEXT_MAX],
                                     struct fault *fault);

/* The row for a method and path.  NULL: there is none; *out_allow then names the methods that the path has (NULL: no such
 * path). */
const struct admin_route *admin_route_find(const char *method, const char *path, const char **out_allow);

/* Answers with an error as JSON. */
void admin_fail(struct admin_request *request, unsigned status, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same from a fault, with the status that fits its error. */
void admin_fail_fault(struct admin_request *request, const struct fault *fault);
/* The HTTP status that fits `err`. */
unsigned admin_status_of(enum err err);
/* A query parameter, or NULL. */
const char *admin_query(const struct admin_request *request, const char *name);
/* A flag in the query: absent, 0 or false is false; 1, true or nothing is true. */
bool admin_query_flag(const struct admin_request *request, const char *name);

/* Reading a JSON body: which members an object may have, and where they go. */
enum admin_field_kind {
    ADMIN_FIELD_TEXT,   /* const char *, borrowed from the body's tree */
    ADMIN_FIELD_NUMBER, /* int64_t */
    ADMIN_FIELD_FLAG,   /* bool */
    ADMIN_FIELD_TIME    /* int64_t, Unix ms: RFC 3339, a date, or Unix seconds as a number */
};
struct admin_field {
    const char *name;
    enum admin_field_kind kind;
    size_t offset;
};
/* Parses the body ("" is {}) and fills the members of the struct at `out`; unknown members and wrong types have been
 * answered with 400 when it returns false.  *out_tree keeps the texts alive: admin_body_free() it. */
bool admin_body_read(struct admin_request *request, const struct admin_field *fields, void *out,
                     struct json_t **out_tree);
void admin_body_free(struct json_t *tree);

/* admin_control.c */
void admin_post_reload(struct admin_request *request);
void admin_post_certificates(struct admin_request *request);
void admin_post_rollback(struct admin_request *request);
void admin_get_shadow(struct admin_request *request);
void admin_post_shadow_cancel(struct admin_request *request);
void admin_get_probation(struct admin_request *request);
void admin_get_versions(struct admin_request *request);
void admin_get_status(struct admin_request *request);
void admin_post_drain(struct admin_request *request);
void admin_get_metrics(struct admin_request *request);

/* admin_calls.c */
void admin_get_calls(struct admin_request *request);
void admin_get_subscriptions(struct admin_request *request);
void admin_get_call(struct admin_request *request);
void admin_get_peers(struct admin_request *request);
/* admin_bans.c */
void admin_get_bans(struct admin_request *request);
void admin_post_ban(struct admin_request *request);
void admin_post_unban(struct admin_request *request);
void admin_get_bindings(struct admin_request *request);
/* admin_control.c: runs fn(arg) on the control thread; false: the engine is going, and that has been answered. */
bool admin_on_control(struct admin_request *request, void (*fn)(void *arg), void *arg);

/* admin_directory.c, admin_directory_care.c */
struct directory *admin_directory(struct admin_request *request); /* NULL: answered */
void admin_directory_add(struct admin_request *request);
void admin_directory_retire(struct admin_request *request);
void admin_directory_move(struct admin_request *request);
void admin_directory_suspend(struct admin_request *request);
void admin_directory_restore(struct admin_request *request);
void admin_directory_remove(struct admin_request *request);
void admin_directory_passwd(struct admin_request *request);
void admin_directory_show(struct admin_request *request);
void admin_directory_history(struct admin_request *request);
void admin_directory_verify(struct admin_request *request);
void admin_directory_backup(struct admin_request *request);
void admin_directory_compact(struct admin_request *request);

/* admin_import.c: begin at the request's head, feed its body, end with its answer; stop when it breaks off. */
void admin_import_begin(struct admin_request *request);
void admin_import_feed(struct admin_request *request, struct span bytes);
void admin_directory_import(struct admin_request *request);
void admin_import_stop(struct admin_request *request);

/* admin_export.c */
void admin_directory_export(struct admin_request *request);
void admin_export_stop(struct admin_request *request);
