/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections there are: by slot and generation for answers, by source for the caps, by peer for reuse. */
#include "net/net_priv.h"

#include "util/invariant.h"
#include <stdlib.h>

static uint64_t hash_address(const struct net_stack *stack, const struct net_address *address)
{
    return siphash(&stack->key, address, sizeof(*address));
}

static bool source_equal(const struct map_node *node, const void *key)
{
    return net_address_equal(&net_const_container_of(node, struct net_source, node)->address, key);
}

static bool remote_equal(const struct map_node *node, const void *key)
{
    const struct net_connection *connection = net_const_container_of(node, struct net_connection, by_remote);
    const struct net_target *wanted = key;
    struct span name = connection->name ? span_of(connection->name) : span_make(NULL, 0);
    return connection->flow.transport == wanted->transport &&
           net_address_equal(&connection->flow.remote, &wanted->remote) && span_equal_nocase(name, wanted->name);
}

enum err net_table_init(struct net_stack *stack)
{
    stack->slots = calloc(stack->limits.connections_max, sizeof(*stack->slots));
    stack->first_free = stack->limits.connections_max;
    if (!stack->slots)
        return ERR_NOMEM;
    enum err err = map_init(&stack->sources);
    return err == OK ? map_init(&stack->by_remote) : err;
}

void net_table_done(struct net_stack *stack)
{
    map_done(&stack->sources);
    map_done(&stack->by_remote);
    free(stack->slots);
    stack->slots = NULL;
}

static enum err add_source(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    struct net_address address = net_address_source(&connection->flow.remote);
    uint64_t hash = hash_address(stack, &address);
    struct map_node *node = map_find(&stack->sources, hash, source_equal, &address);
    struct net_source *source = node ? container_of(node, struct net_source, node) : NULL;
    if (source && source->connections >= stack->limits.connections_per_source_max) {
        stack->counters.stream_refused_source++;
        return ERR_FULL;
    }
    if (!source) {
        source = calloc(1, sizeof(*source));
        if (!source)
            return ERR_NOMEM;
        source->address = address;
        map_add(&stack->sources, &source->node, hash);
    }
    source->connections++;
    connection->source = source;
    return OK;
}

enum err net_table_add(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    uint32_t slot = stack->first_free;
    bool fresh = slot == stack->limits.connections_max;
    /* Connections that linger have no slot any more, but a descriptor. */
    if (stack->counters.stream_open >= stack->limits.connections_max) {
        stack->counters.stream_refused_total++;
        return ERR_FULL;
    }
    /* What we open ourselves is not a source's doing. */
    enum err err = connection->flow.outgoing ? OK : add_source(connection);
    if (err != OK)
        return err;
    if (fresh)
        slot = stack->fresh++;
    else
        stack->first_free = stack->slots[slot].next_free;
    stack->slots[slot].connection = connection;
    stack->slots[slot].generation++;
    connection->flow.slot = slot;
    connection->flow.generation = stack->slots[slot].generation;
    return OK;
}

void net_table_remove_slot(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    struct net_slot *slot = &stack->slots[connection->flow.slot];
    invariant(slot->connection == connection);
    slot->connection = NULL;
    slot->next_free = stack->first_free;
    stack->first_free = connection->flow.slot;
    if (connection->in_by_remote)
        map_remove(&stack->by_remote, &connection->by_remote);
    connection->in_by_remote = false;
}

/* Sources that share a cell share its allowance: memory stays fixed, and the hash is keyed. */
static bool may_start(struct net_stack *stack, const struct net_source *source)
{
    uint64_t second = stack->clock->mono_ms / 1000;
    if (stack->starts_s != second) {
        memset(stack->starts, 0, sizeof(stack->starts));
        stack->starts_s = second;
    }
    uint16_t *starts = &stack->starts[hash_address(stack, &source->address) % NET_START_CELLS];
    if (*starts >= stack->limits.starts_per_source_max || source->starting >= stack->limits.starting_per_source_max ||
        stack->counters.stream_starting >= stack->limits.starting_max)
        return false;
    *starts += 1;
    return true;
}

bool net_table_add_starting(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    if (!may_start(stack, connection->source)) {
        stack->counters.stream_refused_starting++;
        return false;
    }
    connection->is_starting = true;
    connection->source->starting++;
    stack->counters.stream_starting++;
    return true;
}

void net_table_remove_starting(struct net_connection *connection)
{
    if (!connection->is_starting)
        return;
    connection->is_starting = false;
    connection->source->starting--;
    connection->stack->counters.stream_starting--;
}

void net_table_remove_source(struct net_connection *connection)
{
    struct net_source *source = connection->source;
    connection->source = NULL;
    if (!source || --source->connections > 0)
        return;
    map_remove(&connection->stack->sources, &source->node);
    free(source);
}

struct net_connection *net_table_find(const struct net_stack *stack, const struct net_flow *flow)
{
    if (flow->slot >= stack->limits.connections_max)
        return NULL;
    const struct net_slot *slot = &stack->slots[flow->slot];
    return slot->generation == flow->generation ? slot->connection : NULL;
}

static uint64_t hash_remote(const struct net_stack *stack, enum net_transport transport,
                            const struct net_address *remote)
{
    return hash_address(stack, remote) + (uint64_t)transport;
}

void net_table_add_remote(struct net_connection *connection)
{
    struct net_stack *stack = connection->stack;
    uint64_t hash = hash_remote(stack, (enum net_transport)connection->flow.transport, &connection->flow.remote);
    map_add(&stack->by_remote, &connection->by_remote, hash);
    connection->in_by_remote = true;
}

struct net_connection *net_table_find_remote(const struct net_stack *stack, const struct net_target *target)
{
    uint64_t hash = hash_remote(stack, target->transport, &target->remote);
    struct map_node *node = map_find(&stack->by_remote, hash, remote_equal, target);
    return node ? container_of(node, struct net_connection, by_remote) : NULL;
}
