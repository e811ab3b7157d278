/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy must be to be loaded, and what is said of one that is not: file, line and what was expected. */
#include "support_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "return policy {\n on_error = reject(500) {},\n default = not_found {},\n"

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *message;
    } rows[] = {
        {"", 0, "expected it to return policy { ... } or a function, got nil"},
        {"return 7", 0, "got number"},
        {"return {}", 0, "got table"},
        {"return gone {}", 0, "expected it to return policy"},
        {"return ok { }\n,", 2, ""},
        {"return policy {\n", 2, ""},
        {"local x = 1\nx.y.z = 2", 2, "x"},
        {"error 'at load'", 1, "at load"},
        {"while true do end", 1, ""},
        {"glob = 1", 1, "glob"},
        {"print 'hello'", 1, "print"},
        {"return os.time()", 1, "os"},
        {"load 'return 1'", 1, "load"},
        {"\27Lua", 0, ""},
        {"return policy 'x'", 1, "expected one table"},
        {"return policy(policy { })", 1, "expected a plain table"},
        {"return policy { default = not_found {}, rules = {} }", 0, "on_error is missing"},
        {"return policy { on_error = reject(500) {}, rules = {} }", 0, "default is missing"},
        {"return policy { on_error = reject(500) {}, default = not_found {} }", 0, "rules: expected a list"},
        {"return policy {\n on_error = gone {}, default = not_found {}, rules = {} }", 2, "gone {} is refused"},
        {"return policy {\n on_error = 500, default = not_found {}, rules = {} }", 2, "on_error: expected a verdict"},
        {"return policy {\n on_error = drop,\n default = 404, rules = {} }", 3, "default: expected a verdict"},
        {HEAD "rulez = {} }", 4, "unknown field \"rulez\"; did you mean \"rules\"?"},
        {HEAD "name = 7,\n rules = {} }", 4, "name: expected a string"},
        {HEAD "name = '',\n rules = {} }", 4, "name: expected 1 to"},
        {HEAD "rules = 'x' }", 4, "rules: expected a list of rules, got string"},
        {HEAD "rules = { x = {} } }", 4, "without holes or names"},
        {HEAD "rules = {\n 'x' } }", 5, "rule 1: expected { \"name\""},
        {HEAD "rules = {\n {} } }", 5, "rule 1: expected its name first"},
        {HEAD "rules = {\n { '' , verdict = ok {} } } }", 5, "rule 1: expected its name first"},
        {HEAD "rules = {\n { 'a', verdict = ok {} },\n { 'a', verdict = ok {} } } }", 6, "there are two of that name"},
        {HEAD "rules = {\n { 'default', verdict = ok {} } } }", 5, "taken"},
        {HEAD "rules = {\n { 'a' } } }", 5, "it has no verdict"},
        {HEAD "rules = {\n { 'a', when = { user = 'x' } } } }", 5, "it has no verdict"},
        {HEAD "rules = {\n { 'a', verdict = 410 } } }", 5, "expected a verdict such as"},
        {HEAD "rules = {\n { 'a', verdict = reject(486) } } }", 5, "got a function"},
        {HEAD "rules = {\n { 'a',\n verdict = ok {},\n decide = function() end } } }", 6, "`decide` and `verdict`"},
        {HEAD "rules = {\n { 'a', check = 1, verdict = ok {} } } }", 5, "check: expected a function, got number"},
        {HEAD "rules = {\n { 'a', decide = 'x' } } }", 5, "decide: expected a function"},
        {HEAD "rules = {\n { 'a', when = 'x', verdict = ok {} } } }", 5, "when: expected a table"},
        {HEAD "rules = {\n { 'a', when = matches 'x', verdict = ok {} } } }", 5, "when: expected a table"},
        {HEAD "rules = {\n { 'a',\n wehn = {}, verdict = ok {} } } }", 6, "did you mean \"when\"?"},
        {HEAD "rules = {\n { 'a', verdict = ok {}, 'b' } } }", 5, "unknown field \"a position\""},
        {HEAD "rules = {}, on_ack_missing = 7 }", 4, "on_ack_missing: expected a function"},
        {HEAD "rules = {}, on_call_start = 'x' }", 4, "on_call_start: expected a function"},
        {HEAD "rules = {}, on_call_ends = 1 }", 4, "did you mean \"on_call_end\"?"},
        {HEAD "rules = {},\n data = 7 }", 5, "data: expected a table"},
        {HEAD "rules = {},\n data = { x = 7 } }", 5, "data.x: expected a set"},
        {HEAD "rules = {},\n data = { x = ranges 'none.csv' } }", 5, "there is no file \"none.csv\""},
        {HEAD "rules = {},\n data = { x = strings { 7 } } }", 5, "expected a list of strings"},
        {HEAD "rules = {},\n data = { ['a b'] = strings { 'x' } } }", 5, "letters, digits and _"},
        {HEAD "rules = {},\n data = { x = ranges { 'nonsense' } } }", 0, ""},
        {HEAD "rules = {},\n shared = { x = 7 } }", 5, "shared.x: expected counter"},
        {HEAD "rules = {},\n shared = { x = counter {} } }", 5, "ttl: expected seconds"},
        {HEAD "rules = {},\n shared = { x = counter { ttl = -1 } } }", 5, "ttl"},
        {HEAD "rules = {},\n shared = { x = counter { tll = 1 } } }", 5, "unknown field \"tll\"; did you mean ttl"},
        {HEAD "rules = {},\n shared = { x = counter { ttl = 1, max = 'x' } } }", 5, "max"},
        {HEAD "rules = {},\n shared = { x = bucket { burst = 3 } } }", 5, "bucket { rate"},
        {HEAD "rules = {},\n shared = { x = counter { ttl = 1, max = 1e11 } } }", 5, ""},
        {"return policy {\n on_error = reject(500) {}, default = gone { evidnce = 'x' }, rules = {} }", 2, "evidence"},
        {"local x = matches(7)", 1, "expected a string"},
        {"local x = matches('a', 'b')", 1, "expected one argument"},
        {"local x = any_of 'a'", 1, "expected a plain table"},
        {"local x = counter(counter { ttl = 1 })", 1, "expected a plain table"},
        {"return require 'missing'", 1, "missing"},
        {"return require '../etc/passwd'", 1, ""},
        {"local t = setmetatable({}, { __gc = function() end })", 1, "__gc"},
        {"local t = {} for i = 1, 1e9 do t[i] = {i} end", 1, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fault fault = policy_fault(rows[i].text);
        if (!strstr(fault.text, rows[i].message))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].text, rows[i].message, fault.text);
        if (rows[i].line != 0 && fault.line != rows[i].line)
            fail_msg("%s: expected line %d, got %d: %s", rows[i].text, rows[i].line, fault.line, fault.text);
        if (rows[i].line != 0)
            assert_string_equal(fault.file, "policy.lua");
    }
}

