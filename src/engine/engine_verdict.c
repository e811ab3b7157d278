/* SPDX-License-Identifier: Apache-2.0 */
/* Carries a decision out: the guard, then the status that the verdict means for the method, then its answer. */
#include "engine/engine_priv.h"
#include "util/invariant.h"

static void outcome_is(struct engine_request *request, enum policy_verdict verdict, const char *note)
{
    request->core->last.verdict = verdict;
    request->core->last.note = note;
    if (request->core->meters)
        metric_count(request->core->meters->verdicts[verdict], request->core->worker, 1);
}

void engine_add_headers(struct buffer *answer, const struct policy_answer *from)
{
    if (from->retry_after >= 0)
        sip_reply_header_u64(answer, SPAN("Retry-After"), (uint64_t)from->retry_after);
    for (unsigned i = 0; i < from->header_count; i++)
        sip_reply_header(answer, from->headers[i].name, from->headers[i].value);
}

/* "<uri>", unless the text brings its own brackets. */
static void add_uri_header(struct buffer *answer, struct span name, struct span uri)
{
    char text[1100];
    struct buffer value = buffer_over(text, sizeof(text));
    bool bare = span_find(uri, '<') == uri.len;
    if (bare)
        buffer_add_byte(&value, '<');
    buffer_add_span(&value, uri);
    if (bare)
        buffer_add_byte(&value, '>');
    if (!value.overflow)
        sip_reply_header(answer, name, buffer_span(&value));
}

/* RFC 6432 allows it in responses; without it networks read 410 as anything from 1 to 22. */
static void add_q850(struct buffer *answer, int cause)
{
    char text[32];
    struct buffer value = buffer_over(text, sizeof(text));
    if (cause <= 0)
        return;
    buffer_add_literal(&value, "Q.850;cause=");
    buffer_add_u64(&value, (uint64_t)cause);
    sip_reply_header(answer, SPAN("Reason"), buffer_span(&value));
}

static void answer_gone(struct engine_request *request, const struct policy_record *record)
{
    const struct policy_answer *from = request->core->last.decision.answer;
    struct buffer answer = engine_answer_begin(request, 410, from->reason);
    add_q850(&answer, from->q850 > 0 ? from->q850 : record ? record->cause : 0);
    if (from->error_info.len)
        add_uri_header(&answer, SPAN("Error-Info"), from->error_info);
    engine_add_headers(&answer, from);
    engine_answer_end(request, &answer, 410);
}

/* 301 and 302 to `code`'s contacts; without one, to the directory's forwarding address. */
static void answer_moved(struct engine_request *request, unsigned code, struct span forward)
{
    const struct policy_answer *from = request->core->last.decision.answer;
    bool own = from->contact_count > 0 && !request->core->last.guarded;
    struct buffer answer = engine_answer_begin(request, code, own ? from->reason : SPAN(""));
    if (own)
        for (unsigned i = 0; i < from->contact_count; i++)
            add_uri_header(&answer, SPAN("Contact"), from->contacts[i]);
    else
        add_uri_header(&answer, SPAN("Contact"), forward);
    if (own && from->expires >= 0)
        sip_reply_header_u64(&answer, SPAN("Expires"), (uint64_t)from->expires);
    engine_add_headers(&answer, from);
    engine_answer_end(request, &answer, code);
}

/* Everything whose answer is a status, a phrase and the policy's own headers. */
static void answer_plain(struct engine_request *request, unsigned code)
{
    const struct policy_answer *from = request->core->last.decision.answer;
    /* A phrase and a cause chosen for the script's own status would lie about another one. */
    bool own = from->code == (int)code;
    struct buffer answer = engine_answer_begin(request, code, own ? from->reason : SPAN(""));
    if (own) {
        add_q850(&answer, from->q850);
        if (from->error_info.len && code >= 300)
            add_uri_header(&answer, SPAN("Error-Info"), from->error_info);
        engine_add_headers(&answer, from);
    }
    if (request->message->method == SIP_METHOD_OPTIONS && code == 200)
        engine_add_abilities(request, &answer);
    engine_answer_end(request, &answer, code);
}

