/* SPDX-License-Identifier: Apache-2.0 */
/* Sending by flow, and flows to where nobody has spoken to us from yet. */
#include "net/net_priv.h"

#include "net/net_socket.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

struct buffer net_send_begin(struct net_stack *stack)
{
    return net_transmit_room(stack);
}

static enum err send_on_stream(struct net_stack *stack, const struct net_flow *flow, struct span message)
{
    if (flow->worker != stack->worker)
        return ERR_INVALID;
    struct net_connection *connection = net_table_find(stack, flow);
    return connection ? net_connection_send(connection, message) : ERR_CLOSED;
}

enum err net_send_end(struct net_stack *stack, const struct net_flow *flow, const struct buffer *message)
{
    if (message->overflow)
        return ERR_TOO_LONG;
    if (flow->transport == NET_UDP)
        return net_transmit_add(stack, flow, message->len);
    return send_on_stream(stack, flow, buffer_span(message));
}

enum err net_send(struct net_stack *stack, const struct net_flow *flow, struct span bytes)
{
    if (flow->transport != NET_UDP)
        return send_on_stream(stack, flow, bytes);
    struct buffer room = net_transmit_room(stack);
    buffer_add_span(&room, bytes);
    return net_send_end(stack, flow, &room);
}

enum err net_udp_flow(const struct net_stack *stack, unsigned listener, const struct net_address *remote,
                      struct net_flow *out_flow)
{
    const struct net_udp *udp = listener < stack->listener_count ? stack->udps[listener] : NULL;
    if (!udp || udp->flow.local.family != remote->family)
        return ERR_NOT_FOUND;
    *out_flow = udp->flow;
    out_flow->remote = *remote;
    return OK;
}

/* How well this listener's address suits a packet to `remote`: 0 not at all. */
static int suitability(const struct net_udp *udp, const struct net_address *remote)
{
    if (!udp || udp->flow.local.family != remote->family)
        return 0;
    return net_address_is_loopback(&udp->flow.local) == net_address_is_loopback(remote) ? 2 : 1;
}

static enum err connect_udp(const struct net_stack *stack, const struct net_address *remote, struct net_flow *out_flow)
{
    unsigned best = NET_NO_LISTENER;
    int best_suits = 0;
    for (unsigned i = 0; i < stack->listener_count; i++) {
        int suits = suitability(stack->udps[i], remote);
        if (suits > best_suits) {
            best = i;
            best_suits = suits;
        }
    }
    return net_udp_flow(stack, best, remote, out_flow);
}

/* A listener whose port a Via or Contact of ours may name. */
static uint16_t listener_of(const struct net_stack *stack, enum net_transport transport, unsigned family)
{
    for (unsigned i = 0; i < stack->listener_count; i++) {
        const struct net_acceptor *acceptor = stack->acceptors[i];
        if (acceptor && acceptor->flow.transport == transport && acceptor->flow.local.family == family)
            return (uint16_t)i;
    }
    return NET_NO_LISTENER;
}

static enum err open_stream(struct net_stack *stack, const struct net_target *target, struct net_flow *out_flow)
{
    enum net_transport transport = target->transport;
    const struct net_address *remote = &target->remote;
    struct sockaddr_storage to;
    socklen_t len = net_address_to_sockaddr(remote, &to);
    int on = 1;
    struct net_flow flow = {.transport = (uint8_t)transport,
                            .outgoing = 1,
                            .worker = (uint16_t)stack->worker,
                            .listener = listener_of(stack, transport, remote->family),
                            .remote = *remote};
    int fd = net_socket_open(transport, (enum net_family)remote->family);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? ERR_FULL : ERR_IO;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    bool refused = connect(fd, (struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS;
    if (refused || net_socket_local(fd, &flow.local) != OK) {
        close(fd);
        return ERR_IO;
    }
    char *name = target->name.len ? span_dup(target->name) : NULL;
    if (target->name.len && !name) {
        close(fd);
        return ERR_NOMEM;
    }
    struct net_connection *connection;
    enum err err = net_connection_new(stack, fd, &flow, NET_CONNECTING, &connection);
    if (err != OK) {
        free(name);
        return err;
    }
    connection->name = name;
    net_table_add_remote(connection);
    *out_flow = connection->flow;
    return OK;
}

enum err net_connect_to(struct net_stack *stack, const struct net_target *target, struct net_flow *out_flow)
{
    enum net_transport transport = target->transport;
    if (target->remote.family == NET_FAMILY_NONE || target->remote.port == 0 || target->name.len > NET_NAME_MAX)
        return ERR_INVALID;
    if (transport == NET_UDP)
        return connect_udp(stack, &target->remote, out_flow);
    if (transport != NET_TCP && !stack->layers[transport])
        return ERR_UNSUPPORTED;
    const struct net_connection *open = net_table_find_remote(stack, target);
    if (open) {
        *out_flow = open->flow;
        return OK;
    }
    return open_stream(stack, target, out_flow);
}

enum err net_connect(struct net_stack *stack, enum net_transport transport, const struct net_address *remote,
                     struct net_flow *out_flow)
{
    struct net_target target = {.transport = transport, .remote = *remote, .name = span_make(NULL, 0)};
    return net_connect_to(stack, &target, out_flow);
}

bool net_flow_is_open(const struct net_stack *stack, const struct net_flow *flow)
{
    return flow->transport == NET_UDP || (flow->worker == stack->worker && net_table_find(stack, flow));
}

void net_close_flow(struct net_stack *stack, const struct net_flow *flow)
{
    if (flow->transport == NET_UDP || flow->worker != stack->worker)
        return;
    struct net_connection *connection = net_table_find(stack, flow);
    if (connection)
        net_connection_finish(connection, NET_CLOSE_BY_US);
}
