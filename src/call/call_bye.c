/* SPDX-License-Identifier: Apache-2.0 */
/* Our BYE (RFC 3261 15.1.1), over the flow that the call came by: a Contact never makes us reach another host. */
#include "call/call_priv.h"

#include "sip/sip_address.h"
#include "sip/sip_request.h"

static void bye_over(void *user, struct txn *txn)
{
    (void)txn;
    struct call *call = user;
    call->bye = NULL;
    call_run(call, CALL_EV_BYE_DONE);
}

/* Whatever the answer is, 481 included, the call is over. */
static void on_final(void *user, struct txn *txn, const struct sip_message *response)
{
    (void)response;
    txn_client_detach(txn);
    bye_over(user, txn);
}

static void on_timeout(void *user, struct txn *txn)
{
    ((struct call *)user)->table->counters.bye_failures++;
    bye_over(user, txn);
}

static void on_transport_error(void *user, struct txn *txn, enum err err)
{
    (void)err;
    ((struct call *)user)->table->counters.bye_failures++;
    bye_over(user, txn);
}

static const struct txn_client_handlers handlers = {
    .on_final = on_final,
    .on_timeout = on_timeout,
    .on_transport_error = on_transport_error,
};

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
static void set_via(struct sip_request *bye, const struct call *call, struct buffer *host)
{
    struct sip_address contact;
    const char *why;
    bye->via_transport = span_of(net_transport_name(call->flow.transport));
    bye->via_rport = call->flow.transport == NET_UDP;
    if (sip_address_parse(call_text(call, CALL_TEXT_CONTACT), &contact, &why) == OK && contact.uri.host.len) {
        sip_host_add(host, contact.uri.host, contact.uri.host_kind);
        bye->via_port = contact.uri.port;
    } else {
        bool brackets = call->flow.local.family == NET_FAMILY_IP6;
        buffer_add_text(host, brackets ? "[" : "");
        net_address_format_ip(&call->flow.local, host);
        buffer_add_text(host, brackets ? "]" : "");
        bye->via_port = call->flow.local.port;
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

static bool build(struct call *call, const char *branch, struct buffer *out)
{
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
        .branch = span_make(branch, TXN_BRANCH_LEN),
        .from = buffer_span(&from),
        .to = call_text(call, CALL_TEXT_FROM),
        .call_id = call_text(call, CALL_TEXT_ID),
        .cseq = ++call->local_cseq,
        .routes = routes,
        .route_count = route_spans(call, routes),
    };
    set_via(&bye, call, &host);
    sip_request_begin(out, &bye);
    add_reason(call, out);
    sip_request_end(out, span_make(NULL, 0), span_make(NULL, 0));
    return !out->overflow && !from.overflow && !host.overflow;
}

bool call_bye_send(struct call *call)
{
    struct call_table *table = call->table;
    char branch[TXN_BRANCH_LEN];
    txn_branch_new(table->options.txns, branch);
    struct buffer out = buffer_over(table->scratch, CALL_SCRATCH_LEN);
    bool is_sent = build(call, branch, &out);
    struct txn_client_request request = {
        .method = SPAN("BYE"),
        .call_id = call_text(call, CALL_TEXT_ID),
        .branch = span_make(branch, TXN_BRANCH_LEN),
        .flow = call->flow,
        .bytes = buffer_span(&out),
        .handlers = &handlers,
        .user = call,
    };
    is_sent = is_sent && txn_client_new(table->options.txns, &request, &call->bye) == OK;
    if (is_sent)
        table->counters.byes_sent++;
    else
        table->counters.bye_failures++;
    return is_sent;
}
