/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory at every allocation in turn, and inputs that end at the edge of a page. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support/page_guard.h"

#include "facts/facts_limit.h"
#include "facts/facts_set.h"
#include "facts/facts_shared.h"
#include "util/random.h"

enum { STEPS_MAX = 2000 };

static const char *const TEXTS[FACTS_SET_KIND_COUNT] = {
    [FACTS_STRINGS] = "alice\nbob\n",
    [FACTS_RANGES] = "+15550100-+15550199, a block\n+44*\n+1999\n",
    [FACTS_CIDRS] = "192.0.2.0/24\n2001:db8::/32\n::1\n",
    [FACTS_DOMAINS] = "example.com\n*.example.org\n",
    [FACTS_PREFIXES] = "friendly-\nsip",
};

static void loading_a_set(void **state)
{
    (void)state;
    for (int kind = 0; kind < FACTS_SET_KIND_COUNT; kind++) {
        for (unsigned n = 1; n < STEPS_MAX; n++) {
            struct facts_set *set = NULL;
            struct fault fault = {0};
            failing_malloc_at(n);
            enum err err = facts_set_from_memory((enum facts_set_kind)kind, "data", span_of(TEXTS[kind]), &set, &fault);
            if (!failing_malloc_off()) {
                assert_int_equal(err, OK);
                facts_set_unref(set);
                break;
            }
            if (err == OK) { /* giving memory back failed, which is no failure */
                facts_set_unref(set);
                continue;
            }
            assert_int_equal(err, ERR_NOMEM);
            assert_null(set);
            assert_string_equal(fault.file, "data");
        }
    }
}

static void opening_a_shared_table(void **state)
{
    (void)state;
    const struct facts_shared_spec spec = {FACTS_COUNTER, .ttl_ms = 1000, .max = 10};
    struct facts_shared_registry *registry = NULL;
    failing_malloc_at(1);
    assert_int_equal(facts_shared_registry_new(&registry), ERR_NOMEM);
    failing_malloc_off();
    assert_int_equal(facts_shared_registry_new(&registry), OK);
    for (unsigned n = 1; n < STEPS_MAX; n++) {
        struct facts_shared *shared = NULL;
        bool kept;
        struct fault fault = {0};
        failing_malloc_at(n);
        enum err err = facts_shared_open(registry, SPAN("calls"), &spec, &shared, &kept, &fault);
        if (!failing_malloc_off()) {
            assert_int_equal(err, OK);
            uint64_t count = 7;
            failing_malloc_at(1);
            assert_int_equal(facts_shared_incr(shared, SPAN("key"), 1, 1, &count), ERR_NOMEM);
            failing_malloc_off();
            assert_int_equal(facts_shared_count(shared), 0);
            assert_int_equal(facts_shared_incr(shared, SPAN("key"), 1, 1, &count), OK);
            assert_int_equal(count, 1);
            facts_shared_unref(shared);
            break;
        }
        assert_int_equal(err, ERR_NOMEM);
        assert_null(shared);
    }
    facts_shared_registry_free(registry);
}

static void making_a_limit(void **state)
{
    (void)state;
    struct facts_limit *limit = NULL;
    failing_malloc_at(1);
    assert_int_equal(facts_limit_new(&(struct facts_limit_options){1, 1, 4}, &limit), ERR_NOMEM);
    assert_true(failing_malloc_off());
    assert_null(limit);
}

/* Any bytes as a file and as keys: refused or taken, and never read past their end. */
static void random_bytes_at_the_edge(void **state)
{
    (void)state;
    static const char pieces[] = "+-*/.:,#\n\r 0123459abcdefxyz\0\xff";
    struct page_guard guard = page_guard_new(256);
    struct random random;
    random_seed(&random, 5);
    for (int i = 0; i < 50000; i++) {
        size_t len = random_below(&random, 40);
        char *text = page_guard_end(&guard, len);
        for (size_t at = 0; at < len; at++)
            text[at] = pieces[random_below(&random, sizeof(pieces) - 1)];
        struct facts_set *set = NULL;
        struct fault fault;
        enum facts_set_kind kind = (enum facts_set_kind)random_below(&random, FACTS_SET_KIND_COUNT);
        enum err err = facts_set_from_memory(kind, "data", span_make(text, len), &set, &fault);
        assert_true(err == OK || err == ERR_SYNTAX);
        if (err != OK)
            assert_int_equal(facts_set_from_memory(kind, "data", span_of(TEXTS[kind]), &set, &fault), OK);
        facts_set_has(set, span_make(text, len));
        facts_set_unref(set);
    }
    page_guard_done(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_a_set),
        cmocka_unit_test(opening_a_shared_table),
        cmocka_unit_test(making_a_limit),
        cmocka_unit_test(random_bytes_at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
