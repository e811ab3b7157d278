/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a message through the engine: parse, then transactions, then (RFC 3261 8.2) checks, calls, the policy.
 * ACK and CANCEL leave before every check, and no policy ever sees them. */
#include "engine/engine_priv.h"
#include "util/clock.h"

static void count_noise(struct engine_core *core, enum engine_noise kind, uint64_t by)
{
    if (core->meters)
        metric_count(core->meters->noise[kind], core->worker, by);
}

/* A message that does not parse: 400 with what is wrong, or silence where no answer could arrive or none is allowed. */
static void refuse_malformed(struct engine_core *core, const struct net_flow *flow, const struct sip_problem *problem)
{
    struct engine_request request;
    if (problem->code == 0 || !core->message->answerable) {
        count_noise(core, problem->code == 0 ? ENGINE_NOISE_EMPTY : ENGINE_NOISE_UNANSWERABLE, 1);
        return;
    }
    count_noise(core, ENGINE_NOISE_MALFORMED, 1);
    engine_request_init(&request, core, flow);
    core->target.aor = SPAN("");
    /* Without state: the same bytes come out for a retransmission, and an ACK for it is known by its tag. */
    char reason[160];
    struct buffer text = buffer_over(reason, sizeof(reason));
    sip_problem_add(&text, problem);
    engine_answer(&request, (unsigned)problem->code,
                  text.overflow || problem->code != 400 ? SPAN("") : buffer_span(&text), SPAN(""), SPAN(""));
    engine_report_refusal(&request, problem->reason);
}

/* OPTIONS for one of our hosts itself is an upstream's heartbeat: C answers, and no script can break it. */
static bool is_heartbeat(struct engine_core *core)
{
    const struct sip_message *message = core->message;
    return message->method == SIP_METHOD_OPTIONS && message->uri.user.at == NULL &&
           (message->uri.scheme == SIP_SCHEME_SIP || message->uri.scheme == SIP_SCHEME_SIPS) &&
           engine_site_target(core->site, message, &core->target) == OK;
}

static void answer_heartbeat(struct engine_request *request)
{
    if (request->core->draining) {
        engine_answer_busy(request, true);
        return;
    }
    if (engine_check_require(request))
        return;
    struct buffer answer = engine_answer_begin(request, 200, SPAN(""));
    engine_add_abilities(request, &answer);
    engine_answer_end(request, &answer, 200);
}

static void receive_in_dialog(struct engine_request *request)
{
    struct engine_core *core = request->core;
    if (engine_receive_subscribed(request))
        return;
    /* A forged To tag must not buy more unacknowledged answers than a source may have; the right one is not forged, and
     * others behind the same address must not keep a call from being refreshed. */
    bool may = engine_may_answer(request) || call_knows(core->calls, request->message);
    if (!may || call_receive(core->calls, request->message, &request->back, &request->flow->remote) != OK)
        engine_answer_busy(request, false);
}

/* OPTIONS outside of a dialog is answered without state (the design's one exception): a pure function of the request. */
static bool is_stateless(const struct sip_message *message)
{
    return message->method == SIP_METHOD_OPTIONS && !message->to.tag.at;
}

static void receive_new(struct engine_request *request)
{
    struct engine_core *core = request->core;
    /* No dialog begins with a REGISTER, and none is meant by the tag that some clients leave in its To. */
    if (request->message->to.tag.at && request->message->method != SIP_METHOD_REGISTER) {
        receive_in_dialog(request);
        return;
    }
    if (is_heartbeat(core)) {
        answer_heartbeat(request);
        return;
    }
    if (core->refuse_new) {
        count_noise(core, ENGINE_NOISE_OVERLOAD, 1);
        engine_answer_busy(request, false);
        return;
    }
    if (core->draining || !core->policy) {
        engine_answer_busy(request, true);
        return;
    }
    if (!is_stateless(request->message) && !engine_request_open(request))
        return;
    if (engine_checks(request))
        return;
    engine_expect(request, ENGINE_EXPECT_DECISION);
    core->deciding = true;
    engine_decide(request);
    engine_expect(request, ENGINE_EXPECT_CHANGE);
    engine_carry_out(request);
    engine_report_decision(request);
    engine_beside_note(request);
    core->deciding = false;
    engine_report_started(core);
    if (request->message->method == SIP_METHOD_MESSAGE && core->last.code == 200)
        engine_report_message(request);
}

