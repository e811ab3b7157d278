/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between two workers: order, caps, the part kept for priority, and two threads at once. */
#include "support/cmocka_all.h"

#include "worker/worker_ring.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct seen {
    unsigned count;
    unsigned wrong;
    size_t bytes;
    uint32_t next_tag;
};

/* The bytes of number `tag` are as long and of such a value as it says. */
static size_t len_of(uint32_t tag)
{
    return (size_t)tag * 2654435761u % 3000;
}

static void see(void *ctx, const struct worker_post *post)
{
    struct seen *seen = ctx;
    seen->wrong += post->tag != seen->next_tag || post->bytes.len != len_of(post->tag) ||
                   post->kind != (uint16_t)(post->tag + 1) || post->flow.slot != post->tag ||
                   post->priority != (post->tag % 3 == 0);
    if (post->bytes.len > 0)
        seen->wrong += post->bytes.at[0] != (char)post->tag || post->bytes.at[post->bytes.len - 1] != (char)post->tag;
    seen->next_tag = post->tag + 1;
    seen->bytes += post->bytes.len;
    seen->count++;
}

static enum err add(struct worker_ring *ring, uint32_t tag)
{
    static _Thread_local char bytes[3000];
    memset(bytes, (char)tag, len_of(tag));
    struct worker_post post = {.flow = {.slot = tag},
                               .bytes = span_make(bytes, len_of(tag)),
                               .tag = tag,
                               .kind = (uint16_t)(tag + 1),
                               .from = 5,
                               .priority = tag % 3 == 0};
    return worker_ring_add(ring, &post);
}

static void what_goes_in_comes_out_in_order(void **state)
{
    (void)state;
    struct worker_ring ring;
    struct seen seen = {0};
    uint32_t tag = 0;
    assert_int_equal(worker_ring_init(&ring, WORKER_RING_MIN), OK);
    /* Many times around, in bursts of changing length. */
    for (unsigned burst = 1; burst < 400; burst++) {
        for (unsigned i = 0; i < burst % 70; i++, tag++)
            assert_int_equal(add(&ring, tag), OK);
        assert_int_equal(worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = see, .ctx = &seen}),
                         0); /* not shown yet */
        worker_ring_publish(&ring);
        assert_int_equal(worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = see, .ctx = &seen}),
                         burst % 70);
    }
    assert_int_equal(seen.count, tag);
    assert_int_equal(seen.wrong, 0);
    assert_true(seen.bytes > 20 * WORKER_RING_MIN);
    worker_ring_done(&ring);
}

static void ignore(void *ctx, const struct worker_post *post)
{
    (void)post;
    ++*(unsigned *)ctx;
}

static void a_full_ring_says_so_and_keeps_a_part_for_priority(void **state)
{
    (void)state;
    struct worker_ring ring;
    static char bytes[WORKER_POST_MAX + 1];
    struct worker_post post = {.bytes = span_make(bytes, 1000)};
    unsigned plain = 0;
    unsigned priority = 0;
    unsigned out = 0;
    assert_int_equal(worker_ring_init(&ring, WORKER_RING_MIN), OK);
    while (worker_ring_add(&ring, &post) == OK)
        plain++;
    assert_in_range(plain, WORKER_RING_MIN * 3 / 4 / 1100 - 1, WORKER_RING_MIN * 3 / 4 / 1000);
    assert_int_equal(worker_ring_add(&ring, &post), ERR_FULL);
    post.priority = true;
    while (worker_ring_add(&ring, &post) == OK)
        priority++;
    assert_in_range(priority, WORKER_RING_MIN / 4 / 1100 - 1, WORKER_RING_MIN / 4 / 1000);
    worker_ring_publish(&ring);
    assert_int_equal(worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = ignore, .ctx = &out}),
                     plain + priority);
    assert_int_equal(out, plain + priority);
    /* The longest ones, however little is left before the end. */
    for (int i = 0; i < 50; i++) {
        post.bytes.len = (size_t)(WORKER_POST_MAX - i * 777);
        assert_int_equal(worker_ring_add(&ring, &post), OK);
        worker_ring_publish(&ring);
        assert_int_equal(worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = ignore, .ctx = &out}), 1);
    }
    post.bytes.len = WORKER_POST_MAX + 1;
    assert_int_equal(worker_ring_add(&ring, &post), ERR_TOO_LONG);
    post.bytes.len = 0;
    assert_int_equal(worker_ring_add(&ring, &post), OK);
    worker_ring_done(&ring);
}

