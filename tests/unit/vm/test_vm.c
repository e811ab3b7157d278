/* SPDX-License-Identifier: Apache-2.0 */
/* The VM's life: loading, deciding, outcomes with file and line, memory that stays flat, and what a decision costs. */
#include "support_vm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void an_empty_decision_returns_its_value(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "return function() return 7 end");
    vm_seal(vm);
    struct vm_outcome outcome;
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    assert_int_equal(lua_tointeger(vm_state(vm), -1), 7);
    assert_int_equal(outcome.failure, VM_NONE);
    lua_settop(vm_state(vm), 0);
    vm_free(vm);
}

static void an_error_names_file_and_line(void **state)
{
    (void)state;
    struct vm_outcome outcome;
    assert_int_equal(test_run("return function()\n  local t = nil\n  return t.x\nend", &outcome), ERR_SCRIPT);
    assert_int_equal(outcome.failure, VM_ERROR);
    assert_string_equal(outcome.file, "test.lua");
    assert_int_equal(outcome.line, 3);
    assert_non_null(strstr(outcome.text, "attempt to index a nil value"));
    assert_int_equal(test_run("local function f() error('here', 2) end\nreturn function()\n\n f()\nend", &outcome),
                     ERR_SCRIPT);
    assert_int_equal(outcome.line, 4);
    assert_string_equal(outcome.text, "here");
    assert_int_equal(test_run("return function()\n\n error({}) end", &outcome), ERR_SCRIPT);
    assert_int_equal(outcome.line, 3);
    assert_string_equal(outcome.text, "the error value is a table");
}

static void a_kill_names_file_and_line(void **state)
{
    (void)state;
    struct vm_outcome outcome;
    assert_int_equal(test_run("return function()\n\n while true do end\nend", &outcome), ERR_KILLED);
    assert_int_equal(outcome.failure, VM_FUEL);
    assert_int_equal(outcome.line, 3);
    assert_string_equal(outcome.file, "test.lua");
    assert_int_equal(test_run("return function()\n local s = string.rep('x', 16000)\n return s .. s end", &outcome),
                     ERR_KILLED);
    assert_int_equal(outcome.failure, VM_MEMORY);
    assert_int_equal(outcome.line, 3);
}

static void a_syntax_error_names_file_and_line(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    struct fault fault;
    assert_int_equal(vm_load(vm, "policy.lua", SPAN("return {\n  a = = 1\n}"), &fault), ERR_SYNTAX);
    assert_string_equal(fault.file, "policy.lua");
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.text, "unexpected symbol"));
    assert_int_equal(vm_load(vm, "policy.lua", SPAN("\x1bLua"), &fault), ERR_SYNTAX);
    assert_int_equal(lua_gettop(vm_state(vm)), 0);
    vm_free(vm);
}

static void the_next_decision_is_served_after_a_kill(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int loops = test_keep(vm, "return function() pcall(function() while true do end end) while true do end end");
    int works = test_keep(vm, "return function() return 'fine' end");
    vm_seal(vm);
    struct vm_outcome outcome;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(test_decide(vm, loops, 1, &outcome), ERR_KILLED);
        assert_int_equal(lua_gettop(vm_state(vm)), 0);
        assert_int_equal(test_decide(vm, works, 1, &outcome), OK);
        assert_string_equal(lua_tostring(vm_state(vm), -1), "fine");
        lua_settop(vm_state(vm), 0);
    }
    vm_free(vm);
}

static void fuel_is_for_the_decision_not_the_call(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "return function() for i = 1, 1000 do end end");
    vm_seal(vm);
    struct vm_outcome outcome;
    vm_begin_decision(vm, 0, 0);
    int calls = 0;
    enum err err = OK;
    for (; err == OK && calls < 100000; calls++) {
        lua_rawgeti(vm_state(vm), LUA_REGISTRYINDEX, kept);
        err = vm_call(vm, 0, 0, &outcome);
    }
    vm_end_decision(vm);
    assert_int_equal(err, ERR_KILLED);
    assert_in_range(calls, 50, 400);
    vm_free(vm);
}

