/* SPDX-License-Identifier: Apache-2.0 */
#include "errand/errand.h"

#include "sip/sip_address.h"

size_t errand_detour_routes(const struct errand_detour *detour, struct span routes[static SIP_REQUEST_ROUTES_MAX])
{
    struct sip_address address;
    struct span rest = detour->path;
    size_t count = 0;
    while (count < SIP_REQUEST_ROUTES_MAX && sip_address_next(&rest, &address, NULL) == OK)
        routes[count++] = address.text;
    return count;
}

void errand_detours_put_first(struct errand_detours *detours, const struct net_flow *flow)
{
    for (unsigned i = 1; i < detours->count; i++) {
        const struct net_flow *at = &detours->items[i].flow;
        if (!detours->items[i].is_direct || at->transport != flow->transport || at->slot != flow->slot ||
            at->generation != flow->generation || at->worker != flow->worker ||
            !net_address_equal(&at->remote, &flow->remote))
            continue;
        struct errand_detour first = detours->items[i];
        memmove(&detours->items[1], &detours->items[0], i * sizeof(first));
        detours->items[0] = first;
    }
}
