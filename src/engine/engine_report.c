/* SPDX-License-Identifier: Apache-2.0 */
/* Says what was decided and what became of it: the decision log, the process's log, the policy's own handlers. */
#include "engine/engine_priv.h"
#include "sip/sip_address.h"
#include "sip/sip_value.h"
#include "util/clock.h"
#include "util/log.h"

static bool is_failure(const struct engine_outcome *last)
{
    /* Why a challenge was sent again is no failure of anybody's here; it is in the metrics and in the decision's line. */
    bool told = last->decided && last->verdict == POLICY_CHALLENGE;
    return last->decision.failure != POLICY_FAILED_NOT || (last->note[0] != '\0' && !told);
}

static void log_failure(const struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct engine_outcome *last = &core->last;
    if (last->decision.set_aside) /* once a rule and worker: never held back */
        log_write(
            LOG_ERROR, "policy",
            "rule \"%s\" was killed %d times within %d s and is set aside until the next version: on_error answers "
            "for it; version=%llu worker=%u",
            last->decision.rule, POLICY_KILLS_MAX, POLICY_KILLS_MS / 1000, (unsigned long long)core->version,
            core->worker);
    struct span id = request->message->call_id;
    if (last->decision.failure != POLICY_FAILED_NOT)
        log_limited(&core->limits[ENGINE_LIMIT_FAILURES], 20, LOG_ERROR, "policy",
                    "rule \"%s\" failed (%s) at %s:%d: %s; answered %u call_id=%.*s version=%llu", last->decision.rule,
                    policy_failure_name(last->decision.failure), last->decision.file, last->decision.line,
                    last->decision.text, last->code, SPAN_ARG(id), (unsigned long long)core->version);
    else
        log_limited(&core->limits[ENGINE_LIMIT_CONFLICTS], 20, LOG_WARN, "guard",
                    "rule \"%s\" said %s, answered %u (%s) target=%.*s call_id=%.*s version=%llu", last->decision.rule,
                    policy_verdict_name(last->decision.answer->verdict), last->code, last->note,
                    SPAN_ARG(core->target.aor), SPAN_ARG(id), (unsigned long long)core->version);
}

static struct span source_text(const struct net_address *source, char text[static NET_ADDRESS_TEXT_MAX])
{
    net_address_text(source, text);
    return span_of(text);
}

/* What replay and explain need to decide this request again, as it was decided here. */
struct remade {
    char local[NET_ADDRESS_TEXT_MAX];
};

static void add_request(const struct engine_request *request, struct remade *texts, struct decisions_record *record)
{
    if (!request->core->config->log_request)
        return;
    record->transport = span_of(net_transport_name((enum net_transport)request->flow->transport));
    record->local = source_text(&request->flow->local, texts->local);
    if (request->core->last.decided)
        record->authenticated_as = request->view.authenticated_as;
    if (request->tag[0])
        record->tag = span_make(request->tag, TXN_TAG_LEN);
    record->request = request->message->bytes;
}

void engine_report_decision(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct engine_outcome *last = &core->last;
    bool failed = is_failure(last);
    if (failed)
        log_failure(request);
    if (!core->decisions || !(request->logs || decisions_log_wants(core->decisions, request->call_hash, failed)))
        return;
    char source[NET_ADDRESS_TEXT_MAX];
    const struct policy_answer *answer = last->decision.answer;
    struct decisions_record record = {
        .kind = DECISIONS_RECORD_DECISION,
        .failed = failed,
        .wall_ms = core->clock->wall_ms,
        .version = (uint32_t)core->version,
        .status = last->code,
        .micros = request->started_ns ? (uint32_t)((clock_mono_ns() - request->started_ns) / 1000) : 0,
        .fuel = last->decision.fuel,
        .call_id = request->message->call_id,
        .method = request->message->method_text,
        .source = source_text(&request->flow->remote, source),
        .from = request->message->from.uri.text,
        .target = core->target.aor,
        .rule = span_of(last->decision.rule),
        .verdict = span_of(policy_verdict_name(last->verdict)),
        .reason = last->decision.failure != POLICY_FAILED_NOT ? span_of(last->decision.text) : answer->evidence,
        .note = last->decision.failure != POLICY_FAILED_NOT ? span_of(policy_failure_name(last->decision.failure))
                                                            : span_of(last->note),
    };
    struct remade texts;
    add_request(request, &texts, &record);
    decisions_log_put(core->decisions, core->worker, &record);
}

