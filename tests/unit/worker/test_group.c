/* SPDX-License-Identifier: Apache-2.0 */
/* Workers together: start, control, posts among all pairs, timers, and an end without loose ends. */
#include "support/cmocka_all.h"

#include "worker/worker_group.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS_MAX = 7 };

/* One worker's part of a test. */
struct mate {
    struct crew *crew;
    struct worker *worker;
    struct timer timer;
    uv_timer_t handle; /* something that on_stop has to close */
    unsigned received;
    unsigned disorder;
    uint32_t next[WORKERS_MAX];
    uint32_t sent[WORKERS_MAX];
    unsigned turns_begun;
    unsigned turns_ended;
    unsigned controls;
};

struct crew {
    struct worker_group *group;
    struct mate mates[WORKERS_MAX];
    unsigned fail_at; /* this worker's on_start fails; WORKERS_MAX: none */
    unsigned quota;   /* posts from each to each other */
    _Atomic unsigned stopped;
    _Atomic unsigned ended;
    _Atomic unsigned finished; /* workers that have received all */
    _Atomic unsigned timers;
};

static enum err on_start(void *ctx, struct worker *worker)
{
    struct crew *crew = ctx;
    struct mate *mate = &crew->mates[worker_index(worker)];
    if (worker_index(worker) == crew->fail_at)
        return ERR_DENIED;
    mate->crew = crew;
    mate->worker = worker;
    worker_set_data(worker, mate);
    return uv_timer_init(worker_loop(worker), &mate->handle) == 0 ? OK : ERR_IO;
}

static void on_stop(void *ctx, struct worker *worker)
{
    struct crew *crew = ctx;
    struct mate *mate = worker_data(worker);
    atomic_fetch_add(&crew->stopped, 1);
    uv_close((uv_handle_t *)&mate->handle, NULL);
}

static void on_end(void *ctx, struct worker *worker)
{
    (void)worker;
    struct crew *crew = ctx;
    atomic_fetch_add(&crew->ended, 1);
}

static void on_post(void *ctx, struct worker *worker, const struct worker_post *post)
{
    struct crew *crew = ctx;
    struct mate *mate = worker_data(worker);
    mate->disorder +=
        post->tag != mate->next[post->from] || post->bytes.len != post->tag % 900 || post->flow.worker != post->from;
    mate->next[post->from] = post->tag + 1;
    if (++mate->received == crew->quota * (worker_count(worker) - 1))
        atomic_fetch_add(&crew->finished, 1);
}

static void on_turn_begin(void *ctx, struct worker *worker)
{
    (void)ctx;
    ((struct mate *)worker_data(worker))->turns_begun++;
}

static void on_turn_end(void *ctx, struct worker *worker)
{
    (void)ctx;
    ((struct mate *)worker_data(worker))->turns_ended++;
}

static unsigned owner_of(void *ctx, struct span bytes, unsigned count)
{
    (void)ctx;
    return (unsigned char)bytes.at[0] % count;
}

static struct worker_group_options options_of(struct crew *crew, unsigned count)
{
    return (struct worker_group_options){
        .count = count,
        .name = "crew",
        .ring_bytes = 262144,
        .ops = {.ctx = crew,
                .on_start = on_start,
                .on_stop = on_stop,
                .on_end = on_end,
                .on_post = on_post,
                .on_turn_begin = on_turn_begin,
                .on_turn_end = on_turn_end,
                .owner_of = owner_of},
    };
}

static struct crew *crew_start(unsigned count)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    struct fault fault = {0};
    assert_non_null(crew);
    crew->fail_at = WORKERS_MAX;
    struct worker_group_options options = options_of(crew, count);
    if (worker_group_new(&options, &crew->group, &fault) != OK)
        fail_msg("%s", fault.text);
    return crew;
}

static void crew_end(struct crew *crew, unsigned count)
{
    worker_group_free(crew->group);
    assert_int_equal(crew->stopped, count);
    assert_int_equal(crew->ended, count);
    free(crew);
}

