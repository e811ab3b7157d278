/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace is told of a decision, and that listening changes nothing. */
#include "policy/policy_trace.h"
#include "support_policy.h"
#include "util/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[4096];
static unsigned lines_seen[64];

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
    size_t len = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + len, sizeof(said) - len, format, args);
    va_end(args);
}

static void on_rule(void *ctx, size_t index, enum policy_tried tried)
{
    (void)ctx;
    say("rule %zu %d\n", index, (int)tried);
}

static void on_condition(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds)
{
    (void)ctx;
    say("condition %zu.%u %.*s=%.*s %s\n", rule, condition, SPAN_ARG(field), SPAN_ARG(value), holds ? "yes" : "no");
}

static void on_read(void *ctx, const char *object, struct span field, struct span value)
{
    (void)ctx;
    say("read %s.%.*s=%.*s\n", object, SPAN_ARG(field), SPAN_ARG(value));
}

static void on_lookup(void *ctx, const char *what, struct span key, struct span result)
{
    (void)ctx;
    say("lookup %s %.*s: %.*s\n", what, SPAN_ARG(key), SPAN_ARG(result));
}

static void on_line(void *ctx, const char *file, int line)
{
    (void)ctx;
    if (strcmp(file, "policy.lua") == 0 && line > 0 && line < 64)
        lines_seen[line]++;
}

static void on_event(void *ctx, enum policy_event event, const struct policy_decision *outcome)
{
    (void)ctx;
    say("event %s %s\n", policy_event_name(event), policy_failure_name(outcome->failure));
}

static const struct policy_trace trace = {.rule = on_rule,
                                          .condition = on_condition,
                                          .read = on_read,
                                          .lookup = on_lookup,
                                          .line = on_line,
                                          .event = on_event};

static const char policy_text[] = "return policy {\n"
                                  "  default = not_found {}, on_error = reject(500) {},\n"
                                  "  data = { blocks = prefixes { \"+1555\" } },\n"
                                  "  shared = { seen = counter { ttl = 60 } },\n"
                                  "  on_ack_missing = function(call) end,\n"
                                  "  rules = {\n"
                                  "    { 'agent', when = { user_agent = 'x', header = { ['X-A'] = 'y' } },\n"
                                  "      verdict = ok {} },\n"
                                  "    { 'check', check = function(req, env)\n"
                                  "        return req.cseq == 7 and not env.blocks:has(req.target.number)\n"
                                  "      end, verdict = ok {} },\n"
                                  "    { 'decide', decide = function(req, env)\n"
                                  "        env.seen:incr(req:header 'X-A')\n"
                                  "        if req.method == 'BYE' then\n"
                                  "          return ok {}\n"
                                  "        end\n"
                                  "      end },\n"
                                  "    { 'state', when = { state = 'gone' }, verdict = gone {} },\n"
                                  "  },\n"
                                  "}\n";

static void test_steps_and_silence(void **state)
{
    (void)state;
    struct policy_world world = {.has_record = true, .record = {.state = POLICY_STATE_GONE}};
    struct policy_decision traced;
    struct policy_decision plain;
    struct fault fault = {0};
    struct source *source = NULL;
    const struct source_file file = {"policy.lua", SPAN(policy_text)};
    struct policy *listening = NULL;
    struct policy *silent = NULL;
    struct policy_options options = {.host = world_host(&world), .trace = &trace};
    assert_int_equal(source_from_memory("t", &file, 1, &source, &fault), OK);
    if (policy_load(source, &options, &listening, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    options.trace = NULL;
    assert_int_equal(policy_load(source, &options, &silent, &fault), OK);
    struct sip_message message;
    char bytes[2048];
    struct policy_request request = request_of(&message, bytes, sizeof(bytes), "INVITE", "sip:+15550100@example.com",
                                               "User-Agent: x\r\nX-A: z\r\n");
    request.target.number = SPAN("+15550100");
    said[0] = '\0';
    policy_decide(listening, &request, &traced);
    assert_string_equal(said, "condition 0.0 user_agent=x yes\n"
                              "condition 0.1 header X-A=z no\n"
                              "rule 0 0\n"
                              "read req.cseq=7\n"
                              "read req.target.number=+15550100\n"
                              "lookup blocks +15550100: has it\n"
                              "rule 1 1\n"
                              "read req.X-A=z\n"
                              "lookup seen z: 1\n"
                              "read req.method=INVITE\n"
                              "rule 2 2\n"
                              "lookup directory sip:+15550100@example.com: gone\n"
                              "condition 3.0 state=gone yes\n"
                              "rule 3 3\n");
    assert_true(lines_seen[1] > 0); /* while loading */
    assert_true(lines_seen[10] > 0 && lines_seen[14] > 0);
    assert_int_equal(lines_seen[15], 0);
    policy_decide(silent, &request, &plain);
    assert_int_equal(plain.fuel, traced.fuel);
    assert_string_equal(plain.rule, traced.rule);
    assert_int_equal(policy_memory(silent), policy_memory(listening));
    said[0] = '\0';
    policy_event(listening, POLICY_ON_ACK_MISSING, &(struct policy_call){.id = SPAN("1")}, NULL);
    policy_event(listening, POLICY_ON_CALL_END, &(struct policy_call){.id = SPAN("1")}, NULL);
    assert_string_equal(said, "event on_ack_missing none\n");
    policy_free(listening);
    policy_free(silent);
    source_unref(source);
}

static void test_failures_are_told(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct fault fault = {0};
    struct source *source = NULL;
    const char text[] = "return policy { on_error = reject(500) {}, default = not_found {}, rules = { { 'bad', check = "
                        "function() return 1 "
                        "end, verdict = ok {} } } }";
    const struct source_file file = {"policy.lua", SPAN(text)};
    struct policy *policy = NULL;
    struct policy_options options = {.host = world_host(&world), .trace = &trace};
    struct policy_decision decision;
    struct sip_message message;
    assert_int_equal(source_from_memory("t", &file, 1, &source, &fault), OK);
    assert_int_equal(policy_load(source, &options, &policy, &fault), OK);
    char bytes[2048];
    struct policy_request request = request_of(&message, bytes, sizeof(bytes), "INVITE", "sip:a@example.com", "");
    said[0] = '\0';
    policy_decide(policy, &request, &decision);
    assert_int_equal(decision.failure, POLICY_FAILED_NONSENSE);
    assert_string_equal(said, "rule 0 4\n");
    policy_free(policy);
    source_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_and_silence),
        cmocka_unit_test(test_failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
