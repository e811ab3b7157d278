/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a policy with each of its allocations failing in turn: an error, and nothing leaks (under ASan). */
#include "policy/policy.h"
#include "support/failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum err load(struct policy **out_policy)
{
    const struct source_file files[] = {
        {"policy.lua",
         SPAN("local l = require 'lib'\n"
              "return policy { name = 'm', on_error = reject(500) { reason = 'Broken' }, default = not_found {},\n"
              "data = { d = ranges 'd.csv', s = strings { 'a', 'b' } },\n"
              "shared = { c = counter { ttl = 60, max = 10 } },\n"
              "rules = {\n"
              "{ 'a', when = { user = { 'x', matches '*y*z*' }, number = in_set 'd',\n"
              "  hours = hours { 'mon-fri 08:00-18:00', zone = 'Europe/Berlin', except = { '2026-01-01' } },\n"
              "  header = { ['X-Y'] = not_ 'z' } }, verdict = gone { evidence = 'd', headers = { ['X-A'] = 'b' } } },\n"
              "{ 'b', check = l.check, verdict = moved { contact = { 'sip:a@b', 'sip:c@d' } } } },\n"
              "on_ack_missing = function() end }")},
        {"lib.lua", SPAN("return { check = function(req, env) return env.c:incr(req.method) > 3 end }")},
        {"d.csv", SPAN("+15550100-+15550199\n+4930*\n")},
    };
    const struct policy_options options = {0};
    struct source *source = NULL;
    struct fault fault = {0};
    enum err err = source_from_memory("m", files, 3, &source, &fault);
    if (err == OK)
        err = policy_load(source, &options, out_policy, &fault);
    source_unref(source);
    return err;
}

static void every_allocation_fails_once(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        struct policy *policy = NULL;
        failing_malloc_at(nth);
        enum err err = load(&policy);
        bool failed = failing_malloc_off();
        policy_free(policy);
        if (!failed) {
            assert_int_equal(err, OK);
            break;
        }
        failures += err != OK;
        assert_true(nth < 20000);
    }
    assert_true(failures > 100);
}

/* The same with no memory from some point on. */
static void memory_ends(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth += 7) {
        struct policy *policy = NULL;
        failing_malloc_from(nth);
        enum err err = load(&policy);
        bool failed = failing_malloc_off();
        policy_free(policy);
        if (!failed)
            break;
        assert_int_not_equal(err, OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
