/* SPDX-License-Identifier: Apache-2.0 */
/* Our own requests in a dialog (RFC 3261 12.2.1.1): their bytes, and what comes of them.  Which way they go: errand. */
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
static void set_via(struct sip_request *request, const struct call *call, const struct net_flow *flow,
                    struct buffer *host)
{
    struct sip_address contact;
    const char *why;
    request->via_transport = span_of(net_transport_name(flow->transport));
    request->via_rport = flow->transport == NET_UDP;
    request->via_alias = flow->transport == NET_TLS && flow->outgoing;
    if (sip_address_parse(call_text(call, CALL_TEXT_CONTACT), &contact, &why) == OK && contact.uri.host.len) {
        sip_host_add(host, contact.uri.host, contact.uri.host_kind);
        request->via_port = contact.uri.port;
    } else {
        bool brackets = flow->local.family == NET_FAMILY_IP6;
        buffer_add_text(host, brackets ? "[" : "");
        net_address_format_ip(&flow->local, host);
        buffer_add_text(host, brackets ? "]" : "");
        request->via_port = flow->local.port;
    }
    request->via_host = buffer_span(host);
}

static void add_reason(const struct call *call, struct buffer *out)
{
    struct span reason = span_make(call->reason.at, call->reason.len);
    if (call->end == CALL_END_NO_ACK)
        reason = SPAN("SIP;cause=408;text=\"ACK timeout\"");
    if (reason.len)
        sip_request_header(out, SPAN("Reason"), reason);
}

enum kind { BYE, UPDATE, INVITE, ACK };

/* What each kind says behind what all say. */
static void finish(const struct call *call, enum kind kind, struct buffer *out)
{
    struct span body = {NULL, 0};
    if (kind == BYE)
        add_reason(call, out);
    if (kind == UPDATE || kind == INVITE) {
        call_reply_contact(call, out);
        call_reply_abilities(out);
        call_expiry_ask(call, out);
    }
    if (kind == INVITE)
        body = span_make(call->session.at, call->session.len);
    struct span type = call_text(call, CALL_TEXT_BODY_TYPE);
    sip_request_end(out, type.len ? type : SPAN("application/sdp"), body);
}

static bool build(const struct call *call, enum kind kind, const struct errand_way *way, struct buffer *out)
{
    static const struct span methods[] = {
        [BYE] = {"BYE", 3}, [UPDATE] = {"UPDATE", 6}, [INVITE] = {"INVITE", 6}, [ACK] = {"ACK", 3}};
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    char host_text[300];
    char from_text[4096];
    struct buffer host = buffer_over(host_text, sizeof(host_text));
    struct buffer from = buffer_over(from_text, sizeof(from_text));
    buffer_add_span(&from, call_text(call, CALL_TEXT_TO));
    buffer_add_literal(&from, ";tag=");
    buffer_add_span(&from, call_local_tag(call));
    struct sip_request request = {
        .method = methods[kind],
        .target = span_make(call->target.at, call->target.len),
        .branch = way->branch,
        .from = buffer_span(&from),
        .to = call_text(call, CALL_TEXT_FROM),
        .call_id = call_text(call, CALL_TEXT_ID),
        .cseq = kind == BYE ? call->bye_cseq : call->refresh_cseq,
        .routes = routes,
        .route_count = route_spans(call, routes),
    };
    if (way->detour) {
        request.target = way->detour->target;
        request.route_count = errand_detour_routes(way->detour, routes);
    }
    set_via(&request, call, way->flow, &host);
    sip_request_begin(out, &request);
    finish(call, kind, out);
    return !out->overflow && !from.overflow && !host.overflow;
}

static bool build_bye(void *user, const struct errand_way *way, struct buffer *out)
{
    return build(user, BYE, way, out);
}

static bool build_update(void *user, const struct errand_way *way, struct buffer *out)
{
    return build(user, UPDATE, way, out);
}

static bool build_invite(void *user, const struct errand_way *way, struct buffer *out)
{
    return build(user, INVITE, way, out);
}

/* The ACK goes where the 2xx's Contact says now (RFC 3261 13.2.2.4). */
static bool build_ack(void *user, const struct errand_accepted *accepted, struct buffer *out)
{
    call_dialog_refresh(user, accepted->response);
    return build(user, ACK, &accepted->way, out);
}

static struct span next_hop(void *user)
{
    const struct call *call = user;
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    struct sip_request request = {.target = span_make(call->target.at, call->target.len),
                                  .routes = routes,
                                  .route_count = route_spans(call, routes)};
    return sip_request_next_hop(&request);
}

static struct span id_of(void *user)
{
    return call_text(user, CALL_TEXT_ID);
}

static void bye_sent(void *user)
{
    ((struct call *)user)->table->counters.byes_sent++;
}

static void refresh_sent(void *user)
{
    ((struct call *)user)->table->counters.refreshes++;
}

/* Whatever the answer is, 481 and 408 included, the call is over. */
static void bye_done(void *user, enum errand_end end, const struct sip_message *response)
{
    struct call *call = user;
    (void)response;
    call->bye = NULL;
    if (end != ERRAND_ANSWERED)
        call->table->counters.bye_failures++;
    call_run(call, CALL_EV_BYE_DONE);
}

static void refresh_done(void *user, enum errand_end end, const struct sip_message *response)
{
    struct call *call = user;
    (void)end;
    call->refresh = NULL;
    call_refresh_done(call, response);
}

static const struct errand_job bye_job = {.method = {"BYE", 3},
                                          .call_id = id_of,
                                          .next_hop = next_hop,
                                          .build = build_bye,
                                          .sent = bye_sent,
                                          .done = bye_done};
static const struct errand_job update_job = {.method = {"UPDATE", 6},
                                             .call_id = id_of,
                                             .next_hop = next_hop,
                                             .build = build_update,
                                             .sent = refresh_sent,
                                             .done = refresh_done};
static const struct errand_job invite_job = {.method = {"INVITE", 6},
                                             .call_id = id_of,
                                             .next_hop = next_hop,
                                             .build = build_invite,
                                             .build_ack = build_ack,
                                             .sent = refresh_sent,
                                             .done = refresh_done};

static bool send_out(struct call *call, const struct errand_job *job, struct errand **place)
{
    const struct errand_order order = {.job = job, .user = call, .flow = call->flow};
    return errand_send(call->table->errands, &order, place) == OK;
}

bool call_bye_send(struct call *call)
{
    call->bye_cseq = ++call->local_cseq;
    if (send_out(call, &bye_job, &call->bye))
        return true;
    call->table->counters.bye_failures++;
    return false;
}

bool call_update_send(struct call *call)
{
    call->refresh_cseq = ++call->local_cseq;
    return send_out(call, &update_job, &call->refresh);
}

bool call_reinvite_send(struct call *call)
{
    call->refresh_cseq = ++call->local_cseq;
    return send_out(call, &invite_job, &call->refresh);
}
