/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd: a thread a connection, a cap on connections and bodies, a time limit on silence; one request's way from
 * its head to its handler and back. */
#include "admin/admin_priv.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 64 * 1024 };

static struct admin_request *request_new(struct admin_server *server, struct MHD_Connection *connection)
{
    struct admin_request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->world = &server->world;
    request->connection = connection;
    request->status = MHD_HTTP_OK;
    request->content_type = "application/json";
    request->body = buffer_heap(ADMIN_BODY_MAX);
    request->answer = buffer_heap(ADMIN_ANSWER_MAX);
    return request;
}

static void request_free(struct admin_request *request)
{
    admin_import_stop(request);
    admin_export_stop(request);
    buffer_done(&request->body);
    buffer_done(&request->answer);
    free(request);
}

/* Gives the answer's memory to the response, which frees it. */
static struct MHD_Response *response_of(struct admin_request *request)
{
    if (request->response)
        return request->response;
    if (request->answer.overflow) {
        buffer_done(&request->answer);
        request->answer = buffer_heap(ADMIN_ANSWER_MAX);
        admin_fail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer is over its cap, or out of memory");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(request->answer.len, request->answer.at, MHD_RESPMEM_MUST_FREE);
    if (response)
        request->answer = buffer_heap(ADMIN_ANSWER_MAX);
    return response;
}

static enum MHD_Result answer(struct admin_request *request)
{
    struct MHD_Response *response = response_of(request);
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", request->content_type);
    if (request->allow)
        (void)MHD_add_response_header(response, "Allow", request->allow);
    enum MHD_Result queued = MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void find_route(struct admin_request *request, const char *method, const char *path)
{
    request->route = admin_route_find(method, path, &request->allow);
    if (request->route) {
        if (request->route->streams_body)
            admin_import_begin(request);
        return;
    }
    if (request->allow)
        admin_fail(request, MHD_HTTP_METHOD_NOT_ALLOWED, "%s %s: expected %s", method, path, request->allow);
    else
        admin_fail(request, MHD_HTTP_NOT_FOUND, "there is no %s", path);
}

static void take_body(struct admin_request *request, struct span bytes)
{
    if (!request->route)
        return; /* read to its end, so that the client gets to see the answer */
    if (request->route->streams_body)
        admin_import_feed(request, bytes);
    else
        buffer_add_span(&request->body, bytes);
}

static void handle(struct admin_request *request)
{
    if (!request->route)
        return;
    if (request->body.overflow)
        admin_fail(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is over %d bytes", ADMIN_BODY_MAX);
    else
        request->route->handler(request);
}

static enum MHD_Result on_control(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *len, void **state)
{
    struct admin_request *request = *state;
    (void)version;
    if (!request) {
        *state = request = request_new(ctx, connection);
        if (!request)
            return MHD_NO;
        find_route(request, method, path);
        return MHD_YES;
    }
    if (*len > 0) {
        take_body(request, span_make(bytes, *len));
        *len = 0;
        return MHD_YES;
    }
    handle(request);
    return answer(request);
}

/* Read-only and without a body: answered from the head alone. */
static enum MHD_Result on_metrics(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *len, void **state)
{
    (void)version;
    (void)bytes;
    (void)len;
    if (*state)
        return MHD_NO;
    struct admin_request *request = *state = request_new(ctx, connection);
    if (!request)
        return MHD_NO;
    if (strcmp(path, "/metrics") != 0) {
        admin_fail(request, MHD_HTTP_NOT_FOUND, "there is nothing but /metrics");
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        request->allow = "GET, HEAD";
        admin_fail(request, MHD_HTTP_METHOD_NOT_ALLOWED, "%s: expected GET", method);
    } else {
        admin_get_metrics(request);
    }
    return answer(request);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    if (*state)
        request_free(*state);
    *state = NULL;
}

enum err admin_server_start(struct admin_server *server, int listen_fd)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC;
    unsigned timeout_s = server->metrics_only ? ADMIN_METRICS_TIMEOUT_S : ADMIN_IDLE_TIMEOUT_S;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, server->metrics_only ? on_metrics : on_control, server,
                                      MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
                                      (unsigned)ADMIN_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                      MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (server->daemon)
        return OK;
    close(listen_fd);
    return ERR_IO;
}

void admin_server_stop(struct admin_server *server)
{
    if (server->daemon)
        MHD_stop_daemon(server->daemon); /* closes the listening socket too */
    server->daemon = NULL;
}
