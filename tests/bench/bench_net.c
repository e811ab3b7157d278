/* SPDX-License-Identifier: Apache-2.0 */
/* What the stack costs a datagram: an echo on net_stack beside a bare loop of recvmmsg and sendmmsg and beside libuv's own
 * UDP (received in batches, sent one by one, which is what it can), under the same load
 * (a window of 64 in flight), as CPU time of the answering thread.  Rounds alternate; the median counts.
 *   bench_net [ROUNDS] */
#include "net/net_stack.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 64, WINDOW = 64, REQUEST = 420, ROUND_MESSAGES = 200000, ROUNDS_MAX = 99 };

struct server {
    int fd;
    struct net_listeners *listeners;
    _Atomic bool stop;
    uint64_t cpu_ns;
    uint64_t answered;
    uint64_t calls;
    struct net_stack *stack;
    struct clock clock;
    struct wheel wheel;
    uv_loop_t loop;
    uv_async_t async;
};

/* Stands for building an answer: the same in both. */
static size_t answer(const char *in, size_t len, char *out)
{
    memcpy(out, in, len);
    return len;
}

static void *bare(void *arg)
{
    struct server *server = arg;
    static char in[BATCH][4096], out[BATCH][4096];
    static struct sockaddr_in from[BATCH];
    static struct iovec in_parts[BATCH], out_parts[BATCH];
    static struct mmsghdr received[BATCH], sent[BATCH];
    uint64_t begun = clock_thread_cpu_ns();
    while (!atomic_load_explicit(&server->stop, memory_order_relaxed)) {
        for (int i = 0; i < BATCH; i++) {
            in_parts[i] = (struct iovec){in[i], sizeof(in[i])};
            received[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &in_parts[i], .msg_iovlen = 1};
        }
        int count = recvmmsg(server->fd, received, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) {
            out_parts[i] = (struct iovec){out[i], answer(in[i], received[i].msg_len, out[i])};
            sent[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &out_parts[i], .msg_iovlen = 1};
        }
        for (int done = 0; done < count;) {
            int now = sendmmsg(server->fd, sent + done, (unsigned)(count - done), 0);
            if (now <= 0)
                break;
            done += now;
        }
        server->answered += count > 0 ? (unsigned)count : 0;
        server->calls += count > 0;
    }
    server->cpu_ns = clock_thread_cpu_ns() - begun;
    return NULL;
}

static void on_turn_begin(void *ctx)
{
    struct server *server = ctx;
    clock_refresh(&server->clock);
}

static void on_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct server *server = ctx;
    struct buffer out = net_send_begin(server->stack);
    out.len = answer(bytes.at, bytes.len, out.at);
    if (net_send_end(server->stack, flow, &out) == OK)
        server->answered++;
    if (atomic_load_explicit(&server->stop, memory_order_relaxed))
        uv_stop(&server->loop);
}

static void *on_stack(void *arg)
{
    struct server *server = arg;
    struct net_handlers handlers = {.ctx = server, .on_turn_begin = on_turn_begin, .on_datagram = on_datagram};
    struct net_stack_options options = {
        .listeners = server->listeners, .clock = &server->clock, .wheel = &server->wheel, .key = {1, 2}};
    clock_refresh(&server->clock);
    wheel_init(&server->wheel, server->clock.mono_ms, NULL);
    if (uv_loop_init(&server->loop) != 0 || net_stack_new(&server->loop, &options, &handlers, &server->stack) != OK)
        abort();
    uint64_t begun = clock_thread_cpu_ns();
    uv_run(&server->loop, UV_RUN_DEFAULT);
    server->cpu_ns = clock_thread_cpu_ns() - begun;
    server->calls = net_stack_counters(server->stack)->udp_batches;
    net_stack_close(server->stack, NULL, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    return NULL;
}

static void uv_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    static char room[20 * 65536]; /* libuv takes 64 KiB a datagram, and at most 20 of them */
    (void)handle;
    (void)wanted;
    *out = uv_buf_init(room, sizeof(room));
}

static void uv_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *in, const struct sockaddr *from, unsigned flags)
{
    struct server *server = udp->data;
    static char bytes[65536];
    (void)flags;
    if (len <= 0 || !from)
        return;
    uv_buf_t out = uv_buf_init(bytes, (unsigned)answer(in->base, (size_t)len, bytes));
    server->answered += uv_udp_try_send(udp, &out, 1, from) > 0;
    server->calls++;
    if (atomic_load_explicit(&server->stop, memory_order_relaxed))
        uv_stop(&server->loop);
}

