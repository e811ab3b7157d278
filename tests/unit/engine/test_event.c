/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE, PUBLISH and MESSAGE from bytes to answer: what C refuses before a policy is asked, and what it makes true. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>
#include <stdlib.h>

static const char ok_policy[] = "return function(req) return ok { expires = 900, headers = { ['X-Said'] = 'so' } } end";
static const char gone_policy[] = "return function(req) return gone {} end";
static struct world world;

#define URI "sip:bob@192.0.2.9"

static void ask(const char *method, const char *call, const char *more)
{
    world_receive(&world, request_to(method, URI, call, more));
}

/* Message `index` of those that went out holds `part`. */
static void expect_sent(unsigned index, const char *part)
{
    assert_true(index < world.sent_count);
    if (!strstr(world.sent[index], part))
        fail_msg("expected \"%s\" in: %s", part, world.sent[index]);
}

static void test_a_subscription_is_accepted(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    ask("SUBSCRIBE", "a", "Event: presence\nExpires: 3600\nRecord-Route: <sip:p.example;lr>\n");
    assert_int_equal(world.sent_count, 2);
    expect_sent(0, "SIP/2.0 200 OK\r\n");
    expect_sent(0, "\r\nExpires: 900\r\n"); /* the policy's bound */
    expect_sent(0, "\r\nRecord-Route: <sip:p.example;lr>\r\n");
    expect_sent(0, "\r\nContact: <sip:");
    expect_sent(0, "\r\nX-Said: so\r\n");
    expect_sent(1, "NOTIFY sip:caller@192.0.2.1 SIP/2.0\r\n");
    expect_sent(1, "\r\nSubscription-State: active;expires=900\r\n");
    expect_sent(1, "entity=\"sip:bob@192.0.2.9\"");
    assert_int_equal(notifier_count(world.core->notifier), 1);
    assert_true(world.core->last.decided);
    assert_int_equal(world.core->last.code, 200);
    world_close(&world);
}

static void test_a_refused_one_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *method, *more;
        unsigned code;
        const char *part;
    } cases[] = {
        {"SUBSCRIBE", "Event: nonsense\n", 489, "\r\nAllow-Events: presence, reg\r\n"},
        {"SUBSCRIBE", "", 489, "\r\nAllow-Events: presence, reg\r\n"},
        {"SUBSCRIBE", "Event: presence\nExpires: 1\n", 423, "\r\nMin-Expires: 60\r\n"},
        {"SUBSCRIBE", "Event: presence\nAccept: text/plain\n", 406, ""},
        {"SUBSCRIBE", "Event: presence\nRequire: nonsense\n", 420, "\r\nUnsupported: nonsense\r\n"},
        {"PUBLISH", "Event: nonsense\n", 489, "\r\nAllow-Events: presence, reg\r\n"},
        {"PUBLISH", "Event: presence\n", 400, ""},
        {"PUBLISH", "Event: presence\nSIP-If-Match: 0123456789abcdef\n", 412, ""},
    };
    world_open(&world, NULL, ok_policy);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char call[8];
        snprintf(call, sizeof(call), "r%zu", i);
        ask(cases[i].method, call, cases[i].more);
        assert_int_equal(world_code(&world), cases[i].code);
        assert_non_null(strstr(world_last(&world), cases[i].part));
        assert_int_equal(world.core->last.decided, cases[i].code == 412);
    }
    assert_int_equal(notifier_count(world.core->notifier), 0);
    world_close(&world);
    world_open(&world, NULL, gone_policy);
    ask("SUBSCRIBE", "g", "Event: presence\n");
    assert_int_equal(world_code(&world), 410);
    assert_int_equal(notifier_count(world.core->notifier), 0);
    world_close(&world);
}

/* A request in the dialog of the subscription, by the tag of its 200. */
static void ask_inside(const char *method, const char *tag, unsigned cseq, const char *more)
{
    char text[1024];
    const char *plain = request_to(method, URI, "a", more);
    const char *to = strstr(plain, "To: "), *end = strchr(to, '\n');
    snprintf(text, sizeof(text), "%.*s;tag=%s%s", (int)(end - plain), plain, tag, end);
    strstr(text, "CSeq: ")[6] = (char)('0' + cseq);
    static char fresh = 'A'; /* a transaction of its own */
    strstr(text, "branch=z9hG4bK")[14] = fresh++;
    world_receive(&world, text);
}

