/* SPDX-License-Identifier: Apache-2.0 */
#include "support_admin.h"
#include "net/net_address.h"
#include "release/release.h"
#include "store/store_file.h"
#include "support/cmocka_all.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum err world_control(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct admin_bench *bench = ctx;
    if (bench->going)
        return ERR_CLOSED;
    __atomic_fetch_add(&bench->controls, 1, __ATOMIC_RELAXED);
    fn(arg);
    return OK;
}

static enum err world_reload(void *ctx, const struct release_request *request, struct release_report *out_report)
{
    struct admin_bench *bench = ctx;
    snprintf(bench->reload_path, sizeof(bench->reload_path), "%s", request->path ? request->path : "-");
    *out_report = (struct release_report){.ok = bench->reload_err == OK, .version = 7};
    if (bench->reload_err == OK)
        return OK;
    return fault_set(&out_report->fault, bench->reload_err, "policy.lua", 12, "unexpected symbol");
}

static enum err world_certificates(void *ctx, struct fault *fault)
{
    const struct admin_bench *bench = ctx;
    if (!bench->certificates_broken)
        return OK;
    return fault_set(fault, ERR_INVALID, "sip.pem", 0, "no certificate in PEM can be read here");
}

static enum err world_rollback(void *ctx, struct release_report *out_report)
{
    struct admin_bench *bench = ctx;
    *out_report = (struct release_report){.ok = bench->reload_err == OK, .rolled_back = true, .version = 6};
    return bench->reload_err;
}

static void world_versions(void *ctx, struct buffer *out)
{
    (void)ctx;
    buffer_add_literal(out, "[{\"version\":1}]");
}

static void world_status(void *ctx, struct buffer *out)
{
    (void)ctx;
    buffer_add_literal(out, "{\"up\":true}");
}

static void world_drain(void *ctx, bool on)
{
    ((struct admin_bench *)ctx)->drained = on;
}

static struct directory *world_directory(void *ctx)
{
    return ((struct admin_bench *)ctx)->directory;
}

static void world_metrics(void *ctx, struct buffer *out)
{
    (void)ctx;
    buffer_add_literal(out, "verdict_up 1\n");
}

int bench_setup(void **state)
{
    struct admin_bench *bench = calloc(1, sizeof(*bench));
    const char *base = getenv("TMPDIR");
    struct fault fault = {0};
    if (!bench)
        return -1;
    snprintf(bench->folder, sizeof(bench->folder), "%s/verdict-admin-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(bench->folder))
        return -1;
    snprintf(bench->socket_path, sizeof(bench->socket_path), "%s/control.sock", bench->folder);
    bench->world = (struct admin_world){
        .ctx = bench,
        .control = world_control,
        .reload = world_reload,
        .certificates = world_certificates,
        .rollback = world_rollback,
        .versions = world_versions,
        .status = world_status,
        .drain = world_drain,
        .directory = world_directory,
        .metrics = world_metrics,
    };
    struct admin_options options = {.socket_path = bench->socket_path, .metrics = "127.0.0.1:0", .world = bench->world};
    *state = bench;
    return admin_start(&options, &bench->admin, &fault) == OK ? 0 : -1;
}

int bench_teardown(void **state)
{
    struct admin_bench *bench = *state;
    admin_stop(bench->admin);
    directory_close(bench->directory);
    enum err err = store_remove_folder(bench->folder);
    free(bench);
    return err == OK ? 0 : -1;
}

void bench_with_directory(struct admin_bench *bench)
{
    struct fault fault = {0};
    struct directory_options options = {.lenient = true};
    enum err err = directory_open(bench->folder, &options, &bench->directory, &fault);
    if (err != OK)
        fail_msg("%s", fault.text);
}

int bench_connect(const struct admin_bench *bench)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", bench->socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int bench_connect_tcp(const char *address)
{
    struct net_address where;
    struct sockaddr_storage storage;
    assert_int_equal(net_address_parse(span_of(address), 0, &where), OK);
    socklen_t len = net_address_to_sockaddr(&where, &storage);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
    return fd;
}

static void send_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* an early answer: it is read below */
        at += sent;
        len -= (size_t)sent;
    }
}

static size_t read_all(int fd, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t got;
    while (len < cap - 1 && (got = recv(fd, out + len, cap - 1 - len, 0)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    return len;
}

void bench_ask_on(struct admin_bench *bench, int fd, const char *method, const char *path, const char *body)
{
    static char all[ANSWER_MAX + 4096];
    char head[1024];
    int len = snprintf(head, sizeof(head),
                       "%s %s HTTP/1.1\r\nHost: verdict\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", method,
                       path, body ? strlen(body) : 0);
    send_all(fd, head, (size_t)len);
    if (body)
        send_all(fd, body, strlen(body));
    read_all(fd, all, sizeof(all));
    close(fd);
    bench->status = 0;
    bench->answer[0] = '\0';
    char *end = strstr(all, "\r\n\r\n");
    if (!end)
        return;
    *end = '\0';
    (void)span_copy(span_of(all), bench->head, sizeof(bench->head));
    assert_true(span_copy(span_of(end + 4), bench->answer, sizeof(bench->answer)));
    assert_int_equal(sscanf(all, "HTTP/1.1 %d", &bench->status), 1);
}

void bench_ask(struct admin_bench *bench, const char *method, const char *path, const char *body)
{
    bench_ask_on(bench, bench_connect(bench), method, path, body);
}

void bench_expect(struct admin_bench *bench, int status, const char *part)
{
    if (bench->status != status)
        fail_msg("expected %d, got %d: %.500s", status, bench->status, bench->answer);
    if (part && !strstr(bench->answer, part))
        fail_msg("expected '%s' in: %.500s", part, bench->answer);
}
