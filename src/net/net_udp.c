/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams in: uv_poll and recvmmsg, a batch a call, parsed where they arrived.  (libuv's own UDP gives neither the
 * count of kernel drops nor batched sending.) */
#include "net/net_priv.h"

#include "util/clock.h"
#include "util/invariant.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    /* The slots do not begin at a multiple of a page: they would all meet in the same few sets of the cache. */
    SLOT_STRIDE = NET_RECEIVE_ROOM + 17 * 64,
    /* Full batches a socket may have before timers, streams and other sockets get their turn. */
    BATCHES_A_TURN = 4,
    TURN_NS = 4 * 1000 * 1000,
    BATCH_LEAST = 4,
};

static void reset_message(struct net_receive *receive, unsigned i)
{
    receive->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &receive->names[i],
        .msg_namelen = sizeof(receive->names[i]),
        .msg_iov = &receive->parts[i],
        .msg_iovlen = 1,
        .msg_control = receive->control[i],
        .msg_controllen = sizeof(receive->control[i]),
    };
}

enum err net_receive_init(struct net_receive *receive)
{
    void *memory =
        mmap(NULL, (size_t)SLOT_STRIDE * NET_BATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ERR_NOMEM;
    receive->memory = memory;
    receive->batch = NET_BATCH;
    for (unsigned i = 0; i < NET_BATCH; i++) {
        receive->parts[i] = (struct iovec){receive->memory + (size_t)i * SLOT_STRIDE, NET_RECEIVE_ROOM};
        reset_message(receive, i);
    }
    return OK;
}

void net_receive_done(struct net_receive *receive)
{
    if (receive->memory)
        munmap(receive->memory, (size_t)SLOT_STRIDE * NET_BATCH);
    receive->memory = NULL;
}

/* The kernel sends its count of drops along with a datagram once there were any. */
static void note_drops(struct net_udp *udp, struct msghdr *header)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        uint32_t drops;
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&drops, CMSG_DATA(control), sizeof(drops));
        uint64_t *counter = udp->stack->sheds ? &udp->stack->counters.udp_shed : &udp->stack->counters.udp_kernel_drops;
        *counter += (uint32_t)(drops - udp->drops_seen);
        udp->drops_seen = drops;
    }
}

static void deliver(struct net_udp *udp, struct net_flow *flow, unsigned i)
{
    struct net_stack *stack = udp->stack;
    struct mmsghdr *message = &stack->receive.messages[i];
    if (message->msg_hdr.msg_controllen > 0)
        note_drops(udp, &message->msg_hdr);
    stack->counters.udp_received_bytes += message->msg_len;
    if (message->msg_len == 0) {
        stack->counters.udp_empty++;
        return;
    }
    if (net_address_from_sockaddr(&stack->receive.names[i].any, &flow->remote) != OK)
        return;
    stack->handlers.on_datagram(stack->handlers.ctx, flow,
                                span_make(stack->receive.parts[i].iov_base, message->msg_len));
}

/* One batch; returns whether there may be more. */
static bool receive_batch(struct net_udp *udp)
{
    struct net_stack *stack = udp->stack;
    struct net_receive *receive = &stack->receive;
    struct net_flow flow = udp->flow;
    unsigned batch = receive->batch;
    int count = stack->system->receive_many(udp->fd, receive->messages, batch, MSG_DONTWAIT);
    if (count <= 0) {
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            stack->counters.udp_receive_errors++;
        return false;
    }
    stack->counters.udp_batches++;
    stack->counters.udp_received += (unsigned)count;
    for (int i = 0; i < count && udp->fd >= 0; i++)
        deliver(udp, &flow, (unsigned)i);
    if (stack->handlers.on_batch)
        stack->handlers.on_batch(stack->handlers.ctx);
    for (int i = 0; i < count; i++) {
        receive->messages[i].msg_hdr.msg_namelen = sizeof(receive->names[i]);
        receive->messages[i].msg_hdr.msg_controllen = sizeof(receive->control[i]);
        receive->messages[i].msg_hdr.msg_flags = 0;
    }
    net_transmit_flush(stack);
    return (unsigned)count == batch && udp->fd >= 0;
}

/* The last of a batch waits for all before it, and the answer of the first for all behind it. */
static void fit_batch(struct net_receive *receive, uint64_t took_ns)
{
    if (took_ns > TURN_NS && receive->batch > BATCH_LEAST)
        receive->batch /= 2;
    else if (took_ns < TURN_NS / 4 && receive->batch < NET_BATCH)
        receive->batch *= 2;
}

/* Where a message costs much, a few batches are a long time for timers, and for whoever watches the queue. */
static void receive_batches(struct net_udp *udp)
{
    uint64_t now_ns = clock_mono_ns(), end_ns = now_ns + TURN_NS;
    int batches = 0;
    while (receive_batch(udp)) {
        uint64_t began_ns = now_ns;
        now_ns = clock_mono_ns();
        fit_batch(&udp->stack->receive, now_ns - began_ns);
        if (++batches < BATCHES_A_TURN && now_ns < end_ns)
            continue;
        udp->cut_short = udp->stack->cut_short = true;
        return;
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct net_udp *udp = container_of(handle, struct net_udp, poll);
    net_turn_open(udp->stack);
    if (status < 0) {
        /* An error is pending on the socket and libuv has stopped polling: take it, and go on. */
        int pending;
        socklen_t len = sizeof(pending);
        (void)getsockopt(udp->fd, SOL_SOCKET, SO_ERROR, &pending, &len);
        udp->stack->counters.udp_receive_errors++;
        net_udp_poll(udp);
        return;
    }
    if (events & UV_WRITABLE)
        net_udp_drain(udp);
    if (!(events & UV_READABLE))
        return;
    receive_batches(udp);
}

void net_udp_poll(struct net_udp *udp)
{
    int events = list_is_empty(&udp->queue) ? UV_READABLE : UV_READABLE | UV_WRITABLE;
    int failed = uv_poll_start(&udp->poll, events, on_poll);
    invariant(failed == 0);
}

enum err net_udp_open(struct net_stack *stack, unsigned listener, const struct net_address *local, int fd)
{
    struct net_udp *udp = calloc(1, sizeof(*udp));
    if (!udp)
        return ERR_NOMEM;
    if (uv_poll_init(stack->loop, &udp->poll, fd) != 0) {
        free(udp);
        return ERR_IO;
    }
    stack->handles++;
    udp->stack = stack;
    udp->fd = fd;
    udp->flow = (struct net_flow){
        .transport = NET_UDP, .worker = (uint16_t)stack->worker, .listener = (uint16_t)listener, .local = *local};
    list_init(&udp->queue);
    stack->udps[listener] = udp;
    net_udp_poll(udp);
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct net_udp *udp = container_of((uv_poll_t *)handle, struct net_udp, poll);
    struct net_stack *stack = udp->stack;
    free(udp);
    net_handle_released(stack);
}

void net_udp_close(struct net_udp *udp)
{
    net_udp_queue_free(udp);
    udp->stack->udps[udp->flow.listener] = NULL;
    uv_close((uv_handle_t *)&udp->poll, on_closed);
    close(udp->fd);
    udp->fd = -1;
}