void engine_report_refusal(struct engine_request *request, const char *why)
{
    struct engine_core *core = request->core;
    char source[NET_ADDRESS_TEXT_MAX];
    if (!core->decisions)
        return;
    uint64_t hash = siphash(&core->key, request->message->call_id.at, request->message->call_id.len);
    if (!decisions_log_wants(core->decisions, hash, false))
        return;
    struct decisions_record record = {
        .kind = DECISIONS_RECORD_DECISION,
        .wall_ms = core->clock->wall_ms,
        .status = core->last.code,
        .call_id = request->message->call_id,
        .method = request->message->method_text,
        .source = source_text(&request->flow->remote, source),
        .from = request->message->from.uri.text,
        .target = core->target.aor,
        .verdict = SPAN("refused"),
        .reason = span_of(why ? why : ""),
    };
    struct remade texts;
    add_request(request, &texts, &record);
    decisions_log_put(core->decisions, core->worker, &record);
}

/* ---- What became of an ACK ---- */

struct ack_news {
    struct span call_id;
    const struct net_address *peer;
    unsigned code;
    uint32_t resends;
    uint32_t waited_ms;
    bool missing;
};

static void report_ack(struct engine_core *core, const struct ack_news *news)
{
    if (!core->decisions)
        return;
    uint64_t hash = siphash(&core->key, news->call_id.at, news->call_id.len);
    if (!decisions_log_wants(core->decisions, hash, news->missing))
        return;
    char source[NET_ADDRESS_TEXT_MAX];
    struct decisions_record record = {
        .kind = DECISIONS_RECORD_ACK,
        .failed = news->missing,
        .wall_ms = core->clock->wall_ms,
        .status = news->code,
        .retransmissions = news->resends,
        .waited_ms = news->waited_ms,
        .call_id = news->call_id,
        .source = source_text(news->peer, source),
        .verdict = news->missing   ? SPAN("missing")
                   : news->resends ? SPAN("late")
                                   : SPAN("acknowledged"),
    };
    decisions_log_put(core->decisions, core->worker, &record);
}

static struct policy_peer peer_of(const struct net_address *address, enum net_transport transport)
{
    static const char *const transports[NET_TRANSPORT_COUNT] = {
        [NET_UDP] = "udp", [NET_TCP] = "tcp", [NET_TLS] = "tls", [NET_WS] = "ws", [NET_WSS] = "wss",
    };
    struct policy_peer peer = {
        .family = address->family == NET_FAMILY_IP4 ? 4 : 6, .port = address->port, .transport = transports[transport]};
    memcpy(peer.address, address->ip, sizeof(peer.address));
    return peer;
}

void engine_report_event(struct engine_core *core, enum policy_event event, const struct policy_decision *outcome,
                         struct span call_id)
{
    if (core->meters)
        metric_count(core->meters->failures[outcome->failure], core->worker, 1);
    log_limited(&core->limits[ENGINE_LIMIT_FAILURES], 20, LOG_ERROR, "policy",
                "%s failed (%s) at %s:%d: %s call_id=%.*s", policy_event_name(event),
                policy_failure_name(outcome->failure), outcome->file, outcome->line, outcome->text, SPAN_ARG(call_id));
}

/* The policy hears of it after the fact; it can change nothing. */
static void tell_policy(struct engine_core *core, enum policy_event event, const struct policy_call *call)
{
    struct policy_decision outcome;
    if (!core->policy || !policy_has_event(core->policy, event))
        return;
    policy_event(core->policy, event, call, &outcome);
    core->owes_collection = true;
    if (outcome.failure != POLICY_FAILED_NOT)
        engine_report_event(core, event, &outcome, call->id);
}

/* The URI in a From or To value; the value itself where there is none. */
static struct span uri_of(struct span value)
{
    struct sip_address address;
    return sip_address_parse(value, &address, NULL) == OK ? address.uri.text : value;
}

