/* SPDX-License-Identifier: Apache-2.0 */
/* The system runs out of memory at every allocation in turn: an error or a kill, never a leak, and the VM works on. */
#include "support/failing_malloc.h"
#include "support_vm.h"
#include "vm/vm_value.h"
#include <string.h>

/* Small blocks come from pages of the VM's own, but under AddressSanitizer each is the system's: there every single one
 * fails in turn, elsewhere each page and each large block. */
#if defined(__SANITIZE_ADDRESS__)
enum { LEAST_BUILDING = 100, LEAST_DECIDING = 20 };
#else
enum { LEAST_BUILDING = 10, LEAST_DECIDING = 2 };
#endif
enum { STEPS_MAX = 20000 };

static void build_a_vm(void (*fail_at)(unsigned nth))
{
    unsigned n = 1;
    for (; n < STEPS_MAX; n++) {
        struct vm *vm = NULL;
        fail_at(n);
        enum err err = vm_new(&(struct vm_options){0}, &vm);
        bool failed = failing_malloc_off();
        if (!failed)
            assert_int_equal(err, OK);
        if (err == OK) /* Lua collects and tries again, so one failure may pass unnoticed */
            vm_free(vm);
        else
            assert_null(vm);
        if (!failed)
            break;
    }
    assert_in_range(n, LEAST_BUILDING, STEPS_MAX - 1);
}

static void building_a_vm(void **state)
{
    (void)state;
    build_a_vm(failing_malloc_at);
    build_a_vm(failing_malloc_from);
}

static void decide(void (*fail_at)(unsigned nth))
{
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "return function() local t = {}\n"
                             "for i = 1, 20 do t[i] = ('request ' .. i):rep(20) end\n"
                             "for k in pairs({ b = 1, a = 2 }) do t[#t + 1] = k end\n"
                             "pcall(error, { #table.concat(t) })\n"
                             "return (table.concat(t, ','):gsub('%d+', function(d) return d .. d end)) end");
    vm_seal(vm);
    struct vm_outcome outcome;
    unsigned n = 1;
    for (; n < STEPS_MAX; n++) {
        fail_at(n);
        enum err err = test_decide(vm, kept, 0, &outcome);
        bool failed = failing_malloc_off();
        if (err != OK) {
            assert_int_equal(err, ERR_KILLED);
            assert_int_equal(outcome.failure, VM_MEMORY);
            assert_string_equal(outcome.text, "the system is out of memory");
        }
        assert_int_equal(lua_gettop(vm_state(vm)), 0);
        assert_int_equal(test_decide(vm, kept, 0, &outcome), OK);
        vm_collect_outside(vm);
        if (!failed)
            break;
    }
    assert_in_range(n, LEAST_DECIDING, STEPS_MAX - 1);
    vm_free(vm);
}

static void deciding(void **state)
{
    (void)state;
    decide(failing_malloc_at);
    decide(failing_malloc_from);
}

static void read_a_configuration(void (*fail_at)(unsigned nth))
{
    unsigned n = 1;
    for (; n < STEPS_MAX; n++) {
        struct vm_value_file *file = NULL;
        struct fault fault = {0};
        fail_at(n);
        enum err err =
            vm_value_load("verdict.lua", SPAN("return { a = { b = 'text', 1, 2 }, ('x'):rep(100) }"), &file, &fault);
        bool failed = failing_malloc_off();
        if (err == OK)
            vm_value_file_free(file);
        else
            assert_true(fault.text[0] != '\0');
        if (!failed) {
            assert_int_equal(err, OK);
            break;
        }
    }
    assert_in_range(n, LEAST_BUILDING, STEPS_MAX - 1);
}

static void reading_a_configuration(void **state)
{
    (void)state;
    read_a_configuration(failing_malloc_at);
    read_a_configuration(failing_malloc_from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(building_a_vm),
        cmocka_unit_test(deciding),
        cmocka_unit_test(reading_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
