/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of layers of a connection, and what layers may ask of it. */
#include "net/net_priv.h"

#include "util/invariant.h"

static const struct net_layer_use framing_alone[] = {{&net_layer_frame, NULL}, {NULL, NULL}};

void net_layers_init(struct net_connection *connection)
{
    const struct net_layer_use *list = connection->stack->layers[connection->flow.transport];
    if (!list)
        list = framing_alone;
    unsigned count = 0;
    for (; list[count].ops; count++) {
        invariant(count < NET_LAYERS_MAX);
        connection->layers[count] = (struct net_layer){
            .ops = list[count].ops, .ctx = list[count].ctx, .connection = connection, .depth = count};
    }
    invariant(count > 0 && list[count - 1].ops->resume);
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
    net_table_remove_starting(connection);
    connection->stack->counters.stream_started += !connection->flow.outgoing;
    /* A client has no message to wait for; an accepted peer owes its first one. */
    if (connection->flow.outgoing)
        connection->part_ms = NET_NEVER;
    enum err err = net_connection_send_waiting(connection);
    net_connection_watch(connection); /* the time to a ping may be shorter than what was watched till now */
    return err;
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

void net_layer_defer(struct net_layer *layer)
{
    struct net_connection *connection = layer->connection;
    struct net_stack *stack = connection->stack;
    invariant(layer->ops->turn);
    if (!net_connection_is_live(connection) || connection->deferred)
        return;
    connection->deferred = layer;
    list_push_back(&stack->deferred, &connection->deferred_node);
    if (!uv_is_active((const uv_handle_t *)&stack->idle)) {
        int failed = uv_idle_start(&stack->idle, net_layers_turn);
        invariant(failed == 0);
    }
    net_connection_set_events(connection);
}

/* The loop does not sleep while somebody waits for a turn, and polls its sockets between two of them. */
void net_layers_turn(uv_idle_t *idle)
{
    struct net_stack *stack = container_of(idle, struct net_stack, idle);
    struct list *node = list_first(&stack->deferred);
    if (node) {
        struct net_connection *connection = container_of(node, struct net_connection, deferred_node);
        struct net_layer *layer = connection->deferred;
        net_turn_open(stack);
        list_remove(node);
        connection->deferred = NULL;
        if (layer->ops->turn(layer) != OK)
            net_connection_fail(connection);
        net_connection_set_events(connection);
    }
    if (list_is_empty(&stack->deferred))
        uv_idle_stop(idle);
}

void net_layer_set_peer(struct net_layer *layer, uint16_t peer)
{
    invariant(!layer->connection->flow.outgoing && layer->connection->state == NET_STARTING);
    layer->connection->flow.peer = peer;
}

const struct net_flow *net_layer_flow(const struct net_layer *layer)
{
    return &layer->connection->flow;
}

struct span net_layer_name(const struct net_layer *layer)
{
    const char *name = layer->connection->name;
    return name ? span_of(name) : span_make(NULL, 0);
}

uint64_t net_layer_now_ms(const struct net_layer *layer)
{
    return layer->connection->stack->clock->mono_ms;
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