static void count_control(struct worker *worker, void *arg)
{
    struct mate *mate = worker_data(worker);
    mate->controls++;
    if (arg)
        atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void note_name(struct worker *worker, void *arg)
{
    char *names = arg;
    (void)pthread_getname_np(pthread_self(), names + (size_t)worker_index(worker) * 16, 16);
}

static void controls_run_where_they_should(void **state)
{
    (void)state;
    struct crew *crew = crew_start(3);
    _Atomic unsigned ran = 0;
    char names[3][16] = {{0}};
    assert_int_equal(worker_group_count(crew->group), 3);
    assert_int_equal(worker_run_wait_all(crew->group, count_control, &ran), OK);
    assert_int_equal(ran, 3);
    assert_int_equal(worker_run_wait(crew->group, 1, count_control, &ran), OK);
    assert_int_equal(ran, 4);
    assert_int_equal(worker_run_wait_all(crew->group, note_name, names), OK);
    assert_string_equal(names[0], "crew-0");
    assert_string_equal(names[2], "crew-2");
    /* What was accepted before the end is run before it. */
    for (int i = 0; i < 100; i++)
        assert_int_equal(worker_run(crew->group, 2, count_control, &ran), OK);
    crew_end(crew, 3);
    assert_int_equal(ran, 104);
}

struct shout {
    struct crew *crew;
    _Atomic unsigned *ran;
    unsigned accepted;
};

static void *shout(void *arg)
{
    struct shout *mine = arg;
    for (unsigned i = 0; i < 2000; i++)
        mine->accepted += worker_run(mine->crew->group, i % 2, count_control, mine->ran) == OK;
    return NULL;
}

static void controls_come_from_any_thread(void **state)
{
    (void)state;
    struct crew *crew = crew_start(2);
    _Atomic unsigned ran = 0;
    pthread_t threads[4];
    struct shout shouts[4];
    unsigned accepted = 0;
    for (int i = 0; i < 4; i++) {
        shouts[i] = (struct shout){crew, &ran, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, shout, &shouts[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        accepted += shouts[i].accepted;
    }
    crew_end(crew, 2);
    assert_int_equal(ran, accepted);
    assert_true(accepted > 0);
}

/* Sends this worker's next posts to all others, as far as the rings take them, and comes back until all are sent. */
static void send_more(struct worker *worker, void *arg)
{
    struct mate *mate = worker_data(worker);
    static char bytes[900];
    bool left = false;
    for (unsigned to = 0; to < worker_count(worker); to++) {
        for (unsigned i = 0; to != worker_index(worker) && i < 50 && mate->sent[to] < mate->crew->quota; i++) {
            uint32_t tag = mate->sent[to];
            struct worker_post post = {.flow = {.worker = (uint16_t)worker_index(worker)},
                                       .bytes = span_make(bytes, tag % 900),
                                       .tag = tag,
                                       .priority = tag % 5 == 0};
            if (worker_post(worker, to, &post) != OK)
                break;
            mate->sent[to]++;
        }
        left = left || (to != worker_index(worker) && mate->sent[to] < mate->crew->quota);
    }
    if (left) {
        enum err err = worker_run(mate->crew->group, worker_index(worker), send_more, arg);
        (void)err; /* ERR_CLOSED: the test has failed and ends */
    }
}

static void wait_for(_Atomic unsigned *value, unsigned wanted, struct crew *crew)
{
    /* Waiting on the crew itself: each round is a full exchange with every worker. */
    for (int i = 0; i < 200000 && atomic_load(value) < wanted; i++)
        assert_int_equal(worker_run_wait_all(crew->group, count_control, NULL), OK);
    assert_int_equal(atomic_load(value), wanted);
}

static void posts_arrive_whole_and_in_order(unsigned count, unsigned quota)
{
    struct crew *crew = crew_start(count);
    crew->quota = quota;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(worker_run(crew->group, i, send_more, NULL), OK);
    wait_for(&crew->finished, count, crew);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(crew->mates[i].received, quota * (count - 1));
        assert_int_equal(crew->mates[i].disorder, 0);
    }
    crew_end(crew, count);
}

static void all_pairs_post(void **state)
{
    (void)state;
    posts_arrive_whole_and_in_order(2, 20000);
    posts_arrive_whole_and_in_order(3, 5000);
    posts_arrive_whole_and_in_order(7, 1000);
}

/* One post at a time, each answered before the next: a wake-up that is lost would end it. */
static void on_ping(void *ctx, struct worker *worker, const struct worker_post *post)
{
    struct crew *crew = ctx;
    if (post->tag == crew->quota) {
        atomic_fetch_add(&crew->finished, 1);
        return;
    }
    struct worker_post next = *post;
    next.tag++;
    assert_int_equal(worker_post(worker, post->from, &next), OK);
}

static void first_ping(struct worker *worker, void *arg)
{
    (void)arg;
    struct worker_post post = {.bytes = SPAN("ping")};
    assert_int_equal(worker_post(worker, 1, &post), OK);
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    struct crew *crew = calloc(1, sizeof(*crew));
    assert_non_null(crew);
    crew->fail_at = WORKERS_MAX;
    crew->quota = 20000;
    struct worker_group_options options = options_of(crew, 2);
    options.ops.on_post = on_ping;
    options.ops.on_turn_begin = options.ops.on_turn_end = NULL;
    assert_int_equal(worker_group_new(&options, &crew->group, NULL), OK);
    assert_int_equal(worker_run(crew->group, 0, first_ping, NULL), OK);
    wait_for(&crew->finished, 1, crew);
    crew_end(crew, 2);
}

static void fill_ring(struct worker *worker, void *arg)
{
    unsigned *counts = arg;
    static char bytes[1000];
    struct worker_post post = {.bytes = span_make(bytes, sizeof(bytes))};
    while (worker_post(worker, 1, &post) == OK)
        counts[0]++;
    post.priority = true;
    while (worker_post(worker, 1, &post) == OK)
        counts[1]++;
    assert_int_equal(worker_counters(worker)->post_full, 1);
    assert_int_equal(worker_counters(worker)->post_full_priority, 1);
    assert_int_equal(worker_counters(worker)->posted, counts[0] + counts[1]);
}

static void a_full_ring_is_said_and_counted(void **state)
{
    (void)state;
    struct crew *crew = crew_start(2);
    unsigned counts[2] = {0, 0};
    assert_int_equal(worker_run_wait(crew->group, 0, fill_ring, counts), OK);
    assert_true(counts[0] > 150 && counts[1] > 50);
    crew_end(crew, 2);
}

static void fill_patiently(struct worker *worker, void *arg)
{
    unsigned *count = arg;
    static char bytes[1000];
    struct worker_post post = {.bytes = span_make(bytes, sizeof(bytes)), .patient = true};
    while (worker_post(worker, 1 + *count % 2, &post) == OK)
        ++*count;
    assert_int_equal(worker_counters(worker)->post_waits, 1);
    post.patient = false;
    assert_int_equal(worker_post(worker, 1, &post), OK);
}

/* Who can wait has little under way, whatever the number of others; once they have taken it, there is more. */
static void the_patient_wait_earlier(void **state)
{
    (void)state;
    struct crew *crew = crew_start(3);
    unsigned count = 0;
    assert_int_equal(worker_run_wait(crew->group, 0, fill_patiently, &count), OK);
    assert_in_range(count, 55, 66);
    crew_end(crew, 3);
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct worker *worker = ctx;
    struct mate *mate = container_of(timer, struct mate, timer);
    assert_ptr_equal(mate->worker, worker);
    assert_true(worker_clock(worker)->mono_ms >= timer->due_ms);
    if (atomic_fetch_add(&mate->crew->timers, 1) < 20)
        wheel_arm(worker_wheel(worker), timer, worker_clock(worker)->mono_ms + 3);
}

static void arm_timer(struct worker *worker, void *arg)
{
    (void)arg;
    struct mate *mate = worker_data(worker);
    timer_init(&mate->timer, on_timer);
    wheel_arm(worker_wheel(worker), &mate->timer, worker_clock(worker)->mono_ms + 5);
}

/* Runs within a turn: it has begun and not ended. */
static void check_turns(struct worker *worker, void *arg)
{
    (void)arg;
    const struct mate *mate = worker_data(worker);
    assert_true(mate->turns_ended > 0);
    assert_int_equal(mate->turns_begun, mate->turns_ended + 1);
}

static void the_wheel_is_driven(void **state)
{
    (void)state;
    struct crew *crew = crew_start(1);
    assert_int_equal(worker_run_wait(crew->group, 0, arm_timer, NULL), OK);
    wait_for(&crew->timers, 21, crew);
    assert_int_equal(worker_run_wait(crew->group, 0, check_turns, NULL), OK);
    crew_end(crew, 1);
}

static void ask_owner(struct worker *worker, void *arg)
{
    unsigned *owners = arg;
    owners[0] = worker_owner_of(worker, SPAN("\x04"));
    owners[1] = worker_owner_of(worker, SPAN("\x05"));
}

static void owners_are_asked_for(void **state)
{
    (void)state;
    unsigned owners[2];
    struct crew *crew = crew_start(3);
    assert_int_equal(worker_run_wait(crew->group, 0, ask_owner, owners), OK);
    assert_int_equal(owners[0], 1);
    assert_int_equal(owners[1], 2);
    crew_end(crew, 3);
    crew = crew_start(1);
    assert_int_equal(worker_run_wait(crew->group, 0, ask_owner, owners), OK);
    assert_int_equal(owners[0], 0);
    assert_int_equal(owners[1], 0);
    crew_end(crew, 1);
}

/* Once the end has begun nothing more is accepted, and nobody waits in vain. */
static void stop_and_ask(void *ctx, struct worker *worker)
{
    struct crew *crew = ctx;
    on_stop(ctx, worker);
    if (crew->group)
        assert_int_equal(worker_run(crew->group, worker_index(worker), count_control, NULL), ERR_CLOSED);
}

static void after_the_end_nothing_is_accepted(void **state)
{
    (void)state;
    struct crew *crew = calloc(1, sizeof(*crew));
    assert_non_null(crew);
    crew->fail_at = WORKERS_MAX;
    struct worker_group_options options = options_of(crew, 2);
    options.ops.on_stop = stop_and_ask;
    assert_int_equal(worker_group_new(&options, &crew->group, NULL), OK);
    crew_end(crew, 2);
    worker_group_free(NULL);
}

static void a_start_that_fails_ends_all(void **state)
{
    (void)state;
    for (unsigned fail_at = 0; fail_at < 3; fail_at++) {
        struct crew *crew = calloc(1, sizeof(*crew));
        struct fault fault = {0};
        struct worker_group *group = NULL;
        assert_non_null(crew);
        crew->fail_at = fail_at;
        struct worker_group_options options = options_of(crew, 3);
        options.ops.on_turn_begin = options.ops.on_turn_end = NULL;
        assert_int_equal(worker_group_new(&options, &group, &fault), ERR_DENIED);
        assert_null(group);
        assert_non_null(strstr(fault.text, "worker "));
        assert_int_equal(crew->stopped, 2);
        assert_int_equal(crew->ended, 2);
        free(crew);
    }
}

/* Prepare handles of others, such as a stack's, run between the worker's on_turn_end and its publishing. */
struct late {
    uv_prepare_t prepare;
    bool ended_before;
    bool posted;
};

static void on_late_prepare(uv_prepare_t *prepare)
{
    struct late *late = prepare->data;
    struct worker *worker = prepare->loop->data;
    struct mate *mate = worker_data(worker);
    if (late->posted)
        return;
    late->posted = true;
    late->ended_before = mate->turns_ended == mate->turns_begun;
    struct worker_post post = {.flow = {.worker = 0}};
    assert_int_equal(worker_post(worker, 1, &post), OK);
    uv_close((uv_handle_t *)prepare, NULL);
}

static struct late late_part;

static enum err start_late(void *ctx, struct worker *worker)
{
    if (worker_index(worker) == 0) {
        worker_loop(worker)->data = worker;
        late_part.prepare.data = &late_part;
        if (uv_prepare_init(worker_loop(worker), &late_part.prepare) != 0 ||
            uv_prepare_start(&late_part.prepare, on_late_prepare) != 0)
            return ERR_IO;
    }
    return on_start(ctx, worker);
}

static void what_is_posted_last_leaves_in_the_same_turn(void **state)
{
    (void)state;
    struct crew *crew = calloc(1, sizeof(*crew));
    assert_non_null(crew);
    crew->fail_at = WORKERS_MAX;
    crew->quota = 1;
    memset(&late_part, 0, sizeof(late_part));
    struct worker_group_options options = options_of(crew, 2);
    options.ops.on_start = start_late;
    assert_int_equal(worker_group_new(&options, &crew->group, NULL), OK);
    for (int i = 0; i < 200000 && atomic_load(&crew->finished) < 1; i++)
        assert_int_equal(worker_run_wait(crew->group, 1, count_control, NULL), OK); /* worker 0 is left alone */
    assert_int_equal(crew->finished, 1);
    crew_end(crew, 2);
    assert_true(late_part.ended_before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_run_where_they_should),
        cmocka_unit_test(controls_come_from_any_thread),
        cmocka_unit_test(all_pairs_post),
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(a_full_ring_is_said_and_counted),
        cmocka_unit_test(the_patient_wait_earlier),
        cmocka_unit_test(the_wheel_is_driven),
        cmocka_unit_test(owners_are_asked_for),
        cmocka_unit_test(after_the_end_nothing_is_accepted),
        cmocka_unit_test(a_start_that_fails_ends_all),
        cmocka_unit_test(what_is_posted_last_leaves_in_the_same_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