static void refuse_call(struct engine_request *request, enum err err, const char *why)
{
    switch (err) {
    case ERR_SYNTAX:
    case ERR_INVALID: {
        char reason[160];
        struct buffer text = buffer_over(reason, sizeof(reason));
        buffer_addf(&text, "Bad Request: %s", why ? why : "SDP");
        engine_answer(request, 400, text.overflow ? SPAN("") : buffer_span(&text), SPAN(""), SPAN(""));
        return;
    }
    case ERR_UNSUPPORTED: /* RFC 3261 21.4.26; 305: incompatible media format */
        engine_answer(request, 488, SPAN(""), SPAN("Warning"), SPAN("305 verdict \"No stream of the offer fits\""));
        return;
    case ERR_TOO_LONG: /* its answer would be */
        engine_answer(request, 513, SPAN(""), SPAN(""), SPAN(""));
        return;
    default: /* too many calls: this server, not the callee */
        engine_answer(request, 503, SPAN(""), SPAN(""), SPAN(""));
        return;
    }
}

static struct span media_address(const struct engine_request *request, char text[static NET_ADDRESS_TEXT_MAX],
                                 bool *out_is_ipv6)
{
    struct span advertise = engine_site_outside(request->core->site, request->flow).host;
    enum sip_host_kind kind = sip_host_kind_of(advertise);
    *out_is_ipv6 = request->flow->local.family == NET_FAMILY_IP6;
    if (advertise.len && kind != SIP_HOST_NAME && kind != SIP_HOST_NONE) {
        *out_is_ipv6 = kind == SIP_HOST_IPV6;
        return advertise;
    }
    struct buffer out = buffer_over(text, NET_ADDRESS_TEXT_MAX);
    net_address_format_ip(&request->flow->local, &out);
    return buffer_span(&out);
}

static enum call_sdp sdp_of(enum policy_sdp sdp)
{
    static const enum call_sdp modes[] = {
        [POLICY_SDP_INACTIVE] = CALL_SDP_INACTIVE, [POLICY_SDP_SENDONLY] = CALL_SDP_SENDONLY,
        [POLICY_SDP_RECVONLY] = CALL_SDP_RECVONLY, [POLICY_SDP_SENDRECV] = CALL_SDP_SENDRECV,
        [POLICY_SDP_REJECT] = CALL_SDP_REJECT,     [POLICY_SDP_BODY] = CALL_SDP_BODY};
    return modes[sdp];
}

/* RFC 4028 9: a session that would expire too soon is not begun. */
static bool refuse_interval(struct engine_request *request)
{
    uint32_t min_s;
    char text[16];
    if (!call_interval_is_small(request->core->calls, request->message, &min_s))
        return false;
    struct buffer value = buffer_over(text, sizeof(text));
    buffer_add_u64(&value, min_s);
    engine_answer(request, 422, SPAN(""), SPAN("Min-SE"), buffer_span(&value));
    return true;
}

/* A cap on calls is reached: the user's is a busy line, ours is nobody's fault but this server's. */
static bool refuse_number(struct engine_request *request)
{
    struct engine_core *core = request->core;
    enum facts_gauge_answer answer =
        core->gauge ? facts_gauge_take(core->gauge, engine_gauge_key(core, core->target.aor)) : FACTS_GAUGE_TAKEN;
    if (answer == FACTS_GAUGE_TAKEN)
        return false;
    bool is_user = answer == FACTS_GAUGE_KEY_FULL;
    core->last.note = is_user ? "max_calls_per_user" : "max_calls";
    engine_answer(request, is_user ? 486 : 503, SPAN(""), SPAN(""), SPAN(""));
    return true;
}

static void start_call(struct engine_request *request, const struct call_accept *accept)
{
    struct engine_core *core = request->core;
    const char *why = NULL;
    struct call *call;
    if (refuse_interval(request) || refuse_number(request))
        return;
    enum err err = call_new(core->calls, request->txn, request->message, accept, &call, &why);
    if (err != OK) {
        if (core->gauge)
            facts_gauge_give(core->gauge, engine_gauge_key(core, accept->aor));
        refuse_call(request, err, why);
        return;
    }
    core->last.code = 200;
    if (core->meters)
        metric_count(core->meters->answers[200], core->worker, 1);
}

