/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of subscriptions name their worker, and no other tag is taken for one. */
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_wire.h"

#include "notifier/notifier.h"
#include "notifier/notifier_tag.h"

static void every_worker_comes_back(void **state)
{
    struct txn_table *txns = *state;
    char tag[TXN_TAG_LEN];
    for (unsigned worker = 0; worker < NOTIFIER_WORKERS_MAX; worker++) {
        unsigned found = 1000;
        notifier_tag_new(txns, worker, tag);
        assert_true(notifier_tag_worker(span_make(tag, sizeof(tag)), &found));
        assert_int_equal(found, worker);
    }
}

static void two_tags_differ(void **state)
{
    char one[TXN_TAG_LEN], two[TXN_TAG_LEN];
    notifier_tag_new(*state, 3, one);
    notifier_tag_new(*state, 3, two);
    assert_memory_not_equal(one, two, TXN_TAG_LEN);
}

static void foreign_tags_are_not_ours(void **state)
{
    static const char *const foreign[] = {"",
                                          "n",
                                          "n00123456789abc",
                                          "n00123456789abcde",
                                          "0123456789abcdef",
                                          "s123456789abcdef",
                                          "n0g3456789abcdef",
                                          "N003456789abcdef",
                                          "n00345678 abcdef"};
    char plain[TXN_TAG_LEN];
    unsigned worker = 77;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_false(notifier_tag_worker(span_of(foreign[i]), &worker));
    txn_tag_new(*state, plain);
    assert_false(notifier_tag_worker(span_make(plain, sizeof(plain)), &worker));
    assert_int_equal(worker, 77);
}

static int setup(void **state)
{
    static struct fake_clock fake;
    static struct fake_wire wire;
    fake_clock_init(&fake, NULL);
    wire.clock = &fake.clock;
    struct txn_options options = {
        .clock = &fake.clock, .wheel = &fake.wheel, .wire = {&wire, fake_wire_send}, .key = {1, 2}, .seed = 7};
    struct txn_table *txns;
    assert_int_equal(txn_table_new(&options, &txns), OK);
    *state = txns;
    return 0;
}

static int teardown(void **state)
{
    txn_table_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_comes_back),
        cmocka_unit_test(two_tags_differ),
        cmocka_unit_test(foreign_tags_are_not_ours),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
