/* SPDX-License-Identifier: Apache-2.0 */
/* How answers are built and where they go. */
#include "engine/engine_priv.h"
#include "sip/sip_address.h"

/* RFC 3261 18.2.2 and RFC 3581 4: back over the same stream, or, when it has gone, to the source address at the port of
 * sent-by; a datagram to the source address, at the source port where the request asked for it by ;rport, else likewise.
 * A maddr that names another host is not followed, although 18.2.2 says so: it would let anybody aim our answers. */
static struct net_flow way_back(const struct net_flow *flow, const struct sip_via *via)
{
    struct net_flow back = *flow;
    bool is_web = flow->transport == NET_WS || flow->transport == NET_WSS; /* nobody can call a browser back */
    if (!is_web && (flow->transport != NET_UDP || !via->has_rport))
        back.remote.port = via->port ? via->port : net_transport_default_port((enum net_transport)flow->transport);
    return back;
}

void engine_request_init(struct engine_request *request, struct engine_core *core, const struct net_flow *flow)
{
    request->core = core;
    request->message = core->message;
    request->flow = flow;
    request->back = way_back(flow, &core->message->via);
    request->txn = NULL;
    request->started_ns = 0;
    request->logs = false;
    request->call_hash = request->user_hash = 0;
    core->source = &flow->remote;
    core->identity.asked = false;
    memset(request->tag, 0, sizeof(request->tag));
    /* Not the decision: it is written whole before `decided` says so. */
    core->last.decided = core->last.guarded = core->last.asked_in_call = false;
    core->last.code = 0;
    core->last.note = "";
}

struct buffer engine_answer_begin(struct engine_request *request, unsigned code, struct span reason)
{
    struct engine_core *core = request->core;
    struct buffer out = buffer_over(core->reply, sizeof(core->reply));
    txn_reply_via(request->message, &request->flow->remote, request->received, &request->via);
    if (!request->txn)
        txn_stateless_tag(core->txns, request->message, request->tag);
    sip_reply_begin(&out, request->message, code, reason, &request->via, span_make(request->tag, TXN_TAG_LEN));
    return out;
}

static void count_answer(struct engine_core *core, unsigned code)
{
    core->last.code = code;
    if (core->meters && code < ENGINE_CODE_MAX)
        metric_count(core->meters->answers[code], core->worker, 1);
}

static void count_failure(struct engine_core *core)
{
    if (core->meters)
        metric_count(core->meters->noise[ENGINE_NOISE_SEND_FAILED], core->worker, 1);
}

void engine_answer_bytes(struct engine_core *core, struct txn *txn, unsigned code, struct span bytes)
{
    count_answer(core, code);
    if (txn_reply(txn, code, bytes) != OK)
        count_failure(core);
}

void engine_answer_end(struct engine_request *request, struct buffer *answer, unsigned code)
{
    struct engine_core *core = request->core;
    sip_reply_end(answer, SPAN(""), SPAN(""));
    if (answer->overflow && request->txn) {
        /* Nothing of an answer that does not fit may get out; what can always be said is said instead. */
        buffer_clear(answer);
        code = 500;
        *answer = engine_answer_begin(request, code, SPAN(""));
        sip_reply_end(answer, SPAN(""), SPAN(""));
    }
    if (answer->overflow) {
        if (request->txn)
            txn_absorb(request->txn);
        return;
    }
    if (request->txn) {
        engine_answer_bytes(core, request->txn, code, buffer_span(answer));
        return;
    }
    count_answer(core, code);
    if (core->wire.send(core->wire.ctx, &request->back, buffer_span(answer)) != OK)
        count_failure(core);
}

void engine_answer(struct engine_request *request, unsigned code, struct span reason, struct span name,
                   struct span value)
{
    struct buffer answer = engine_answer_begin(request, code, reason);
    if (name.len)
        sip_reply_header(&answer, name, value);
    engine_answer_end(request, &answer, code);
}

