/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_listen.h"

#include "sip/sip_uri.h"

static enum err take_port(struct span text, uint16_t *out_port)
{
    uint32_t port;
    if (text.len < 2 || text.at[0] != ':' || !span_to_u32(span_slice(text, 1, text.len), &port) || port == 0 ||
        port > UINT16_MAX)
        return ERR_INVALID;
    *out_port = (uint16_t)port;
    return OK;
}

enum err engine_advertise_parse(struct span text, struct span *out_host, uint16_t *out_port)
{
    struct net_address address;
    struct span host = text;
    uint16_t port = 0;
    if (net_address_parse_ip(text, 0, &address) != OK) {
        bool brackets = text.len && text.at[0] == '[';
        size_t end = brackets ? span_find(text, ']') : span_find(text, ':');
        host = brackets ? span_slice(text, 1, end) : span_slice(text, 0, end);
        struct span rest = span_slice(text, end + (brackets && end < text.len), text.len);
        if (brackets && end == text.len)
            return ERR_INVALID;
        if (rest.len && take_port(rest, &port) != OK)
            return ERR_INVALID;
    }
    bool is_address = net_address_parse_ip(host, 0, &address) == OK;
    if (is_address ? net_address_is_wildcard(&address) : sip_host_kind_of(host) != SIP_HOST_NAME)
        return ERR_INVALID;
    *out_host = host;
    *out_port = port;
    return OK;
}

struct span engine_listen_clients(const struct engine_config *config, const struct net_listen_spec *spec)
{
    if (!net_transport_is_secure(spec->transport))
        return SPAN("none");
    if (spec->client_certificates.len)
        return spec->client_certificates;
    return config->client_certificates ? span_of(config->client_certificates) : SPAN("none");
}

static bool is_clients_word(struct span word)
{
    return span_equal(word, SPAN("none")) || span_equal(word, SPAN("request")) || span_equal(word, SPAN("require"));
}

static enum err check_spec(const struct engine_config *config, const char *text, struct fault *fault)
{
    struct net_listen_spec spec;
    struct span host;
    uint16_t port;
    enum err err = net_listen_spec_parse(span_of(text), &spec, fault);
    if (err != OK)
        return err;
    if (spec.advertise.len && engine_advertise_parse(spec.advertise, &host, &port) != OK)
        return fault_set(fault, ERR_INVALID, "", 0,
                         "listen: %s: advertise wants a host name or an address that peers can reach", text);
    if (!net_transport_is_secure(spec.transport))
        return OK;
    if (!config->certificates.count)
        return fault_set(fault, ERR_INVALID, "", 0,
                         "listen: %s needs a certificate (--certificate PEM --key PEM, or certificate = and key =)",
                         text);
    struct span clients = engine_listen_clients(config, &spec);
    if (!is_clients_word(clients))
        return fault_set(fault, ERR_INVALID, "", 0,
                         "listen: %s: client_certificates is \"none\", \"request\" or \"require\"", text);
    if (!span_equal(clients, SPAN("none")) && !config->client_ca)
        return fault_set(fault, ERR_INVALID, "", 0,
                         "listen: %s asks for client certificates, and no client_ca says whose are good", text);
    return OK;
}

enum err engine_config_check_listen(const struct engine_config *config, struct fault *fault)
{
    enum err err = OK;
    if (config->keys.count && config->keys.count != config->certificates.count)
        return fault_set(fault, ERR_INVALID, "", 0, "key: %u keys for %u certificates", config->keys.count,
                         config->certificates.count);
    for (unsigned i = 0; i < config->listen.count && err == OK; i++)
        err = check_spec(config, config->listen.items[i], fault);
    return err;
}
