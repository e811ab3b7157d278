/* SPDX-License-Identifier: Apache-2.0 */
/* Many seeded schedules; SIMULATE_SEED=N in the environment runs one again. */
#include "support/cmocka_all.h"

#include "support/call_simulator.h"

/* Under a sanitizer a tenth has to do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SCHEDULES = 10000 };
#else
enum { SCHEDULES = 100000 };
#endif

static void run_from(struct sim *sim, uint64_t first, uint64_t count)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (!sim_run(sim, seed))
            fail_msg("%s: SIMULATE_SEED=%llu", sim->failure ? sim->failure : "out of memory", (unsigned long long)seed);
    }
}

static void test_no_schedule_breaks_the_promises(void **state)
{
    (void)state;
    struct sim *sim = sim_new();
    const char *seed = getenv("SIMULATE_SEED");
    sim->is_verbose = seed != NULL;
    if (seed)
        run_from(sim, strtoull(seed, NULL, 10), 1);
    else
        run_from(sim, 1, SCHEDULES);
    print_message("%llu schedules, %llu messages, %llu final answers, %llu BYEs, %llu refreshes, %llu early media\n",
                  (unsigned long long)sim->schedules, (unsigned long long)sim->sent, (unsigned long long)sim->finals,
                  (unsigned long long)sim->byes, (unsigned long long)sim->refreshes,
                  (unsigned long long)sim->early_media);
    sim_free(sim);
}

static void test_a_seed_repeats(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct sim *one = sim_new(), *two = sim_new();
        sim_run(two, seed + 1000); /* what went before does not matter */
        uint64_t sent = two->sent, finals = two->finals;
        assert_true(sim_run(one, seed) && sim_run(two, seed));
        assert_int_equal(one->sent, two->sent - sent);
        assert_int_equal(one->finals, two->finals - finals);
        sim_free(one);
        sim_free(two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_schedule_breaks_the_promises),
        cmocka_unit_test(test_a_seed_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
