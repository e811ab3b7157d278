/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/locate_plan.h"
#include "util/random.h"

/* One run over what is known. */
struct plan {
    const struct locate_request *request;
    const struct locate_view *view;
    struct random random;
    struct span host; /* TARGET of RFC 3263 4 */
    uint16_t port;    /* of the URI; 0: none */
    bool is_secure;   /* sips */
    bool timed_out, failed;
    struct locate_needs needs;
    struct locate_hops hops;
};

/* Services by preference where the DNS states none: datagrams first, and TLS last (4.1). */
static const struct service {
    enum net_transport transport;
    bool is_secure; /* good for sips */
    const char *naptr;
    const char *prefix; /* of the SRV name; NULL: it has none (RFC 7118) */
} services[] = {
    {NET_UDP, false, "SIP+D2U", "_sip._udp."},  {NET_TCP, false, "SIP+D2T", "_sip._tcp."},
    {NET_TLS, true, "SIPS+D2T", "_sips._tcp."}, {NET_WS, false, "SIP+D2W", NULL},
    {NET_WSS, true, "SIPS+D2W", NULL},
};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

static bool is_spoken(const struct plan *plan, const struct service *service)
{
    return (plan->request->transports >> service->transport & 1) && (service->is_secure || !plan->is_secure);
}

static const struct service *service_of(enum net_transport transport)
{
    for (unsigned i = 0; i < SERVICES; i++)
        if (services[i].transport == transport)
            return &services[i];
    return NULL;
}

static void add_need(struct plan *plan, enum locate_type type, struct span name)
{
    struct locate_needs *needs = &plan->needs;
    for (unsigned i = 0; i < needs->count; i++)
        if (needs->needs[i].type == type && span_equal(span_make(needs->needs[i].name, needs->needs[i].len), name))
            return;
    if (needs->count == LOCATE_NEEDS_MAX)
        return; /* asked for in the next round */
    struct locate_need *need = &needs->needs[needs->count++];
    need->type = type;
    need->len = name.len;
    memcpy(need->name, name.at, name.len);
}

/* The answer for a name, behind its aliases; NULL when it has to be asked for, or when there is none to use. */
static const struct locate_answer *look_up(struct plan *plan, enum locate_type type, struct span name)
{
    for (unsigned aliases = 0; aliases <= LOCATE_ALIASES_MAX; aliases++) {
        if (!locate_name_is_fit(name))
            return NULL;
        const struct locate_answer *answer = plan->view->find(plan->view->ctx, type, name);
        if (!answer) {
            add_need(plan, type, name);
            return NULL;
        }
        plan->timed_out |= answer->status == LOCATE_TIMED_OUT;
        plan->failed |= answer->status == LOCATE_FAILED;
        if (answer->status != LOCATE_FOUND || answer->count == 0)
            return NULL;
        if (answer->records[0].type != LOCATE_ALIAS)
            return answer;
        name = answer->records[0].name;
    }
    plan->failed = true; /* aliases that lead to each other */
    return NULL;
}

static void add_one(struct plan *plan, enum net_transport transport, const struct net_address *address)
{
    struct locate_hops *hops = &plan->hops;
    for (unsigned i = 0; i < hops->count; i++)
        if (hops->hops[i].transport == transport && net_address_equal(&hops->hops[i].address, address))
            return;
    if (hops->count < LOCATE_HOPS_MAX)
        hops->hops[hops->count++] = (struct locate_hop){(uint8_t)transport, *address};
}

static void add_hop(struct plan *plan, enum net_transport transport, struct net_address address, uint16_t port)
{
    bool is_refused = address.family == NET_FAMILY_IP6 ? plan->request->no_ip6 : plan->request->no_ip4;
    if (is_refused)
        return;
    address.port = port;
    /* Over UDP only when TCP fails (RFC 3261 18.1.1). */
    if (plan->request->is_large && transport == NET_UDP && plan->request->transports >> NET_TCP & 1)
        add_one(plan, NET_TCP, &address);
    add_one(plan, transport, &address);
}

