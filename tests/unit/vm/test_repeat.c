/* SPDX-License-Identifier: Apache-2.0 */
/* The same decision costs the same fuel and gives the same answer in every process, whatever was decided before it. */
#include "support_vm.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 100, TEXT_MAX = 256 };

static const char SOURCE[] = "local known = { alice = 1, bob = 2, carol = 3 }\n"
                             "return function() local out = {}\n"
                             "for name, n in pairs(known) do out[#out + 1] = name .. n * math.random(1, 1000) end\n"
                             "local churn = {} for i = 1, 300 do churn['k' .. i] = i churn['k' .. i - 20] = nil end\n"
                             "for i = 1, 50 do out[#out + 1] = tostring(i):rep(i) end\n"
                             "table.sort(out, function(a, b) return #a > #b or (#a == #b and a < b) end)\n"
                             "local text = table.concat(out, ';'):gsub('%d%d', function(d) return d:reverse() end)\n"
                             "local ok, why = pcall(error, { text:sub(1, 20) })\n"
                             "return text:sub(-60) .. tostring(why) .. #text end";

struct result {
    uint64_t fuel;
    char text[TEXT_MAX];
};

static struct result decide(struct vm *vm, int kept)
{
    struct result result = {0};
    struct vm_outcome outcome;
    if (test_decide(vm, kept, 1, &outcome) != OK)
        fail_msg("%s", outcome.text);
    result.fuel = outcome.fuel;
    snprintf(result.text, sizeof(result.text), "%s", lua_tostring(vm_state(vm), -1));
    lua_settop(vm_state(vm), 0);
    return result;
}

static struct result decide_afresh(void)
{
    struct vm *vm = test_vm();
    int kept = test_keep(vm, SOURCE);
    vm_seal(vm);
    struct result result = decide(vm, kept);
    vm_free(vm);
    return result;
}

static void assert_same(const struct result *a, const struct result *b)
{
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->fuel, b->fuel);
}

/* In the child: this program anew, so that addresses and the seed of Lua's hashes are others. */
static void become_fresh(int out)
{
    dup2(out, STDOUT_FILENO);
    execl("/proc/self/exe", "test_repeat", "decide", (char *)NULL);
    _exit(1);
}

static int decide_as_child(void)
{
    struct result result = decide_afresh();
    return write(STDOUT_FILENO, &result, sizeof(result)) == sizeof(result) ? 0 : 1;
}

static void every_process_decides_alike(void **state)
{
    (void)state;
    struct result first = decide_afresh();
    print_message("%llu fuel: %s\n", (unsigned long long)first.fuel, first.text);
    for (int i = 0; i < PROCESSES; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            become_fresh(ends[1]);
        struct result result;
        close(ends[1]);
        assert_int_equal(read(ends[0], &result, sizeof(result)), sizeof(result));
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ends[0]);
        assert_same(&first, &result);
    }
}

/* Other decisions before it fill the string table, grow the stack, and leave garbage and a collector in mid-cycle. */
static void history_does_not_matter(void **state)
{
    (void)state;
    struct result first = decide_afresh();
    struct vm *vm = test_vm();
    int kept = test_keep(vm, SOURCE);
    int deep = test_keep(vm, "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end\n"
                             "return function() return f(300) end");
    int wasteful = test_keep(vm, "return function() local t = {} for i = 1, 500 do t[i] = i .. 'x' .. i end end");
    int killed = test_keep(vm, "return function() while true do end end");
    vm_seal(vm);
    for (int i = 0; i < 200; i++) {
        struct vm_outcome outcome;
        struct result result = decide(vm, kept);
        assert_same(&first, &result);
        int other = i % 3 == 0 ? deep : i % 3 == 1 ? wasteful : killed;
        assert_int_equal(test_decide(vm, other, 0, &outcome), other == killed ? ERR_KILLED : OK);
        vm_collect_outside(vm);
    }
    vm_free(vm);
}

/* Where a deep call grows the stack, its fuel is that of a call that finds the stack grown. */
static void a_grown_stack_costs_nothing(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end\n"
                             "return function() return f(400) end");
    vm_seal(vm);
    struct vm_outcome first, second;
    assert_int_equal(test_decide(vm, kept, 0, &first), OK);
    assert_int_equal(test_decide(vm, kept, 0, &second), OK);
    assert_int_equal(first.fuel, second.fuel);
    assert_true(first.bytes > second.bytes); /* it did grow */
    vm_free(vm);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "decide") == 0)
        return decide_as_child();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_process_decides_alike),
        cmocka_unit_test(history_does_not_matter),
        cmocka_unit_test(a_grown_stack_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
