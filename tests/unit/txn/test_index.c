/* SPDX-License-Identifier: Apache-2.0 */
/* The index against a plain array, through growing, overflowing and shrinking. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "txn/txn_index.h"
#include "util/random.h"

#include <stdlib.h>

enum { COUNT = 20000 };

/* Few different low bits make buckets overflow. */
static void churn(uint64_t mask)
{
    struct random random;
    random_seed(&random, 5);
    struct txn_index index;
    assert_int_equal(txn_index_init(&index), OK);
    struct txn_link *links = calloc(COUNT, sizeof(*links));
    for (unsigned round = 0; round < 10 * COUNT; round++) {
        /* It fills for a while, and empties for a while. */
        unsigned i = (unsigned)random_below(&random, COUNT);
        bool fills = round / COUNT % 2 == 0;
        if (!links[i].hash && (fills || round % 8 == 0))
            txn_index_add(&index, &links[i], ((random_u64(&random) & mask) << 20 | i) + 1);
        else if (links[i].hash && !fills)
            txn_index_remove(&index, &links[i]);
        unsigned j = (unsigned)random_below(&random, COUNT);
        if (links[j].hash)
            assert_ptr_equal(txn_index_find(&index, links[j].hash), &links[j]);
        txn_index_prefetch(&index, j);
    }
    size_t left = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (!links[i].hash)
            continue;
        left++;
        assert_ptr_equal(txn_index_find(&index, links[i].hash), &links[i]);
    }
    assert_int_equal(index.count, left);
    while (txn_index_empty_next(&index))
        left--;
    assert_int_equal(left, 0);
    txn_index_done(&index);
    free(links);
}

static void test_spread_hashes(void **state)
{
    (void)state;
    churn(UINT64_MAX);
}

static void test_crowded_buckets(void **state)
{
    (void)state;
    struct txn_index index;
    assert_int_equal(txn_index_init(&index), OK);
    enum { SAME = 3000 };
    struct txn_link *links = calloc(SAME, sizeof(*links));
    for (unsigned i = 0; i < SAME; i++)
        txn_index_add(&index, &links[i], (uint64_t)(i + 1) << 32); /* all in one bucket */
    for (unsigned i = 0; i < SAME; i += 2)
        txn_index_remove(&index, &links[i]);
    for (unsigned i = 0; i < SAME; i++)
        assert_ptr_equal(txn_index_find(&index, (uint64_t)(i + 1) << 32), i % 2 ? &links[i] : NULL);
    for (unsigned i = 1; i < SAME; i += 2)
        txn_index_remove(&index, &links[i]);
    assert_int_equal(index.count, 0);
    txn_index_done(&index);
    free(links);
}

static void test_without_memory_it_still_holds_all(void **state)
{
    (void)state;
    struct txn_index index;
    for (unsigned nth = 1;; nth++) {
        failing_malloc_at(nth);
        enum err err = txn_index_init(&index);
        if (!failing_malloc_off())
            break;
        assert_int_equal(err, ERR_NOMEM);
    }
    struct txn_link *links = calloc(COUNT, sizeof(*links));
    for (unsigned i = 0; i < COUNT; i++) {
        failing_malloc_at(i % 3 ? 0 : 1);
        txn_index_add(&index, &links[i], (i + 1) * 0x9e3779b97f4a7c15ULL);
        failing_malloc_off();
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_ptr_equal(txn_index_find(&index, (i + 1) * 0x9e3779b97f4a7c15ULL), &links[i]);
    for (unsigned i = 0; i < COUNT; i++)
        txn_index_remove(&index, &links[i]);
    txn_index_done(&index);
    free(links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread_hashes),
        cmocka_unit_test(test_crowded_buckets),
        cmocka_unit_test(test_without_memory_it_still_holds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
