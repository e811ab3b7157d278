/* SPDX-License-Identifier: Apache-2.0 */
/* Our BYE (RFC 3261 15.1.1).  Which way it goes: errand.c. */
#include "call/call_priv.h"

#include "sip/sip_address.h"
#include "sip/sip_request.h"

static size_t route_spans(const struct call *call, struct span routes[SIP_REQUEST_ROUTES_MAX])
{
    struct span rest = call_text(call, CALL_TEXT_ROUTES);
    size_t count = 0;
    while (rest.len && count < SIP_REQUEST_ROUTES_MAX) {
        size_t len = span_find(rest, '\0');
        routes[count++] = span_make(rest.at, len);
        rest = span_slice(rest, len + 1, rest.len);
    }
    return count;
}

/* Our sent-by is the host of our Contact. */
static void set_via(struct sip_request *bye, const struct call *call, const struct net_flow *flow, struct buffer *host)
{
    struct sip_address contact;
    const char *why;
    bye->via_transport = span_of(net_transport_name(flow->transport));
    bye->via_rport = flow->transport == NET_UDP;
    if (sip_address_parse(call_text(call, CALL_TEXT_CONTACT), &contact, &why) == OK && contact.uri.host.len) {
        sip_host_add(host, contact.uri.host, contact.uri.host_kind);
        bye->via_port = contact.uri.port;
    } else {
        bool brackets = flow->local.family == NET_FAMILY_IP6;
        buffer_add_text(host, brackets ? "[" : "");
        net_address_format_ip(&flow->local, host);
        buffer_add_text(host, brackets ? "]" : "");
        bye->via_port = flow->local.port;
    }
    bye->via_host = buffer_span(host);
}

static void add_reason(const struct call *call, struct buffer *out)
{
    struct span reason = span_make(call->reason.at, call->reason.len);
    if (call->end == CALL_END_NO_ACK)
        reason = SPAN("SIP;cause=408;text=\"ACK timeout\"");
    if (reason.len)
        sip_request_header(out, SPAN("Reason"), reason);
}

static bool build(void *user, const struct net_flow *flow, struct span branch, struct buffer *out)
{
    const struct call *call = user;
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    char host_text[300];
    char from_text[4096];
    struct buffer host = buffer_over(host_text, sizeof(host_text));
    struct buffer from = buffer_over(from_text, sizeof(from_text));
    buffer_add_span(&from, call_text(call, CALL_TEXT_TO));
    buffer_add_literal(&from, ";tag=");
    buffer_add_span(&from, call_local_tag(call));
    struct sip_request bye = {
        .method = SPAN("BYE"),
        .target = span_make(call->target.at, call->target.len),
        .branch = branch,
        .from = buffer_span(&from),
        .to = call_text(call, CALL_TEXT_FROM),
        .call_id = call_text(call, CALL_TEXT_ID),
        .cseq = call->local_cseq,
        .routes = routes,
        .route_count = route_spans(call, routes),
    };
    set_via(&bye, call, flow, &host);
    sip_request_begin(out, &bye);
    add_reason(call, out);
    sip_request_end(out, span_make(NULL, 0), span_make(NULL, 0));
    return !out->overflow && !from.overflow && !host.overflow;
}

static struct span next_hop(void *user)
{
    const struct call *call = user;
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    struct sip_request bye = {.target = span_make(call->target.at, call->target.len),
                              .routes = routes,
                              .route_count = route_spans(call, routes)};
    return sip_request_next_hop(&bye);
}

static struct span id_of(void *user)
{
    return call_text(user, CALL_TEXT_ID);
}

static void sent(void *user)
{
    ((struct call *)user)->table->counters.byes_sent++;
}

/* Whatever the answer is, 481 and 408 included, the call is over. */
static void done(void *user, enum errand_end end, const struct sip_message *response)
{
    struct call *call = user;
    (void)response;
    call->errand = NULL;
    if (end != ERRAND_ANSWERED)
        call->table->counters.bye_failures++;
    call_run(call, CALL_EV_BYE_DONE);
}

static const struct errand_job bye_job = {
    .method = {"BYE", 3}, .call_id = id_of, .next_hop = next_hop, .build = build, .sent = sent, .done = done};

bool call_bye_send(struct call *call)
{
    struct call_table *table = call->table;
    const struct errand_order order = {.job = &bye_job, .user = call, .flow = call->flow};
    call->local_cseq++;
    if (errand_send(table->errands, &order, &call->errand) == OK)
        return true;
    table->counters.bye_failures++;
    return false;
}