static void add_family(struct plan *plan, enum net_transport transport, struct span name, uint16_t port,
                       enum locate_type type)
{
    bool is_ip6 = type == LOCATE_AAAA;
    if (is_ip6 ? plan->request->no_ip6 : plan->request->no_ip4)
        return;
    const struct locate_answer *answer = look_up(plan, type, name);
    unsigned count = 0; /* few of each, so that the next server of an SRV gets its turn */
    for (unsigned i = 0; answer && i < answer->count && count < LOCATE_PER_NAME_MAX; i++)
        if (answer->records[i].type == type && ++count)
            add_hop(plan, transport, answer->records[i].address, port);
}

static void add_addresses(struct plan *plan, enum net_transport transport, struct span name, uint16_t port)
{
    bool ip6_first = plan->request->ip6_first;
    add_family(plan, transport, name, port, ip6_first ? LOCATE_AAAA : LOCATE_A);
    add_family(plan, transport, name, port, ip6_first ? LOCATE_A : LOCATE_AAAA);
}

/* The servers of one SRV name.  True when there are records, even if all they say is that there is no such service. */
static bool add_servers(struct plan *plan, enum net_transport transport, struct span name)
{
    struct locate_record records[LOCATE_RECORDS_MAX];
    const struct locate_answer *answer = look_up(plan, LOCATE_SRV, name);
    unsigned count = 0;
    for (unsigned i = 0; answer && i < answer->count && count < LOCATE_RECORDS_MAX; i++)
        if (answer->records[i].type == LOCATE_SRV)
            records[count++] = answer->records[i];
    locate_srv_order(records, count, &plan->random);
    for (unsigned i = 0; i < count && plan->hops.count < LOCATE_HOPS_MAX; i++)
        if (records[i].name.len && records[i].port)
            add_addresses(plan, transport, records[i].name, records[i].port);
    return count > 0;
}

/* "_sip._udp." and TARGET. */
static bool add_service(struct plan *plan, const struct service *service)
{
    char text[LOCATE_NAME_MAX];
    struct buffer name = buffer_over(text, sizeof(text));
    if (!service->prefix)
        return false;
    buffer_add_text(&name, service->prefix);
    buffer_add_span(&name, plan->host);
    return !name.overflow && add_servers(plan, service->transport, buffer_span(&name));
}

static bool naptr_before(const struct locate_record *a, const struct locate_record *b)
{
    return a->order != b->order ? a->order < b->order : a->weight < b->weight;
}

static const struct service *naptr_service(const struct plan *plan, const struct locate_record *record)
{
    if (record->type != LOCATE_NAPTR || record->flag != 's' || record->name.len == 0)
        return NULL;
    for (unsigned i = 0; i < SERVICES; i++)
        if (is_spoken(plan, &services[i]) && strcmp(services[i].naptr, record->service) == 0)
            return &services[i];
    return NULL;
}

/* All of them that we can use, in the owner's order.  True when there was one. */
static bool add_naptr(struct plan *plan)
{
    const struct locate_answer *answer = look_up(plan, LOCATE_NAPTR, plan->host);
    const struct locate_record *chosen[LOCATE_RECORDS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; answer && i < answer->count && count < LOCATE_RECORDS_MAX; i++) {
        if (!naptr_service(plan, &answer->records[i]))
            continue;
        unsigned at = count++;
        for (; at > 0 && naptr_before(&answer->records[i], chosen[at - 1]); at--)
            chosen[at] = chosen[at - 1];
        chosen[at] = &answer->records[i];
    }
    bool found = false;
    for (unsigned i = 0; i < count; i++)
        found |= add_servers(plan, naptr_service(plan, chosen[i])->transport, chosen[i]->name);
    return found;
}

/* Neither transport nor port is given (4.1): NAPTR, else SRV of all that we speak, else the name itself. */
static void plan_open(struct plan *plan)
{
    enum net_transport usual = plan->is_secure ? NET_TLS : NET_UDP;
    bool found = add_naptr(plan);
    if (found || plan->needs.count)
        return; /* whether anything else is of interest depends on the NAPTR records */
    for (unsigned i = 0; i < SERVICES; i++)
        if (is_spoken(plan, &services[i]))
            found |= add_service(plan, &services[i]);
    if (!found && !plan->needs.count)
        add_addresses(plan, usual, plan->host, net_transport_default_port(usual));
}