struct policy_call engine_view_of_call(const struct call *call, uint64_t age_ms, struct span reason)
{
    const struct net_flow *flow = call_flow(call);
    return (struct policy_call){.id = call_id(call),
                                .method = SPAN("INVITE"),
                                .from = uri_of(call_from(call)),
                                .to = uri_of(call_to(call)),
                                .code = 200,
                                .reason = reason.len ? reason : (struct span){NULL, 0},
                                .source = peer_of(call_source(call), (enum net_transport)flow->transport),
                                .age_ms = age_ms};
}

static void tell_of_call(struct engine_core *core, enum policy_event event, const struct call *call, uint64_t age_ms,
                         struct span reason)
{
    struct policy_call view = engine_view_of_call(call, age_ms, reason);
    tell_policy(core, event, &view);
}

/* What on_request said, and what went out. */
static void call_answered(void *ctx, struct call *call, const struct sip_message *request, unsigned code)
{
    struct engine_core *core = ctx;
    const struct policy_decision *said = &core->last.decision;
    bool failed = said->failure != POLICY_FAILED_NOT;
    if (!core->last.asked_in_call)
        return;
    core->last.code = code;
    if (!core->decisions ||
        !decisions_log_wants(core->decisions, siphash(&core->key, request->call_id.at, request->call_id.len), failed))
        return;
    char source[NET_ADDRESS_TEXT_MAX];
    struct decisions_record record = {
        .kind = DECISIONS_RECORD_IN_CALL,
        .failed = failed,
        .wall_ms = core->clock->wall_ms,
        .version = (uint32_t)core->version,
        .status = code,
        .fuel = said->fuel,
        .call_id = request->call_id,
        .method = request->method_text,
        .source = source_text(&call_flow(call)->remote, source),
        .from = request->from.uri.text,
        .target = core->target.aor,
        .rule = span_of(policy_event_name(POLICY_ON_REQUEST)),
        .verdict = said->answer ? span_of(policy_verdict_name(said->answer->verdict)) : SPAN("none"),
        .reason = span_of(said->text),
        .note = failed                                                 ? span_of(policy_failure_name(said->failure))
                : said->answer && (unsigned)said->answer->code != code ? SPAN("engine_answered")
                                                                       : SPAN(""),
    };
    decisions_log_put(core->decisions, core->worker, &record);
}

static bool call_asks(void *ctx, struct call *call, const struct sip_message *request, struct call_say *out_say)
{
    return engine_ask_in_call(ctx, call, request, out_say);
}

void engine_report_message(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct sip_message *message = request->message;
    struct sip_media_type type;
    char target[ENGINE_TARGET_BYTES + 8];
    struct buffer out = buffer_over(target, sizeof(target));
    if (!core->policy || !policy_has_event(core->policy, POLICY_ON_MESSAGE))
        return;
    buffer_add_literal(&out, "sip:");
    buffer_add_span(&out, core->target.aor);
    struct policy_call view = {.id = message->call_id,
                               .method = SPAN("MESSAGE"),
                               .from = message->from.uri.text,
                               .to = message->to.uri.text,
                               .target = buffer_span(&out),
                               .code = 200,
                               .body = message->body.len ? message->body : (struct span){NULL, 0},
                               .source = peer_of(&request->flow->remote, (enum net_transport)request->flow->transport)};
    if (sip_value_media_type(sip_message_value(message, SIP_HEADER_CONTENT_TYPE), &type) == OK) {
        const char *end = type.subtype.at + type.subtype.len;
        view.body_type = span_make(type.type.at, (size_t)(end - type.type.at));
    }
    tell_policy(core, POLICY_ON_MESSAGE, &view);
}

static void txn_acknowledged(void *ctx, struct txn *txn, const struct txn_ack *ack)
{
    struct engine_core *core = ctx;
    report_ack(core, &(struct ack_news){.call_id = core->message->call_id,
                                        .peer = &txn_flow(txn)->remote,
                                        .code = txn_code(txn),
                                        .resends = ack->resends,
                                        .waited_ms = ack->waited_ms});
}