static void too_many_rules(void **state)
{
    (void)state;
    struct fault fault =
        policy_fault("local r = {} for i = 1, 1025 do r[i] = { 'r' .. i, verdict = drop } end\n" HEAD "rules = r }");
    assert_non_null(strstr(fault.text, "more than 1024"));
}

static void description(void **state)
{
    (void)state;
    const struct source_file files[] = {
        {"policy.lua", SPAN(HEAD "name = 'shop',\n"
                                 "data = { blocks = ranges 'blocks.csv', names = strings { 'a', 'b', 'c' } },\n"
                                 "shared = { calls = counter { ttl = 60 }, seen = map { ttl = 1 } },\n"
                                 "rules = {\n"
                                 "{ 'one', when = { user = 'x' }, verdict = gone { q850 = 22 } },\n"
                                 "{ 'two', when = { state = 'gone' }, verdict = gone {} },\n"
                                 "{ 'three', when = { number = in_ranges 'blocks' }, verdict = gone {} },\n"
                                 "{ 'four', verdict = ok {} } } }")},
        {"blocks.csv", SPAN("+15550100-+15550199\n")},
    };
    struct policy_world world = {0};
    struct policy *policy = policy_of_files(&world, files, 2, false);
    const struct policy_description *about = policy_describe(policy_program_of(policy));
    assert_string_equal(about->name, "shop");
    assert_int_equal(strlen(about->hash), 64);
    assert_false(about->is_function);
    assert_true(about->asks_directory);
    assert_int_equal(about->rule_count, 4);
    assert_string_equal(about->rules[2].name, "three");
    assert_int_equal(about->rules[0].line, 8);
    assert_int_equal(about->rules[3].line, 11);
    assert_int_equal(about->rules[0].q850, 22);
    assert_true(about->rules[3].plain);
    assert_int_equal(about->data_count, 2);
    assert_string_equal(about->data[0].name, "blocks");
    assert_string_equal(about->data[0].type, "ranges");
    assert_string_equal(about->data[0].file, "blocks.csv");
    assert_int_equal(about->data[1].entries, 3);
    assert_int_equal(about->shared_count, 2);
    assert_string_equal(about->shared[0].name, "calls");
    assert_string_equal(about->shared[0].type, "counter");
    assert_string_equal(about->shared[1].type, "map");
    policy_free(policy);
}