static void plan_name(struct plan *plan, const struct service *given)
{
    enum net_transport transport = given ? given->transport : plan->is_secure ? NET_TLS : NET_UDP;
    if (plan->port) {
        add_addresses(plan, transport, plan->host, plan->port);
    } else if (!given) {
        plan_open(plan);
    } else if (!add_service(plan, given) && !plan->needs.count) {
        add_addresses(plan, transport, plan->host, net_transport_default_port(transport));
    }
}

static enum err take_transport(struct plan *plan, const struct sip_uri *uri, const struct service **out_given)
{
    struct span text = sip_uri_param(uri, SPAN("transport"));
    enum net_transport transport;
    *out_given = NULL;
    if (!text.at) {
        const struct service *usual = service_of(plan->is_secure ? NET_TLS : NET_UDP);
        bool is_any = false;
        for (unsigned i = 0; i < SERVICES; i++)
            is_any |= is_spoken(plan, &services[i]);
        return is_any && usual ? OK : ERR_UNSUPPORTED;
    }
    if (net_transport_parse(text, &transport) != OK)
        return ERR_UNSUPPORTED;
    if (plan->is_secure && transport == NET_TCP)
        transport = NET_TLS; /* RFC 3261 26.2.2 */
    if (plan->is_secure && transport == NET_WS)
        transport = NET_WSS; /* RFC 7118 */
    *out_given = service_of(transport);
    return is_spoken(plan, *out_given) ? OK : ERR_UNSUPPORTED;
}

static enum err take_uri(struct plan *plan, struct sip_uri *uri, char lower[LOCATE_NAME_MAX])
{
    if (sip_uri_parse(plan->request->uri, uri, NULL) != OK)
        return ERR_SYNTAX;
    if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
        return ERR_UNSUPPORTED;
    plan->is_secure = uri->scheme == SIP_SCHEME_SIPS;
    plan->port = uri->port;
    struct span maddr = sip_uri_param(uri, SPAN("maddr"));
    struct span host = maddr.len ? maddr : uri->host;
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    if (host.len > LOCATE_NAME_MAX)
        return ERR_SYNTAX;
    for (size_t i = 0; i < host.len; i++)
        lower[i] = host.at[i] >= 'A' && host.at[i] <= 'Z' ? (char)(host.at[i] + 32) : host.at[i];
    plan->host = span_make(lower, host.len);
    return OK;
}

static enum err result_of(const struct plan *plan)
{
    if (plan->needs.count)
        return ERR_AGAIN;
    if (plan->hops.count)
        return OK;
    return plan->timed_out ? ERR_TIMEOUT : plan->failed ? ERR_IO : ERR_NOT_FOUND;
}

enum err locate_plan(const struct locate_request *request, const struct locate_view *view, uint64_t seed,
                     struct locate_needs *out_needs, struct locate_hops *out_hops)
{
    struct plan plan = {.request = request, .view = view};
    struct sip_uri uri;
    char lower[LOCATE_NAME_MAX];
    const struct service *given;
    struct net_address address;
    random_seed(&plan.random, seed);
    enum err err = take_uri(&plan, &uri, lower);
    if (err == OK)
        err = take_transport(&plan, &uri, &given);
    if (err != OK)
        return err;
    enum net_transport transport = given ? given->transport : plan.is_secure ? NET_TLS : NET_UDP;
    if (net_address_parse_ip(plan.host, 0, &address) == OK)
        add_hop(&plan, transport, address, plan.port ? plan.port : net_transport_default_port(transport));
    else if (locate_name_is_fit(plan.host))
        plan_name(&plan, given);
    else
        return ERR_SYNTAX;
    err = result_of(&plan);
    if (err == ERR_AGAIN)
        *out_needs = plan.needs;
    else if (err == OK)
        *out_hops = plan.hops;
    return err;
}
