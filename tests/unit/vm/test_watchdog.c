/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog: it kills what fuel does not bound, in the thread and the decision that it is for, and nothing else. */
#include "support_vm.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, ROUNDS = 8 };

/* Fuel that would last for minutes: only the clock can end this. */
static const struct vm_options ENDLESS = {.fuel = (uint64_t)1 << 50};

static struct vm *vm_watched(struct vm_watchdog *watchdog)
{
    struct vm_options options = ENDLESS;
    options.watchdog = watchdog;
    return test_vm_with(&options);
}

static struct vm_watchdog *watchdog_new(void)
{
    struct vm_watchdog *watchdog = NULL;
    assert_int_equal(vm_watchdog_new(&watchdog), OK);
    return watchdog;
}

static void an_endless_loop_is_killed_by_clock(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    struct vm *vm = vm_watched(watchdog);
    int loops = test_keep(vm, "return function()\n\n while true do end end");
    int caught = test_keep(vm, "return function() while true do pcall(function() while true do end end) end end");
    int matches = test_keep(vm, "return function() return string.find(string.rep('a', 16000), '.-.-b') end");
    vm_seal(vm);
    const int kept[] = {loops, caught, matches};
    for (int i = 0; i < 3; i++) {
        struct vm_outcome outcome;
        uint64_t began = clock_thread_cpu_ns();
        assert_int_equal(test_decide(vm, kept[i], 0, &outcome), ERR_KILLED);
        uint64_t took = clock_thread_cpu_ns() - began;
        assert_int_equal(outcome.failure, VM_CLOCK);
        assert_string_equal(outcome.text, "killed by clock");
        assert_string_equal(outcome.file, "test.lua");
        assert_int_equal(outcome.line, i == 0 ? 3 : 1);
        assert_true(took >= 3000000); /* 4 ms, less what the clocks differ */
        if (!TEST_SANITIZED)
            assert_true(took <= 10000000);
    }
    assert_int_equal(vm_watchdog_kills(watchdog), 3);
    vm_free(vm);
    vm_watchdog_leave(watchdog);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
    vm_watchdog_free(NULL);
}

static void short_decisions_are_left_alone(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    struct vm *vm = vm_watched(watchdog);
    int kept = test_keep(vm, "return function() for i = 1, 1000 do end end");
    vm_seal(vm);
    struct vm_outcome outcome;
    uint64_t began = clock_thread_cpu_ns();
    int decisions = 0;
    for (; clock_thread_cpu_ns() - began < 100 * 1000000u; decisions++) /* together, twenty times the limit */
        assert_int_equal(test_decide(vm, kept, 0, &outcome), OK);
    assert_true(decisions > 100);
    assert_int_equal(vm_watchdog_kills(watchdog), 0);
    vm_free(vm);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
}

static void calls_of_one_decision_share_its_clock(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    struct vm *vm = vm_watched(watchdog);
    int kept = test_keep(vm, "return function() for i = 1, 50000 do end end");
    vm_seal(vm);
    struct vm_outcome outcome;
    enum err err = OK;
    uint64_t began = clock_thread_cpu_ns();
    vm_begin_decision(vm, 0, 0);
    while (err == OK && clock_thread_cpu_ns() - began < 1000 * 1000000u) {
        lua_rawgeti(vm_state(vm), LUA_REGISTRYINDEX, kept);
        err = vm_call(vm, 0, 0, &outcome);
    }
    assert_int_equal(err, ERR_KILLED);
    assert_int_equal(outcome.failure, VM_CLOCK);
    lua_rawgeti(vm_state(vm), LUA_REGISTRYINDEX, kept);
    assert_int_equal(vm_call(vm, 0, 0, &outcome), ERR_KILLED); /* the decision is over, whoever calls again */
    assert_int_equal(outcome.line, 1);
    assert_int_equal(lua_gettop(vm_state(vm)), 0);
    vm_end_decision(vm);
    vm_free(vm);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
}

static void loading_has_a_longer_limit(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    struct vm *vm = test_vm_with(&(struct vm_options){.watchdog = watchdog, .load_fuel = (uint64_t)1 << 50});
    struct vm_outcome outcome;
    struct fault fault;
    assert_int_equal(vm_load(vm, "test.lua", SPAN("local n = 0 for i = 1, 3000000 do n = n + i end"), &fault), OK);
    assert_int_equal(vm_call(vm, 0, 0, &outcome), OK);
    assert_int_equal(vm_load(vm, "test.lua", SPAN("while true do end"), &fault), OK);
    assert_int_equal(vm_call(vm, 0, 0, &outcome), ERR_KILLED);
    assert_int_equal(outcome.failure, VM_CLOCK);
    vm_free(vm);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
}

