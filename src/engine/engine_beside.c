/* SPDX-License-Identifier: Apache-2.0 */
/* Putting requests by, and deciding them once more. */
#include "engine/engine_beside.h"
#include "engine/engine_priv.h"
#include "facts/facts_echo.h"
#include "util/clock.h"
#include <stdlib.h>

enum { RULE_BYTES = 72, USER_BYTES = 128 };

/* What the active version made of a request.  Texts are copies: its policy decides others meanwhile. */
struct put_by {
    struct span bytes;
    struct net_flow flow;
    bool stream;
    bool in_dialog;
    struct release_answer answer;
    struct facts_echoes heard; /* what its shared tables said */
    char rule[RULE_BYTES];
    uint8_t user_len;
    char user[USER_BYTES]; /* authenticated_as */
};

struct engine_beside {
    struct engine_beside_options options; /* policy NULL: nobody decides beside */
    bool deciding;
    int64_t credit_ns; /* below 0: a decision took more than there was */
    uint64_t credited_ms;
    unsigned count;
    size_t used;
    struct put_by list[ENGINE_BESIDE_MAX];
    struct sip_message message;
    struct engine_target target;
    char bytes[ENGINE_BESIDE_BYTES];
};

enum err engine_beside_start(struct engine_core *core, const struct engine_beside_options *options)
{
    if (!core->beside)
        core->beside = calloc(1, sizeof(*core->beside));
    if (!core->beside)
        return ERR_NOMEM;
    core->beside->options = *options;
    core->beside->count = 0;
    core->beside->used = 0;
    core->beside->credit_ns = ENGINE_BESIDE_NS;
    core->beside->credited_ms = core->clock->mono_ms;
    return OK;
}

void engine_beside_stop(struct engine_core *core)
{
    if (!core->beside)
        return;
    core->beside->options = (struct engine_beside_options){0};
    core->beside->count = 0;
}

void engine_beside_free(struct engine_beside *beside)
{
    free(beside);
}

bool engine_beside_decides(const struct engine_core *core)
{
    return core->beside && core->beside->deciding;
}

bool engine_beside_waits(const struct engine_core *core)
{
    return core->beside && core->beside->count > 0;
}

struct policy *engine_beside_policy(const struct engine_core *core)
{
    return core->beside ? core->beside->options.policy : NULL;
}

/* ---- What an answer says ---- */

static void add_number(struct siphash_state *state, int64_t number)
{
    siphash_add(state, span_make((const char *)&number, sizeof(number)));
}

/* What the policy's answer adds to a status; of a 410 or 301 that the directory's record shapes, its part too.  Only the
 * SDP's kind is compared: its numbers are the call's. */
static uint64_t content_of(const struct engine_core *core, const struct policy_answer *answer,
                           const struct engine_resolved *to)
{
    struct siphash_state state;
    siphash_begin(&state, &core->key);
    if (to->record && (to->code == 301 || to->code == 302))
        siphash_add(&state, to->record->forward);
    if (answer->code != (int)to->code)
        return siphash_end(&state); /* of the script's own words none is sent */
    siphash_add(&state, answer->reason);
    for (unsigned i = 0; i < answer->contact_count; i++)
        siphash_add(&state, answer->contacts[i]);
    add_number(&state, answer->q850);
    siphash_add(&state, answer->error_info);
    add_number(&state, answer->retry_after);
    add_number(&state, answer->expires);
    add_number(&state, to->code == 200 ? (int64_t)answer->sdp : 0);
    siphash_add(&state, answer->sdp_body);
    for (unsigned i = 0; i < answer->header_count; i++) {
        siphash_add(&state, answer->headers[i].name);
        siphash_add(&state, answer->headers[i].value);
    }
    return siphash_end(&state);
}

static struct release_answer answer_of(const struct engine_core *core, const struct engine_resolving *from)
{
    struct policy_record space;
    struct engine_resolved to = engine_resolve(core, from, &space);
    return (struct release_answer){.code = to.code,
                                   .rule = from->decision->rule,
                                   .failure = from->decision->failure,
                                   .content = content_of(core, from->decision->answer, &to)};
}

/* ---- Putting by ---- */

static bool is_wanted(const struct engine_core *core, struct span call_id)
{
    unsigned sample = core->beside->options.sample;
    return sample <= 1 || siphash(&core->key, call_id.at, call_id.len) / 7 % sample == 0;
}

