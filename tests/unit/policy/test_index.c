/* SPDX-License-Identifier: Apache-2.0 */
/* Many rules are not walked one by one: for random rules and requests, the first that fits must be the one that a walk
 * finds, which is made here of policies that have one rule each. */
#include "policy/policy_trace.h"
#include "support/cmocka_all.h"
#include "support_policy.h"

#include <stdio.h>
#include <string.h>

enum { RULES = 40, SETS = 25, REQUESTS = 60, WHEN_CAP = 512 };

static unsigned random_below(unsigned limit)
{
    static uint32_t state = 2463534242U;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

static const char *pick(const char *const *words, unsigned count)
{
    return words[random_below(count)];
}
#define PICK(...)                                                                                                      \
    pick((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* One random condition. */
static const char *random_condition(unsigned *seen)
{
    unsigned sort = random_below(12);
    if (*seen >> sort & 1)
        return "";
    *seen |= 1U << sort;
    switch (sort) {
    case 0:
        return PICK("method = 'INVITE', ", "method = { 'BYE', 'MESSAGE' }, ", "method = not_ 'INVITE', ");
    case 1:
        return PICK("user = 'ada', ", "user = 'Ada', ", "user = prefix 'ad', ", "user = { 'bob', prefix 'e' }, ",
                    "user = matches '*d*', ", "user = '', ", "user = true, ", "user = false, ",
                    "user = any_of { 'ada', matches 'b*' }, ");
    case 2:
        return PICK("host = 'EXAMPLE.com', ", "host = prefix 'exam', ", "host = 'example.org', ");
    case 3:
        return PICK("number = '+15550142', ", "number = prefix '+1555', ", "number = prefix '+49', ",
                    "number = in_ranges 'nums', ", "number = { '+1', '+15550142' }, ", "number = false, ");
    case 4:
        return PICK("source = '192.0.2.0/24', ", "source = '192.0.2.1', ", "source = '2001:db8::/32', ",
                    "source = { '10.0.0.0/8', '192.0.0.0/13' }, ", "source = in_set 'nets', ", "source = '0.0.0.0/0', ",
                    "source = not_ '192.0.2.0/25', ");
    case 5:
        return PICK("trusted = true, ", "trusted = false, ");
    case 6:
        return PICK("user_agent = 'FRIENDLY-scanner', ", "user_agent = prefix 'Friend', ", "user_agent = false, ",
                    "user_agent = matches '*scanner*', ");
    case 7:
        return PICK("header = { ['X-Tag'] = 'ONE' }, ", "header = { ['x-tag'] = 'two', Subject = 'a b' }, ",
                    "header = { ['X-Tag'] = prefix 't' }, ", "header = { Subject = true }, ",
                    "header = { ['X-None'] = false }, ");
    case 8:
        return PICK("in_dialog = true, ", "in_dialog = false, ");
    case 9:
        return PICK("state = 'gone', ", "state = { 'active', 'moved' }, ", "state = 'none', ", "state = not_ 'gone', ",
                    "state = any_of { 'suspended', 'gone' }, ");
    case 10:
        return PICK("after = '2025-01-01', ", "before = '2025-01-01', ");
    default:
        return PICK("transport = 'UDP', ", "transport = 'tcp', ");
    }
}

static void random_when(char out[WHEN_CAP])
{
    unsigned seen = 0, wanted = 1 + random_below(4);
    out[0] = '\0';
    for (unsigned i = 0; i < 30 && wanted; i++) {
        const char *condition = random_condition(&seen);
        strncat(out, condition, WHEN_CAP - strlen(out) - 1);
        wanted -= condition[0] != '\0';
    }
}

static const char head[] = "return policy { on_error = reject(500) {}, default = not_found {},\n"
                           "data = { nums = ranges { '+15550100-+15550199' }, nets = cidrs { '192.0.2.0/24' } },\n"
                           "rules = {\n";

struct told {
    enum policy_tried tried[RULES];
    unsigned rules, conditions;
};

static void on_rule(void *ctx, size_t index, enum policy_tried tried)
{
    struct told *told = ctx;
    told->tried[index] = tried;
    told->rules++;
}

static void on_condition(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds)
{
    struct told *told = ctx;
    (void)rule, (void)condition, (void)field, (void)value, (void)holds;
    told->conditions++;
}

static struct policy *policy_from(struct policy_world *world, const char *text, const struct policy_trace *trace)
{
    struct source *source = NULL;
    struct policy *policy = NULL;
    struct fault fault = {0};
    const struct source_file file = {"policy.lua", span_of(text)};
    struct policy_options options = {.host = world_host(world), .trace = trace};
    if (source_from_memory("test", &file, 1, &source, &fault) != OK ||
        policy_load(source, &options, &policy, &fault) != OK)
        fail_msg("%s:%d: %s in %s", fault.file, fault.line, fault.text, text);
    source_unref(source);
    return policy;
}

/* The same rules: compiled, compiled and traced, and each alone. */
struct rules {
    struct policy_world world;
    struct told told;
    struct policy_trace trace;
    struct policy *all, *traced, *alone[RULES];
};

static void make_rules(struct rules *rules)
{
    static char text[RULES * (WHEN_CAP + 64) + sizeof(head)];
    char when[WHEN_CAP], one[WHEN_CAP + sizeof(head) + 64];
    memset(rules, 0, sizeof(*rules));
    rules->trace = (struct policy_trace){.ctx = &rules->told, .rule = on_rule, .condition = on_condition};
    size_t len = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i < RULES; i++) {
        random_when(when);
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "{ 'r%u', when = { %s }, verdict = ok {} },\n", i, when);
        snprintf(one, sizeof(one), "%s{ 'r%u', when = { %s }, verdict = ok {} } } }", head, i, when);
        rules->alone[i] = policy_from(&rules->world, one, NULL);
    }
    snprintf(text + len, sizeof(text) - len, "} }");
    rules->all = policy_from(&rules->world, text, NULL);
    rules->traced = policy_from(&rules->world, text, &rules->trace);
}

static void free_rules(struct rules *rules)
{
    for (unsigned i = 0; i < RULES; i++)
        policy_free(rules->alone[i]);
    policy_free(rules->all);
    policy_free(rules->traced);
}

static struct policy_request random_request(struct policy_world *world)
{
    static struct sip_message message;
    static char bytes[4096];
    char headers[512], uri[128];
    snprintf(headers, sizeof(headers), "%s%s%s%s", PICK("", "User-Agent: Friendly-Scanner\r\n", "User-Agent: x\r\n"),
             PICK("", "X-Tag: one\r\n", "X-TAG: none\r\nX-Tag: two\r\n"), PICK("", "Subject: a\r\n b\r\n"),
             "Contact: <sip:a@b>\r\n");
    snprintf(uri, sizeof(uri), "sip:%s%s", PICK("ada@", "bob@", "+15550142@", "+4930@", "eve@", "Ada@", "a%64a@", ""),
             PICK("example.com", "example.org", "Example.COM"));
    struct policy_request request =
        request_of(&message, bytes, sizeof(bytes), PICK("INVITE", "MESSAGE", "BYE"), uri, headers);
    if (request.target.user.len && request.target.user.at[0] == '+')
        request.target.number = request.target.user;
    request.source.trusted = random_below(2);
    request.in_dialog = random_below(2);
    if (random_below(4) == 0)
        request.source = (struct policy_peer){.family = 6, .address = {0x20, 1, 0xd, 0xb8}, .transport = "tcp"};
    world->wall_ms = INT64_C(1767225600000);
    world->has_record = random_below(3) != 0;
    world->record.state = (enum policy_state)(1 + random_below(POLICY_STATE_COUNT - 1));
    world->record_err = random_below(12) == 0 ? ERR_IO : OK;
    if (world->record_err != OK)
        world->has_record = false;
    return request;
}

static void compare(struct rules *rules, const struct policy_request *request)
{
    struct policy_decision decision, traced, alone;
    unsigned first = 0;
    bool asked = false, failed = false, fits = false;
    for (; first < RULES && !fits && !failed; first++) {
        policy_decide(rules->alone[first], request, &alone);
        asked |= alone.asked_record;
        failed = alone.failure != POLICY_FAILED_NOT;
        fits = !failed && alone.answer->verdict == POLICY_OK;
    }
    policy_decide(rules->all, request, &decision);
    rules->told = (struct told){0};
    policy_decide(rules->traced, request, &traced);
    assert_int_equal(decision.rule_index, fits || failed ? (int)first - 1 : -1);
    assert_int_equal(decision.failure, failed ? POLICY_FAILED_DIRECTORY : POLICY_FAILED_NOT);
    assert_int_equal(decision.asked_record, asked);
    assert_int_equal(traced.rule_index, decision.rule_index);
    assert_int_equal(traced.failure, decision.failure);
    assert_int_equal(traced.asked_record, decision.asked_record);
    /* The trace hears of every rule that a walk would have tried, and of its conditions. */
    assert_int_equal(rules->told.rules, first);
    assert_true(rules->told.conditions >= (failed ? first - 1 : first));
    for (unsigned i = 0; i + 1 < first; i++)
        assert_int_equal(rules->told.tried[i], POLICY_TRIED_WHEN_FAILED);
}

static void the_first_that_fits_is_the_walks(void **state)
{
    (void)state;
    static struct rules rules;
    for (unsigned set = 0; set < SETS; set++) {
        make_rules(&rules);
        for (unsigned i = 0; i < REQUESTS; i++) {
            struct policy_request request = random_request(&rules.world);
            compare(&rules, &request);
        }
        free_rules(&rules);
    }
}

/* A rule that is passed over because of its user must not search the header that it also names. */
static void what_cannot_fit_costs_nothing(void **state)
{
    (void)state;
    static char text[256 * 128], headers[40000];
    struct policy_world world = {0};
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", head);
    for (unsigned i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "{ 'r%u', when = { user = 'user%u', header = { ['X-Long'] = matches '*a*b*' } },"
                                " verdict = ok {} },\n",
                                i, i);
    snprintf(text + len, sizeof(text) - len, "} }");
    memset(headers, 'a', sizeof(headers));
    memcpy(headers, "X-Long: ", 8);
    memcpy(headers + sizeof(headers) - 3, "\r\n", 3);
    struct policy *policy = policy_of(&world, text);
    /* 200 searches of 40 KB would be over the budget of a decision. */
    struct policy_decision decision = decide(policy, "INVITE", "sip:user150@example.com", headers);
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_fits_is_the_walks),
        cmocka_unit_test(what_cannot_fit_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