/* Nobody watches a load for a check; what fuel hardly sees ends all the same. */
static void loading_ends_without_a_watchdog(void **state)
{
    (void)state;
    static const char *const slow[] = {
        "while true do local _ = chain.x end",
        "table.move(chain, 2, 1000000000, 1, {})",
        "for i = 1, 1e9 do pcall(function() return chain.x end) end",
    };
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        char source[256];
        struct vm *vm = test_vm();
        struct vm_outcome outcome;
        struct fault fault;
        snprintf(source, sizeof(source),
                 "local chain = {} for i = 1, 1900 do chain = setmetatable({}, { __index = chain }) end %s", slow[i]);
        assert_int_equal(vm_load(vm, "test.lua", span_of(source), &fault), OK);
        uint64_t began = clock_thread_cpu_ns();
        assert_int_equal(vm_call(vm, 0, 0, &outcome), ERR_KILLED);
        uint64_t took_ms = (clock_thread_cpu_ns() - began) / 1000000;
        print_message("%llu ms: %s\n", (unsigned long long)took_ms, slow[i]);
        assert_int_equal(outcome.failure, VM_CLOCK);
        assert_string_equal(outcome.text, "killed by clock");
        assert_int_equal(outcome.line, 1);
        assert_true(TEST_SANITIZED || took_ms < 3 * VM_LOAD_MS);
        vm_free(vm);
    }
}

struct worker {
    struct vm_watchdog *watchdog;
    const char *failed;
};

/* No cmocka assertions here: they jump out of the wrong thread. */
static void *work(void *ctx)
{
    struct worker *worker = ctx;
    sigset_t all;
    sigfillset(&all); /* as programs do whose main thread handles the signals */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    struct vm *vm = vm_watched(worker->watchdog);
    int loops = test_keep(vm, "return function() while true do end end");
    int works = test_keep(vm, "return function() return 1 end");
    vm_seal(vm);
    for (int i = 0; i < ROUNDS && !worker->failed; i++) {
        struct vm_outcome outcome;
        if (test_decide(vm, loops, 0, &outcome) != ERR_KILLED || outcome.failure != VM_CLOCK)
            worker->failed = "the loop was not killed by clock";
        for (int n = 0; n < 2000; n++) /* a signal that comes late must not hit these */
            if (test_decide(vm, works, 0, &outcome) != OK)
                worker->failed = "a decision after a kill was killed too";
    }
    vm_free(vm);
    vm_watchdog_leave(worker->watchdog);
    return NULL;
}

static void each_thread_is_killed_by_itself(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.watchdog = watchdog};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].failed)
            fail_msg("%s", workers[i].failed);
    assert_int_equal(vm_watchdog_kills(watchdog), THREADS * ROUNDS);
    vm_watchdog_free(watchdog);
}

static void *take_places(void *ctx)
{
    struct worker *worker = ctx;
    for (int i = 0; i < VM_WATCHDOG_THREADS + 10 && !worker->failed; i++) {
        struct vm *vm = vm_watched(worker->watchdog);
        struct vm_outcome outcome;
        int kept = test_keep(vm, "return function() return 1 end");
        vm_seal(vm);
        if (test_decide(vm, kept, 0, &outcome) != OK)
            worker->failed = "a place was not given back";
        vm_free(vm);
        vm_watchdog_leave(worker->watchdog);
    }
    return NULL;
}

static void places_are_given_back(void **state)
{
    (void)state;
    struct worker worker = {.watchdog = watchdog_new()};
    take_places(&worker);
    if (worker.failed)
        fail_msg("%s", worker.failed);
    vm_watchdog_free(worker.watchdog);
}

/* While nothing runs the watchdog uses no CPU time: its thread sleeps on a semaphore. */
static void it_sleeps_while_nothing_runs(void **state)
{
    (void)state;
    struct vm_watchdog *watchdog = watchdog_new();
    struct timespec before, after;
    struct timespec span = {.tv_nsec =
                                20 * 1000000}; /* time that must really pass: it is the process's clock that counts */
    nanosleep(&span, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    span.tv_nsec = 100 * 1000000;
    nanosleep(&span, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t used_us = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    assert_true(used_us < 1000);
    vm_watchdog_free(watchdog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endless_loop_is_killed_by_clock),
        cmocka_unit_test(short_decisions_are_left_alone),
        cmocka_unit_test(calls_of_one_decision_share_its_clock),
        cmocka_unit_test(loading_has_a_longer_limit),
        cmocka_unit_test(loading_ends_without_a_watchdog),
        cmocka_unit_test(each_thread_is_killed_by_itself),
        cmocka_unit_test(places_are_given_back),
        cmocka_unit_test(it_sleeps_while_nothing_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