struct span engine_answer_lines(const struct policy_answer *answer, char text[static ENGINE_LINES_MAX])
{
    struct buffer lines = buffer_over(text, ENGINE_LINES_MAX);
    for (unsigned i = 0; i < answer->header_count; i++) {
        buffer_add_span(&lines, answer->headers[i].name);
        buffer_add_literal(&lines, ": ");
        buffer_add_span(&lines, answer->headers[i].value);
        buffer_add_literal(&lines, "\r\n");
    }
    return lines.overflow ? SPAN("") : buffer_span(&lines);
}

static void accept_call(struct engine_request *request)
{
    const struct policy_answer *from = request->core->last.decision.answer;
    char contact[ENGINE_CONTACT_MAX], address[NET_ADDRESS_TEXT_MAX];
    struct call_accept accept = {
        .reason = from->reason,
        .contact = engine_contact(request, contact),
        .sdp = sdp_of(from->sdp),
        .body = from->sdp_body,
        .extra = engine_answer_lines(from, request->core->lines),
        .rings = from->ring_ms >= 0 || from->progress,
        .progress = from->progress,
        .hangup_after_s = (uint32_t)from->hangup_after_s,
        .session_expires_s = (uint32_t)from->session_expires_s,
        .ring_ms = from->ring_ms > 0 ? (uint32_t)from->ring_ms : 0,
        .source = request->flow->remote,
        .aor = request->core->target.aor,
    };
    accept.media_address = media_address(request, address, &accept.media_is_ipv6);
    start_call(request, &accept);
}

static void answer_as(struct engine_request *request, enum policy_verdict verdict, const struct policy_record *record)
{
    int code = engine_status_of(verdict, (enum sip_method)request->message->method);
    if (code == 410)
        answer_gone(request, record);
    else if (code == 301 || code == 302)
        answer_moved(request, (unsigned)code, record ? record->forward : SPAN(""));
    else
        answer_plain(request, (unsigned)code);
}

static struct engine_resolved resolve(struct engine_request *request, struct policy_record *space)
{
    const struct engine_core *core = request->core;
    struct engine_resolving from = {.policy = core->policy,
                                    .decision = &core->last.decision,
                                    .message = request->message,
                                    .target = &core->target.target,
                                    .authenticated_as = engine_identified(core)};
    return engine_resolve(core, &from, space);
}

static void carry_out_ok(struct engine_request *request)
{
    struct policy_record space;
    struct engine_resolved to = resolve(request, &space);
    outcome_is(request, to.verdict, to.note);
    if (to.verdict != POLICY_OK) {
        answer_as(request, to.verdict, NULL);
        return;
    }
    switch ((enum sip_method)request->message->method) {
    case SIP_METHOD_INVITE:
        accept_call(request);
        break;
    case SIP_METHOD_SUBSCRIBE:
        engine_accept_subscription(request);
        break;
    case SIP_METHOD_PUBLISH:
        engine_accept_publication(request);
        break;
    case SIP_METHOD_REGISTER:
        engine_register(request);
        break;
    default:
        answer_plain(request, 200);
        break;
    }
}

static void carry_out_gone(struct engine_request *request)
{
    struct engine_core *core = request->core;
    struct policy_record space;
    struct engine_resolved to = resolve(request, &space);
    core->last.guarded = true;
    core->last.guard = to.guard;
    if (core->meters)
        metric_count(core->meters->guards[to.guard], core->worker, 1);
    outcome_is(request, to.verdict, to.note);
    if (to.unreadable)
        engine_answer_unavailable(request);
    else
        answer_as(request, to.verdict, to.record);
}

static void carry_out_moved(struct engine_request *request)
{
    struct policy_record space;
    struct engine_resolved to = resolve(request, &space);
    outcome_is(request, to.verdict, to.note);
    if (to.unreadable)
        engine_answer_unavailable(request);
    else
        answer_as(request, to.verdict, to.record);
}

static void carry_out_drop(struct engine_request *request)
{
    outcome_is(request, POLICY_DROP, "");
    if (request->txn)
        txn_absorb(request->txn);
}

