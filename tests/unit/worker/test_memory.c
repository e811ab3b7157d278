/* SPDX-License-Identifier: Apache-2.0 */
/* Making a group with each allocation failing once: no thread, ring or loop stays behind. */
#include "support/failing_malloc.h"

#include "support/cmocka_all.h"

#include "worker/worker_group.h"
#include <sys/resource.h>
#include <unistd.h>

static enum err on_start(void *ctx, struct worker *worker)
{
    (void)ctx;
    (void)worker;
    return OK;
}

static void on_stop(void *ctx, struct worker *worker)
{
    (void)ctx;
    (void)worker;
}

static void on_post(void *ctx, struct worker *worker, const struct worker_post *post)
{
    (void)ctx;
    (void)worker;
    (void)post;
}

static void never(struct worker *worker, void *arg)
{
    (void)worker;
    ++*(int *)arg;
}

static void a_group_needs_all_its_memory(void **state)
{
    (void)state;
    struct worker_group_options options = {.count = 3,
                                           .ops = {.on_start = on_start, .on_stop = on_stop, .on_post = on_post}};
    bool complete = false;
    for (unsigned n = 1; !complete && n < 100; n++) {
        struct worker_group *group = NULL;
        struct fault fault = {0};
        failing_malloc_at(n);
        enum err err = worker_group_new(&options, &group, &fault);
        complete = !failing_malloc_off();
        assert_int_equal(err, complete ? OK : ERR_NOMEM);
        assert_true(complete || fault.text[0] != '\0');
        worker_group_free(group);
    }
    assert_true(complete);
}

static void a_control_needs_memory(void **state)
{
    (void)state;
    struct worker_group_options options = {.count = 2,
                                           .ops = {.on_start = on_start, .on_stop = on_stop, .on_post = on_post}};
    struct worker_group *group;
    int ran = 0;
    assert_int_equal(worker_group_new(&options, &group, NULL), OK);
    failing_malloc_at(1);
    assert_int_equal(worker_run(group, 0, never, &ran), ERR_NOMEM);
    assert_true(failing_malloc_off());
    failing_malloc_at(1);
    assert_int_equal(worker_run_wait(group, 1, never, &ran), ERR_NOMEM);
    assert_true(failing_malloc_off());
    assert_int_equal(ran, 0);
    worker_group_free(group);
}

/* With too few descriptors there is no group, and nothing of it; with enough there is one again.  (Few attempts: libuv
 * leaks a descriptor when a loop cannot be made.) */
static void a_group_needs_all_its_descriptors(void **state)
{
    (void)state;
    static const unsigned allowed[] = {2, 6, 10};
    struct worker_group_options options = {.count = 3,
                                           .ops = {.on_start = on_start, .on_stop = on_stop, .on_post = on_post}};
    struct worker_group *group = NULL;
    struct rlimit limit;
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        struct rlimit low = {.rlim_cur = (rlim_t)next + allowed[i], .rlim_max = limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        enum err err = worker_group_new(&options, &group, NULL);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(err, ERR_FULL);
        assert_null(group);
    }
    assert_int_equal(worker_group_new(&options, &group, NULL), OK);
    worker_group_free(group);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_needs_all_its_memory),
        cmocka_unit_test(a_control_needs_memory),
        cmocka_unit_test(a_group_needs_all_its_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
