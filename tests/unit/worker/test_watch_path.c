/* SPDX-License-Identifier: Apache-2.0 */
/* Real events on real files: saves in place and by rename, a folder that is replaced, a path that comes later.  No test
 * sleeps: the loop runs until the event is there, with a limit that is only reached when it never comes. */
#include "support/cmocka_all.h"
#include "worker/worker_watch.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT_MS = 5000, FAR_MS = 60000 };

struct place {
    uv_loop_t loop;
    uv_timer_t limit;
    bool too_late;
    char root[256];
    char watched[300];
    struct worker_watch *watch;
    unsigned touched, timers, blind, sighted;
    uint64_t wish_ms;
};

static uint64_t on_event(void *ctx, enum worker_watch_reason reason)
{
    struct place *place = ctx;
    uv_stop(&place->loop); /* or the loop would go on to wait for more */
    place->touched += reason == WORKER_WATCH_TOUCHED;
    place->timers += reason == WORKER_WATCH_TIMER;
    place->blind += reason == WORKER_WATCH_BLIND;
    place->sighted += reason == WORKER_WATCH_SIGHTED;
    return place->wish_ms;
}

static void on_limit(uv_timer_t *timer)
{
    ((struct place *)timer->data)->too_late = true;
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    const char *base = getenv("TMPDIR");
    snprintf(place->root, sizeof(place->root), "%s/verdict-watch-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(place->root) || uv_loop_init(&place->loop) != 0)
        return -1;
    snprintf(place->watched, sizeof(place->watched), "%s/policy", place->root);
    place->wish_ms = FAR_MS;
    uv_timer_init(&place->loop, &place->limit);
    place->limit.data = place;
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[400];
    worker_watch_close(place->watch);
    uv_close((uv_handle_t *)&place->limit, NULL);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&place->loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", place->root);
    int removed = system(command);
    free(place);
    return left || removed;
}

static void write_file(const struct place *place, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", place->root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void move(const struct place *place, const char *from, const char *to)
{
    char source[400];
    char target[400];
    snprintf(source, sizeof(source), "%s/%s", place->root, from);
    snprintf(target, sizeof(target), "%s/%s", place->root, to);
    assert_int_equal(rename(source, target), 0);
}

static void make_folder(const struct place *place, const char *name)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", place->root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* Runs the loop until *counter is at least `wanted`. */
static void run_until(struct place *place, const unsigned *counter, unsigned wanted)
{
    place->too_late = false;
    uv_timer_start(&place->limit, on_limit, LIMIT_MS, 0);
    while (*counter < wanted && !place->too_late)
        uv_run(&place->loop, UV_RUN_ONCE);
    uv_timer_stop(&place->limit);
    assert_false(place->too_late);
}

/* Takes what is there already, so that the next event is a new one. */
static void settle(struct place *place)
{
    for (int turn = 0; turn < 10; turn++)
        uv_run(&place->loop, UV_RUN_NOWAIT);
    place->touched = 0;
}

static void start(struct place *place)
{
    assert_int_equal(worker_watch_new(&place->loop, place->watched, on_event, place, &place->watch), OK);
    run_until(place, &place->timers, 1);
    settle(place);
}

static void test_a_file_in_the_folder(void **state)
{
    struct place *place = *state;
    make_folder(place, "policy");
    start(place);
    write_file(place, "policy/policy.lua", "return 1");
    run_until(place, &place->touched, 1);
    settle(place);
    write_file(place, "policy/.tmp", "return 2");
    move(place, "policy/.tmp", "policy/policy.lua");
    run_until(place, &place->touched, 1);
}

static void test_a_folder_that_is_replaced(void **state)
{
    struct place *place = *state;
    make_folder(place, "policy");
    start(place);
    make_folder(place, "next");
    write_file(place, "next/policy.lua", "return 1");
    move(place, "policy", "old");
    move(place, "next", "policy");
    run_until(place, &place->touched, 1);
    settle(place);
    write_file(place, "policy/policy.lua", "return 2"); /* the new folder is watched now */
    run_until(place, &place->touched, 1);
}

static void test_a_single_file_saved_by_rename(void **state)
{
    struct place *place = *state;
    write_file(place, "policy", "return 1");
    start(place);
    for (int save = 0; save < 3; save++) {
        write_file(place, "new", "return 2");
        move(place, "new", "policy");
        run_until(place, &place->touched, 1);
        settle(place);
    }
    write_file(place, "policy", "return 3"); /* in place */
    run_until(place, &place->touched, 1);
}

static void test_a_path_that_comes_later(void **state)
{
    struct place *place = *state;
    start(place);
    make_folder(place, "policy");
    run_until(place, &place->touched, 1);
    settle(place);
    write_file(place, "policy/policy.lua", "return 1");
    run_until(place, &place->touched, 1);
}

static void test_neighbours_are_nothing(void **state)
{
    struct place *place = *state;
    make_folder(place, "policy");
    start(place);
    write_file(place, "neighbour", "x");
    settle(place);
    assert_int_equal(place->touched, 0);
}

static void test_the_timer_comes_as_wished(void **state)
{
    struct place *place = *state;
    make_folder(place, "policy");
    place->wish_ms = 1;
    start(place);
    run_until(place, &place->timers, place->timers + 3);
}

static void test_another_path(void **state)
{
    struct place *place = *state;
    char other[400];
    make_folder(place, "policy");
    make_folder(place, "other");
    start(place);
    snprintf(other, sizeof(other), "%s/other/", place->root);
    assert_int_equal(worker_watch_set_path(place->watch, other), OK);
    run_until(place, &place->timers, place->timers + 1);
    settle(place);
    write_file(place, "policy/x", "x");
    settle(place);
    assert_int_equal(place->touched, 0);
    write_file(place, "other/x", "x");
    run_until(place, &place->touched, 1);
}

static void test_blind_without_a_parent(void **state)
{
    struct place *place = *state;
    snprintf(place->watched, sizeof(place->watched), "%s/missing/policy", place->root);
    start(place);
    assert_int_equal(place->blind, 1);
    make_folder(place, "missing");
    make_folder(place, "missing/policy");
    place->wish_ms = 1;
    assert_int_equal(worker_watch_set_path(place->watch, place->root), OK);
    run_until(place, &place->sighted, 1);
}

static void test_too_long(void **state)
{
    struct place *place = *state;
    char path[2000];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(worker_watch_new(&place->loop, path, on_event, place, &place->watch), ERR_TOO_LONG);
    assert_int_equal(worker_watch_new(&place->loop, "", on_event, place, &place->watch), ERR_TOO_LONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_in_the_folder),
        TEST(test_a_folder_that_is_replaced),
        TEST(test_a_single_file_saved_by_rename),
        TEST(test_a_path_that_comes_later),
        TEST(test_neighbours_are_nothing),
        TEST(test_the_timer_comes_as_wished),
        TEST(test_another_path),
        TEST(test_blind_without_a_parent),
        TEST(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
