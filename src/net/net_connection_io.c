/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of a connection.  Reading needs no memory of its own while messages come whole; output is collected
 * during a turn and leaves by one write. */
#include "net/net_priv.h"

#include <errno.h>

static bool is_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

enum err net_connection_output(struct net_connection *connection, struct span bytes)
{
    struct net_stack *stack = connection->stack;
    struct buffer *output = &connection->output;
    if (!net_connection_is_live(connection))
        return ERR_CLOSED;
    if (output->len - connection->output_sent + bytes.len > stack->limits.output_max) {
        net_connection_close(connection, NET_CLOSE_SLOW_READER);
        return ERR_FULL;
    }
    if (connection->output_sent > 0) {
        output->len -= connection->output_sent;
        memmove(output->at, output->at + connection->output_sent, output->len);
        connection->output_sent = 0;
    }
    buffer_add_span(output, bytes);
    if (output->overflow) {
        net_connection_close(connection, NET_CLOSE_NO_MEMORY);
        return ERR_NOMEM;
    }
    /* While the socket is full, the loop says when to go on. */
    if (connection->blocked_ms == NET_NEVER && list_is_unlinked(&connection->dirty_node))
        list_push_back(&stack->dirty, &connection->dirty_node);
    return OK;
}

/* Messages for a connection that is not open yet, each behind its length: a layer may have to see them one by one. */
static enum err keep_waiting(struct net_connection *connection, struct span message)
{
    struct buffer *waiting = &connection->waiting;
    uint32_t len = (uint32_t)message.len;
    if (waiting->len + sizeof(len) + message.len > connection->stack->limits.output_max)
        return ERR_FULL;
    if (!buffer_reserve(waiting, sizeof(len) + message.len)) {
        waiting->overflow = false;
        return ERR_NOMEM;
    }
    buffer_add(waiting, &len, sizeof(len));
    buffer_add_span(waiting, message);
    return OK;
}

enum err net_connection_send(struct net_connection *connection, struct span message)
{
    if (connection->state < NET_OPEN)
        return keep_waiting(connection, message);
    struct net_layer *top = &connection->layers[connection->layer_count - 1];
    enum err err = top->ops->wrap(top, message);
    if (err != OK)
        net_connection_fail(connection);
    return err;
}

enum err net_connection_send_waiting(struct net_connection *connection)
{
    struct net_layer *top = &connection->layers[connection->layer_count - 1];
    size_t at = 0;
    enum err err = OK;
    while (err == OK && at < connection->waiting.len) {
        uint32_t len;
        memcpy(&len, connection->waiting.at + at, sizeof(len));
        at += sizeof(len);
        err = top->ops->wrap(top, span_make(connection->waiting.at + at, len));
        at += len;
    }
    buffer_done(&connection->waiting);
    return err;
}

/* What comes after the flow has ended is read only so that closing does not reset the connection under the last
 * output. */
static void read_and_discard(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    ssize_t got = stack->system->receive(connection->fd, stack->read_bytes, NET_READ_BYTES);
    if (got > 0 || (got < 0 && is_again(errno)))
        return;
    connection->peer_done = true;
    if (got < 0 || connection->shut)
        net_connection_close(connection, connection->reason);
}

void net_connection_read(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    if (connection->state == NET_LINGERING) {
        read_and_discard(connection);
        return;
    }
    ssize_t got = stack->system->receive(connection->fd, stack->read_bytes, NET_READ_BYTES);
    if (got < 0) {
        if (!is_again(errno))
            net_connection_close(connection, NET_CLOSE_ERROR);
        return;
    }
    if (got == 0) {
        connection->peer_done = true;
        net_connection_finish(connection, NET_CLOSE_BY_PEER);
        return;
    }
    connection->active_ms = connection->heard_ms = stack->clock->mono_ms;
    connection->pinged_ms = NET_NEVER;
    stack->counters.stream_received_bytes += (size_t)got;
    struct net_layer *first = &connection->layers[0];
    if (first->ops->unwrap(first, span_make(stack->read_bytes, (size_t)got)) != OK)
        net_connection_fail(connection);
}

/* All output has left. */
static void on_drained(struct net_connection *connection)
{
    buffer_done(&connection->output);
    connection->output_sent = 0;
    connection->blocked_ms = NET_NEVER;
    if (connection->state != NET_LINGERING)
        return;
    if (connection->peer_done) {
        net_connection_close(connection, connection->reason);
    } else if (!connection->shut) {
        connection->shut = true;
        (void)shutdown(connection->fd, SHUT_WR);
    }
}

void net_connection_write(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    struct buffer *output = &connection->output;
    list_remove(&connection->dirty_node);
    while (connection->output_sent < output->len) {
        ssize_t sent = stack->system->send(connection->fd, output->at + connection->output_sent,
                                           output->len - connection->output_sent);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && is_again(errno)) {
            if (connection->blocked_ms == NET_NEVER)
                connection->blocked_ms = stack->clock->mono_ms;
            net_connection_set_events(connection);
            net_connection_watch(connection);
            return;
        }
        if (sent < 0) {
            net_connection_close(connection, NET_CLOSE_ERROR);
            return;
        }
        connection->output_sent += (size_t)sent;
        connection->active_ms = stack->clock->mono_ms;
        connection->blocked_ms = NET_NEVER;
        stack->counters.stream_sent_bytes += (size_t)sent;
    }
    on_drained(connection);
    net_connection_set_events(connection);
}

void net_connection_flush_all(struct net_stack *stack)
{
    struct list *node;
    while ((node = list_first(&stack->dirty)) != NULL)
        net_connection_write(container_of(node, struct net_connection, dirty_node));
}

void net_connection_stall(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    stack->counters.stream_stalls++;
    connection->stalled = true;
    connection->part_ms = NET_NEVER; /* it is we who make it wait */
    if (list_is_unlinked(&connection->stalled_node))
        list_push_back(&stack->stalled, &connection->stalled_node);
    if (!timer_is_armed(&stack->retry_timer))
        wheel_arm(stack->wheel, &stack->retry_timer, stack->clock->mono_ms + NET_RETRY_MS);
}

void net_retry_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    net_connection_retry(container_of(timer, struct net_stack, retry_timer));
}

void net_connection_retry(struct net_stack *stack)
{
    struct list due;
    struct list *node;
    list_init(&due);
    list_splice(&due, &stack->stalled);
    while ((node = list_first(&due)) != NULL) {
        struct net_connection *connection = container_of(node, struct net_connection, stalled_node);
        struct net_layer *top = &connection->layers[connection->layer_count - 1];
        list_remove(node);
        connection->stalled = false;
        connection->active_ms = stack->clock->mono_ms;
        if (top->ops->resume(top) != OK)
            net_connection_fail(connection);
        net_connection_set_events(connection);
    }
}
