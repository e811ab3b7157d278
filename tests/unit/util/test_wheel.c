/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a plain model: nothing early, nothing late, in order; callbacks may do anything. */
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "util/random.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TIMERS = 500, LOG_MAX = 64 };

struct record {
    struct wheel *wheel;
    struct timer *fired[LOG_MAX];
    size_t count;
};

static void note(struct timer *timer, void *ctx)
{
    struct record *record = ctx;
    assert_true(record->count < LOG_MAX);
    assert_int_equal(record->wheel->now_ms, timer->due_ms);
    record->fired[record->count++] = timer;
}

static void fires_at_its_time_and_not_before(void **state)
{
    (void)state;
    const uint64_t delays[] = {0, 1, 2, 255, 256, 257, 500, 32000, 65535, 65536, 16777216, 4294967296, 86400000000};
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        for (uint64_t start = 0; start < 600; start += 37) {
            struct wheel wheel;
            struct record record = {.wheel = &wheel};
            struct timer timer;
            wheel_init(&wheel, 5000, &record);
            wheel_advance(&wheel, 5000 + start);
            timer_init(&timer, note);
            wheel_arm(&wheel, &timer, 5000 + start + delays[i]);
            if (delays[i]) {
                wheel_advance(&wheel, 5000 + start + delays[i] - 1);
                assert_int_equal(record.count, 0);
                assert_int_equal(wheel_next_ms(&wheel), 1);
            }
            wheel_advance(&wheel, 5000 + start + delays[i]);
            assert_int_equal(record.count, 1);
            assert_false(timer_is_armed(&timer));
            assert_int_equal(wheel.armed, 0);
            assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
        }
    }
}

struct model_timer {
    struct timer timer;
    uint64_t expected; /* 0: not armed */
};

struct model {
    struct wheel wheel;
    struct model_timer timers[TIMERS];
    uint64_t last_fired;
    size_t fired;
};

static void check_fired(struct timer *timer, void *ctx)
{
    struct model *model = ctx;
    struct model_timer *mine = container_of(timer, struct model_timer, timer);
    assert_int_equal(mine->expected, timer->due_ms);
    assert_true(timer->due_ms >= model->last_fired);
    model->last_fired = timer->due_ms;
    mine->expected = 0;
    model->fired++;
}

/* Checks that nothing due was left behind and that wheel_next_ms is never late. */
static void check_model(const struct model *model)
{
    uint64_t earliest = UINT64_MAX;
    size_t armed = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        uint64_t expected = model->timers[i].expected;
        assert_int_equal(expected != 0, timer_is_armed(&model->timers[i].timer));
        if (!expected)
            continue;
        armed++;
        assert_true(expected >= model->wheel.now_ms);
        earliest = expected < earliest ? expected : earliest;
    }
    assert_int_equal(armed, model->wheel.armed);
    if (armed)
        assert_true(wheel_next_ms(&model->wheel) <= earliest - model->wheel.now_ms);
}

static void agrees_with_a_plain_model(void **state)
{
    (void)state;
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    struct random random;
    random_seed(&random, 7);
    uint64_t now = 123456789;
    wheel_init(&model->wheel, now, model);
    for (size_t i = 0; i < TIMERS; i++)
        timer_init(&model->timers[i].timer, check_fired);
    for (int step = 0; step < 20000; step++) {
        struct model_timer *mine = &model->timers[random_below(&random, TIMERS)];
        uint64_t reach = (uint64_t)1 << random_below(&random, 24);
        switch (random_below(&random, 4)) {
        case 0:
        case 1:
            mine->expected = now + random_below(&random, reach);
            wheel_arm(&model->wheel, &mine->timer, mine->expected);
            break;
        case 2:
            wheel_cancel(&model->wheel, &mine->timer);
            mine->expected = 0;
            break;
        default:
            now += random_below(&random, reach) / 16;
            wheel_advance(&model->wheel, now);
            for (size_t i = 0; i < TIMERS; i++)
                assert_true(!model->timers[i].expected || model->timers[i].expected > now);
        }
        if (step % 16 == 0)
            check_model(model);
    }
    assert_true(model->fired > 1000);
    free(model);
}

static void a_passed_time_fires_at_the_next_advance(void **state)
{
    (void)state;
    struct wheel wheel;
    struct record record = {.wheel = &wheel};
    struct timer timer;
    wheel_init(&wheel, 1000, &record);
    timer_init(&timer, note);
    wheel_arm(&wheel, &timer, 3);
    assert_int_equal(wheel_next_ms(&wheel), 0);
    wheel_advance(&wheel, 1000);
    assert_int_equal(record.count, 1);
    wheel_advance(&wheel, 900); /* time never runs backwards */
    assert_int_equal(wheel.now_ms, 1000);
}

