/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/txn_reply_via.h"

void txn_reply_via(const struct sip_message *request, const struct net_address *source,
                   char out_text[static TXN_RECEIVED_MAX], struct sip_reply_via *out_via)
{
    const struct sip_via *via = &request->via;
    *out_via = (struct sip_reply_via){.rport = via->has_rport ? source->port : 0};
    struct net_address host = *source;
    host.scope = 0; /* a zone is ours alone, and no part of the grammar */
    struct net_address sent_by;
    bool is_said = via->host_kind != SIP_HOST_NAME && net_address_parse_ip(via->host, 0, &sent_by) == OK &&
                   net_address_equal_ip(&sent_by, &host);
    if (is_said) {
        if (via->has_rport)
            out_via->received = via->host; /* the same address, ready in text */
        return;
    }
    struct buffer text = buffer_over(out_text, TXN_RECEIVED_MAX);
    net_address_format_ip(&host, &text);
    out_via->received = buffer_span(&text);
}
