/* SPDX-License-Identifier: Apache-2.0 */
/* Shared tables: windows, expiry, buckets, caps, names that live on, and many threads at once. */
#include "support/cmocka_all.h"

#include "facts/facts_shared.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct facts_shared *make(struct facts_shared_spec spec)
{
    struct facts_shared *shared = NULL;
    struct fault fault = {0};
    if (facts_shared_new(&spec, &shared, &fault) != OK)
        fail_msg("%s", fault.text);
    return shared;
}

static uint64_t incr(struct facts_shared *shared, const char *key, uint64_t now)
{
    uint64_t count = 0;
    assert_int_equal(facts_shared_incr(shared, span_of(key), 1, now, &count), OK);
    return count;
}

static void a_counter_counts_within_its_window(void **state)
{
    (void)state;
    struct facts_shared *shared = make((struct facts_shared_spec){FACTS_COUNTER, .ttl_ms = 1000, .max = 10});
    assert_int_equal(incr(shared, "a", 5000), 1);
    assert_int_equal(incr(shared, "a", 5999), 2);
    assert_int_equal(incr(shared, "b", 5999), 1);
    uint64_t count = 7;
    assert_int_equal(facts_shared_read(shared, SPAN("a"), 5999, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(incr(shared, "a", 6000), 1);
    assert_int_equal(facts_shared_read(shared, SPAN("b"), 9999, &count), OK);
    assert_int_equal(count, 0);
    assert_int_equal(incr(shared, "", 9999), 1);
    facts_shared_forget(shared, SPAN(""));
    facts_shared_forget(shared, SPAN("never there"));
    assert_int_equal(incr(shared, "", 9999), 1);
    facts_shared_unref(shared);
}

static void a_full_table_refuses_and_recovers(void **state)
{
    (void)state;
    enum { MAX = 1000 };
    struct facts_shared *shared = make((struct facts_shared_spec){FACTS_COUNTER, .ttl_ms = 1000, .max = MAX});
    char key[32];
    for (int i = 0; i < MAX; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(incr(shared, key, 1), 1);
    }
    uint64_t count = 99;
    assert_int_equal(facts_shared_incr(shared, SPAN("one more"), 1, 1, &count), ERR_FULL);
    assert_int_equal(count, 99);
    assert_int_equal(facts_shared_refused(shared), 1);
    assert_int_equal(incr(shared, "key 7", 1), 2);
    for (int i = 0; i < MAX; i++) {
        snprintf(key, sizeof(key), "later %d", i);
        assert_int_equal(incr(shared, key, 2000), 1);
    }
    assert_in_range(facts_shared_count(shared), 1, MAX);
    facts_shared_unref(shared);
}

static void a_map_keeps_short_texts_for_a_while(void **state)
{
    (void)state;
    struct facts_shared *shared = make((struct facts_shared_spec){FACTS_MAP, .ttl_ms = 1000, .max = 2});
    char out[FACTS_VALUE_MAX + 1];
    size_t len = 0;
    assert_int_equal(facts_shared_get(shared, SPAN("k"), 1, out, &len), ERR_NOT_FOUND);
    assert_int_equal(facts_shared_set(shared, SPAN("k"), SPAN("first"), 1), OK);
    assert_int_equal(facts_shared_set(shared, SPAN("k"), SPAN("second value"), 500), OK);
    assert_int_equal(facts_shared_get(shared, SPAN("k"), 1499, out, &len), OK);
    assert_string_equal(out, "second value");
    assert_int_equal(len, 12);
    assert_int_equal(facts_shared_get(shared, SPAN("k"), 1500, out, &len), ERR_NOT_FOUND);
    assert_int_equal(facts_shared_set(shared, SPAN("a"), SPAN(""), 2000), OK);
    assert_int_equal(facts_shared_set(shared, SPAN("b"), SPAN("x"), 2000), OK);
    assert_int_equal(facts_shared_set(shared, SPAN("c"), SPAN("x"), 2000), ERR_FULL);
    char longer[FACTS_VALUE_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    assert_int_equal(facts_shared_set(shared, SPAN("b"), span_make(longer, sizeof(longer)), 2000), ERR_TOO_LONG);
    assert_int_equal(facts_shared_set(shared, span_make(longer, sizeof(longer)), SPAN("x"), 2000), ERR_TOO_LONG);
    assert_int_equal(facts_shared_set(shared, SPAN("b"), span_make(longer, FACTS_VALUE_MAX), 2000), OK);
    assert_int_equal(facts_shared_get(shared, SPAN("b"), 2000, out, &len), OK);
    assert_int_equal(len, FACTS_VALUE_MAX);
    uint64_t count;
    assert_int_equal(facts_shared_incr(shared, SPAN("b"), 1, 2000, &count), ERR_INVALID);
    facts_shared_unref(shared);
}

static void a_bucket_fills_at_its_rate(void **state)
{
    (void)state;
    struct facts_shared *shared = make((struct facts_shared_spec){FACTS_BUCKET, .max = 1, .rate = 2, .burst = 3});
    bool taken = false;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(facts_shared_take(shared, SPAN("k"), 1, 1000, &taken), OK);
        assert_true(taken);
    }
    assert_int_equal(facts_shared_take(shared, SPAN("k"), 1, 1000, &taken), OK);
    assert_false(taken);
    assert_int_equal(facts_shared_take(shared, SPAN("other"), 1, 1000, &taken), OK);
    assert_false(taken); /* `max` keys are held */
    assert_int_equal(facts_shared_take(shared, SPAN("k"), 1, 1400, &taken), OK);
    assert_false(taken);
    assert_int_equal(facts_shared_take(shared, SPAN("k"), 1, 1500, &taken), OK);
    assert_true(taken);
    assert_int_equal(facts_shared_take(shared, SPAN("other"), 3, 9000, &taken), OK);
    assert_true(taken);
    assert_int_equal(facts_shared_take(shared, SPAN("other"), -1, 9000, &taken), ERR_INVALID);
    facts_shared_unref(shared);
}

static void impossible_specs_are_refused(void **state)
{
    (void)state;
    const struct {
        struct facts_shared_spec spec;
        const char *said;
    } cases[] = {
        {{FACTS_COUNTER, .ttl_ms = 0, .max = 1}, "ttl"},
        {{FACTS_COUNTER, .ttl_ms = 1, .max = 0}, "max"},
        {{FACTS_MAP, .ttl_ms = 1, .max = FACTS_SHARED_MAX + 1}, "max"},
        {{FACTS_BUCKET, .max = 1, .rate = 0, .burst = 1}, "rate"},
        {{FACTS_BUCKET, .max = 1, .rate = 1, .burst = 0.5}, "burst"},
        {{FACTS_SHARED_KIND_COUNT, .ttl_ms = 1, .max = 1}, "counter"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct facts_shared *shared = NULL;
        struct fault fault = {0};
        assert_int_equal(facts_shared_new(&cases[i].spec, &shared, &fault), ERR_INVALID);
        assert_non_null(strstr(fault.text, cases[i].said));
        assert_null(shared);
    }
}

static struct facts_shared *open_named(struct facts_shared_registry *registry, const char *name,
                                       struct facts_shared_spec spec, bool kept)
{
    struct facts_shared *shared = NULL;
    bool was_kept = !kept;
    assert_int_equal(facts_shared_open(registry, span_of(name), &spec, &shared, &was_kept, NULL), OK);
    assert_int_equal(was_kept, kept);
    return shared;
}

static void a_name_and_type_live_on(void **state)
{
    (void)state;
    const struct facts_shared_spec counter = {FACTS_COUNTER, .ttl_ms = 1000, .max = 10};
    const struct facts_shared_spec longer = {FACTS_COUNTER, .ttl_ms = 2000, .max = 10};
    struct facts_shared_registry *registry;
    assert_int_equal(facts_shared_registry_new(&registry), OK);
    struct facts_shared *first = open_named(registry, "calls", counter, false);
    incr(first, "a", 1);
    struct facts_shared *second = open_named(registry, "calls", counter, true);
    assert_ptr_equal(first, second);
    struct facts_shared *other = open_named(registry, "others", counter, false);
    assert_ptr_not_equal(first, other);
    facts_shared_unref(first);
    assert_int_equal(incr(second, "a", 1), 2);
    struct facts_shared *changed = open_named(registry, "calls", longer, false);
    assert_int_equal(incr(changed, "a", 1), 1);
    assert_int_equal(incr(second, "a", 1), 3); /* the older version goes on with its own */
    /* A version with other options that is given up again has taken nothing away. */
    facts_shared_unref(changed);
    struct facts_shared *again = open_named(registry, "calls", counter, true);
    assert_ptr_equal(again, second);
    assert_int_equal(incr(again, "a", 1), 4);
    facts_shared_unref(again);
    facts_shared_unref(second);
    changed = open_named(registry, "calls", longer, false); /* nobody held it */
    struct facts_shared *refused = NULL;
    bool kept;
    assert_int_equal(facts_shared_open(registry, SPAN(""), &counter, &refused, &kept, NULL), ERR_INVALID);
    facts_shared_registry_free(registry);
    assert_int_equal(incr(changed, "a", 1), 1); /* a table outlives the registry */
    facts_shared_unref(facts_shared_ref(changed));
    facts_shared_unref(changed);
    facts_shared_unref(other);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_up(void *ctx)
{
    struct facts_shared *shared = ctx;
    uint64_t count;
    for (int i = 0; i < ROUNDS; i++) {
        char key[2] = {(char)('a' + i % 8), 0};
        if (facts_shared_incr(shared, span_of(key), 1, 1, &count) != OK)
            return ctx;
    }
    return NULL;
}

static void threads_count_every_one(void **state)
{
    (void)state;
    struct facts_shared *shared = make((struct facts_shared_spec){FACTS_COUNTER, .ttl_ms = 1000, .max = 100});
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, shared), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) {
        char key[2] = {(char)('a' + i), 0};
        uint64_t count;
        assert_int_equal(facts_shared_read(shared, span_of(key), 1, &count), OK);
        sum += count;
    }
    assert_int_equal(sum, THREADS * ROUNDS);
    facts_shared_unref(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_counts_within_its_window),
        cmocka_unit_test(a_full_table_refuses_and_recovers),
        cmocka_unit_test(a_map_keeps_short_texts_for_a_while),
        cmocka_unit_test(a_bucket_fills_at_its_rate),
        cmocka_unit_test(impossible_specs_are_refused),
        cmocka_unit_test(a_name_and_type_live_on),
        cmocka_unit_test(threads_count_every_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
