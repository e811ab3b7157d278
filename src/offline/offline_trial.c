/* SPDX-License-Identifier: Apache-2.0 */
#include "offline/offline_trial.h"
#include "engine/engine_core.h"
#include "net/net_listener.h"
#include <stdlib.h>

static const struct siphash_key trial_key = {1, 2};

static void keep_line(struct offline_trial_sent *sent, struct span bytes)
{
    struct span line = span_slice(bytes, 0, span_find(bytes, '\r'));
    line = span_slice(line, 0, sizeof(sent->line) - 1);
    (void)span_copy(line, sent->line, sizeof(sent->line));
}

static enum err trial_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct offline_trial *trial = ctx;
    uint32_t code = 0;
    (void)flow;
    if (span_starts_with(bytes, SPAN("SIP/2.0 ")))
        (void)span_to_u32(span_slice(bytes, 8, 11), &code);
    if (code >= 200 && !trial->answer_len && bytes.len <= sizeof(trial->answer)) {
        memcpy(trial->answer, bytes.at, bytes.len);
        trial->answer_len = bytes.len;
        trial->answer_ms = trial->clock.mono_ms - trial->began_ms;
    }
    if (trial->sent_count == OFFLINE_TRIAL_SENT_MAX)
        return OK;
    struct offline_trial_sent *sent = &trial->sent[trial->sent_count++];
    *sent = (struct offline_trial_sent){
        .at_ms = trial->clock.mono_ms - trial->began_ms,
        .code = code,
        .hash = siphash(&trial_key, bytes.at, bytes.len),
    };
    for (const struct offline_trial_sent *earlier = trial->sent; earlier < sent && !sent->again; earlier++)
        sent->again = earlier->hash == sent->hash;
    keep_line(sent, bytes);
    return OK;
}

static enum err trial_find(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    const struct offline_trial *trial = ctx;
    if (trial->lookup.find)
        return trial->lookup.find(trial->lookup.ctx, target, out_record);
    if (!trial->test || trial->test->has_record == AUTHORING_TEST_NO_RECORD)
        return ERR_NOT_FOUND;
    if (trial->test->has_record == AUTHORING_TEST_UNREADABLE)
        return ERR_IO;
    *out_record = trial->test->record;
    return OK;
}

static void on_event(void *ctx, enum policy_event event, const struct policy_decision *outcome)
{
    struct offline_trial *trial = ctx;
    if (event == POLICY_ON_ACK_MISSING && outcome->failure == POLICY_FAILED_NOT)
        trial->lost_ack_told = true;
}

static void on_rule(void *ctx, size_t index, enum policy_tried tried)
{
    const struct policy_trace *to = ((struct offline_trial *)ctx)->listener;
    if (to->rule)
        to->rule(to->ctx, index, tried);
}

static void on_condition(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds)
{
    const struct policy_trace *to = ((struct offline_trial *)ctx)->listener;
    if (to->condition)
        to->condition(to->ctx, rule, condition, field, value, holds);
}

static void on_read(void *ctx, const char *object, struct span field, struct span value)
{
    const struct policy_trace *to = ((struct offline_trial *)ctx)->listener;
    if (to->read)
        to->read(to->ctx, object, field, value);
}

static void on_lookup(void *ctx, const char *what, struct span key, struct span result)
{
    const struct policy_trace *to = ((struct offline_trial *)ctx)->listener;
    if (to->lookup)
        to->lookup(to->ctx, what, key, result);
}

static void on_line(void *ctx, const char *file, int line)
{
    const struct policy_trace *to = ((struct offline_trial *)ctx)->listener;
    to->line(to->ctx, file, line);
}

/* We listen to events ourselves; the rest goes on to the caller's listener. */
static void listen_for(struct offline_trial *trial, const struct policy_trace *listener)
{
    trial->listener = listener;
    trial->trace = (struct policy_trace){.ctx = trial, .event = on_event};
    if (!listener)
        return;
    trial->trace.rule = on_rule;
    trial->trace.condition = on_condition;
    trial->trace.read = on_read;
    trial->trace.lookup = on_lookup;
    trial->trace.line = listener->line ? on_line : NULL;
}

/* What the configuration listens on is ours; a wildcard says nothing here. */
static enum err take_own(struct offline_trial *trial)
{
    enum err err = OK;
    for (unsigned i = 0; i < trial->config->listen.count && err == OK; i++) {
        struct net_listen_spec spec;
        if (net_listen_spec_parse(span_of(trial->config->listen.items[i]), &spec, NULL) == OK &&
            !net_address_is_wildcard(&spec.address))
            err = engine_site_add_own(&trial->site, &spec.address, spec.advertise);
    }
    trial->own_count = trial->site.own_count;
    return err;
}

