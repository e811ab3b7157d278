/* SPDX-License-Identifier: Apache-2.0 */
/* Flows and messages for the tests of this folder. */
#pragma once

#include "trace/trace_ring.h"
#include "util/invariant.h"

static inline struct net_flow trace_flow(enum net_transport transport, const char *remote, const char *local)
{
    struct net_flow flow = {.transport = (uint8_t)transport};
    invariant(net_address_parse(span_of(remote), 5060, &flow.remote) == OK);
    invariant(net_address_parse(span_of(local), 5060, &flow.local) == OK);
    return flow;
}