static uint64_t hash_of(const char *rule)
{
    char text[1024];
    struct policy_world world = {0};
    snprintf(text, sizeof(text), HEAD "rules = { %s } }", rule);
    struct policy *policy = policy_of(&world, text);
    uint64_t hash = policy_describe(policy_program_of(policy))->rules[0].hash;
    policy_free(policy);
    return hash;
}

/* A rule's hash is the same wherever it stands and in every VM, and differs when anything of it differs. */
static void rule_hashes(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "{ 'a', when = { user = 'x', host = 'y' }, verdict = gone { evidence = 'e' } }",
        "{ 'a', when = { user = 'y', host = 'x' }, verdict = gone { evidence = 'e' } }",
        "{ 'a', when = { user = 'x', host = 'y' }, verdict = gone { evidence = 'f' } }",
        "{ 'a', when = { user = 'x', host = 'y' }, verdict = unavailable {} }",
        "{ 'a', when = { user = 'x', host = 'y' }, verdict = drop }",
        "{ 'a', when = { user = { 'x', 'y' } }, verdict = ok {} }",
        "{ 'a', when = { user = { 'y', 'x' } }, verdict = ok {} }",
        "{ 'a', when = { user = matches 'x' }, verdict = ok {} }",
        "{ 'a', when = { user = prefix 'x' }, verdict = ok {} }",
        "{ 'a', check = function(req) return true end, verdict = ok {} }",
        "{ 'a', check = function(req) return false end, verdict = ok {} }",
        "{ 'a', verdict = reject(486) {} }",
        "{ 'a', verdict = reject(603) {} }",
    };
    enum { COUNT = sizeof(rules) / sizeof(rules[0]) };
    uint64_t hashes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        hashes[i] = hash_of(rules[i]);
        assert_true(hashes[i] == hash_of(rules[i]));
        for (size_t j = 0; j < i; j++)
            assert_true(hashes[i] != hashes[j]);
    }
    assert_true(hash_of("\n{ 'a', check = function(req)\n return true\n end, verdict = ok {} }") ==
                hash_of("\n\n\n    { 'a', check = function(req)\n    return true\n  end, verdict = ok {} }"));
}

