/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: registering, counting from many threads, and the text that Prometheus reads. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "util/metric.h"

#include <pthread.h>
#include <stdio.h>

static struct metric_registry *make(unsigned shards)
{
    struct metric_registry *registry = NULL;
    assert_int_equal(metric_registry_new(shards, &registry), OK);
    return registry;
}

static struct metric *counter(struct metric_registry *registry, const char *name, const char *labels)
{
    struct metric *metric = NULL;
    assert_int_equal(metric_add(registry, METRIC_COUNTER, name, labels, "Help.", &metric), OK);
    return metric;
}

static void the_same_pair_is_the_same_metric(void **state)
{
    (void)state;
    struct metric_registry *registry = make(2);
    struct metric *a = counter(registry, "a_total", "x=\"1\"");
    assert_ptr_equal(a, counter(registry, "a_total", "x=\"1\""));
    assert_ptr_not_equal(a, counter(registry, "a_total", "x=\"2\""));
    struct metric *none = NULL;
    assert_int_equal(metric_add(registry, METRIC_GAUGE, "a_total", "", "Help.", &none), ERR_CONFLICT);
    assert_int_equal(metric_add(registry, METRIC_COUNTER, "a_total", "", "Other.", &none), ERR_CONFLICT);
    assert_int_equal(metric_add(registry, METRIC_HISTOGRAM, "h", "", "Help.", &none), ERR_INVALID);
    assert_null(none);
    metric_registry_free(registry);
    metric_registry_free(NULL);
    assert_int_equal(metric_registry_new(0, &registry), ERR_INVALID);
}

static void reading_sums_the_shards(void **state)
{
    (void)state;
    struct metric_registry *registry = make(3);
    struct metric *total = counter(registry, "a_total", "");
    metric_count(total, 0, 1);
    metric_count(total, 2, 10);
    metric_count(total, 99, 100); /* no such shard: the first */
    assert_int_equal(metric_read(total), 111);
    struct metric *gauge = NULL;
    assert_int_equal(metric_add(registry, METRIC_GAUGE, "g", "", "Now.", &gauge), OK);
    metric_set(gauge, 0, 5);
    metric_set(gauge, 1, -7);
    metric_set(gauge, 0, 4);
    assert_int_equal(metric_read(gauge), -3);
    metric_registry_free(registry);
}

static void bounds_are_checked(void **state)
{
    (void)state;
    struct metric_registry *registry = make(1);
    struct metric *metric = NULL;
    const double falling[] = {2, 1};
    const double many[METRIC_BOUNDS_MAX + 1] = {0};
    const double good[] = {1, 2};
    const double other[] = {1, 3};
    assert_int_equal(metric_add_histogram(registry, "h", "", "H.", falling, 2, &metric), ERR_INVALID);
    assert_int_equal(metric_add_histogram(registry, "h", "", "H.", good, 0, &metric), ERR_INVALID);
    assert_int_equal(metric_add_histogram(registry, "h", "", "H.", many, METRIC_BOUNDS_MAX + 1, &metric), ERR_INVALID);
    assert_null(metric);
    assert_int_equal(metric_add_histogram(registry, "h", "", "H.", good, 2, &metric), OK);
    assert_int_equal(metric_add_histogram(registry, "h", "a=\"b\"", "H.", other, 2, &metric), ERR_CONFLICT);
    assert_int_equal(metric_add_histogram(registry, "h", "a=\"b\"", "H.", good, 2, &metric), OK);
    metric_registry_free(registry);
}