static void *on_libuv(void *arg)
{
    struct server *server = arg;
    uv_udp_t udp;
    if (uv_loop_init(&server->loop) != 0 || uv_udp_init_ex(&server->loop, &udp, UV_UDP_RECVMMSG) != 0 ||
        uv_udp_open(&udp, net_listeners_take(server->listeners, 0, 0)) != 0)
        abort();
    udp.data = server;
    if (uv_udp_recv_start(&udp, uv_room, uv_datagram) != 0)
        abort();
    uint64_t begun = clock_thread_cpu_ns();
    uv_run(&server->loop, UV_RUN_DEFAULT);
    server->cpu_ns = clock_thread_cpu_ns() - begun;
    uv_close((uv_handle_t *)&udp, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    return NULL;
}

/* Keeps WINDOW messages in flight until `total` have come back, then unblocks the server. */
static void load(const struct net_address *to, uint64_t total, struct server *server)
{
    static char request[REQUEST], in[BATCH][REQUEST];
    struct sockaddr_storage address;
    socklen_t len = net_address_to_sockaddr(to, &address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) != 0)
        abort();
    struct iovec out_part = {request, REQUEST};
    struct iovec in_parts[BATCH];
    struct mmsghdr sent[BATCH] = {0};
    struct mmsghdr received[BATCH] = {0};
    for (int i = 0; i < BATCH; i++) {
        in_parts[i] = (struct iovec){in[i], REQUEST};
        sent[i].msg_hdr = (struct msghdr){.msg_iov = &out_part, .msg_iovlen = 1};
        received[i].msg_hdr = (struct msghdr){.msg_iov = &in_parts[i], .msg_iovlen = 1};
    }
    for (int done = 0; done < WINDOW;)
        done += sendmmsg(fd, sent, (unsigned)(WINDOW - done), 0);
    for (uint64_t back = 0; back < total;) {
        int count = recvmmsg(fd, received, BATCH, MSG_WAITFORONE, NULL);
        back += (unsigned)count;
        for (int done = 0; done < count;)
            done += sendmmsg(fd, sent, (unsigned)(count - done), 0);
    }
    atomic_store(&server->stop, true);
    (void)!send(fd, request, REQUEST, 0);
    close(fd);
}

static double round_of(void *(*serve)(void *), double *out_batch)
{
    static struct server server;
    struct net_listen_spec spec;
    struct net_bind_options options = {.worker_count = 1};
    pthread_t thread;
    memset(&server, 0, sizeof(server));
    if (net_listen_spec_parse(SPAN("udp:127.0.0.1:0"), &spec, NULL) != OK ||
        net_bind(&spec, 1, &options, &server.listeners, NULL) != OK)
        abort();
    struct net_address to = net_listeners_at(server.listeners, 0)->address;
    if (serve == bare) {
        int blocking = 0;
        server.fd = net_listeners_take(server.listeners, 0, 0);
        (void)setsockopt(server.fd, SOL_SOCKET, SO_RXQ_OVFL, &blocking, sizeof(blocking));
        int flags = fcntl(server.fd, F_GETFL);
        (void)fcntl(server.fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    if (pthread_create(&thread, NULL, serve, &server) != 0)
        abort();
    load(&to, ROUND_MESSAGES, &server);
    pthread_join(thread, NULL);
    if (serve == bare)
        close(server.fd);
    net_listeners_free(server.listeners);
    *out_batch = (double)server.answered / (double)server.calls;
    return (double)server.cpu_ns / (double)server.answered;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    double figures[3][ROUNDS_MAX], batches[3] = {0};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 9;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    for (int i = 0; i < rounds; i++) {
        figures[0][i] = round_of(bare, &batches[0]);
        figures[1][i] = round_of(on_stack, &batches[1]);
        figures[2][i] = round_of(on_libuv, &batches[2]);
    }
    static const char *const names[] = {"bare", "stack", "libuv"};
    for (int i = 0; i < 3; i++)
        qsort(figures[i], (size_t)rounds, sizeof(double), by_value);
    for (int i = 0; i < 3; i++)
        printf("{\"bench\":\"net\",\"what\":\"%s\",\"ns\":%.0f,\"batch\":%.1f,\"ratio\":%.3f}\n", names[i],
               figures[i][rounds / 2], batches[i], figures[i][rounds / 2] / figures[0][rounds / 2]);
    return 0;
}
