/* SPDX-License-Identifier: Apache-2.0 */
/* Says what was decided and what became of it: the decision log, the process's log, the policy's own handlers. */
#include "engine/engine_priv.h"
#include "util/clock.h"
#include "util/log.h"

static bool is_failure(const struct engine_outcome *last)
{
    return last->decision.failure != POLICY_FAILED_NOT || last->note[0] != '\0';
}

static void log_failure(const struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct engine_outcome *last = &core->last;
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

void engine_report_decision(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct engine_outcome *last = &core->last;
    bool failed = is_failure(last);
    if (failed)
        log_failure(request);
    if (!core->decisions || !(request->logs || engine_decisions_wants(core->decisions, request->call_hash, failed)))
        return;
    char source[NET_ADDRESS_TEXT_MAX];
    const struct policy_answer *answer = last->decision.answer;
    struct engine_record record = {
        .kind = ENGINE_RECORD_DECISION,
        .failed = failed,
        .wall_ms = core->clock->wall_ms,
        .version = (uint32_t)core->version,
        .status = last->code,
        .micros = request->started_ns ? (uint32_t)((clock_mono_ns() - request->started_ns) / 1000) : 0,
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
    engine_decisions_put(core->decisions, core->worker, &record);
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
    if (!engine_decisions_wants(core->decisions, hash, news->missing))
        return;
    char source[NET_ADDRESS_TEXT_MAX];
    struct engine_record record = {
        .kind = ENGINE_RECORD_ACK,
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
    engine_decisions_put(core->decisions, core->worker, &record);
}

static struct policy_peer peer_of(const struct net_address *address)
{
    struct policy_peer peer = {.family = address->family == NET_FAMILY_IP4 ? 4 : 6, .port = address->port};
    memcpy(peer.address, address->ip, sizeof(peer.address));
    return peer;
}

/* The policy hears of it after the fact; it can change nothing. */
static void tell_policy(struct engine_core *core, const struct policy_call *call)
{
    struct policy_decision outcome;
    if (!core->policy || !policy_has_event(core->policy, POLICY_ON_ACK_MISSING))
        return;
    policy_event(core->policy, POLICY_ON_ACK_MISSING, call, &outcome);
    core->owes_collection = true;
    if (outcome.failure == POLICY_FAILED_NOT)
        return;
    if (core->meters)
        metric_count(core->meters->failures[outcome.failure], core->worker, 1);
    log_limited(&core->limits[ENGINE_LIMIT_FAILURES], 20, LOG_ERROR, "policy",
                "on_ack_missing failed (%s) at %s:%d: %s call_id=%.*s", policy_failure_name(outcome.failure),
                outcome.file, outcome.line, outcome.text, SPAN_ARG(call->id));
}

static void txn_acknowledged(void *ctx, struct txn *txn, const struct txn_ack *ack)
{
    struct engine_core *core = ctx;
    report_ack(core, &(struct ack_news){.call_id = core->message.call_id,
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
    tell_policy(core, &(struct policy_call){.id = id,
                                            .method = SPAN("INVITE"),
                                            .code = (int)txn_code(txn),
                                            .source = peer_of(peer),
                                            .age_ms = ack->waited_ms});
}

static void txn_ended(void *ctx, struct txn *txn)
{
    (void)ctx;
    engine_ring_forget(txn);
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
    tell_policy(core, &(struct policy_call){.id = call_id(call),
                                            .method = SPAN("INVITE"),
                                            .from = call_from(call),
                                            .to = call_to(call),
                                            .code = 200,
                                            .source = peer_of(call_source(call)),
                                            .age_ms = ack->waited_ms});
}

struct call_handlers engine_call_handlers(struct engine_core *core)
{
    return (struct call_handlers){.ctx = core, .on_ack = call_acknowledged, .on_ack_missing = call_unacknowledged};
}
