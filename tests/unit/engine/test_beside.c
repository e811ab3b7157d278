/* SPDX-License-Identifier: Apache-2.0 */
/* A second version beside the active one: what it would answer is what it does answer when it decides; and whatever it is or
 * does, the caller's answer, the log and the shared tables are the active version's alone. */
#include "engine/engine_beside.h"
#include "facts/facts_shared.h"
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include "util/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world world;
static struct release_tally *tally;
static char log_text[4096];

static void keep_log(void *ctx, enum log_level level, const char *line)
{
    size_t len = strlen(log_text);
    (void)ctx;
    (void)level;
    snprintf(log_text + len, sizeof(log_text) - len, "%s\n", line);
}

static struct policy *load(const char *text, struct facts_shared_registry *shared)
{
    struct source_file file = {"policy.lua", span_of(text)};
    struct policy_options options = {.host = engine_core_host(world.core), .shared = shared};
    struct source *source;
    struct policy *policy;
    struct fault fault;
    assert_int_equal(source_from_memory("second", &file, 1, &source, &fault), OK);
    if (policy_load(source, &options, &policy, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    source_unref(source);
    return policy;
}

static struct policy *open_with(const char *active, const char *second, bool shadow, unsigned sample)
{
    world_open(&world, NULL, active);
    struct policy *policy = load(second, NULL);
    tally = calloc(1, sizeof(*tally));
    struct engine_beside_options options = {policy, tally, sample, shadow};
    assert_int_equal(engine_beside_start(world.core, &options), OK);
    return policy;
}

static void close_with(struct policy *second)
{
    engine_beside_stop(world.core);
    policy_free(second);
    world_close(&world);
    free(tally);
}

static unsigned ask(const char *method, const char *call)
{
    world_receive(&world, request_to(method, "sip:+15550101@192.0.2.9", call, ""));
    return world_code(&world);
}

/* Every verdict, method and record: what is foreseen is what goes out when the same policy is active. */
static void foresee_all(struct auth *auth, const struct engine_credentials *said)
{
    static const char *const verdicts[] = {"ok {}",
                                           "gone {}",
                                           "gone { evidence = 'x', q850 = 1 }",
                                           "moved {}",
                                           "moved { contact = 'sip:b@example.com' }",
                                           "redirect { contact = 'sip:c@example.com' }",
                                           "not_found {}",
                                           "unavailable { retry_after = 5 }",
                                           "reject(486) {}",
                                           "reject(603) { reason = 'No' }",
                                           "drop",
                                           "challenge {}",
                                           "challenge { realm = 'example.com', reason = 'Who?' }",
                                           "req.authenticated_as and ok {} or challenge {}",
                                           "nil",
                                           "error 'x'",
                                           "{}",
                                           "req.record and gone {} or ok {}"};
    static const struct {
        enum err lookup;
        enum policy_state state;
        const char *forward;
    } records[] = {
        {ERR_NOT_FOUND, POLICY_STATE_NONE, ""},        {OK, POLICY_STATE_ACTIVE, ""}, {OK, POLICY_STATE_SUSPENDED, ""},
        {OK, POLICY_STATE_MOVED, "sip:n@example.net"}, {OK, POLICY_STATE_GONE, ""},   {ERR_IO, POLICY_STATE_NONE, ""}};
    static const char *const methods[] = {"INVITE", "OPTIONS", "MESSAGE"};
    for (size_t v = 0; v < sizeof(verdicts) / sizeof(verdicts[0]); v++) {
        char text[128], call[32];
        snprintf(text, sizeof(text), "return function(req) return %s end", verdicts[v]);
        if (strncmp(verdicts[v], "error", 5) == 0)
            snprintf(text, sizeof(text), "return function(req) error 'x' end");
        struct policy *second = open_with("return function(req) return reject(488) {} end", text, true, 1);
        struct policy *first = world.core->policy;
        world.core->auth = auth;
        world.core->said = said;
        for (size_t r = 0; r < sizeof(records) / sizeof(records[0]); r++)
            for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
                world.lookup = records[r].lookup;
                world.record =
                    (struct policy_record){.state = records[r].state, .forward = span_of(records[r].forward)};
                snprintf(call, sizeof(call), "a%zu%zu", r, m);
                engine_beside_turn(world.core); /* what the request before left */
                world_advance(&world, 10);
                memset(tally, 0, sizeof(*tally));
                assert_int_equal(ask(methods[m], call), 488);
                engine_beside_turn(world.core);
                assert_int_equal(tally->pairs, 1);
                assert_int_equal(tally->kind_count, 1);
                assert_int_equal(tally->kinds[0].from, 488);
                engine_core_use(world.core, second, 2);
                snprintf(call, sizeof(call), "b%zu%zu", r, m);
                (void)ask(methods[m], call);
                if (tally->kinds[0].to != world.core->last.code)
                    fail_msg("%s of %s with record %zu: foreseen %u, answered %u", verdicts[v], methods[m], r,
                             tally->kinds[0].to, world.core->last.code);
                engine_core_use(world.core, first, 1);
            }
        close_with(second);
    }
}

static void what_is_foreseen_is_what_is_answered(void **state)
{
    (void)state;
    const struct engine_credentials alice = {.authenticated_as = SPAN("sip:alice@example.com")};
    static struct engine_config config;
    struct auth *auth;
    assert_int_equal(engine_config_init(&config), OK);
    assert_int_equal(engine_core_auth_new(&config, &(struct siphash_key){5, 6}, &auth), OK);
    foresee_all(NULL, NULL);
    foresee_all(auth, NULL);
    foresee_all(auth, &alice);
    auth_free(auth);
    engine_config_done(&config);
}

static void the_caller_waits_for_nothing(void **state)
{
    (void)state;
    struct policy *second =
        open_with("return function(req) return ok {} end", "return function(req) while true do end end", true, 1);
    for (int i = 0; i < 30; i++) {
        char call[16];
        snprintf(call, sizeof(call), "c%d", i);
        assert_int_equal(ask("OPTIONS", call), 200); /* out before the second one was asked */
        assert_int_equal(tally->pairs, 0);
    }
    assert_true(engine_beside_waits(world.core));
    engine_beside_turn(world.core);
    assert_false(engine_beside_waits(world.core));
    assert_int_equal(tally->pairs + tally->skipped, 30);
    assert_true(tally->skipped >= 3); /* a few kills use the turn up */
    assert_int_equal(tally->with[RELEASE_KILLS], tally->pairs);
    assert_int_equal(ask("OPTIONS", "later"), 200); /* and then it rests */
    assert_false(engine_beside_waits(world.core));
    assert_int_equal(tally->pairs + tally->skipped, 31);
    world_advance(&world, 1000);
    assert_int_equal(ask("OPTIONS", "rested"), 200);
    assert_true(engine_beside_waits(world.core));
    assert_int_equal(metric_read(world.meters.failures[POLICY_FAILED_FUEL]), 0);
    close_with(second);
}

static void it_writes_nothing(void **state)
{
    static const char counting[] = "return policy { on_error = reject(500) {}, default = ok {},\n"
                                   "  shared = { calls = counter { ttl = 60, max = 100 }, seen = map { ttl = 60 }, "
                                   "rate = bucket { rate = 1, burst = 3 } },\n"
                                   "  rules = { { 'n', decide = function(req, env)\n"
                                   "    log.warn('counted', env.calls:incr 'k'); env.seen:set('k', 'v')\n"
                                   "    if not env.rate:take 'k' then return reject(486) {} end end } } }\n";
    (void)state;
    struct facts_shared_registry *registry;
    assert_int_equal(facts_shared_registry_new(&registry), OK);
    world_open(&world, NULL, "return function(req) return ok {} end");
    struct policy *active = load(counting, registry), *second = load(counting, registry);
    struct policy *own = world.core->policy;
    engine_core_use(world.core, active, 1);
    tally = calloc(1, sizeof(*tally));
    struct engine_beside_options options = {second, tally, 1, false};
    assert_int_equal(engine_beside_start(world.core, &options), OK);
    log_set_sink(keep_log, NULL);
    log_text[0] = '\0';
    for (int i = 0; i < 10; i++) {
        char call[16];
        snprintf(call, sizeof(call), "s%d", i);
        world_advance(&world, 10);
        assert_int_equal(ask("MESSAGE", call), i < 3 ? 200 : 486);
        engine_beside_turn(world.core);
    }
    log_set_sink(NULL, NULL);
    assert_int_equal(tally->pairs, 10);
    assert_int_equal(tally->with[RELEASE_DIFF], 0); /* it heard the counts and tokens that the active one did */
    assert_non_null(strstr(log_text, "counted 10"));
    assert_null(strstr(log_text, "counted 11")); /* by itself it would have said so */
    engine_beside_stop(world.core);
    engine_core_use(world.core, own, 1);
    policy_free(active);
    policy_free(second);
    facts_shared_registry_free(registry);
    world_close(&world);
    free(tally);
}

static void a_request_that_escaped_raises(void **state)
{
    static const char keeping[] = "local kept\nreturn function(req)\n"
                                  "  if kept then local m = kept.method end\n  kept = req\n  return ok {}\nend\n";
    (void)state;
    struct policy *second = open_with("return function(req) return ok {} end", keeping, true, 1);
    assert_int_equal(ask("OPTIONS", "e1"), 200);
    assert_int_equal(ask("OPTIONS", "e2"), 200);
    engine_beside_turn(world.core);
    assert_int_equal(tally->pairs, 2);
    assert_int_equal(tally->with[RELEASE_ERRORS], 1);
    close_with(second);
}

static void a_sample_is_a_sample(void **state)
{
    (void)state;
    struct policy *second =
        open_with("return function(req) return ok {} end", "return function(req) return ok {} end", true, 4);
    for (int i = 0; i < 2000; i++) {
        char call[16];
        snprintf(call, sizeof(call), "n%d", i);
        world_advance(&world, 10);
        (void)ask("OPTIONS", call);
        engine_beside_turn(world.core);
    }
    assert_true(tally->pairs > 400 && tally->pairs < 600);
    assert_int_equal(tally->with[RELEASE_DIFF], 0);
    close_with(second);
}

static void a_turn_with_too_many(void **state)
{
    (void)state;
    struct policy *second =
        open_with("return function(req) return ok {} end", "return function(req) return not_found {} end", true, 1);
    for (int i = 0; i < ENGINE_BESIDE_MAX + 10; i++) {
        char call[16];
        snprintf(call, sizeof(call), "t%d", i);
        assert_int_equal(ask("OPTIONS", call), 200);
    }
    engine_beside_turn(world.core);
    assert_int_equal(tally->pairs + tally->skipped, ENGINE_BESIDE_MAX + 10);
    assert_true(tally->skipped >= 10);
    close_with(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_foreseen_is_what_is_answered),
        cmocka_unit_test(the_caller_waits_for_nothing),
        cmocka_unit_test(it_writes_nothing),
        cmocka_unit_test(a_request_that_escaped_raises),
        cmocka_unit_test(a_sample_is_a_sample),
        cmocka_unit_test(a_turn_with_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
