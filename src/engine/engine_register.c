/* SPDX-License-Identifier: Apache-2.0 */
/* What ok{} means for a REGISTER (RFC 3261 10.3): the bindings change whole or not at all, and the 200 leaves when the
 * change is kept.  What takes its time holds the transaction and comes back here. */
#include "engine/engine_priv.h"
#include "sip/sip_reply.h"
#include "util/log.h"
#include <stdlib.h>

enum { LINES_MAX = 4096, REASON_MAX = 256 };

/* What the policy adds to a 200. */
struct granted {
    struct span reason, lines;
    uint32_t most_s; /* upper bound of what is granted; 0: none */
};

/* As bytes, while a REGISTER waits: the numbers, the reason, the lines. */
struct granted_head {
    uint32_t most_s, reason_len;
};

static struct registrar_name name_of(const struct engine_core *core)
{
    return (struct registrar_name){core->target.aor, core->target.owner_key};
}

/* Nothing has changed, and nothing is known to be wrong with the request. */
static void answer_unkept(struct engine_request *request)
{
    request->core->last.note = "journal";
    engine_answer_unavailable(request);
}

static void answer_refusal(struct engine_request *request, const struct registrar_plan *plan, struct span lines)
{
    struct buffer answer = engine_answer_begin(request, plan->code, span_of(plan->reason));
    registrar_add_bindings(request->core->registrar, plan, request->message, &answer);
    buffer_add_span(&answer, lines);
    engine_answer_end(request, &answer, plan->code);
}

/* The 200 whole, before anything is changed: when it does not fit, nothing is. */
static bool build(struct engine_request *request, const struct registrar_plan *plan, const struct granted *granted,
                  struct buffer *out_answer)
{
    *out_answer = engine_answer_begin(request, 200, granted->reason);
    registrar_add_bindings(request->core->registrar, plan, request->message, out_answer);
    buffer_add_span(out_answer, granted->lines);
    sip_reply_end(out_answer, SPAN(""), SPAN(""));
    return !out_answer->overflow;
}

static void commit(struct engine_request *request, struct registrar_plan *plan, struct span answer)
{
    struct engine_core *core = request->core;
    switch (registrar_commit(core->registrar, plan, request->txn, request->message, answer)) {
    case OK:
        engine_answer_bytes(core, request->txn, 200, answer);
        break;
    case ERR_AGAIN:
        core->last.code = 200; /* what it will be, if the disk takes it */
        break;
    default:
        answer_unkept(request);
        break;
    }
}

static struct granted granted_of(struct span bytes)
{
    struct granted_head head;
    memcpy(&head, bytes.at, sizeof(head));
    return (struct granted){span_slice(bytes, sizeof(head), sizeof(head) + head.reason_len),
                            span_slice(bytes, sizeof(head) + head.reason_len, bytes.len), head.most_s};
}

static void wait(struct engine_request *request, const struct registrar_plan *plan, const struct granted *granted)
{
    struct engine_core *core = request->core;
    char bytes[sizeof(struct granted_head) + REASON_MAX + LINES_MAX];
    struct buffer whole = buffer_over(bytes, sizeof(bytes));
    struct granted_head head = {granted->most_s,
                                (uint32_t)(granted->reason.len < REASON_MAX ? granted->reason.len : 0)};
    buffer_add(&whole, &head, sizeof(head));
    buffer_add_span(&whole, span_slice(granted->reason, 0, head.reason_len));
    buffer_add_span(&whole, granted->lines);
    core->last.code = 200;
    if (registrar_wait(core->registrar, plan, request->txn, request->message, buffer_span(&whole)) != OK)
        answer_unkept(request);
}

static void carry_out(struct engine_request *request, const struct granted *granted)
{
    struct registrar *registrar = request->core->registrar;
    struct registrar_question question = {request->message, request->flow, name_of(request->core), request->user_hash,
                                          granted->most_s};
    struct registrar_plan plan;
    struct buffer answer;
    registrar_plan(registrar, &question, &plan);
    if (plan.waits) {
        wait(request, &plan, granted);
    } else if (plan.code == 503) {
        answer_unkept(request);
    } else if (plan.code != 200) {
        answer_refusal(request, &plan, granted->lines);
    } else if (!build(request, &plan, granted, &answer)) {
        registrar_drop(&plan);
        engine_answer(request, 500, SPAN(""), SPAN(""), SPAN(""));
    } else if (plan.changes) {
        commit(request, &plan, buffer_span(&answer));
    } else {
        engine_answer_bytes(request->core, request->txn, 200, buffer_span(&answer));
    }
}