static void txn_unacknowledged(void *ctx, struct txn *txn, const struct txn_ack *ack)
{
    struct engine_core *core = ctx;
    struct span id = sip_call_id_scan(txn_answer(txn));
    const struct net_address *peer = &txn_flow(txn)->remote;
    char source[NET_ADDRESS_TEXT_MAX];
    if (core->meters)
        metric_count(core->meters->no_acks, core->worker, 1);
    log_limited(&core->limits[ENGINE_LIMIT_ACKS], 5, LOG_WARN, "ack",
                "no ACK for %u from %.*s in %u ms, sent %u times call_id=%.*s", txn_code(txn),
                SPAN_ARG(source_text(peer, source)), ack->waited_ms, ack->resends + 1, SPAN_ARG(id));
    report_ack(core, &(struct ack_news){id, peer, txn_code(txn), ack->resends, ack->waited_ms, true});
    struct policy_call view = {.id = id,
                               .method = SPAN("INVITE"),
                               .code = (int)txn_code(txn),
                               .source = peer_of(peer, (enum net_transport)txn_flow(txn)->transport),
                               .age_ms = ack->waited_ms};
    tell_policy(core, POLICY_ON_ACK_MISSING, &view);
}

/* One that a registrar still holds has timed out: the answer would come too late. */
static void txn_ended(void *ctx, struct txn *txn)
{
    (void)ctx;
    if (txn_method(txn) == SIP_METHOD_REGISTER)
        registrar_forget(txn);
}

struct txn_handlers engine_txn_handlers(struct engine_core *core)
{
    return (struct txn_handlers){
        .ctx = core, .on_ack = txn_acknowledged, .on_no_ack = txn_unacknowledged, .on_end = txn_ended};
}

static void call_acknowledged(void *ctx, struct call *call, const struct call_ack *ack)
{
    report_ack(ctx, &(struct ack_news){.call_id = call_id(call),
                                       .peer = call_source(call),
                                       .code = 200,
                                       .resends = ack->resends,
                                       .waited_ms = ack->waited_ms});
}

static void call_unacknowledged(void *ctx, struct call *call, const struct call_ack *ack)
{
    struct engine_core *core = ctx;
    char source[NET_ADDRESS_TEXT_MAX];
    log_limited(&core->limits[ENGINE_LIMIT_ACKS], 5, LOG_WARN, "ack",
                "no ACK for 200 from %.*s in %u ms, sent %u times; BYE follows call_id=%.*s",
                SPAN_ARG(source_text(call_source(call), source)), ack->waited_ms, ack->resends + 1,
                SPAN_ARG(call_id(call)));
    report_ack(core, &(struct ack_news){call_id(call), call_source(call), 200, ack->resends, ack->waited_ms, true});
    tell_of_call(core, POLICY_ON_ACK_MISSING, call, ack->waited_ms, SPAN(""));
}

static void call_started(void *ctx, struct call *call)
{
    struct engine_core *core = ctx;
    /* The decision that began it still lives in the policy, whose next run would be on top of it. */
    if (core->deciding)
        core->started = call;
    else
        tell_of_call(core, POLICY_ON_CALL_START, call, 0, SPAN(""));
}

void engine_report_started(struct engine_core *core)
{
    const struct call *call = core->started;
    core->started = NULL;
    if (call)
        tell_of_call(core, POLICY_ON_CALL_START, call, 0, SPAN(""));
}

/* By what `max_calls_per_user` counts. */
uint64_t engine_gauge_key(const struct engine_core *core, struct span aor)
{
    return siphash(&core->key, aor.at, aor.len);
}

static void call_ended(void *ctx, struct call *call, enum call_end end)
{
    struct engine_core *core = ctx;
    if (core->started == call)
        core->started = NULL;
    if (core->gauge)
        facts_gauge_give(core->gauge, engine_gauge_key(core, call_aor(call)));
    tell_of_call(core, POLICY_ON_CALL_END, call, call_age_ms(call), span_of(call_end_text(end)));
}

struct call_handlers engine_call_handlers(struct engine_core *core)
{
    return (struct call_handlers){.ctx = core,
                                  .on_start = call_started,
                                  .on_ack = call_acknowledged,
                                  .on_ack_missing = call_unacknowledged,
                                  .on_end = call_ended,
                                  .on_request = call_answered,
                                  .on_ask = call_asks};
}