static void receive_merged(struct engine_request *request)
{
    if (engine_request_open(request))
        engine_answer(request, 482, SPAN(""), SPAN(""), SPAN(""));
}

/* Before anything is answered: what the request leads to may go by it already. */
static void note_alias(struct engine_core *core, const struct net_flow *flow)
{
    if (flow->peer && core->peers.lend && sip_param_has(core->message->via.params, SPAN("alias")))
        core->peers.lend(core->peers.ctx, flow, &core->message->via);
}

static struct txn_arrival sort_request(struct engine_core *core, const struct net_flow *back)
{
    if (!is_stateless(core->message))
        return txn_receive(core->txns, core->message, back);
    txn_receive_stateless(core->txns);
    return (struct txn_arrival){TXN_NEW, NULL};
}

static void receive_request(struct engine_core *core, const struct net_flow *flow)
{
    struct engine_request request;
    note_alias(core, flow);
    if (core->meters)
        metric_count(core->meters->requests[core->message->method], core->worker, 1);
    engine_request_init(&request, core, flow);
    core->target.aor = SPAN("");
    struct txn_arrival arrival = sort_request(core, &request.back);
    switch (arrival.class) {
    case TXN_ABSORBED:
    case TXN_ACK_ABSORBED:
        return;
    case TXN_ACK_FOR_CALL:
        (void)call_receive_ack(core->calls, core->message, flow);
        return;
    case TXN_CANCEL_MATCHED:
    case TXN_CANCEL_UNMATCHED:
        if (call_cancel(core->calls, core->message, arrival.txn, &request.back, &flow->remote) != OK)
            engine_answer_busy(&request, false);
        return;
    case TXN_MERGED:
        receive_merged(&request);
        break;
    case TXN_NEW:
        receive_new(&request);
        break;
    }
    if (!core->last.decided && !core->last.asked_in_call && core->last.code >= 300)
        engine_report_refusal(&request, "");
}

struct span engine_core_refuse_stream(struct engine_core *core, const struct net_flow *flow, struct span bytes,
                                      const struct sip_problem *problem)
{
    static const struct sip_reply_via nothing;
    struct sip_problem ignored;
    char reason[160], tag[TXN_TAG_LEN];
    struct buffer text = buffer_over(reason, sizeof(reason)), out = buffer_over(core->reply, sizeof(core->reply));
    enum err err = sip_message_parse(core->message, bytes, SIP_DATAGRAM, &ignored);
    if ((err != OK && !core->message->answerable) || !core->message->is_request ||
        core->message->method == SIP_METHOD_ACK || problem->code == 0)
        return SPAN("");
    count_noise(core, ENGINE_NOISE_MALFORMED, 1);
    sip_problem_add(&text, problem);
    txn_stateless_tag(core->txns, core->message, tag);
    sip_reply_begin(&out, core->message, (unsigned)problem->code,
                    problem->code == 400 && !text.overflow ? buffer_span(&text) : SPAN(""), &nothing,
                    span_make(tag, TXN_TAG_LEN));
    sip_reply_end(&out, SPAN(""), SPAN(""));
    struct engine_request request;
    engine_request_init(&request, core, flow);
    core->target.aor = SPAN("");
    core->last.code = (unsigned)problem->code;
    engine_report_refusal(&request, problem->reason);
    return out.overflow ? SPAN("") : buffer_span(&out);
}

void engine_core_read(struct engine_core *core, unsigned place, struct span bytes, enum sip_framing framing)
{
    struct engine_reading *reading = &core->readings[place];
    reading->err = sip_message_parse(&core->group[place], bytes, framing, &reading->problem);
}

void engine_core_handle(struct engine_core *core, unsigned place, const struct net_flow *flow)
{
    const struct engine_reading *reading = &core->readings[place];
    core->message = &core->group[place];
    if (reading->err != OK) {
        refuse_malformed(core, flow, &reading->problem);
        return;
    }
    if (core->message->trailing)
        count_noise(core, ENGINE_NOISE_TRAILING, 1);
    if (core->message->is_request)
        receive_request(core, flow);
    else if (!txn_receive_response(core->txns, core->message))
        count_noise(core, ENGINE_NOISE_STRAY_RESPONSE, 1);
}

void engine_core_receive(struct engine_core *core, const struct net_flow *flow, struct span bytes,
                         enum sip_framing framing)
{
    engine_core_read(core, 0, bytes, framing);
    engine_core_handle(core, 0, flow);
}
