/* SPDX-License-Identifier: Apache-2.0 */
/* The controller against a queue that is reckoned: a server that takes `service_us` a request, and more coming than that. */
#include "support/cmocka_all.h"
#include "worker/worker_load.h"

enum { TURN_US = 2000, TARGET_US = 10000, COHORTS = 4096 };

/* First come, first served: what came in one turn is a cohort. */
struct queue {
    struct worker_load load;
    struct {
        double count;
        uint64_t came_us;
    } cohorts[COHORTS];
    uint64_t first, last;
    double waiting, room, served, shed; /* requests */
    double longest_us;                  /* wait of one that was served since it was last set to 0 */
    uint64_t now_us;
};

static void come(struct queue *queue, double count)
{
    if (queue->waiting + count > queue->room)
        count = queue->room - queue->waiting;
    queue->cohorts[queue->last % COHORTS].count = count;
    queue->cohorts[queue->last++ % COHORTS].came_us = queue->now_us;
    queue->waiting += count;
    assert_true(queue->last - queue->first < COHORTS);
}

/* How long the last one that was served had waited; 0: nothing is left. */
static uint64_t serve(struct queue *queue, double count, double *out_served)
{
    uint64_t wait_us = 0;
    *out_served = 0;
    while (count > *out_served && queue->first < queue->last) {
        double *there = &queue->cohorts[queue->first % COHORTS].count;
        double part = *there < count - *out_served ? *there : count - *out_served;
        wait_us = queue->now_us + TURN_US - queue->cohorts[queue->first % COHORTS].came_us;
        queue->longest_us = part > 0 && (double)wait_us > queue->longest_us ? (double)wait_us : queue->longest_us;
        *there -= part;
        *out_served += part;
        queue->first += *there <= 0;
    }
    queue->waiting -= *out_served;
    queue->served += *out_served;
    return queue->waiting > 0.001 ? wait_us : 0;
}

/* `arrivals` new requests a second for `us`, and `kept` of calls that no filter touches. */
static void run(struct queue *queue, double arrivals, double kept, double service_us, uint64_t us)
{
    for (uint64_t end = queue->now_us + us; queue->now_us < end; queue->now_us += TURN_US) {
        double offered = arrivals * TURN_US / 1e6, served;
        queue->shed += offered - offered * queue->load.share;
        come(queue, offered * queue->load.share + kept * TURN_US / 1e6);
        uint64_t wait_us = serve(queue, TURN_US / service_us, &served);
        struct worker_load_turn turn = {queue->now_us + TURN_US, (uint64_t)(TURN_US - served * service_us), wait_us};
        worker_load_note(&queue->load, &turn);
    }
}

static struct queue begin(void)
{
    struct queue queue = {.now_us = 1000000, .room = 8000};
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
    run(&queue, times * most, 0, service_us, 700000);
    queue.served = queue.longest_us = 0;
    run(&queue, times * most, 0, service_us, 5000000);
    assert_true(queue.served >= 0.97 * most * 5);
    assert_true(queue.longest_us <= 20000);
    /* Over: everything again in a moment. */
    run(&queue, 0.5 * most, 0, service_us, 200000);
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
    assert_true(queue.longest_us <= 20000);
    assert_true(queue.served >= 0.97 * 300000);
    /* A little always gets through, so that the end of an overload is seen. */
    run(&queue, 300000, 150000, 10, 3000000);
    assert_true(queue.load.share > 0.005 && queue.load.share < 0.02);
}

/* An INVITE that is let through brings its ACK at once and its BYE later, 20 ms behind it. */
static void what_is_let_through_brings_more_with_it(void **state)
{
    (void)state;
    struct queue queue = begin();
    double follow[10] = {0};
    for (unsigned i = 0; i < 1500; i++) {
        double invites = 300000 * queue.load.share;
        run(&queue, 300000, follow[i % 10], 10, TURN_US);
        follow[i % 10] = 2 * invites;
        if (i == 500)
            queue.longest_us = queue.served = 0;
    }
    assert_true(queue.longest_us <= 40000);
    assert_true(queue.served >= 0.95 * 200000);
}

/* While others have the processor, a queue builds up that says nothing of what comes: afterwards it is worked off, and the share
 * is soon what it was. */
static void a_pause_of_the_worker_is_not_learnt_from(void **state)
{
    (void)state;
    struct queue queue = begin();
    run(&queue, 300000, 0, 10, 1000000);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 30; i++, queue.now_us += TURN_US)
            come(&queue, 300000 * queue.load.share * TURN_US / 1e6);
        run(&queue, 300000, 0, 10, 200000);
        assert_true(queue.load.share > 0.25 && queue.load.share < 0.45);
    }
}

/* So many messages wait whatever is done, since windows are full again as soon as they were read: what a turn takes follows from
 * the share alone. */
static void streams_are_refused_by_the_length_of_a_turn(void **state)
{
    (void)state;
    enum { WAITING = 2500, SERVING_US = 300, REFUSING_US = 4 };
    struct worker_turns turns;
    double turn_us = 0;
    uint64_t now_us = 1000000;
    worker_turns_init(&turns, 40000);
    assert_false(worker_turns_note(&turns, now_us, 500000)); /* one long turn is no queue */
    assert_false(worker_turns_note(&turns, now_us, 1000));
    for (unsigned i = 0; i < 12; i++) {
        turn_us = WAITING * (turns.share * SERVING_US + (1 - turns.share) * REFUSING_US);
        now_us += (uint64_t)turn_us;
        worker_turns_note(&turns, now_us, (uint64_t)turn_us);
    }
    assert_in_range((uint64_t)turn_us, 20000, 45000);
    for (unsigned i = 0; i < 800; i++)
        worker_turns_note(&turns, now_us += 3000, 3000);
    assert_true(turns.share >= 1);
    worker_turns_init(&turns, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_false(worker_turns_note(&turns, now_us, 500000));
}

static void zero_turns_it_off(void **state)
{
    (void)state;
    struct worker_load load;
    worker_load_init(&load, 0);
    for (unsigned i = 1; i < 1000; i++)
        assert_false(worker_load_note(&load, &(struct worker_load_turn){.now_us = i * 10000, .wait_us = 500000}));
    assert_true(load.share >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_served_is_left_alone),
        cmocka_unit_test(a_burst_is_no_overload),
        cmocka_unit_test(at_three_times_nearly_all_that_can_be_served_is),
        cmocka_unit_test(calls_under_way_have_their_place),
        cmocka_unit_test(what_is_let_through_brings_more_with_it),
        cmocka_unit_test(a_pause_of_the_worker_is_not_learnt_from),
        cmocka_unit_test(streams_are_refused_by_the_length_of_a_turn),
        cmocka_unit_test(zero_turns_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
