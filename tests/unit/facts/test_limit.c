/* SPDX-License-Identifier: Apache-2.0 */
/* Limits per source: bucket arithmetic, IPv6 by /64, and a table that forgets rather than grows. */
#include "support/cmocka_all.h"

#include "facts/facts_limit.h"
#include <arpa/inet.h>

static struct facts_limit *make(double rate, double burst, size_t max)
{
    struct facts_limit *limit = NULL;
    const struct facts_limit_options options = {.rate = rate, .burst = burst, .max_sources = max};
    assert_int_equal(facts_limit_new(&options, &limit), OK);
    return limit;
}

static bool allow(struct facts_limit *limit, const char *address, uint64_t now)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, address, bytes) == 1)
        return facts_limit_allow(limit, bytes, 4, now);
    assert_int_equal(inet_pton(AF_INET6, address, bytes), 1);
    return facts_limit_allow(limit, bytes, 16, now);
}

static void a_source_has_a_burst_and_a_rate(void **state)
{
    (void)state;
    struct facts_limit *limit = make(10, 2, 0);
    assert_true(allow(limit, "192.0.2.1", 0));
    assert_true(allow(limit, "192.0.2.1", 0));
    assert_false(allow(limit, "192.0.2.1", 0));
    assert_true(allow(limit, "192.0.2.2", 0));
    assert_false(allow(limit, "192.0.2.1", 99));
    assert_true(allow(limit, "192.0.2.1", 100));
    assert_false(allow(limit, "192.0.2.1", 50)); /* another thread's clock is behind */
    assert_true(allow(limit, "192.0.2.1", 100000));
    assert_true(allow(limit, "192.0.2.1", 100000));
    assert_false(allow(limit, "192.0.2.1", 100000));
    assert_int_equal(facts_limit_refused(limit), 4);
    facts_limit_free(limit);
}

static void ipv6_counts_by_its_64(void **state)
{
    (void)state;
    struct facts_limit *limit = make(1, 1, 0);
    assert_true(allow(limit, "2001:db8:0:1::1", 0));
    assert_false(allow(limit, "2001:db8:0:1:ffff::2", 0));
    assert_true(allow(limit, "2001:db8:0:2::1", 0));
    assert_true(allow(limit, "192.0.2.1", 0));
    assert_false(allow(limit, "::ffff:192.0.2.1", 0));
    assert_true(facts_limit_allow(limit, "abc", 3, 0)); /* no address: not ours to limit */
    facts_limit_free(limit);
}

static void a_full_table_forgets_the_idle(void **state)
{
    (void)state;
    struct facts_limit *limit = make(0.001, 1, 4); /* one set of four */
    for (uint64_t i = 1; i <= 4; i++) {
        unsigned char address[4] = {192, 0, 2, (unsigned char)i};
        assert_true(facts_limit_allow(limit, address, 4, i));
        assert_false(facts_limit_allow(limit, address, 4, i));
    }
    assert_true(allow(limit, "192.0.2.5", 10)); /* takes the first one's place */
    assert_false(allow(limit, "192.0.2.4", 11));
    assert_true(allow(limit, "192.0.2.1", 12));
    facts_limit_free(limit);
}

static void impossible_limits_are_refused(void **state)
{
    (void)state;
    struct facts_limit *limit = NULL;
    assert_int_equal(facts_limit_new(&(struct facts_limit_options){.rate = 0, .burst = 1}, &limit), ERR_INVALID);
    assert_int_equal(facts_limit_new(&(struct facts_limit_options){.rate = 1, .burst = 0}, &limit), ERR_INVALID);
    assert_int_equal(facts_limit_new(&(struct facts_limit_options){1, 1, (size_t)1 << 40}, &limit), ERR_INVALID);
    facts_limit_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_burst_and_a_rate),
        cmocka_unit_test(ipv6_counts_by_its_64),
        cmocka_unit_test(a_full_table_forgets_the_idle),
        cmocka_unit_test(impossible_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