enum err offline_trial_new(const struct offline_trial_options *options, struct source *source,
                           struct offline_trial **out_trial, struct fault *fault)
{
    struct offline_trial *trial = calloc(1, sizeof(*trial));
    if (!trial)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    enum err err = engine_config_init(&trial->defaults);
    trial->config = options->config ? options->config : &trial->defaults;
    trial->lookup = options->lookup;
    if (err == OK)
        err = engine_site_init(&trial->site, trial->config, fault);
    if (err == OK)
        err = take_own(trial);
    wheel_init(&trial->wheel, 0, NULL);
    listen_for(trial, options->trace);
    struct engine_core_options core = {
        .config = trial->config,
        .site = &trial->site,
        .clock = &trial->clock,
        .wheel = &trial->wheel,
        .wire = {trial, trial_send},
        .lookup = {.ctx = trial, .find = trial_find},
        .key = trial_key,
    };
    if (err == OK)
        err = engine_core_auth_new(trial->config, &trial_key, &trial->auth);
    core.auth = trial->auth;
    if (err == OK)
        err = engine_core_new(&core, &trial->core);
    if (err == OK) {
        struct policy_options policy = {
            .host = engine_core_host(trial->core), .fresh_request = true, .trace = &trial->trace};
        err = policy_load(source, &policy, &trial->policy, fault);
    }
    if (err == OK)
        *out_trial = trial;
    else
        offline_trial_free(trial);
    return err;
}

void offline_trial_free(struct offline_trial *trial)
{
    if (!trial)
        return;
    if (trial->core)
        engine_core_use(trial->core, NULL, 0); /* calls that end now are told to nobody */
    policy_free(trial->policy);
    engine_core_free(trial->core);
    auth_free(trial->auth);
    engine_config_done(&trial->defaults);
    free(trial);
}

static struct net_flow flow_of(const struct policy_peer *source)
{
    struct net_flow flow = {.transport = NET_UDP};
    enum net_transport transport;
    if (source->transport && net_transport_parse(span_of(source->transport), &transport) == OK)
        flow.transport = (uint8_t)transport;
    flow.remote.family = source->family == 6 ? NET_FAMILY_IP6 : NET_FAMILY_IP4;
    memcpy(flow.remote.ip, source->address, source->family == 6 ? 16 : 4);
    flow.remote.port = source->port;
    flow.local = (struct net_address){.ip = {127, 0, 0, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    return flow;
}

/* Who is trusted is the case's word alone: the configuration of the machine that tests says nothing about it. */
static void trust_as_said(struct offline_trial *trial, const struct net_flow *flow, bool trusted)
{
    trial->site.trusted_count = trusted ? 1 : 0;
    trial->site.trusted[0] = (struct net_prefix){
        .address = flow->remote,
        .bits = flow->remote.family == NET_FAMILY_IP6 ? 128 : 32,
    };
    trial->site.trusted[0].address.port = 0;
}

static enum err receive(struct offline_trial *trial, const struct offline_trial_message *message,
                        const struct engine_credentials *said)
{
    struct engine_core *core = trial->core;
    engine_core_use(core, NULL, 0);
    enum err err = engine_core_reset(core);
    if (err != OK)
        return err;
    policy_collect(trial->policy);
    trial->sent_count = 0;
    trial->answer_len = 0;
    trial->answer_ms = 0;
    trial->lost_ack_told = false;
    trial->flow = message->flow;
    trial->began_ms = trial->clock.mono_ms;
    trial->clock.wall_ms = message->wall_ms;
    trial->site.own_count = trial->own_count;
    err = engine_site_add_own(&trial->site, &message->flow.local, SPAN(""));
    if (err != OK)
        return err;
    core->last = (struct engine_outcome){.note = ""};
    core->said = said;
    engine_core_use(core, trial->policy, 1);
    txn_table_give_tag(core->txns, message->tag);
    engine_core_receive(core, &message->flow, message->bytes, engine_framing_of(&message->flow));
    txn_table_give_tag(core->txns, SPAN(""));
    core->said = NULL;
    return OK;
}

enum err offline_trial_receive(struct offline_trial *trial, const struct offline_trial_message *message)
{
    const struct engine_credentials said = {.authenticated_as = message->authenticated_as};
    trial->test = NULL;
    return receive(trial, message, said.authenticated_as.len ? &said : NULL);
}

enum err offline_trial_run(struct offline_trial *trial, const struct authoring_test_case *test)
{
    const struct engine_credentials said = {test->authenticated_as, test->source.identity, test->in_dialog};
    const struct offline_trial_message message = {
        .bytes = test->message, .flow = flow_of(&test->source), .wall_ms = test->now_ms};
    trial->test = test;
    trust_as_said(trial, &message.flow, test->source.trusted);
    return receive(trial, &message, &said);
}

void offline_trial_wait(struct offline_trial *trial, uint64_t ms)
{
    while (ms > 0) {
        uint64_t step = wheel_next_ms(&trial->wheel);
        step = step > ms ? ms : step > 0 ? step : 1;
        trial->clock.mono_ms += step;
        trial->clock.wall_ms += (int64_t)step;
        wheel_advance(&trial->wheel, trial->clock.mono_ms);
        ms -= step;
    }
}

unsigned offline_trial_answers(const struct offline_trial *trial)
{
    unsigned count = 0;
    for (unsigned i = 0; i < trial->sent_count; i++)
        count += trial->sent[i].code >= 200;
    return count;
}

bool offline_trial_hung_up(const struct offline_trial *trial)
{
    for (unsigned i = 0; i < trial->sent_count; i++) {
        if (span_starts_with(span_of(trial->sent[i].line), SPAN("BYE ")))
            return true;
    }
    return false;
}
