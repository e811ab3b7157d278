/* SPDX-License-Identifier: Apache-2.0 */
/* The lazy parts of a request: its record in the directory, and its source as text. */
#include "policy/policy_priv.h"

#include <arpa/inet.h>

enum policy_state policy_record_state(struct policy *policy)
{
    const struct policy_directory *directory = &policy->host.directory;
    if (policy->lookup == POLICY_LOOKUP_NOT_ASKED) {
        enum err err =
            directory->record ? directory->record(directory->ctx, policy->request, &policy->record) : ERR_NOT_FOUND;
        policy->lookup = err == OK              ? POLICY_LOOKUP_FOUND
                         : err == ERR_NOT_FOUND ? POLICY_LOOKUP_NONE
                                                : POLICY_LOOKUP_UNREADABLE;
        if (policy->trace)
            policy_trace_directory(policy);
    }
    if (policy->lookup == POLICY_LOOKUP_FOUND)
        return policy->record.state;
    return policy->lookup == POLICY_LOOKUP_UNREADABLE ? POLICY_STATE_COUNT : POLICY_STATE_NONE;
}

bool policy_identify(struct policy *policy, struct span *out_aor)
{
    const struct policy_directory *host = &policy->host.directory;
    struct span *aor = &policy->authenticated_as;
    if (policy->identified == POLICY_LOOKUP_NOT_ASKED) {
        *aor = policy->request->authenticated_as;
        bool known = aor->len || !host->identify || host->identify(host->ctx, policy->request, aor) == OK;
        policy->identified = known ? POLICY_LOOKUP_FOUND : POLICY_LOOKUP_UNREADABLE;
    }
    *out_aor = aor->len ? *aor : (struct span){NULL, 0};
    return policy->identified != POLICY_LOOKUP_UNREADABLE;
}

struct span policy_peer_text(const struct policy_peer *peer, char out[POLICY_IP_TEXT_MAX])
{
    if ((peer->family != 4 && peer->family != 6) ||
        !inet_ntop(peer->family == 4 ? AF_INET : AF_INET6, peer->address, out, POLICY_IP_TEXT_MAX))
        return (struct span){NULL, 0};
    return span_of(out);
}