static void memory_stays_flat_over_100000_decisions(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept =
        test_keep(vm, "local n = 0\n"
                      "return function() n = n + 1 local t = {} for i = 1, 10 do t[i] = 'request ' .. n + i end\n"
                      "return { reason = table.concat(t, ',') } end");
    vm_seal(vm);
    struct vm_outcome outcome;
    size_t most_early = 0, most_late = 0;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(test_decide(vm, kept, 0, &outcome), OK);
        vm_collect_outside(vm);
        size_t *most = i < 20000 ? &most_early : &most_late;
        if (vm_bytes(vm) > *most)
            *most = vm_bytes(vm);
        assert_false(vm_is_over_soft_cap(vm));
    }
    assert_true(most_late <= most_early + most_early / 10);
    assert_true(most_late < 1024 * 1024);
    vm_free(vm);
}

static void a_thousand_vms_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct vm *vm = test_vm();
        if (i % 10 == 0) {
            test_keep(vm, "local t = {} for i = 1, 100 do t[i] = { i } end return function() return #t end");
            vm_seal(vm);
        }
        vm_free(vm);
    }
    vm_free(NULL);
}

static void too_much_kept_is_over_the_soft_cap(void **state)
{
    (void)state;
    struct vm *vm = test_vm_with(&(struct vm_options){.soft_bytes = 300 * 1024});
    int kept = test_keep(vm, "local kept, n = {}, 0\n"
                             "return function() for i = 1, 100 do n = n + 1 kept[n] = { n } end end");
    vm_seal(vm);
    struct vm_outcome outcome;
    int decisions = 0;
    for (; decisions < 1000 && !vm_is_over_soft_cap(vm); decisions++) {
        assert_int_equal(test_decide(vm, kept, 0, &outcome), OK);
        for (int i = 0; i < 50; i++)
            vm_collect_outside(vm);
    }
    assert_in_range(decisions, 20, 500);
    vm_free(vm);
}

static void clock_and_random_are_the_decisions(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "return function() return math.random(1, 1000000) .. ' ' .. math.random() end");
    vm_seal(vm);
    struct vm_outcome outcome;
    char first[80];
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    snprintf(first, sizeof(first), "%s", lua_tostring(vm_state(vm), -1));
    assert_int_equal(vm_wall_ms(vm), 1800000000000);
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    assert_string_equal(lua_tostring(vm_state(vm), -1), first);
    lua_settop(vm_state(vm), 0);
    vm_free(vm);
}

static void an_empty_decision_is_cheap(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog;
    assert_int_equal(vm_watchdog_new(&watchdog), OK);
    struct vm *vm = test_vm_with(&(struct vm_options){.watchdog = watchdog});
    int kept = test_keep(vm, "return function() return 7 end");
    vm_seal(vm);
    struct vm_outcome outcome;
    enum { COUNT = 200000 };
    size_t before = vm_bytes(vm);
    uint64_t began = clock_thread_cpu_ns();
    for (int i = 0; i < COUNT; i++) {
        if (test_decide(vm, kept, 1, &outcome) != OK)
            fail();
        lua_settop(vm_state(vm), 0);
    }
    uint64_t each = (clock_thread_cpu_ns() - began) / COUNT;
    print_message("an empty decision: %llu ns\n", (unsigned long long)each);
    assert_int_equal(vm_bytes(vm), before); /* no garbage */
    if (!TEST_SANITIZED)
        assert_true(each < 1000); /* 300 is the aim; a busy machine may take longer */
    vm_free(vm);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_decision_returns_its_value),
        cmocka_unit_test(an_error_names_file_and_line),
        cmocka_unit_test(a_kill_names_file_and_line),
        cmocka_unit_test(a_syntax_error_names_file_and_line),
        cmocka_unit_test(the_next_decision_is_served_after_a_kill),
        cmocka_unit_test(fuel_is_for_the_decision_not_the_call),
        cmocka_unit_test(memory_stays_flat_over_100000_decisions),
        cmocka_unit_test(a_thousand_vms_come_and_go),
        cmocka_unit_test(too_much_kept_is_over_the_soft_cap),
        cmocka_unit_test(clock_and_random_are_the_decisions),
        cmocka_unit_test(an_empty_decision_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
