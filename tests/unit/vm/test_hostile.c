/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that try to hold a worker.  Each runs as a decision under the watchdog, must end within 10 ms of thread CPU time
 * and as expected, and the next decision must be served. */
#include "support/hostile_scripts.h"
#include "support_vm.h"
#include <string.h>

enum { LIMIT_MS = 10 };

static void check_outcome(const struct hostile *script, enum err err, const struct vm_outcome *outcome)
{
    bool as_expected = script->expected == HOSTILE_ENDED || (script->expected == HOSTILE_KILLED && err == ERR_KILLED) ||
                       (script->expected == HOSTILE_REFUSED && err == ERR_SCRIPT) ||
                       (script->expected == HOSTILE_HARMLESS && err == OK);
    if (!as_expected)
        fail_msg("%s: %s, %s (%s:%d)", script->name, vm_failure_name(outcome->failure), outcome->text, outcome->file,
                 outcome->line);
    if (err == OK)
        return;
    if (!outcome->text[0] || strcmp(outcome->file, "test.lua") != 0 || outcome->line < 1)
        fail_msg("%s: no place: \"%s\" at %s:%d", script->name, outcome->text, outcome->file, outcome->line);
    if (outcome->failure == VM_FUEL)
        assert_true(outcome->fuel >= VM_DECISION_FUEL);
}

static void run_one(const struct hostile *script, struct vm_watchdog *watchdog, uint64_t *most_ns)
{
    struct vm *vm = test_vm_with(&(struct vm_options){.watchdog = watchdog});
    int hostile = test_keep(vm, script->source);
    int friendly = test_keep(vm, "return function() return 'served' end");
    vm_seal(vm);
    for (int round = 0; round < 2; round++) {
        struct vm_outcome outcome;
        uint64_t took;
        enum err err = test_decide_timed(vm, hostile, LIMIT_MS * 1000000, &outcome, &took);
        check_outcome(script, err, &outcome);
        if (took > *most_ns)
            *most_ns = took;
        if (took > 1500000 || outcome.failure == VM_CLOCK)
            print_message("%-40s %5llu us, %s, %llu fuel\n", script->name, (unsigned long long)took / 1000,
                          vm_failure_name(outcome.failure), (unsigned long long)outcome.fuel);
        if (!TEST_SANITIZED && took > LIMIT_MS * 1000000)
            fail_msg("%s held the thread for %llu us", script->name, (unsigned long long)took / 1000);
        assert_int_equal(test_decide(vm, friendly, 1, &outcome), OK);
        assert_string_equal(lua_tostring(vm_state(vm), -1), "served");
        lua_settop(vm_state(vm), 0);
        uint64_t began = clock_thread_cpu_ns();
        vm_collect_outside(vm);
        took = clock_thread_cpu_ns() - began;
        if (!TEST_SANITIZED && took > LIMIT_MS * 1000000)
            fail_msg("%s left %llu us to the collector", script->name, (unsigned long long)took / 1000);
    }
    vm_free(vm);
}

static void every_script_ends_in_time(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog;
    uint64_t most = 0;
    assert_true(HOSTILE_SCRIPTS >= 60);
    assert_int_equal(vm_watchdog_new(&watchdog), OK);
    for (size_t i = 0; i < HOSTILE_SCRIPTS; i++)
        run_one(&hostile_scripts[i], watchdog, &most);
    print_message("%d scripts, the longest %llu us, %llu killed by clock\n", HOSTILE_SCRIPTS,
                  (unsigned long long)most / 1000, (unsigned long long)vm_watchdog_kills(watchdog));
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_script_ends_in_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
