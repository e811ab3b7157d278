/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/txn_reply_via.h"

/* Whether sent-by is this very address. */
static bool is_said_by(const struct sip_via *via, const struct net_address *host)
{
    struct net_address sent_by;
    if (via->host_kind == SIP_HOST_IPV4)
        return host->family == NET_FAMILY_IP4 && memcmp(via->ip4, host->ip, sizeof(via->ip4)) == 0;
    return via->host_kind == SIP_HOST_IPV6 && net_address_parse_ip(via->host, 0, &sent_by) == OK &&
           net_address_equal_ip(&sent_by, host);
}

void txn_reply_via(const struct sip_message *request, const struct net_address *source,
                   char out_text[static TXN_RECEIVED_MAX], struct sip_reply_via *out_via)
{
    const struct sip_via *via = &request->via;
    *out_via = (struct sip_reply_via){.rport = via->has_rport ? source->port : 0};
    struct net_address host = *source;
    host.scope = 0; /* a zone is ours alone, and no part of the grammar */
    if (is_said_by(via, &host)) {
        if (via->has_rport)
            out_via->received = via->host; /* the same address, ready in text */
        return;
    }
    struct buffer text = buffer_over(out_text, TXN_RECEIVED_MAX);
    net_address_format_ip(&host, &text);
    out_via->received = buffer_span(&text);
}
