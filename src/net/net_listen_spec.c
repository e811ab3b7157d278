/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator writes to say where to listen. */
#include "net/net_listener.h"

static enum err take_option(struct span option, struct net_listen_spec *spec, struct fault *fault)
{
    size_t equals = span_find(option, '=');
    struct span name = span_slice(option, 0, equals), value = span_slice(option, equals + 1, option.len);
    bool is_tls = net_transport_is_secure(spec->transport);
    if (value.len && span_equal(name, SPAN("advertise")))
        spec->advertise = value;
    else if (value.len && is_tls && span_equal(name, SPAN("client_certificates")))
        spec->client_certificates = value;
    else
        return fault_set(fault, ERR_SYNTAX, NULL, 0,
                         "listen: expected advertise=HOST, or client_certificates=none|request|require of tls and wss, "
                         "behind the address, got \"%.*s\"",
                         SPAN_ARG(option));
    return OK;
}

static enum err take_options(struct span rest, struct net_listen_spec *spec, struct fault *fault)
{
    enum err err = OK;
    while (rest.len && err == OK) {
        size_t comma = span_find(rest, ',');
        err = take_option(span_slice(rest, 0, comma), spec, fault);
        rest = span_slice(rest, comma + 1, rest.len);
    }
    return err;
}

enum err net_listen_spec_parse(struct span text, struct net_listen_spec *out_spec, struct fault *fault)
{
    struct net_listen_spec spec = {0};
    size_t colon = span_find(text, ':');
    if (net_transport_parse(span_slice(text, 0, colon), &spec.transport) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0,
                         "listen \"%.*s\": expected TRANSPORT:ADDRESS:PORT, such as udp:127.0.0.1:5060, with udp, tcp, "
                         "tls, ws or wss",
                         SPAN_ARG(text));
    size_t comma = span_find(text, ',');
    struct span rest = span_slice(text, colon + 1, comma);
    if (net_address_parse(rest, net_transport_default_port(spec.transport), &spec.address) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0,
                         "listen \"%.*s\": expected an address such as 127.0.0.1:5060 or [::1]:5060 behind \"%.*s:\"",
                         SPAN_ARG(text), SPAN_ARG(span_slice(text, 0, colon)));
    if (net_address_is_multicast(&spec.address))
        return fault_set(fault, ERR_INVALID, NULL, 0, "listen \"%.*s\": a multicast address cannot be listened on",
                         SPAN_ARG(text));
    enum err err = take_options(span_slice(text, comma + 1, text.len), &spec, fault);
    if (err != OK)
        return err;
    *out_spec = spec;
    return OK;
}
