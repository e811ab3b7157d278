/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a policy under test. */
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t world_wall_ms(void *ctx)
{
    return ((struct policy_world *)ctx)->wall_ms;
}

static enum err world_record(void *ctx, const struct policy_request *request, struct policy_record *out_record)
{
    struct policy_world *world = ctx;
    (void)request;
    world->lookups++;
    if (world->has_record)
        *out_record = world->record;
    return world->has_record ? OK : world->record_err != OK ? world->record_err : ERR_NOT_FOUND;
}

static void world_log(void *ctx, enum log_level level, const char *rule, struct span text)
{
    struct policy_world *world = ctx;
    (void)level;
    if (world->log_count == LOG_TEXTS_MAX)
        return;
    (void)span_copy(text, world->log_texts[world->log_count], sizeof(world->log_texts[0]));
    (void)span_copy(span_of(rule ? rule : ""), world->log_rules[world->log_count++], sizeof(world->log_rules[0]));
}

static uint64_t world_seed(void *ctx, const struct policy_request *request)
{
    (void)request;
    return ((struct policy_world *)ctx)->seed;
}

struct policy_host world_host(struct policy_world *world)
{
    return (struct policy_host){
        .clock = {.ctx = world, .wall_ms = world_wall_ms},
        .directory = {.ctx = world, .record = world_record},
        .log = {.ctx = world, .write = world_log},
        .random = {.ctx = world, .seed = world_seed},
    };
}

struct policy *policy_of_files(struct policy_world *world, const struct source_file *files, size_t count, bool fresh)
{
    struct source *source = NULL;
    struct policy *policy = NULL;
    struct fault fault = {0};
    struct policy_options options = {.host = world_host(world), .fresh_request = fresh};
    if (source_from_memory("test", files, count, &source, &fault) != OK ||
        policy_load(source, &options, &policy, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    source_unref(source);
    return policy;
}

struct policy *policy_of(struct policy_world *world, const char *text)
{
    const struct source_file file = {"policy.lua", span_of(text)};
    return policy_of_files(world, &file, 1, false);
}

struct fault policy_fault_of_files(const struct source_file *files, size_t count)
{
    struct source *source = NULL;
    struct policy_program *program = NULL;
    struct fault fault = {0};
    assert_int_equal(source_from_memory("test", files, count, &source, &fault), OK);
    enum err err = policy_prepare(source, &program, &fault);
    if (err == OK)
        fail_msg("the policy loads although it must not: %.*s", SPAN_ARG(files[0].bytes));
    assert_int_equal(err, fault.err);
    source_unref(source);
    return fault;
}

struct fault policy_fault(const char *text)
{
    const struct source_file file = {"policy.lua", span_of(text)};
    return policy_fault_of_files(&file, 1);
}

struct policy_request request_of(struct sip_message *message, char *bytes, size_t cap, const char *method,
                                 const char *uri, const char *headers)
{
    struct sip_problem problem = {0};
    int len = snprintf(bytes, cap,
                       "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                       "From: \"Ada \\\"A\\\"\" <sip:ada%%41@caller.example>;tag=from1\r\nTo: <%s>\r\n"
                       "Call-ID: call1@192.0.2.1\r\nCSeq: 7 %s\r\n%s\r\n",
                       method, uri, uri, method, headers ? headers : "");
    assert_true(len > 0 && (size_t)len < cap);
    if (sip_message_parse(message, span_make(bytes, (size_t)len), SIP_DATAGRAM, &problem) != OK)
        fail_msg("the request does not parse: %s at %zu", problem.reason, problem.offset);
    return (struct policy_request){
        .message = message,
        .source = {.family = 4, .address = {192, 0, 2, 1}, .port = 5060, .transport = "udp"},
        .target = {.user = message->uri.user, .host = message->uri.host},
    };
}

struct policy_decision decide(struct policy *policy, const char *method, const char *uri, const char *headers)
{
    static struct sip_message message;
    static char bytes[65536];
    struct policy_decision decision;
    struct policy_request request = request_of(&message, bytes, sizeof(bytes), method, uri, headers);
    if (request.target.user.len > 0 && request.target.user.at[0] == '+')
        request.target.number = request.target.user;
    policy_decide(policy, &request, &decision);
    return decision;
}

struct policy_decision decide_user(struct policy *policy, const char *user)
{
    char uri[512];
    assert_true(snprintf(uri, sizeof(uri), "sip:%s@example.com", user) < (int)sizeof(uri));
    return decide(policy, "INVITE", uri, NULL);
}

void assert_decision(const struct policy_decision *decision, enum policy_verdict verdict, int code, const char *rule)
{
    if (decision->failure != POLICY_FAILED_NOT)
        fail_msg("the decision failed: %s: %s:%d: %s", policy_failure_name(decision->failure), decision->file,
                 decision->line, decision->text);
    assert_string_equal(policy_verdict_name(decision->answer->verdict), policy_verdict_name(verdict));
    assert_int_equal(decision->answer->code, code);
    assert_string_equal(decision->rule, rule);
}
