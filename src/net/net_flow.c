/* SPDX-License-Identifier: Apache-2.0 */
/* The names of transports. */
#include "net/net_flow.h"

#include "util/invariant.h"

static const struct {
    const char *name;
    uint16_t port;
} transports[NET_TRANSPORT_COUNT] = {
    [NET_UDP] = {"UDP", 5060}, [NET_TCP] = {"TCP", 5060}, [NET_TLS] = {"TLS", 5061},
    [NET_WS] = {"WS", 80},     [NET_WSS] = {"WSS", 443},
};

const char *net_transport_name(enum net_transport transport)
{
    invariant(transport < NET_TRANSPORT_COUNT);
    return transports[transport].name;
}

enum err net_transport_parse(struct span text, enum net_transport *out_transport)
{
    for (unsigned i = 0; i < NET_TRANSPORT_COUNT; i++) {
        if (span_equal_nocase(text, span_of(transports[i].name))) {
            *out_transport = (enum net_transport)i;
            return OK;
        }
    }
    return ERR_UNSUPPORTED;
}

uint16_t net_transport_default_port(enum net_transport transport)
{
    invariant(transport < NET_TRANSPORT_COUNT);
    return transports[transport].port;
}