/* What asks for answers waits while the ring for answers is short of room, and is told when there is some. */
static void asking_waits_for_room_to_answer(void **state)
{
    (void)state;
    struct worker_ring asks;
    struct worker_ring answers;
    static char bytes[1000];
    struct worker_post post = {.bytes = span_make(bytes, sizeof(bytes)), .answer = true};
    unsigned out = 0;
    unsigned filled = 0;
    assert_int_equal(worker_ring_init(&asks, WORKER_RING_MIN), OK);
    assert_int_equal(worker_ring_init(&answers, WORKER_RING_MIN), OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(worker_ring_add(&asks, &post), OK);
    worker_ring_publish(&asks);
    while (worker_ring_has_reserve(&answers)) {
        assert_int_equal(worker_ring_add(&answers, &post), OK);
        filled++;
    }
    /* The longest answer still fits. */
    assert_int_equal(worker_ring_drain(&asks, &answers, &(struct worker_ring_taker){.each = ignore, .ctx = &out}), 0);
    assert_int_equal(out, 0);
    worker_ring_publish(&answers);
    assert_true(worker_ring_take_starving(&answers));
    assert_false(worker_ring_take_starving(&answers));
    assert_int_equal(worker_ring_drain(&answers, NULL, &(struct worker_ring_taker){.each = ignore, .ctx = &out}),
                     filled);
    out = 0;
    assert_int_equal(worker_ring_drain(&asks, &answers, &(struct worker_ring_taker){.each = ignore, .ctx = &out}), 10);
    assert_int_equal(out, 10);
    assert_false(worker_ring_take_starving(&answers));
    worker_ring_done(&asks);
    worker_ring_done(&answers);
}

enum { THREADED = 200000 };

static void *produce(void *arg)
{
    struct worker_ring *ring = arg;
    for (uint32_t tag = 0; tag < THREADED; tag++) {
        while (add(ring, tag) != OK) {
            worker_ring_publish(ring);
            sched_yield();
        }
        if (tag % 17 == 0)
            worker_ring_publish(ring);
    }
    worker_ring_publish(ring);
    return NULL;
}

/* Who takes several at once: what was seen since the last bundle has to be there still. */
struct several {
    struct seen seen;
    struct worker_ring *ring;
    struct worker_post posts[WORKER_RING_BUNDLE];
    unsigned held;
    unsigned bundles;
};

static void hold(void *ctx, const struct worker_post *post)
{
    struct several *several = ctx;
    assert_true(several->held < WORKER_RING_BUNDLE);
    several->posts[several->held++] = *post;
}

static void see_several(void *ctx)
{
    struct several *several = ctx;
    size_t outstanding = worker_ring_outstanding(several->ring);
    for (unsigned i = 0; i < several->held; i++) {
        assert_true(outstanding >= several->posts[i].bytes.len); /* none of it is the producer's yet */
        outstanding -= several->posts[i].bytes.len;
        see(&several->seen, &several->posts[i]);
    }
    several->held = 0;
    several->bundles++;
}

static void bytes_stay_until_their_bundle(void **state)
{
    (void)state;
    struct worker_ring ring;
    struct several several = {.ring = &ring};
    uint32_t tag = 0;
    assert_int_equal(worker_ring_init(&ring, WORKER_RING_MIN), OK);
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 37; i++, tag++)
            assert_int_equal(add(&ring, tag), OK);
        worker_ring_publish(&ring);
        const struct worker_ring_taker taker = {hold, see_several, &several};
        assert_int_equal(worker_ring_drain(&ring, NULL, &taker), 37);
        assert_int_equal(several.held, 0);
        assert_int_equal(worker_ring_outstanding(&ring), 0);
    }
    assert_int_equal(several.bundles, 40 * 3);
    assert_int_equal(several.seen.count, tag);
    assert_int_equal(several.seen.wrong, 0);
    worker_ring_done(&ring);
}

static void two_threads_agree(void **state)
{
    (void)state;
    struct worker_ring ring;
    struct seen seen = {0};
    pthread_t producer;
    assert_int_equal(worker_ring_init(&ring, WORKER_RING_MIN), OK);
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    while (seen.count < THREADED) {
        if (worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = see, .ctx = &seen}) == 0)
            sched_yield();
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(worker_ring_drain(&ring, NULL, &(struct worker_ring_taker){.each = see, .ctx = &seen}), 0);
    worker_ring_done(&ring);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_full_ring_says_so_and_keeps_a_part_for_priority),
        cmocka_unit_test(asking_waits_for_room_to_answer),
        cmocka_unit_test(bytes_stay_until_their_bundle),
        cmocka_unit_test(two_threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
