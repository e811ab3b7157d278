/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings by the connection that they came by (RFC 5626): when it ends, nobody reaches the phone there any more. */
#include "registrar/registrar_priv.h"

/* Datagrams have no end that could be seen. */
void registrar_flow_note(struct registrar_binding *binding, const struct net_flow *flow)
{
    binding->flow_transport = flow->transport;
    binding->way = registrar_way_new(
        flow); /* without memory its GRUUs lead to the flow that a dialog came by, as without outbound */
    if (flow->transport == NET_UDP)
        return;
    binding->flow_worker = flow->worker;
    binding->flow_slot = flow->slot;
    binding->flow_generation = flow->generation;
}

static uint64_t hash_of(const struct registrar *registrar, uint32_t slot, uint32_t generation)
{
    uint32_t name[2] = {slot, generation};
    return siphash(&registrar->options.key, name, sizeof(name));
}

static bool is_on(const struct map_node *node, const void *key)
{
    const struct registrar_binding *binding = container_of_const(node, struct registrar_binding, on_flow);
    const struct net_flow *flow = key;
    return binding->flow_slot == flow->slot && binding->flow_generation == flow->generation &&
           binding->flow_worker == flow->worker;
}

void registrar_flow_link(struct registrar_user *user, struct registrar_binding *binding)
{
    struct registrar *registrar = user->registrar;
    if (binding->user || binding->flow_gone || (!binding->flow_slot && !binding->flow_generation))
        return;
    binding->user = user;
    map_add(&registrar->flows, &binding->on_flow, hash_of(registrar, binding->flow_slot, binding->flow_generation));
}

void registrar_flow_unlink(struct registrar_binding *binding)
{
    if (binding->user)
        map_remove(&binding->user->registrar->flows, &binding->on_flow);
    binding->user = NULL;
}

void registrar_flow_closed(struct registrar *registrar, const struct net_flow *flow)
{
    struct map_node *node;
    uint64_t hash = hash_of(registrar, flow->slot, flow->generation);
    while ((node = map_find(&registrar->flows, hash, is_on, flow))) {
        struct registrar_binding *binding = container_of(node, struct registrar_binding, on_flow);
        struct registrar_user *user = binding->user;
        registrar_flow_unlink(binding);
        binding->flow_gone = true;
        registrar_change_gone(registrar, user);
    }
}

void registrar_path_failed(struct registrar *registrar, struct span aor, struct span path)
{
    struct registrar_user *user = registrar_user_of(registrar, aor);
    bool any = false;
    for (struct registrar_binding *at = user ? user->first : NULL; at; at = at->next) {
        bool is_it = at->reg_id && path.len && span_equal(registrar_binding_path(at), path);
        at->flow_gone |= is_it;
        any |= is_it;
    }
    if (any)
        registrar_change_gone(registrar, user);
}
