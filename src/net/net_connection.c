/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection, from accept or connect to the loop's letting go of it, and every limit of time on it. */
#include "net/net_priv.h"

#include "util/invariant.h"
#include <stdlib.h>
#include <unistd.h>

static void on_poll(uv_poll_t *handle, int status, int events);

void net_connection_set_events(struct net_connection *connection)
{
    size_t output = connection->output.len - connection->output_sent;
    int events = 0;
    if (connection->state == NET_CLOSED)
        return;
    if (connection->state == NET_CONNECTING)
        events = UV_WRITABLE;
    else if (!connection->stalled && !connection->deferred && !connection->peer_done)
        events = UV_READABLE;
    if (output > 0 && connection->blocked_ms != NET_NEVER)
        events |= UV_WRITABLE;
    /* Who sends requests faster than he reads answers is slowed down before he is cut off. */
    if (output > connection->stack->limits.output_max / 4 && connection->state != NET_LINGERING)
        events &= ~UV_READABLE;
    if (events == connection->events)
        return;
    connection->events = events;
    int failed = events ? uv_poll_start(&connection->poll, events, on_poll) : uv_poll_stop(&connection->poll);
    invariant(failed == 0);
}

struct limit {
    uint64_t due_ms;
    enum net_close reason;
};

static struct limit earlier(struct limit a, uint64_t since_ms, uint64_t allowed_ms, enum net_close reason)
{
    if (since_ms == NET_NEVER || since_ms + allowed_ms >= a.due_ms)
        return a;
    return (struct limit){since_ms + allowed_ms, reason};
}

/* Not a reason to close, but one to ask. */
static const enum net_close TO_PING = NET_CLOSE_COUNT;

static struct limit earlier_silence(struct limit limit, const struct net_connection *connection)
{
    const struct net_limits *limits = &connection->stack->limits;
    if (limits->ping_ms == 0 || !connection->layers[connection->layer_count - 1].ops->ping)
        return limit;
    if (connection->pinged_ms != NET_NEVER)
        return earlier(limit, connection->pinged_ms, limits->pong_ms, NET_CLOSE_DEAD);
    return earlier(limit, connection->heard_ms, limits->ping_ms, TO_PING);
}

static struct limit earliest(const struct net_connection *connection)
{
    const struct net_limits *limits = &connection->stack->limits;
    struct limit limit = {NET_NEVER, NET_CLOSE_IDLE};
    if (connection->state == NET_CONNECTING)
        return earlier(limit, connection->opened_ms, limits->connect_ms, NET_CLOSE_CONNECT);
    if (connection->state == NET_LINGERING)
        return earlier(limit, connection->opened_ms, NET_LINGER_MS, connection->reason);
    limit = earlier(limit, connection->active_ms, limits->idle_ms, NET_CLOSE_IDLE);
    if (connection->state == NET_STARTING)
        return earlier(limit, connection->opened_ms, limits->start_ms, NET_CLOSE_SLOW_START);
    limit = earlier_silence(limit, connection);
    limit = earlier(limit, connection->part_ms, limits->message_ms, NET_CLOSE_SLOW_MESSAGE);
    return earlier(limit, connection->blocked_ms, limits->write_ms, NET_CLOSE_SLOW_READER);
}

void net_connection_watch(struct net_connection *connection)
{
    if (connection->state == NET_CLOSED)
        return;
    struct limit limit = earliest(connection);
    /* A limit that moved on is noticed when the timer fires: re-arming per message would cost more. */
    if (!timer_is_armed(&connection->timer) || connection->timer.due_ms > limit.due_ms)
        wheel_arm(connection->stack->wheel, &connection->timer, limit.due_ms);
}

static void ping(struct net_connection *connection)
{
    struct net_layer *top = &connection->layers[connection->layer_count - 1];
    connection->pinged_ms = connection->stack->clock->mono_ms;
    if (top->ops->ping(top) != OK)
        net_connection_fail(connection);
    net_connection_watch(connection);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct net_connection *connection = container_of(timer, struct net_connection, timer);
    uint64_t now_ms = connection->stack->clock->mono_ms;
    if (!(connection->events & UV_READABLE)) { /* an answer would not be heard */
        connection->heard_ms = now_ms;
        connection->pinged_ms = NET_NEVER;
    }
    struct limit limit = earliest(connection);
    if (limit.due_ms > now_ms)
        net_connection_watch(connection);
    else if (limit.reason == TO_PING)
        ping(connection);
    else
        net_connection_close(connection, limit.reason);
}

static struct net_connection *connection_alloc(struct net_stack *stack, int fd, const struct net_flow *flow,
                                               enum net_connection_state state)
{
    size_t size = (sizeof(struct net_connection) + NET_LINE - 1) / NET_LINE * NET_LINE;
    struct net_connection *connection = aligned_alloc(NET_LINE, size);
    if (!connection)
        return NULL;
    memset(connection, 0, size);
    uint64_t now_ms = stack->clock->mono_ms;
    connection->stack = stack;
    connection->fd = fd;
    connection->state = state;
    connection->flow = *flow;
    connection->waiting = buffer_heap(stack->limits.output_max);
    connection->output = buffer_heap(stack->limits.output_max);
    connection->active_ms = connection->part_ms = connection->opened_ms = now_ms;
    connection->heard_ms = now_ms;
    connection->blocked_ms = connection->pinged_ms = NET_NEVER;
    list_init(&connection->node);
    list_init(&connection->dirty_node);
    list_init(&connection->stalled_node);
    list_init(&connection->deferred_node);
    timer_init(&connection->timer, on_timer);
    net_layers_init(connection);
    return connection;
}