static void families_are_rendered_together(void **state)
{
    (void)state;
    struct metric_registry *registry = make(2);
    struct metric *invite = counter(registry, "verdict_requests_total", "method=\"INVITE\"");
    metric_count(counter(registry, "other_total", ""), 0, 7);
    metric_count(counter(registry, "verdict_requests_total", "method=\"BYE\""), 1, 2);
    metric_count(invite, 0, 1);
    metric_count(invite, 1, 1);
    const double bounds[] = {0.005, 1, 2.5};
    struct metric *seconds = NULL;
    assert_int_equal(metric_add_histogram(registry, "d_seconds", "k=\"v\"", "With \\ and\nfeed.", bounds, 3, &seconds),
                     OK);
    metric_observe(seconds, 0, 0.005);
    metric_observe(seconds, 1, 2);
    metric_observe(seconds, 1, 99.5);
    assert_int_equal(metric_read(seconds), 3);
    struct buffer out = buffer_heap(1 << 16);
    metric_render(registry, &out);
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.at, "# HELP verdict_requests_total Help.\n"
                                "# TYPE verdict_requests_total counter\n"
                                "verdict_requests_total{method=\"INVITE\"} 2\n"
                                "verdict_requests_total{method=\"BYE\"} 2\n"
                                "# HELP other_total Help.\n"
                                "# TYPE other_total counter\n"
                                "other_total 7\n"
                                "# HELP d_seconds With \\\\ and\\nfeed.\n"
                                "# TYPE d_seconds histogram\n"
                                "d_seconds_bucket{k=\"v\",le=\"0.005\"} 1\n"
                                "d_seconds_bucket{k=\"v\",le=\"1\"} 1\n"
                                "d_seconds_bucket{k=\"v\",le=\"2.5\"} 2\n"
                                "d_seconds_bucket{k=\"v\",le=\"+Inf\"} 3\n"
                                "d_seconds_sum{k=\"v\"} 101.505\n"
                                "d_seconds_count{k=\"v\"} 3\n");
    buffer_done(&out);
    metric_registry_free(registry);
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    char memory[64];
    struct buffer out = buffer_over(memory, sizeof(memory));
    metric_label_escape(&out, "a\\b\"c\nd");
    assert_true(span_equal(buffer_span(&out), SPAN("a\\\\b\\\"c\\nd")));
}

static void the_number_of_metrics_is_capped(void **state)
{
    (void)state;
    struct metric_registry *registry = make(2);
    struct metric *metric = NULL;
    for (int i = 0; i < METRIC_MAX; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof(labels), "n=\"%d\"", i);
        metric = counter(registry, "a_total", labels);
        metric_count(metric, 1, (uint64_t)i);
        assert_int_equal(metric_read(metric), i);
    }
    assert_int_equal(metric_add(registry, METRIC_COUNTER, "a_total", "n=\"x\"", "Help.", &metric), ERR_FULL);
    metric_registry_free(registry);
}

static void running_out_of_memory_leaves_the_registry_whole(void **state)
{
    (void)state;
    unsigned nth = 1;
    for (bool failed = true; failed; nth++) {
        struct metric_registry *registry = NULL;
        struct metric *metric = NULL;
        failing_malloc_at(nth);
        enum err err = metric_registry_new(2, &registry);
        if (err == OK)
            err = metric_add(registry, METRIC_COUNTER, "a_total", "", "Help.", &metric);
        failed = failing_malloc_off();
        assert_int_equal(err, failed ? ERR_NOMEM : OK);
        if (registry)
            metric_count(counter(registry, "a_total", ""), 0, 1);
        metric_registry_free(registry);
    }
    assert_true(nth > 7);
}

struct counting {
    struct metric *total;
    struct metric *seconds;
    unsigned shard;
};

static void *count_much(void *arg)
{
    struct counting *counting = arg;
    for (int i = 0; i < 20000; i++) {
        metric_count(counting->total, counting->shard, 1);
        metric_observe(counting->seconds, counting->shard, 0.5);
    }
    return NULL;
}

static void threads_lose_no_count_even_on_one_shard(void **state)
{
    (void)state;
    struct metric_registry *registry = make(2);
    const double bounds[] = {1};
    struct counting counting[4];
    pthread_t threads[4];
    struct metric *seconds = NULL;
    assert_int_equal(metric_add_histogram(registry, "s", "", "S.", bounds, 1, &seconds), OK);
    for (unsigned i = 0; i < 4; i++) {
        counting[i] = (struct counting){counter(registry, "a_total", ""), seconds, i % 2};
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, &counting[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_read(counting[0].total), 80000);
    assert_int_equal(metric_read(seconds), 80000);
    struct buffer out = buffer_heap(1 << 16);
    metric_render(registry, &out);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "s_sum 40000\n"));
    buffer_done(&out);
    metric_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_pair_is_the_same_metric),
        cmocka_unit_test(reading_sums_the_shards),
        cmocka_unit_test(bounds_are_checked),
        cmocka_unit_test(families_are_rendered_together),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(the_number_of_metrics_is_capped),
        cmocka_unit_test(running_out_of_memory_leaves_the_registry_whole),
        cmocka_unit_test(threads_lose_no_count_even_on_one_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
