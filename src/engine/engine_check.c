/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_check.h"
#include "authoring/authoring_check.h"
#include "engine/engine_priv.h"
#include <stdlib.h>

/* A core whose world is the present test case. */
struct bench {
    struct engine_config defaults;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    const struct authoring_test_case *test;
    unsigned sent; /* status of the last response, 0: none */
    /* What happens to results. */
    struct buffer *out;  /* may be NULL */
    struct fault *fault; /* may be NULL */
};

static enum err bench_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    uint32_t code;
    (void)flow;
    if (span_starts_with(bytes, SPAN("SIP/2.0 ")) && span_to_u32(span_slice(bytes, 8, 11), &code))
        bench->sent = code;
    return OK;
}

static enum err bench_find(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    const struct bench *bench = ctx;
    (void)target;
    if (!bench->test || bench->test->has_record == AUTHORING_TEST_NO_RECORD)
        return ERR_NOT_FOUND;
    if (bench->test->has_record == AUTHORING_TEST_UNREADABLE)
        return ERR_IO;
    *out_record = bench->test->record;
    return OK;
}

static enum err bench_new(const struct engine_config *config, struct source *source, struct bench **out_bench,
                          struct fault *fault)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    if (!bench)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    enum err err = engine_config_init(&bench->defaults);
    if (err == OK)
        err = engine_site_init(&bench->site, config ? config : &bench->defaults, fault);
    wheel_init(&bench->wheel, 0, NULL);
    struct engine_core_options options = {
        .config = config ? config : &bench->defaults,
        .site = &bench->site,
        .clock = &bench->clock,
        .wheel = &bench->wheel,
        .wire = {bench, bench_send},
        .lookup = {bench, bench_find},
        .key = {1, 2},
    };
    if (err == OK)
        err = engine_core_new(&options, &bench->core);
    if (err == OK) {
        struct policy_options policy = {.host = engine_core_host(bench->core), .fresh_request = true};
        err = policy_load(source, &policy, &bench->policy, fault);
    }
    if (err == OK)
        *out_bench = bench;
    else
        free(bench);
    return err;
}

static void bench_free(struct bench *bench)
{
    if (!bench)
        return;
    policy_free(bench->policy);
    engine_core_free(bench->core);
    engine_config_done(&bench->defaults);
    free(bench);
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
static void trust_as_said(struct bench *bench, const struct net_flow *flow, bool trusted)
{
    bench->site.trusted_count = trusted ? 1 : 0;
    bench->site.trusted[0] = (struct net_prefix){
        .address = flow->remote,
        .bits = flow->remote.family == NET_FAMILY_IP6 ? 128 : 32,
    };
    bench->site.trusted[0].address.port = 0;
}

/* Each case meets an empty engine, so that no transaction of an earlier one answers for it. */
static enum err run_case(void *ctx, const struct authoring_test_case *test, struct authoring_test_got *out_got)
{
    struct bench *bench = ctx;
    struct net_flow flow = flow_of(&test->source);
    bench->test = test;
    bench->sent = 0;
    bench->clock.wall_ms = test->now_ms;
    enum err err = engine_core_reset(bench->core);
    if (err != OK)
        return err;
    policy_collect(bench->policy);
    trust_as_said(bench, &flow, test->source.trusted);
    engine_core_use(bench->core, bench->policy, 1);
    engine_core_receive(bench->core, &flow, test->message, flow.transport == NET_UDP ? SIP_DATAGRAM : SIP_STREAM);
    const struct engine_outcome *last = &bench->core->last;
    *out_got = (struct authoring_test_got){
        .verdict = last->decided ? last->verdict : POLICY_REJECT,
        .code = (int)bench->sent,
        .rule = last->decided ? last->decision.rule : "",
        .failure = last->decided ? last->decision.failure : POLICY_FAILED_NOT,
        .failure_text = last->decided ? last->decision.text : "",
        .answer = last->decided ? last->decision.answer : NULL,
    };
    return OK;
}

static void report_case(void *ctx, const struct authoring_test_result *result)
{
    struct bench *bench = ctx;
    if (bench->out)
        buffer_addf(bench->out, "%s  %s (%s:%d)%s%s\n", result->passed ? "ok  " : "FAIL", result->name, result->file,
                    result->line, result->passed ? "" : ": ", result->passed ? "" : result->text);
    if (!result->passed && bench->fault && bench->fault->err == OK)
        (void)fault_set(bench->fault, ERR_CONFLICT, result->file, result->line, "test \"%s\": %s", result->name,
                        result->text);
}

static enum err test_with(struct bench *bench, struct source *source, struct authoring_test_summary *out_summary,
                          struct fault *fault)
{
    enum err err = authoring_test_run(source, run_case, report_case, bench, out_summary, fault);
    return err == OK && out_summary->failed ? ERR_CONFLICT : err;
}

enum err engine_test_source(const struct engine_config *config, struct source *source,
                            struct authoring_test_summary *out_summary, struct fault *fault)
{
    struct bench *bench = NULL;
    struct fault first = {0};
    if (!source_find(source, "test.lua"))
        return ERR_NOT_FOUND;
    enum err err = bench_new(config, source, &bench, fault);
    if (err != OK)
        return err;
    bench->fault = &first;
    err = test_with(bench, source, out_summary, fault);
    if (err == ERR_CONFLICT && fault)
        *fault = first;
    bench_free(bench);
    return err;
}

static enum err say_fault(struct buffer *out, const struct fault *fault, enum err err)
{
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    fault_format(fault, text, sizeof(text));
    buffer_addf(out, "%s\n", text);
    return err;
}

enum err engine_test_policy(const char *path, struct buffer *out, unsigned *out_passed, unsigned *out_failed)
{
    struct source *source;
    struct bench *bench = NULL;
    struct authoring_test_summary summary = {0};
    struct fault fault = {0};
    enum err err = source_read(path, &source, &fault);
    if (err != OK)
        return say_fault(out, &fault, err == ERR_NOT_FOUND ? ERR_IO : err);
    if (!source_find(source, "test.lua"))
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = bench_new(NULL, source, &bench, &fault);
    if (err == OK) {
        bench->out = out;
        err = test_with(bench, source, &summary, &fault);
    }
    if (err != OK && err != ERR_CONFLICT && err != ERR_NOT_FOUND)
        (void)say_fault(out, &fault, err);
    bench_free(bench);
    source_unref(source);
    *out_passed = (unsigned)summary.passed;
    *out_failed = (unsigned)summary.failed;
    return err;
}

enum err engine_check_policy(const char *path, struct buffer *out, unsigned *out_errors, unsigned *out_warnings)
{
    struct source *source;
    struct fault fault = {0};
    enum err err = source_read(path, &source, &fault);
    *out_errors = 1;
    *out_warnings = 0;
    if (err != OK)
        return say_fault(out, &fault, err);
    struct authoring_findings *findings = calloc(1, sizeof(*findings));
    if (findings) {
        authoring_check(source, findings);
        for (size_t i = 0; i < findings->count; i++)
            authoring_finding_format(&findings->list[i], source, out);
        if (findings->left_out)
            buffer_addf(out, "and %zu more\n", findings->left_out);
        *out_errors = (unsigned)findings->errors;
        *out_warnings = (unsigned)(findings->count - findings->errors);
        err = findings->errors ? ERR_INVALID : OK;
    } else {
        err = ERR_NOMEM;
    }
    free(findings);
    source_unref(source);
    return err;
}