enum err net_connection_new(struct net_stack *stack, int fd, const struct net_flow *flow,
                            enum net_connection_state state, struct net_connection **out_connection)
{
    enum err err = ERR_NOMEM;
    struct net_connection *connection = connection_alloc(stack, fd, flow, state);
    if (!connection)
        goto fail;
    err = net_table_add(connection);
    if (err != OK)
        goto fail;
    if (uv_poll_init(stack->loop, &connection->poll, fd) != 0) {
        net_table_remove_slot(connection);
        net_table_remove_source(connection);
        err = ERR_IO;
        goto fail;
    }
    stack->handles++;
    stack->counters.stream_open++;
    list_push_back(&stack->connections, &connection->node);
    net_connection_set_events(connection);
    net_connection_watch(connection);
    *out_connection = connection;
    return OK;
fail:
    close(fd);
    free(connection);
    return err;
}

void net_connection_start(struct net_connection *connection)
{
    struct net_layer *first = &connection->layers[0];
    connection->state = NET_STARTING;
    connection->part_ms = connection->active_ms = connection->opened_ms = connection->stack->clock->mono_ms;
    if (first->ops->start(first, connection->flow.outgoing) != OK)
        net_connection_fail(connection);
    net_connection_set_events(connection);
    net_connection_watch(connection);
}

/* The flow leads nowhere from here on; the reason that stands first is the one that is told. */
static void end_flow(struct net_connection *connection, enum net_close reason)
{
    struct net_stack *stack = connection->stack;
    net_table_remove_slot(connection);
    connection->reason = reason;
    stack->counters.stream_closed[reason]++;
    list_remove(&connection->stalled_node);
    list_remove(&connection->deferred_node);
    connection->stalled = false;
    connection->deferred = NULL;
    net_table_remove_starting(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct net_connection *connection = container_of((uv_poll_t *)handle, struct net_connection, poll);
    struct net_stack *stack = connection->stack;
    if (stack->handlers.on_flow_closed) {
        if (!stack->closing)
            net_turn_open(stack);
        stack->handlers.on_flow_closed(stack->handlers.ctx, &connection->flow, connection->reason);
    }
    net_layers_free(connection);
    buffer_done(&connection->waiting);
    buffer_done(&connection->output);
    free(connection->name);
    free(connection);
    net_handle_released(stack);
}

void net_connection_close(struct net_connection *connection, enum net_close reason)
{
    struct net_stack *stack = connection->stack;
    if (connection->state == NET_CLOSED)
        return;
    if (net_connection_is_live(connection))
        end_flow(connection, reason);
    connection->state = NET_CLOSED;
    list_remove(&connection->node);
    list_remove(&connection->dirty_node);
    wheel_cancel(stack->wheel, &connection->timer);
    net_table_remove_source(connection);
    stack->counters.stream_open--;
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    close(connection->fd);
    connection->fd = -1;
    net_accept_resume(stack);
}

/* A handshake that failed may have left its own last words (an alert, an HTTP answer): only open ones say goodbye. */
static void say_goodbye(struct net_connection *connection)
{
    for (unsigned i = connection->state == NET_OPEN ? connection->layer_count : 0; i > 0; i--) {
        struct net_layer *layer = &connection->layers[i - 1];
        if (layer->ops->finish && net_connection_is_live(connection))
            layer->ops->finish(layer);
    }
}

void net_connection_leave(struct net_connection *connection, enum net_close reason)
{
    say_goodbye(connection);
    if (connection->state == NET_OPEN)
        net_connection_write(connection);
    net_connection_close(connection, reason);
}

void net_connection_finish(struct net_connection *connection, enum net_close reason)
{
    if (!net_connection_is_live(connection))
        return;
    if (connection->state == NET_CONNECTING) {
        net_connection_close(connection, reason);
        return;
    }
    say_goodbye(connection);
    if (!net_connection_is_live(connection))
        return;
    end_flow(connection, reason);
    connection->state = NET_LINGERING;
    connection->opened_ms = connection->stack->clock->mono_ms;
    net_connection_write(connection);
    net_connection_set_events(connection);
    net_connection_watch(connection);
}

void net_connection_fail(struct net_connection *connection)
{
    enum net_close reason = connection->reason_set ? connection->reason : NET_CLOSE_LAYER;
    if (connection->polite)
        net_connection_finish(connection, reason);
    else
        net_connection_close(connection, reason);
}

static void finish_connect(struct net_connection *connection)
{
    int failed = 0;
    socklen_t len = sizeof(failed);
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 || failed != 0) {
        net_connection_close(connection, NET_CLOSE_CONNECT);
        return;
    }
    connection->stack->counters.stream_connected++;
    net_connection_start(connection);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct net_connection *connection = container_of(handle, struct net_connection, poll);
    net_connection_prefetch(connection);
    net_turn_open(connection->stack);
    if (connection->state == NET_CONNECTING) {
        finish_connect(connection);
        return;
    }
    if (status < 0) {
        net_connection_close(connection, NET_CLOSE_ERROR);
        return;
    }
    if (events & UV_READABLE)
        net_connection_read(connection);
    if ((events & UV_WRITABLE) && connection->state != NET_CLOSED)
        net_connection_write(connection);
    net_connection_set_events(connection);
}