bool engine_write_abilities(struct engine_core *core)
{
    struct buffer lines = buffer_over(core->ability_lines, sizeof(core->ability_lines));
    sip_reply_header(&lines, SPAN("Allow"), engine_allow());
    sip_reply_header(&lines, SPAN("Accept"), SPAN("application/sdp"));
    sip_reply_header(&lines, SPAN("Allow-Events"), notifier_events(core->notifier));
    sip_reply_header(&lines, SPAN("Supported"), SPAN("100rel, timer, path, outbound, gruu"));
    core->abilities = buffer_span(&lines);
    return !lines.overflow;
}

void engine_add_abilities(const struct engine_request *request, struct buffer *answer)
{
    buffer_add_span(answer, request->core->abilities);
}

static void add_retry_after(const struct engine_request *request, struct buffer *answer)
{
    sip_reply_header_u64(answer, SPAN("Retry-After"), request->core->config->retry_after_s);
}

void engine_answer_busy(struct engine_request *request, bool whole_server)
{
    request->txn = NULL;
    struct buffer answer = engine_answer_begin(request, 503, SPAN(""));
    if (whole_server)
        add_retry_after(request, &answer);
    engine_answer_end(request, &answer, 503);
}

void engine_answer_unavailable(struct engine_request *request)
{
    struct buffer answer = engine_answer_begin(request, 503, SPAN(""));
    add_retry_after(request, &answer);
    engine_answer_end(request, &answer, 503);
}

bool engine_may_answer(const struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct net_address *source = &request->flow->remote;
    enum sip_method method = (enum sip_method)request->message->method;
    bool is_watched = method == SIP_METHOD_INVITE || (method == SIP_METHOD_SUBSCRIBE && !request->message->to.tag.at);
    return !is_watched || engine_site_trusts(core->site, source) ||
           txn_reflect_may_answer(txn_table_reflect(core->txns), source);
}

bool engine_request_open(struct engine_request *request)
{
    if (engine_may_answer(request) &&
        txn_server_new(request->core->txns, request->message, &request->back, &request->txn) == OK) {
        memcpy(request->tag, txn_tag(request->txn).at, TXN_TAG_LEN);
        return true;
    }
    engine_answer_busy(request, false);
    return false;
}

/* RFC 3261 12.1.1: whoever asked by sips:, or is reached by it, gets one. */
static bool wants_sips(const struct sip_message *message)
{
    struct sip_address route;
    struct span value = sip_message_value(message, SIP_HEADER_RECORD_ROUTE);
    if (message->uri.scheme == SIP_SCHEME_SIPS)
        return true;
    if (value.at)
        return sip_address_parse(value, &route, NULL) == OK && route.uri.scheme == SIP_SCHEME_SIPS;
    return message->contact.text.at && message->contact.uri.scheme == SIP_SCHEME_SIPS;
}

struct span engine_contact(const struct engine_request *request, char text[static ENGINE_CONTACT_MAX])
{
    /* By WSS as by WS a Contact says ws (RFC 7118 5.2); sips: says TLS by itself (RFC 5630 3.1.4). */
    static const char *const transports[NET_TRANSPORT_COUNT] = {
        [NET_TCP] = "tcp", [NET_TLS] = "tls", [NET_WS] = "ws", [NET_WSS] = "ws"};
    struct buffer out = buffer_over(text, ENGINE_CONTACT_MAX);
    const struct net_flow *flow = request->flow;
    struct engine_outside outside = engine_site_outside(request->core->site, flow);
    bool sips = wants_sips(request->message);
    if (sips)
        buffer_add_literal(&out, "<sips:");
    else
        buffer_add_literal(&out, "<sip:");
    if (outside.host.len) {
        sip_host_add(&out, outside.host, sip_host_kind_of(outside.host));
        buffer_add_byte(&out, ':');
        buffer_add_u64(&out, outside.port);
    } else {
        net_address_format(&flow->local, &out);
    }
    if (transports[flow->transport] && !(sips && flow->transport == NET_TLS)) {
        buffer_add_literal(&out, ";transport=");
        buffer_add_text(&out, transports[flow->transport]);
    }
    buffer_add_byte(&out, '>');
    return buffer_span(&out);
}