static bool has_time(const struct engine_core *core)
{
    struct engine_beside *beside = core->beside;
    uint64_t passed_ms = core->clock->mono_ms - beside->credited_ms;
    beside->credited_ms = core->clock->mono_ms;
    if (passed_ms > 1000)
        passed_ms = 1000; /* more than it can owe */
    beside->credit_ns += (int64_t)passed_ms * 1000000 / ENGINE_BESIDE_SHARE;
    if (beside->credit_ns > ENGINE_BESIDE_NS)
        beside->credit_ns = ENGINE_BESIDE_NS;
    return beside->credit_ns > 0;
}

void engine_beside_note(const struct engine_request *request)
{
    const struct policy_request *view = &request->view;
    const struct engine_core *core = request->core;
    struct engine_beside *beside = core->beside;
    struct span bytes = request->message->bytes, user = engine_identified(core);
    if (!beside || !beside->options.policy || !is_wanted(core, request->message->call_id))
        return;
    if (beside->count == ENGINE_BESIDE_MAX || bytes.len > sizeof(beside->bytes) - beside->used ||
        user.len > USER_BYTES || !has_time(core)) {
        beside->options.tally->skipped++;
        return;
    }
    struct put_by *put = &beside->list[beside->count++];
    struct engine_resolving from = {core->policy, &core->last.decision, request->message, &core->target.target, user};
    put->bytes = span_make(beside->bytes + beside->used, bytes.len);
    memcpy(beside->bytes + beside->used, bytes.at, bytes.len);
    beside->used += bytes.len;
    put->flow = *request->flow;
    put->stream = request->flow->transport != NET_UDP;
    put->in_dialog = view->in_dialog;
    put->user_len = (uint8_t)user.len;
    if (put->user_len)
        memcpy(put->user, user.at, put->user_len);
    put->answer = answer_of(core, &from);
    put->heard = *policy_echoes(core->policy);
    (void)!span_copy(span_slice(span_of(put->answer.rule), 0, RULE_BYTES - 1), put->rule, RULE_BYTES);
    put->answer.rule = put->rule;
}

/* ---- Deciding once more ---- */

/* One source however many ports it has; of IPv6 the network, as one host has all of it. */
static uint64_t source_of(const struct engine_core *core, const struct net_address *remote)
{
    return siphash(&core->key, remote->ip, remote->family == NET_FAMILY_IP6 ? 8 : 4);
}

static void count(struct engine_core *core, const struct put_by *put, const struct release_answer *second)
{
    struct engine_beside *beside = core->beside;
    bool shadow = beside->options.shadow;
    struct span aor = beside->target.aor;
    struct release_pair pair = {
        .old = shadow ? put->answer : *second,
        .new = shadow ? *second : put->answer,
        .target = siphash(&core->key, aor.at, aor.len),
        .source = source_of(core, &put->flow.remote),
        .method = beside->message.method_text,
        .aor = aor,
        .call_id = beside->message.call_id,
    };
    release_tally_add(beside->options.tally, &pair);
}

static void decide(struct engine_core *core, struct put_by *put)
{
    struct engine_beside *beside = core->beside;
    struct policy_decision decision;
    struct sip_problem ignored;
    /* It was parsed and aimed once already, and nothing has changed since. */
    if (sip_message_parse(&beside->message, put->bytes, put->stream ? SIP_STREAM : SIP_DATAGRAM, &ignored) != OK ||
        engine_site_target(core->site, &beside->message, &beside->target) != OK)
        return;
    struct policy_request view;
    engine_view(core, &beside->message, &put->flow, &beside->target.target, &view);
    view.authenticated_as = span_make(put->user, put->user_len);
    view.in_dialog = put->in_dialog;
    beside->deciding = true;
    policy_decide_beside(beside->options.policy, &view, beside->options.shadow, &put->heard, &decision);
    beside->deciding = false;
    struct engine_resolving from = {beside->options.policy, &decision, &beside->message, &beside->target.target,
                                    view.authenticated_as};
    struct release_answer second = answer_of(core, &from);
    count(core, put, &second);
}

void engine_beside_turn(struct engine_core *core)
{
    struct engine_beside *beside = core->beside;
    if (!engine_beside_waits(core))
        return;
    uint64_t began_ns = clock_thread_cpu_ns();
    unsigned done = 0;
    while (done < beside->count && (done == 0 || (int64_t)(clock_thread_cpu_ns() - began_ns) < beside->credit_ns))
        decide(core, &beside->list[done++]);
    beside->options.tally->skipped += beside->count - done;
    beside->count = 0;
    beside->used = 0;
    policy_collect(beside->options.policy);
    beside->credit_ns -= (int64_t)(clock_thread_cpu_ns() - began_ns);
}
