/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams out: collected during a batch or a turn, handed over by one sendmmsg for each run of the same socket. */
#include "net/net_priv.h"

#include <errno.h>
#include <stdlib.h>

/* A datagram that waits for a full socket. */
struct net_queued {
    struct list node;
    union net_sockaddr name;
    socklen_t name_len;
    size_t len;
    char bytes[];
};

enum err net_transmit_init(struct net_transmit *transmit)
{
    transmit->arena = malloc(NET_SEND_ARENA);
    if (!transmit->arena)
        return ERR_NOMEM;
    for (unsigned i = 0; i < NET_BATCH; i++)
        transmit->messages[i].msg_hdr =
            (struct msghdr){.msg_name = &transmit->names[i], .msg_iov = &transmit->parts[i], .msg_iovlen = 1};
    return OK;
}

void net_transmit_done(struct net_transmit *transmit)
{
    free(transmit->arena);
    transmit->arena = NULL;
}

/* Keeps message `i` until its socket takes it, in order; over the cap it is lost. */
static void enqueue(struct net_udp *udp, const struct mmsghdr *message)
{
    struct net_counters *counters = &udp->stack->counters;
    const struct iovec *part = message->msg_hdr.msg_iov;
    struct net_queued *queued = NULL;
    if (udp->queue_bytes + part->iov_len <= udp->stack->limits.udp_queue_max)
        queued = malloc(sizeof(*queued) + part->iov_len);
    if (!queued) {
        counters->udp_queue_dropped++;
        return;
    }
    memcpy(&queued->name, message->msg_hdr.msg_name, message->msg_hdr.msg_namelen);
    queued->name_len = message->msg_hdr.msg_namelen;
    queued->len = part->iov_len;
    memcpy(queued->bytes, part->iov_base, part->iov_len);
    bool first = list_is_empty(&udp->queue);
    list_push_back(&udp->queue, &queued->node);
    udp->queue_bytes += queued->len;
    counters->udp_queued++;
    if (first)
        net_udp_poll(udp);
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* Sends `count` messages of one socket.  What one destination gets wrong (unreachable, refused, too long) costs that
 * datagram alone. */
static void send_run(struct net_udp *udp, struct mmsghdr *messages, unsigned count)
{
    struct net_stack *stack = udp->stack;
    unsigned done = 0;
    bool full = !list_is_empty(&udp->queue); /* order is kept */
    while (done < count && !full) {
        int sent = stack->system->send_many(udp->fd, messages + done, count - done, 0);
        if (sent > 0) {
            for (int i = 0; i < sent; i++)
                stack->counters.udp_sent_bytes += messages[done + (unsigned)i].msg_hdr.msg_iov->iov_len;
            stack->counters.udp_sent += (unsigned)sent;
            done += (unsigned)sent;
        } else if (sent < 0 && is_full(errno)) {
            full = true;
        } else if (sent == 0 || errno != EINTR) {
            stack->counters.udp_send_errors++;
            done++;
        }
    }
    for (; done < count; done++)
        enqueue(udp, &messages[done]);
}

void net_transmit_flush(struct net_stack *stack)
{
    struct net_transmit *transmit = &stack->transmit;
    unsigned first = 0;
    for (unsigned i = 1; i <= transmit->count; i++) {
        if (i < transmit->count && transmit->sockets[i] == transmit->sockets[first])
            continue;
        send_run(transmit->sockets[first], &transmit->messages[first], i - first);
        first = i;
    }
    transmit->count = 0;
    transmit->used = 0;
}

struct buffer net_transmit_room(struct net_stack *stack)
{
    struct net_transmit *transmit = &stack->transmit;
    if (transmit->count == NET_BATCH || NET_SEND_ARENA - transmit->used < NET_RECEIVE_ROOM)
        net_transmit_flush(stack);
    return buffer_over(transmit->arena + transmit->used, NET_RECEIVE_ROOM);
}

enum err net_transmit_add(struct net_stack *stack, const struct net_flow *flow, size_t len)
{
    struct net_transmit *transmit = &stack->transmit;
    struct net_udp *udp = flow->listener < stack->listener_count ? stack->udps[flow->listener] : NULL;
    if (!udp || flow->remote.family != udp->flow.local.family)
        return ERR_INVALID;
    if (len > NET_DATAGRAM_MAX)
        return ERR_TOO_LONG;
    unsigned i = transmit->count;
    struct sockaddr_storage to;
    socklen_t to_len = net_address_to_sockaddr(&flow->remote, &to);
    memcpy(&transmit->names[i], &to, to_len);
    transmit->messages[i].msg_hdr.msg_namelen = to_len;
    transmit->parts[i] = (struct iovec){transmit->arena + transmit->used, len};
    transmit->sockets[i] = udp;
    transmit->count = i + 1;
    transmit->used += (len + 63) & ~(size_t)63;
    return OK;
}

void net_udp_drain(struct net_udp *udp)
{
    struct net_stack *stack = udp->stack;
    struct list *node;
    while ((node = list_first(&udp->queue)) != NULL) {
        struct net_queued *queued = container_of(node, struct net_queued, node);
        struct iovec part = {queued->bytes, queued->len};
        struct mmsghdr message = {
            .msg_hdr = {.msg_name = &queued->name, .msg_namelen = queued->name_len, .msg_iov = &part, .msg_iovlen = 1}};
        int sent = stack->system->send_many(udp->fd, &message, 1, 0);
        if (sent < 0 && is_full(errno))
            return;
        if (sent == 1) {
            stack->counters.udp_sent++;
            stack->counters.udp_sent_bytes += queued->len;
        } else {
            stack->counters.udp_send_errors++;
        }
        list_remove(node);
        udp->queue_bytes -= queued->len;
        free(queued);
    }
    net_udp_poll(udp);
}

void net_udp_queue_free(struct net_udp *udp)
{
    struct list *node;
    while ((node = list_first(&udp->queue)) != NULL) {
        list_remove(node);
        free(container_of(node, struct net_queued, node));
    }
    udp->queue_bytes = 0;
}
