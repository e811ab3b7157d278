/* SPDX-License-Identifier: Apache-2.0 */
/* The order of rules, their three forms, and what becomes of scripts that fail. */
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POLICY(rules) "return policy { on_error = reject(500) {}, default = not_found {}, rules = {" rules "} }"

static void plain_function(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(&world, "return function(req)\n"
                                              "  if req.target.user:sub(1, 4) == \"gone\" then\n"
                                              "    return gone { evidence = \"load test\" }\n"
                                              "  end\n"
                                              "  if req.target.user == 'nil' then return nil end\n"
                                              "  if req.target.user == 'bad' then return 7 end\n"
                                              "  if req.target.user == 'err' then error 'boom' end\n"
                                              "  if req.target.user == 'drop' then return drop end\n"
                                              "  return ok {}\n"
                                              "end\n");
    struct policy_decision decision = decide_user(policy, "gone-1");
    assert_decision(&decision, POLICY_GONE, 410, "");
    assert_true(span_equal(decision.answer->evidence, SPAN("load test")));
    assert_true(decision.fuel > 0);
    decision = decide_user(policy, "here");
    assert_decision(&decision, POLICY_OK, 200, "");
    decision = decide_user(policy, "nil");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "");
    decision = decide_user(policy, "drop");
    assert_decision(&decision, POLICY_DROP, 0, "");
    decision = decide_user(policy, "bad");
    assert_int_equal(decision.failure, POLICY_FAILED_NONSENSE);
    assert_int_equal(decision.answer->code, 500);
    decision = decide_user(policy, "err");
    assert_int_equal(decision.failure, POLICY_FAILED_ERROR);
    assert_int_equal(decision.answer->code, 500);
    assert_string_equal(decision.file, "policy.lua");
    assert_int_equal(decision.line, 7);
    assert_non_null(strstr(decision.text, "boom"));
    policy_free(policy);
}

static void rules_in_order(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy = policy_of(
        &world, POLICY("{ 'one', when = { user = 'a' }, verdict = ok {} },"
                       "{ 'two', when = { user = { 'a', 'b' } }, verdict = gone {} },"
                       "{ 'three', check = function(req) return req.target.user == 'c' end, verdict = reject(486) {} },"
                       "{ 'four', when = { user = 'd' }, decide = function(req) return nil end },"
                       "{ 'five', when = { user = 'd' }, decide = function(req) return moved {} end },"));
    struct policy_decision decision = decide_user(policy, "a");
    assert_decision(&decision, POLICY_OK, 200, "one");
    assert_int_equal(decision.rule_index, 0);
    assert_int_equal(decision.fuel, 0);
    decision = decide_user(policy, "b");
    assert_decision(&decision, POLICY_GONE, 410, "two");
    decision = decide_user(policy, "c");
    assert_decision(&decision, POLICY_REJECT, 486, "three");
    decision = decide_user(policy, "d");
    assert_decision(&decision, POLICY_MOVED, 301, "five");
    assert_int_equal(decision.rule_index, 4);
    decision = decide_user(policy, "e");
    assert_decision(&decision, POLICY_NOT_FOUND, 404, "default");
    assert_int_equal(decision.rule_index, -1);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_function),
        cmocka_unit_test(rules_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
