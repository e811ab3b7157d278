/* SPDX-License-Identifier: Apache-2.0 */
/* The controller against a queue that is reckoned: a server that takes `service_us` a request, and more coming than that. */
#include "support/cmocka_all.h"
#include "worker/worker_load.h"

enum { TURN_US = 2000, TARGET_US = 10000 };

struct queue {
    struct worker_load load;
    double waiting, served, shed; /* requests */
    double longest_us;            /* since it was last set to 0 */
    uint64_t now_us;
};

/* `arrivals` new requests a second for `us`, and `kept` of calls that no filter touches, with room for 4,000. */
static void run(struct queue *queue, double arrivals, double kept, double service_us, uint64_t us)
{
    for (uint64_t end = queue->now_us + us; queue->now_us < end; queue->now_us += TURN_US) {
        double come = arrivals * TURN_US / 1e6, can = TURN_US / service_us;
        double in = come * queue->load.share + kept * TURN_US / 1e6;
        queue->shed += come - come * queue->load.share;
        queue->waiting = queue->waiting + in < 4000 ? queue->waiting + in : 4000;
        double served = queue->waiting < can ? queue->waiting : can;
        queue->waiting -= served;
        queue->served += served;
        double wait_us = queue->waiting * service_us;
        queue->longest_us = wait_us > queue->longest_us ? wait_us : queue->longest_us;
        worker_load_note(&queue->load, queue->now_us + TURN_US, (uint64_t)wait_us);
    }
}

static struct queue begin(void)
{
    struct queue queue = {.now_us = 1000000};
    worker_load_init(&queue.load, TARGET_US);
    return queue;
}

static void what_can_be_served_is_left_alone(void **state)
{
    (void)state;
    struct queue queue = begin();
    run(&queue, 95000, 0, 10, 5000000);
    assert_true(queue.load.share >= 1);
    assert_true(worker_load_is_idle(&queue.load));
    assert_true(queue.shed == 0);
}

/* Bursts that fill the queue for a moment are worked off: the shortest wait of an interval is what counts. */
static void a_burst_is_no_overload(void **state)
{
    (void)state;
    struct queue queue = begin();
    for (unsigned i = 0; i < 50; i++) {
        run(&queue, 700000, 0, 10, 4000);
        run(&queue, 0, 0, 10, 60000);
    }
    assert_true(queue.load.share >= 1);
    assert_true(queue.shed == 0);
}

static void overload(double times, double service_us)
{
    struct queue queue = begin();
    double most = 1e6 / service_us;
    run(&queue, times * most, 0, service_us, 500000);
    queue.served = queue.longest_us = 0;
    run(&queue, times * most, 0, service_us, 5000000);
    assert_true(queue.served >= 0.97 * most * 5);
    assert_true(queue.longest_us <= 40000);
    /* Over: everything again within a second. */
    run(&queue, 0.5 * most, 0, service_us, 900000);
    assert_true(queue.load.share >= 1);
    assert_true(queue.waiting * service_us < TARGET_US);
}

static void at_three_times_nearly_all_that_can_be_served_is(void **state)
{
    (void)state;
    overload(3, 10);
    overload(3, 50);
    overload(1.2, 10);
    overload(20, 10);
}

/* What is let through brings more with it: an INVITE its ACK and BYE. */
static void calls_under_way_have_their_place(void **state)
{
    (void)state;
    struct queue queue = begin();
    run(&queue, 300000, 40000, 10, 1000000);
    queue.longest_us = queue.served = 0;
    run(&queue, 300000, 40000, 10, 3000000);
    assert_true(queue.longest_us <= 40000);
    assert_true(queue.served >= 0.97 * 300000);
    /* A little always gets through, so that the end of an overload is seen. */
    run(&queue, 300000, 150000, 10, 3000000);
    assert_true(queue.load.share > 0.005 && queue.load.share < 0.02);
}

static void zero_turns_it_off(void **state)
{
    (void)state;
    struct worker_load load;
    worker_load_init(&load, 0);
    for (unsigned i = 1; i < 1000; i++)
        assert_false(worker_load_note(&load, i * 10000, 500000));
    assert_true(load.share >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_served_is_left_alone),
        cmocka_unit_test(a_burst_is_no_overload),
        cmocka_unit_test(at_three_times_nearly_all_that_can_be_served_is),
        cmocka_unit_test(calls_under_way_have_their_place),
        cmocka_unit_test(zero_turns_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