/* The realm is a host: what the directory knows users under.  One WWW-Authenticate an algorithm (RFC 8760 2.3). */
static void answer_challenge(struct engine_request *request)
{
    struct engine_core *core = request->core;
    const struct policy_answer *from = core->last.decision.answer;
    char host[ENGINE_CONTACT_MAX], text[4096];
    struct buffer realm = buffer_over(host, sizeof(host)), values = buffer_over(text, sizeof(text));
    struct span offered[DIGEST_KIND_COUNT];
    if (from->realm.len)
        buffer_add_span(&realm, from->realm);
    else
        sip_host_add(&realm, core->target.target.host, sip_host_kind_of(core->target.target.host));
    const struct auth_offer offer = {
        .realm = buffer_span(&realm),
        .user_agent = sip_message_value(request->message, SIP_HEADER_USER_AGENT),
        .stale = auth_outcome_is_stale(core->identity.result.outcome),
        .now_ms = core->clock->wall_ms,
        .unique = (uint64_t)core->worker << 48 | core->challenges++,
    };
    struct buffer answer = engine_answer_begin(request, 401, from->reason);
    unsigned count = auth_offer(core->auth, &offer, &values, offered);
    answer.overflow = answer.overflow || values.overflow || realm.overflow;
    for (unsigned i = 0; i < count && !answer.overflow; i++)
        sip_reply_header(&answer, SPAN("WWW-Authenticate"), offered[i]);
    engine_add_headers(&answer, from);
    engine_answer_end(request, &answer, 401);
}

/* Whoever tries too often is told 403, as is who has proven who he is and would only be asked again and again. */
static void carry_out_challenge(struct engine_request *request)
{
    struct engine_core *core = request->core;
    struct span aor;
    bool unknown = engine_identify(core, &aor) != OK;
    enum auth_outcome outcome = core->identity.result.outcome;
    struct policy_record space;
    struct engine_resolved to = resolve(request, &space);
    if (unknown) {
        outcome_is(request, POLICY_REJECT, "unreadable");
        engine_answer_unavailable(request);
    } else if (to.verdict != POLICY_CHALLENGE) {
        outcome_is(request, to.verdict, to.note);
        answer_plain(request, to.code);
    } else if (outcome == AUTH_LIMITED) {
        outcome_is(request, POLICY_REJECT, "too_many_tries");
        answer_plain(request, 403);
    } else {
        outcome_is(request, POLICY_CHALLENGE, outcome == AUTH_NONE ? "" : auth_outcome_text(outcome));
        answer_challenge(request);
    }
}

static void carry_out_other(struct engine_request *request)
{
    const struct engine_outcome *last = &request->core->last;
    enum policy_verdict verdict = last->decision.answer->verdict;
    int code = engine_status_of(verdict, (enum sip_method)request->message->method);
    outcome_is(request, verdict, "");
    if (verdict == POLICY_REDIRECT)
        answer_moved(request, (unsigned)code, SPAN(""));
    else
        answer_plain(request, (unsigned)(code == ENGINE_STATUS_OWN ? last->decision.answer->code : code));
}

void engine_carry_out(struct engine_request *request)
{
    static void (*const actions[POLICY_VERDICT_COUNT])(struct engine_request *) = {
        [POLICY_OK] = carry_out_ok,
        [POLICY_GONE] = carry_out_gone,
        [POLICY_MOVED] = carry_out_moved,
        [POLICY_REDIRECT] = carry_out_other,
        [POLICY_NOT_FOUND] = carry_out_other,
        [POLICY_UNAVAILABLE] = carry_out_other,
        [POLICY_CHALLENGE] = carry_out_challenge,
        [POLICY_REJECT] = carry_out_other,
        [POLICY_DROP] = carry_out_drop,
    };
    struct engine_core *core = request->core;
    const struct policy_decision *decision = &core->last.decision;
    if (decision->failure != POLICY_FAILED_NOT && core->meters)
        metric_count(core->meters->failures[decision->failure], core->worker, 1);
    if (decision->failure == POLICY_FAILED_DIRECTORY) {
        outcome_is(request, POLICY_REJECT, "unreadable");
        engine_answer_unavailable(request);
        return;
    }
    invariant(decision->answer && decision->answer->verdict < POLICY_VERDICT_COUNT);
    actions[decision->answer->verdict](request);
}
