/* SPDX-License-Identifier: Apache-2.0 */
/* How many stand, in all and a key, from one thread and from many. */
#include "support/failing_malloc.h"

#include "facts/facts_gauge.h"
#include "support/cmocka_all.h"

#include <pthread.h>

static struct facts_gauge *make(uint64_t most, uint32_t most_a_key)
{
    struct facts_gauge *gauge = NULL;
    assert_int_equal(facts_gauge_new(most, most_a_key, &gauge), OK);
    return gauge;
}

static void each_key_has_its_most(void **state)
{
    (void)state;
    struct facts_gauge *gauge = make(0, 2);
    assert_int_equal(facts_gauge_take(gauge, 7), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_take(gauge, 7), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_take(gauge, 7), FACTS_GAUGE_KEY_FULL);
    assert_int_equal(facts_gauge_take(gauge, 8), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_total(gauge), 3);
    facts_gauge_give(gauge, 7);
    assert_int_equal(facts_gauge_count(gauge, 7), 1);
    assert_int_equal(facts_gauge_take(gauge, 7), FACTS_GAUGE_TAKEN);
    facts_gauge_free(gauge); /* with keys in it */
    facts_gauge_free(NULL);
}

static void and_all_have_theirs(void **state)
{
    (void)state;
    struct facts_gauge *gauge = make(2, 0);
    assert_int_equal(facts_gauge_take(gauge, 1), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_take(gauge, 1), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_take(gauge, 2), FACTS_GAUGE_FULL);
    facts_gauge_give(gauge, 1);
    assert_int_equal(facts_gauge_take(gauge, 2), FACTS_GAUGE_TAKEN);
    assert_int_equal(facts_gauge_total(gauge), 2);
    facts_gauge_free(gauge);
}

static void without_memory_a_key_is_full(void **state)
{
    (void)state;
    struct facts_gauge *gauge = make(0, 5);
    failing_malloc_at(1);
    assert_int_equal(facts_gauge_take(gauge, 1), FACTS_GAUGE_KEY_FULL);
    failing_malloc_off();
    assert_int_equal(facts_gauge_total(gauge), 0);
    assert_int_equal(facts_gauge_take(gauge, 1), FACTS_GAUGE_TAKEN);
    facts_gauge_free(gauge);
    for (unsigned nth = 1;; nth++) {
        failing_malloc_at(nth);
        enum err err = facts_gauge_new(1, 1, &gauge);
        if (!failing_malloc_off()) {
            assert_int_equal(err, OK);
            facts_gauge_free(gauge);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
    }
}

static void *take_and_give(void *arg)
{
    struct facts_gauge *gauge = arg;
    uint64_t taken = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t key = i % 3 << 58 | i % 5;
        if (facts_gauge_take(gauge, key) == FACTS_GAUGE_TAKEN) {
            taken++;
            facts_gauge_give(gauge, key);
        }
    }
    return taken ? arg : NULL;
}

static void many_threads_leave_nothing(void **state)
{
    (void)state;
    struct facts_gauge *gauge = make(3, 2);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, gauge), 0);
    bool taken =
        false; /* by one at least: a thread may find the three places held by others that do not run meanwhile */
    for (unsigned i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        taken |= result != NULL;
    }
    assert_true(taken);
    assert_int_equal(facts_gauge_total(gauge), 0);
    for (uint64_t i = 0; i < 15; i++)
        assert_int_equal(facts_gauge_count(gauge, i % 3 << 58 | i % 5), 0);
    facts_gauge_free(gauge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_most),
        cmocka_unit_test(and_all_have_theirs),
        cmocka_unit_test(without_memory_a_key_is_full),
        cmocka_unit_test(many_threads_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
