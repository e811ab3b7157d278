/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: connections come in here.  When descriptors or memory run out, accepting rests and what exists goes
 * on: the kernel's backlog holds the newcomers. */
#include "net/net_priv.h"

#include "util/invariant.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 32 };

static void on_poll(uv_poll_t *handle, int status, int events);

static void poll_all(struct net_stack *stack, bool accept)
{
    for (unsigned i = 0; i < stack->listener_count; i++) {
        struct net_acceptor *acceptor = stack->acceptors[i];
        if (!acceptor)
            continue;
        int failed = accept ? uv_poll_start(&acceptor->poll, UV_READABLE, on_poll) : uv_poll_stop(&acceptor->poll);
        invariant(failed == 0);
    }
}

static void pause_accepting(struct net_stack *stack)
{
    stack->counters.stream_accept_pauses++;
    stack->accept_paused = true;
    poll_all(stack, false);
    wheel_arm(stack->wheel, &stack->accept_timer, stack->clock->mono_ms + NET_ACCEPT_PAUSE_MS);
}

void net_accept_resume(struct net_stack *stack)
{
    if (!stack->accept_paused)
        return;
    stack->accept_paused = false;
    wheel_cancel(stack->wheel, &stack->accept_timer);
    poll_all(stack, true);
}

void net_accept_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    net_accept_resume(container_of(timer, struct net_stack, accept_timer));
}

static bool is_exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* Returns whether there may be more. */
static bool accept_one(struct net_acceptor *acceptor)
{
    struct net_stack *stack = acceptor->stack;
    union net_sockaddr name;
    socklen_t len = sizeof(name);
    int fd = stack->system->accept(acceptor->fd, &name.any, &len);
    if (fd < 0) {
        if (is_exhausted(errno))
            pause_accepting(stack);
        /* Any other error is the newcomer's (it has gone again, a network is down): the next one may be fine. */
        return !is_exhausted(errno) && errno != EAGAIN && errno != EWOULDBLOCK;
    }
    struct net_flow flow = acceptor->flow;
    if (net_address_from_sockaddr(&name.any, &flow.remote) != OK) {
        close(fd);
        return true;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct net_connection *connection;
    enum err err = net_connection_new(stack, fd, &flow, NET_STARTING, &connection);
    if (err != OK) {
        stack->counters.stream_refused_memory += err != ERR_FULL; /* caps are counted where they are held */
        return true;
    }
    stack->counters.stream_accepted++;
    if (stack->layers[flow.transport] && !net_table_add_starting(connection))
        net_connection_close(connection, NET_CLOSE_BUSY);
    else
        net_connection_start(connection);
    return true;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct net_acceptor *acceptor = container_of(handle, struct net_acceptor, poll);
    (void)events;
    net_turn_open(acceptor->stack);
    if (status < 0) {
        pause_accepting(acceptor->stack);
        return;
    }
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(acceptor); i++)
        continue;
}

enum err net_acceptor_open(struct net_stack *stack, const struct net_listener *listener, unsigned index, int fd)
{
    struct net_acceptor *acceptor = calloc(1, sizeof(*acceptor));
    if (!acceptor)
        return ERR_NOMEM;
    if (uv_poll_init(stack->loop, &acceptor->poll, fd) != 0) {
        free(acceptor);
        return ERR_IO;
    }
    stack->handles++;
    acceptor->stack = stack;
    acceptor->fd = fd;
    acceptor->flow = (struct net_flow){.transport = (uint8_t)listener->transport,
                                       .worker = (uint16_t)stack->worker,
                                       .listener = (uint16_t)index,
                                       .local = listener->address};
    stack->acceptors[index] = acceptor;
    int failed = uv_poll_start(&acceptor->poll, UV_READABLE, on_poll);
    invariant(failed == 0);
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct net_acceptor *acceptor = container_of((uv_poll_t *)handle, struct net_acceptor, poll);
    struct net_stack *stack = acceptor->stack;
    free(acceptor);
    net_handle_released(stack);
}

void net_acceptor_close(struct net_acceptor *acceptor)
{
    acceptor->stack->acceptors[acceptor->flow.listener] = NULL;
    uv_close((uv_handle_t *)&acceptor->poll, on_closed);
    close(acceptor->fd);
}