static void test_requests_inside_a_subscription(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    ask("SUBSCRIBE", "a", "Event: presence\n");
    char tag[TXN_TAG_LEN + 1];
    struct span made = notifier_tag(notifier_next(world.core->notifier, NULL));
    assert_true(span_copy(made, tag, sizeof(tag)));
    ask_inside("OPTIONS", tag, 2, "");
    assert_int_equal(world_code(&world), 200);
    ask_inside("MESSAGE", tag, 3, "");
    assert_int_equal(world_code(&world), 405);
    assert_non_null(strstr(world_last(&world), "\r\nAllow: SUBSCRIBE, OPTIONS\r\n"));
    ask_inside("BYE", tag, 4, "");
    assert_int_equal(world_code(&world), 405);
    ask_inside("OPTIONS", tag, 4, "");
    assert_int_equal(world_code(&world), 500);
    ask_inside("SUBSCRIBE", tag, 5, "Event: presence\nRequire: nonsense\n");
    assert_int_equal(world_code(&world), 420);
    ask_inside("SUBSCRIBE", tag, 6, "Event: presence\nExpires: 0\n");
    expect_sent(world.sent_count - 2, "SIP/2.0 200 OK\r\n");
    expect_sent(world.sent_count - 2, "\r\nExpires: 0\r\n");
    expect_sent(world.sent_count - 1,
                "\r\nSubscription-State: terminated;reason=timeout\r\n"); /* the first is still out */
    ask_inside("SUBSCRIBE", tag, 7, "Event: presence\n");
    assert_int_equal(world_code(&world), 481);
    world_close(&world);
}

static void test_a_message_is_answered_without_contact(void **state)
{
    (void)state;
    world_open(&world, NULL,
               "return function(req) if req.body == 'hello' then return ok {} end return not_found {} end");
    ask("MESSAGE", "m", "Content-Type: text/plain\nContent-Length: 5\n\nhello");
    assert_int_equal(world_code(&world), 200);
    assert_null(strstr(world_last(&world), "\r\nContact:"));
    world_close(&world);
}

static void hear(void *ctx, enum log_level level, const char *line)
{
    (void)level;
    (void)span_copy(span_of(line), ctx, 512);
}

static void test_on_message_hears_what_was_accepted(void **state)
{
    (void)state;
    char heard[512] = "";
    world_open(&world, NULL,
               "return policy { on_error = reject(500) {}, default = not_found {},\n"
               "rules = { { 'kind', check = function(req) return req.body ~= 'spam' end, verdict = ok {} } },\n"
               "on_message = function(m, env)\n"
               "  log.info(m.method, m.target, m.from, m.body_type, m.body, m.code, m.source.port)\n"
               "  if m.body == 'boom!' then error 'boom' end\n"
               "end }");
    log_set_sink(hear, heard);
    ask("MESSAGE", "m1", "Content-Type: text/plain;charset=utf-8\nContent-Length: 5\n\nhello");
    assert_int_equal(world_code(&world), 200);
    assert_non_null(strstr(heard, "MESSAGE sip:bob@192.0.2.9 sip:caller@example.org text/plain hello 200 5060"));
    heard[0] = '\0';
    ask("MESSAGE", "m2", "Content-Type: text/plain\nContent-Length: 4\n\nspam");
    assert_int_equal(world_code(&world), 404);
    assert_string_equal(heard, "");
    /* What it raises changes nothing. */
    ask("MESSAGE", "m3", "Content-Type: text/plain\nContent-Length: 5\n\nboom!");
    assert_int_equal(world_code(&world), 200);
    assert_int_equal(metric_read(world.meters.failures[POLICY_FAILED_ERROR]), 1);
    log_set_sink(NULL, NULL);
    world_close(&world);
}

static void test_nobody_subscribes_while_it_drains(void **state)
{
    (void)state;
    world_open(&world, NULL, ok_policy);
    world.core->draining = true;
    ask("SUBSCRIBE", "a", "Event: presence\n");
    assert_int_equal(world_code(&world), 503);
    assert_non_null(strstr(world_last(&world), "\r\nRetry-After: 30\r\n"));
    world_close(&world);
}

/* A source that is not trusted has a cap on what it leaves unanswered, or a forged one would make us repeat NOTIFYs. */
static void test_a_silent_source_is_capped(void **state)
{
    (void)state;
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.max_unacknowledged = 2;
    world_open(&world, &config, ok_policy);
    ask("SUBSCRIBE", "a", "Event: presence\n");
    ask("SUBSCRIBE", "b", "Event: presence\n");
    assert_int_equal(notifier_count(world.core->notifier), 2);
    ask("SUBSCRIBE", "c", "Event: presence\n");
    assert_int_equal(world_code(&world), 503);
    assert_int_equal(notifier_count(world.core->notifier), 2);
    world_advance(&world, 32000);
    ask("SUBSCRIBE", "d", "Event: presence\n");
    assert_int_equal(notifier_count(world.core->notifier), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_subscription_is_accepted),
        cmocka_unit_test(test_a_refused_one_leaves_nothing),
        cmocka_unit_test(test_requests_inside_a_subscription),
        cmocka_unit_test(test_a_message_is_answered_without_contact),
        cmocka_unit_test(test_on_message_hears_what_was_accepted),
        cmocka_unit_test(test_nobody_subscribes_while_it_drains),
        cmocka_unit_test(test_a_silent_source_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