void engine_register_expect(struct engine_request *request, enum engine_expect step)
{
    const struct registrar *registrar = request->core->registrar;
    struct registrar_name name = name_of(request->core);
    if (request->message->method != SIP_METHOD_REGISTER)
        return;
    if (step == ENGINE_EXPECT_TARGET)
        request->user_hash = registrar_expect(registrar, &name);
    else if (step == ENGINE_EXPECT_DECISION)
        registrar_expect_user(registrar, request->user_hash);
    else
        registrar_expect_bindings(registrar, request->user_hash);
}

void engine_register(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct policy_answer *from = core->last.decision.answer;
    char text[LINES_MAX];
    struct buffer lines = buffer_over(text, sizeof(text));
    engine_add_headers(&lines, from);
    if (lines.overflow)
        buffer_clear(&lines);
    struct granted granted = {from->reason, buffer_span(&lines), 0};
    if (from->expires >= 0) /* a second at least: what the policy accepts is registered */
        granted.most_s = from->expires < 1 ? 1 : (uint32_t)from->expires;
    carry_out(request, &granted);
}

/* A held transaction's request, read anew.  It lives in a copy: the transaction lets its own go with the answer, and the
 * log has yet to name it. */
struct recalled {
    struct engine_request request;
    struct net_flow flow;
    char *bytes;
};

/* False: there is none to answer (it has been), or memory is out (the client asks again). */
static bool recall(struct engine_core *core, struct txn *txn, struct recalled *out_recalled)
{
    struct sip_problem problem;
    struct span held = txn_request(txn);
    struct engine_request *request = &out_recalled->request;
    out_recalled->bytes = malloc(held.len ? held.len : 1);
    if (!out_recalled->bytes)
        return false;
    if (held.len)
        memcpy(out_recalled->bytes, held.at, held.len);
    if (sip_message_parse(core->message, span_make(out_recalled->bytes, held.len), SIP_DATAGRAM, &problem) != OK)
        return false;
    out_recalled->flow = *txn_flow(txn);
    engine_request_init(request, core, &out_recalled->flow);
    request->txn = txn;
    memcpy(request->tag, txn_tag(txn).at, TXN_TAG_LEN);
    return engine_site_target(core->site, core->message, &core->target) == OK;
}

static void answer_failed(struct engine_core *core, struct txn *txn)
{
    struct recalled recalled;
    if (recall(core, txn, &recalled)) {
        engine_answer_unavailable(&recalled.request);
        engine_report_refusal(&recalled.request, "journal");
    }
    free(recalled.bytes);
}

static void on_kept(void *ctx, struct txn *txn, enum err err, struct span answer)
{
    struct engine_core *core = ctx;
    if (err == OK) {
        engine_answer_bytes(core, txn, 200, answer);
        return;
    }
    log_limited(&core->limits[ENGINE_LIMIT_FAILURES], 5, LOG_ERROR, "registrar",
                "a change could not be written to the journal: %s; answered 503", err_text(err));
    answer_failed(core, txn);
}

static void on_ready(void *ctx, struct txn *txn, struct span extra)
{
    struct engine_core *core = ctx;
    struct recalled recalled;
    if (recall(core, txn, &recalled)) {
        struct granted granted = granted_of(extra);
        carry_out(&recalled.request, &granted);
        if (core->last.code >= 300)
            engine_report_refusal(&recalled.request, core->last.note);
    }
    free(recalled.bytes);
}

static void load(struct engine_core *core)
{
    const struct engine_bindings *bindings = &core->bindings;
    if (bindings->unreadable)
        registrar_refuse(core->registrar);
    else if (registrar_load(core->registrar, bindings->is_ours, bindings->is_ours_ctx) != OK)
        log_error("registrar", "worker %u: the journal of bindings cannot be read: every REGISTER is answered 503",
                  core->worker);
}

enum err engine_registrar_new(struct engine_core *core)
{
    const struct engine_config *config = core->config;
    struct registrar_options wanted = {
        .clock = core->clock,
        .wheel = core->wheel,
        .slab = txn_table_slab(core->txns),
        .notifier = core->notifier,
        .journal = core->bindings.journal,
        .key = core->key,
        .limits = {config->register_min_s, config->register_max_s, config->register_default_s,
                   config->max_bindings_per_user, config->max_bindings},
        .gruus = core->site->gruus,
        .flow_timer_s = config->flow_timer_s,
        .service_route = span_of(config->service_route),
        .worker = core->worker,
        .handlers = {.ctx = core, .on_kept = on_kept, .on_ready = on_ready},
    };
    enum err err = registrar_new(&wanted, &core->registrar);
    if (err == OK)
        load(core);
    return err;
}
