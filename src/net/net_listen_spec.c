/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator writes to say where to listen. */
#include "net/net_listener.h"

enum err net_listen_spec_parse(struct span text, struct net_listen_spec *out_spec, struct fault *fault)
{
    struct net_listen_spec spec;
    size_t colon = span_find(text, ':');
    if (net_transport_parse(span_slice(text, 0, colon), &spec.transport) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0,
                         "listen \"%.*s\": expected TRANSPORT:ADDRESS:PORT, such as udp:127.0.0.1:5060, with udp, tcp, "
                         "tls, ws or wss",
                         SPAN_ARG(text));
    struct span rest = span_slice(text, colon + 1, text.len);
    if (net_address_parse(rest, net_transport_default_port(spec.transport), &spec.address) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0,
                         "listen \"%.*s\": expected an address such as 127.0.0.1:5060 or [::1]:5060 behind \"%.*s:\"",
                         SPAN_ARG(text), SPAN_ARG(span_slice(text, 0, colon)));
    if (net_address_is_multicast(&spec.address))
        return fault_set(fault, ERR_INVALID, NULL, 0, "listen \"%.*s\": a multicast address cannot be listened on",
                         SPAN_ARG(text));
    *out_spec = spec;
    return OK;
}
