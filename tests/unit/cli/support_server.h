/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted HTTP server on a unix socket, which answers one request, and the command that asks it. */
#pragma once

#include "support_run.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

struct server {
    char folder[64];
    char path[108];
    int fd;
    pthread_t thread;
    const char *status; /* "200 OK" */
    const char *body;
    bool refuses_body; /* answers and closes without reading the body */
    char asked[65536];
};

static inline size_t read_request(int fd, char *to, size_t cap)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = recv(fd, to + used, cap - 1 - used, 0);
        if (got <= 0)
            break;
        used += (size_t)got;
        to[used] = '\0';
        const char *end = strstr(to, "\r\n\r\n");
        const char *length = strstr(to, "Content-Length: ");
        if (end && strstr(to, "chunked") && strstr(end, "\r\n0\r\n\r\n"))
            break;
        if (end && !strstr(to, "chunked") && (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10)))
            break;
    }
    return used;
}

static inline void *serve_once(void *arg)
{
    struct server *server = arg;
    char answer[8192];
    int fd = accept(server->fd, NULL, NULL);
    if (server->refuses_body)
        (void)recv(fd, server->asked, sizeof(server->asked) - 1, 0);
    else
        (void)read_request(fd, server->asked, sizeof(server->asked));
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n%s",
                       server->status, strlen(server->body), server->body);
    (void)send(fd, answer, (size_t)len, MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static inline int server_setup(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(server);
    (void)snprintf(server->folder, sizeof(server->folder), "/tmp/verdict-cli-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    (void)snprintf(server->path, sizeof(server->path), "%s/control.sock", server->folder);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
    server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->fd, 4), 0);
    assert_int_equal(setenv("VERDICT_CONTROL", server->path, 1), 0);
    assert_int_equal(unsetenv("VERDICT_DATA"), 0);
    *state = server;
    return 0;
}

static inline int server_teardown(void **state)
{
    struct server *server = *state;
    (void)close(server->fd);
    (void)unlink(server->path);
    (void)rmdir(server->folder);
    free(server);
    return 0;
}

static inline void server_run(struct server *server, struct run_output *out, const char *line, const char *status,
                              const char *body)
{
    server->status = status;
    server->body = body;
    memset(server->asked, 0, sizeof(server->asked));
    assert_int_equal(pthread_create(&server->thread, NULL, serve_once, server), 0);
    run_line(out, line, "kind,key,state\nnumber,+15550100,active\n");
    assert_int_equal(pthread_join(server->thread, NULL), 0);
}