static void modules(void **state)
{
    (void)state;
    const struct source_file files[] = {
        {"policy.lua", SPAN("local numbers = require 'lib.numbers'\n"
                            "return function(req) return numbers.closed(req.target.user) and gone {} or ok {} end")},
        {"lib/numbers.lua", SPAN("local m = {} function m.closed(u) return u == 'old' end return m")},
    };
    const struct source_file broken[] = {
        {"policy.lua", SPAN("return require 'bad'")},
        {"bad.lua", SPAN("local x =\n\n= 1")},
    };
    struct policy_world world = {0};
    struct policy *policy = policy_of_files(&world, files, 2, false);
    struct policy_decision decision = decide_user(policy, "old");
    assert_decision(&decision, POLICY_GONE, 410, "");
    policy_free(policy);
    struct fault fault = policy_fault_of_files(broken, 2);
    assert_non_null(strstr(fault.text, "unexpected"));
    assert_string_equal(fault.file, "bad.lua");
    assert_int_equal(fault.line, 3);
}

static void data_errors_name_their_line(void **state)
{
    (void)state;
    const struct source_file files[] = {
        {"policy.lua", SPAN(HEAD "rules = {}, data = { x = ranges 'x.csv' } }")},
        {"x.csv", SPAN("# first\n+15550100\nnonsense\n")},
    };
    struct fault fault = policy_fault_of_files(files, 2);
    assert_string_equal(fault.file, "x.csv");
    assert_int_equal(fault.line, 3);
}

/* Several VMs of one program share its sets, and its counters through the registry. */
static void evidence(void **state)
{
    (void)state;
    struct policy_world world = {0};
    struct policy *policy =
        policy_of(&world, HEAD
                  "rules = {}, data = { nums = ranges { '+15550100' }, names = strings { 'bob', 'eve@example.com' },\n"
                  "doms = domains { 'old.example' }, nets = cidrs { '192.0.2.0/24' }, pres = prefixes { '+49' } } }");
    const struct policy_program *program = policy_program_of(policy);
    struct policy_target target = {.user = SPAN("bob"), .host = SPAN("example.com")};
    assert_true(policy_program_evidence(program, SPAN("names"), &target));
    assert_false(policy_program_evidence(program, SPAN("nums"), &target));
    assert_false(policy_program_evidence(program, SPAN("nets"), &target));
    assert_false(policy_program_evidence(program, SPAN("just a text"), &target));
    target.user = SPAN("eve");
    assert_true(policy_program_evidence(program, SPAN("names"), &target));
    target.user = target.number = SPAN("+15550100");
    assert_true(policy_program_evidence(program, SPAN("nums"), &target));
    assert_false(policy_program_evidence(program, SPAN("pres"), &target));
    target.number = SPAN("+4930123");
    assert_true(policy_program_evidence(program, SPAN("pres"), &target));
    target.host = SPAN("www.old.example");
    assert_true(policy_program_evidence(program, SPAN("doms"), &target));
    policy_free(policy);
}

static void many_vms(void **state)
{
    (void)state;
    const struct source_file file = {
        "policy.lua", SPAN(HEAD "rules = { { 'a', when = { number = in_set 'nums', hours = hours 'daily 00:00-24:00' },"
                                "verdict = ok {} } }, data = { nums = strings { 'x' } } }")};
    struct source *source = NULL;
    struct policy_program *program = NULL;
    struct policy_options options = {0};
    struct policy *policies[8];
    assert_int_equal(source_from_memory("test", &file, 1, &source, NULL), OK);
    assert_int_equal(policy_prepare(source, &program, NULL), OK);
    source_unref(source);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 8; i++)
            assert_int_equal(policy_new(program, &options, &policies[i], NULL), OK);
        for (int i = 0; i < 8; i++)
            policy_free(policies[i]);
    }
    assert_true(policy_program_source(program) == source);
    policy_program_unref(program);
    policy_program_unref(NULL);
    policy_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),    cmocka_unit_test(too_many_rules), cmocka_unit_test(description),
        cmocka_unit_test(rule_hashes), cmocka_unit_test(modules),        cmocka_unit_test(data_errors_name_their_line),
        cmocka_unit_test(evidence),    cmocka_unit_test(many_vms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
