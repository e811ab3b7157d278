/* SPDX-License-Identifier: Apache-2.0 */
/* Random sources repeat when seeded, are even, and differ when the system seeds them; clocks go forward. */
#include "support/cmocka_all.h"
#include "util/clock.h"
#include "util/random.h"

#include <string.h>

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    struct random a;
    struct random b;
    random_seed(&a, 1);
    random_seed(&b, 1);
    for (int i = 0; i < 100; i++)
        assert_true(random_u64(&a) == random_u64(&b));
    random_seed(&b, 2);
    assert_true(random_u64(&a) != random_u64(&b));
}

static void the_generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    struct random random = {{1, 2, 3, 4}};
    const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (int i = 0; i < 4; i++)
        assert_true(random_u64(&random) == expected[i]);
}

static void below_is_even_and_below(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 3);
    unsigned seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_below(&random, 10);
        assert_true(value < 10);
        seen[value]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(random_below(&random, 1), 0);
    for (int i = 0; i < 10; i++)
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

static void the_system_seeds_differently_each_time(void **state)
{
    (void)state;
    struct random a;
    struct random b;
    assert_int_equal(random_seed_system(&a), OK);
    assert_int_equal(random_seed_system(&b), OK);
    assert_memory_not_equal(&a, &b, sizeof(a));
    unsigned char bytes[1000] = {0};
    unsigned char zeros[32] = {0};
    assert_int_equal(random_system(bytes, sizeof(bytes)), OK);
    assert_memory_not_equal(bytes + sizeof(bytes) - sizeof(zeros), zeros, sizeof(zeros));
    assert_int_equal(random_system(bytes, 0), OK);
}

static void clocks_go_forward_and_agree(void **state)
{
    (void)state;
    struct clock clock;
    uint64_t before_ns = clock_mono_ns();
    clock_refresh(&clock);
    uint64_t after_ns = clock_mono_ns();
    assert_true(before_ns / 1000000 <= clock.mono_ms && clock.mono_ms <= after_ns / 1000000);
    assert_true(clock.wall_ms > 1700000000000);
    assert_true(clock_wall_ms() >= clock.wall_ms);
    uint64_t cpu_ns = clock_thread_cpu_ns();
    assert_true(cpu_ns > 0 && clock_thread_cpu_ns() >= cpu_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(below_is_even_and_below),
        cmocka_unit_test(the_system_seeds_differently_each_time),
        cmocka_unit_test(clocks_go_forward_and_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