static void same_time_fires_in_the_order_of_arming(void **state)
{
    (void)state;
    struct wheel wheel;
    struct record record = {.wheel = &wheel};
    struct timer timers[5];
    wheel_init(&wheel, 1000, &record);
    for (int i = 0; i < 5; i++) {
        timer_init(&timers[i], note);
        wheel_arm(&wheel, &timers[i], 71000);
    }
    wheel_arm(&wheel, &timers[0], 71000); /* moved to the end */
    wheel_advance(&wheel, 100000);
    assert_int_equal(record.count, 5);
    assert_ptr_equal(record.fired[0], &timers[1]);
    assert_ptr_equal(record.fired[4], &timers[0]);
}

static void cancelling_leaves_no_trace(void **state)
{
    (void)state;
    struct wheel wheel;
    struct timer timers[2];
    wheel_init(&wheel, 1000, NULL);
    for (int i = 0; i < 2; i++) {
        timer_init(&timers[i], note);
        wheel_arm(&wheel, &timers[i], 9000);
    }
    wheel_cancel(&wheel, &timers[0]);
    wheel_cancel(&wheel, &timers[0]);
    assert_true(wheel_next_ms(&wheel) <= 8000);
    wheel_cancel(&wheel, &timers[1]);
    assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        for (int word = 0; word < WHEEL_SLOTS / 64; word++)
            assert_int_equal(wheel.occupied[level][word], 0);
    }
}

struct chain {
    struct wheel wheel;
    struct timer again;
    struct timer *freed;
    struct timer other;
    int again_left;
    int others;
};

static void fire_again_now(struct timer *timer, void *ctx)
{
    struct chain *chain = ctx;
    if (--chain->again_left > 0)
        wheel_arm(&chain->wheel, timer, chain->wheel.now_ms);
}

static void free_itself_and_cancel_other(struct timer *timer, void *ctx)
{
    struct chain *chain = ctx;
    wheel_cancel(&chain->wheel, &chain->other);
    free(timer);
}

static void count_other(struct timer *timer, void *ctx)
{
    (void)timer;
    ((struct chain *)ctx)->others++;
}

static void callbacks_may_do_anything(void **state)
{
    (void)state;
    struct chain chain = {.again_left = 3};
    wheel_init(&chain.wheel, 0, &chain);
    timer_init(&chain.again, fire_again_now);
    timer_init(&chain.other, count_other);
    chain.freed = malloc(sizeof(*chain.freed));
    assert_non_null(chain.freed);
    timer_init(chain.freed, free_itself_and_cancel_other);
    wheel_arm(&chain.wheel, chain.freed, 300);
    wheel_arm(&chain.wheel, &chain.other, 300); /* same slot, behind the one that cancels it */
    wheel_arm(&chain.wheel, &chain.again, 300);
    wheel_advance(&chain.wheel, 300);
    assert_int_equal(chain.again_left, 0);
    assert_int_equal(chain.others, 0);
    assert_int_equal(chain.wheel.armed, 0);
}

static void what_lies_beyond_the_horizon_is_due_there(void **state)
{
    (void)state;
    struct wheel wheel;
    struct timer timer;
    struct chain chain = {0};
    wheel_init(&wheel, 77, &chain);
    timer_init(&timer, count_other);
    wheel_arm(&wheel, &timer, UINT64_MAX);
    uint64_t horizon = 77 + ((uint64_t)1 << 40) - 1;
    wheel_advance(&wheel, horizon - 1);
    assert_int_equal(chain.others, 0);
    wheel_advance(&wheel, horizon + 5);
    assert_int_equal(chain.others, 1);
}

static void the_fake_clock_stops_at_each_timer(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct record record = {.wheel = &fake.wheel};
    fake_clock_init(&fake, &record);
    struct timer timers[3];
    const uint64_t delays[] = {500, 1500, 32000};
    for (int i = 0; i < 3; i++) {
        timer_init(&timers[i], note);
        wheel_arm(&fake.wheel, &timers[i], fake.clock.mono_ms + delays[i]);
    }
    fake_clock_pass(&fake, 31999);
    assert_int_equal(record.count, 2);
    fake_clock_pass(&fake, 1);
    assert_int_equal(record.count, 3);
    assert_int_equal(fake.clock.mono_ms, 1032000);
    assert_int_equal(fake.clock.wall_ms, 1769860832000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_time_and_not_before),
        cmocka_unit_test(agrees_with_a_plain_model),
        cmocka_unit_test(a_passed_time_fires_at_the_next_advance),
        cmocka_unit_test(same_time_fires_in_the_order_of_arming),
        cmocka_unit_test(cancelling_leaves_no_trace),
        cmocka_unit_test(callbacks_may_do_anything),
        cmocka_unit_test(what_lies_beyond_the_horizon_is_due_there),
        cmocka_unit_test(the_fake_clock_stops_at_each_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
