/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of layers of a connection, and what layers may ask of it. */
#include "net/net_priv.h"

#include "util/invariant.h"

static const struct net_layer_ops *const framing_alone[] = {&net_layer_frame, NULL};

void net_layers_init(struct net_connection *connection)
{
    const struct net_layer_ops *const *list = connection->stack->layers[connection->flow.transport];
    if (!list)
        list = framing_alone;
    unsigned count = 0;
    for (; list[count]; count++) {
        invariant(count < NET_LAYERS_MAX);
        connection->layers[count] = (struct net_layer){.ops = list[count], .connection = connection, .depth = count};
    }
    invariant(count > 0 && list[count - 1]->resume);
    connection->layer_count = count;
}

void net_layers_free(struct net_connection *connection)
{
    for (unsigned i = connection->layer_count; i > 0; i--) {
        struct net_layer *layer = &connection->layers[i - 1];
        if (layer->ops->free)
            layer->ops->free(layer);
    }
}

enum err net_layer_ready(struct net_layer *layer)
{
    struct net_connection *connection = layer->connection;
    if (layer->depth + 1 < connection->layer_count) {
        struct net_layer *above = layer + 1;
        return above->ops->start(above, connection->flow.outgoing);
    }
    connection->state = NET_OPEN;
    /* A client has no message to wait for; an accepted peer owes its first one. */
    if (connection->flow.outgoing)
        connection->part_ms = NET_NEVER;
    return net_connection_send_waiting(connection);
}

enum err net_layer_up(struct net_layer *layer, struct span bytes)
{
    invariant(layer->depth + 1 < layer->connection->layer_count);
    struct net_layer *above = layer + 1;
    return above->ops->unwrap(above, bytes);
}

enum err net_layer_down(struct net_layer *layer, struct span bytes)
{
    if (layer->depth == 0)
        return net_connection_output(layer->connection, bytes);
    struct net_layer *below = layer - 1;
    return below->ops->wrap(below, bytes);
}

bool net_layer_message(struct net_layer *layer, struct span message)
{
    struct net_connection *connection = layer->connection;
    struct net_stack *stack = connection->stack;
    if (!stack->handlers.on_message(stack->handlers.ctx, &connection->flow, message)) {
        if (net_connection_is_live(connection))
            net_connection_stall(connection);
        return false;
    }
    stack->counters.stream_messages++;
    return true;
}

void net_layer_progress(struct net_layer *layer, bool whole, bool part_held)
{
    struct net_connection *connection = layer->connection;
    if (whole)
        connection->part_ms = NET_NEVER;
    if (!part_held || connection->part_ms != NET_NEVER)
        return;
    connection->part_ms = connection->stack->clock->mono_ms;
    net_connection_watch(connection);
}

bool net_layer_must_stop(const struct net_layer *layer)
{
    return layer->connection->stalled || !net_connection_is_live(layer->connection);
}

enum err net_layer_fail(struct net_layer *layer, enum net_close reason, bool polite)
{
    struct net_connection *connection = layer->connection;
    if (!connection->reason_set && net_connection_is_live(connection)) {
        connection->reason_set = true;
        connection->reason = reason;
        connection->polite = polite;
    }
    return ERR_CLOSED;
}

void *net_layer_ctx(const struct net_layer *layer)
{
    return layer->connection->stack->layer_ctx;
}

const struct net_limits *net_layer_limits(const struct net_layer *layer)
{
    return &layer->connection->stack->limits;
}

const struct net_handlers *net_layer_handlers(const struct net_layer *layer)
{
    return &layer->connection->stack->handlers;
}

struct net_counters *net_layer_counters(struct net_layer *layer)
{
    return &layer->connection->stack->counters;
}
