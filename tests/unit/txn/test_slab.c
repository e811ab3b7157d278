/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "txn/txn_slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void test_blocks_fit_and_waste_little(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 32768; len++) {
        size_t block = txn_slab_block(len);
        assert_true(block >= len && block > 0);
        assert_true(len < 64 || block - len < 64 || (block - len) * 4 <= len + 3);
        assert_int_equal(block % 64, 0);
    }
    assert_int_equal(txn_slab_block(32769), 32769);
}

static void test_blocks_do_not_overlap(void **state)
{
    (void)state;
    struct txn_slab *slab;
    assert_int_equal(txn_slab_new(0, &slab), OK);
    enum { COUNT = 4000 };
    static unsigned char *blocks[COUNT];
    static size_t lens[COUNT];
    unsigned seed = 1;
    for (unsigned round = 0; round < 20 * COUNT; round++) {
        seed = seed * 1103515245 + 12345;
        unsigned i = (seed >> 8) % COUNT;
        if (blocks[i]) {
            for (size_t at = 0; at < lens[i]; at++)
                assert_int_equal(blocks[i][at], i & 0xff);
            txn_slab_give(slab, blocks[i], lens[i]);
        }
        lens[i] = (seed >> 4) % 1500;
        blocks[i] = txn_slab_take(slab, lens[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], i & 0xff, lens[i]);
    }
    for (unsigned i = 0; i < COUNT; i++)
        txn_slab_give(slab, blocks[i], lens[i]);
    assert_int_equal(txn_slab_blocks(slab), 0);
    txn_slab_free(slab);
}

static void test_memory_goes_back_after_a_peak(void **state)
{
    (void)state;
    struct txn_slab *slab;
    assert_int_equal(txn_slab_new(0, &slab), OK);
    enum { COUNT = 50000 };
    void **blocks = calloc(COUNT, sizeof(*blocks));
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = txn_slab_take(slab, 500);
    size_t peak = txn_slab_memory(slab);
    assert_true(peak >= (size_t)COUNT * 512);
    for (unsigned i = 0; i < COUNT; i++)
        txn_slab_give(slab, blocks[i], 500);
    assert_true(txn_slab_memory(slab) <= 4 * 256 * 1024);
    free(blocks);
    txn_slab_free(slab);
}

static void test_large_blocks_and_the_limit(void **state)
{
    (void)state;
    struct txn_slab *slab;
    assert_int_equal(txn_slab_new(512 * 1024, &slab), OK);
    void *large = txn_slab_take(slab, 65535);
    assert_non_null(large);
    assert_int_equal(txn_slab_memory(slab), 65535);
    void *small = txn_slab_take(slab, 1);
    assert_non_null(small);
    assert_null(txn_slab_take(slab, 5000)); /* would need a second chunk */
    assert_null(txn_slab_take(slab, 256 * 1024));
    txn_slab_give(slab, large, 65535);
    void *other = txn_slab_take(slab, 5000);
    assert_non_null(other);
    txn_slab_give(slab, other, 5000);
    txn_slab_give(slab, small, 1);
    txn_slab_give(slab, NULL, 10);
    assert_int_equal(txn_slab_blocks(slab), 0);
    txn_slab_free(slab);
    txn_slab_free(NULL);
}

static void test_planned_failure(void **state)
{
    (void)state;
    struct txn_slab *slab;
    assert_int_equal(txn_slab_new(0, &slab), OK);
    txn_slab_fail_at(slab, 2);
    void *block = txn_slab_take(slab, 10);
    assert_non_null(block);
    assert_null(txn_slab_take(slab, 10));
    txn_slab_give(slab, block, 10);
    failing_malloc_at(1);
    assert_null(txn_slab_take(slab, 40000));
    assert_true(failing_malloc_off());
    txn_slab_free(slab);
    failing_malloc_at(1);
    assert_int_equal(txn_slab_new(0, &slab), ERR_NOMEM);
    assert_true(failing_malloc_off());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_fit_and_waste_little),
        cmocka_unit_test(test_blocks_do_not_overlap),
        cmocka_unit_test(test_memory_goes_back_after_a_peak),
        cmocka_unit_test(test_large_blocks_and_the_limit),
        cmocka_unit_test(test_planned_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
