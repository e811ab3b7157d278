/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer over a real directory and workers that are played: what is ordered, what the position says, and what a
 * process that dies at any step orders again. */
#include "support/cmocka_all.h"

#include "directory/directory_edit.h"
#include "retirement/retirement.h"
#include "retirement/retirement_position.h"
#include "store/store_file.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ORDERS_MAX = 512 };

struct place {
    char path[64];
    struct directory *directory;
    pthread_mutex_t mutex;
    struct retirement_order orders[ORDERS_MAX];
    unsigned count;
    unsigned fails; /* so many orders fail first */
    unsigned holds; /* from this order on none comes back (the process dies); 0: all do */
    retirement_carried_fn held[ORDERS_MAX];
    void *held_arg[ORDERS_MAX];
    unsigned held_count;
};

static int setup(void **state)
{
    struct fault fault = {0};
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    strcpy(place->path, "/tmp/verdict-retirement-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    assert_int_equal(pthread_mutex_init(&place->mutex, NULL), 0);
    assert_int_equal(directory_create(place->path, &fault), OK);
    assert_int_equal(
        directory_open(place->path, &(struct directory_options){.map_bytes = 64 << 20}, &place->directory, &fault), OK);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    directory_close(place->directory);
    assert_int_equal(store_remove_folder(place->path), OK);
    pthread_mutex_destroy(&place->mutex);
    free(place);
    return 0;
}

static void edit(struct place *place, enum directory_op op, const char *key, const char *forward)
{
    struct directory_change change = {.op = op,
                                      .kind = ENTRY_KIND_COUNT,
                                      .key = span_of(key),
                                      .forward = span_of(forward ? forward : ""),
                                      .by = SPAN("test")};
    struct fault fault = {0};
    if (directory_edit(place->directory, &change, NULL, &fault) != OK)
        fail_msg("%s %s: %s", directory_op_text(op), key, fault.text);
}

static void carry_out(void *ctx, const struct retirement_order *order, retirement_carried_fn carried, void *arg)
{
    struct place *place = ctx;
    enum err err = OK;
    bool held = false;
    pthread_mutex_lock(&place->mutex);
    assert_true(place->count < ORDERS_MAX);
    place->orders[place->count++] = *order;
    if (place->fails) {
        place->fails--;
        err = ERR_IO;
    } else if (place->holds && place->count >= place->holds) {
        place->held[place->held_count] = carried;
        place->held_arg[place->held_count++] = arg;
        held = true;
    }
    pthread_mutex_unlock(&place->mutex);
    if (!held)
        carried(arg, err);
}

static struct retirement *begin(struct place *place)
{
    struct retirement_options options = {
        .directory = place->directory, .data_dir = place->path, .ctx = place, .carry_out = carry_out, .retry_ms = 1};
    struct retirement *retirement;
    place->count = 0;
    assert_int_equal(retirement_start(&options, &retirement), OK);
    return retirement;
}

static bool is_caught_up(struct place *place, struct retirement *retirement)
{
    struct retirement_status status;
    struct directory_info info;
    uint64_t saved;
    retirement_status(retirement, &status);
    assert_int_equal(directory_info(place->directory, &info), OK);
    return status.next == info.journal_last + 1 && retirement_position_read(place->path, &saved) == OK &&
           saved == status.next;
}

static void wait_caught_up(struct place *place, struct retirement *retirement)
{
    retirement_wake(retirement);
    for (int i = 0; i < 5000 && !is_caught_up(place, retirement); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(is_caught_up(place, retirement));
}

static void assert_order(const struct place *place, unsigned at, enum retirement_scope scope, const char *key)
{
    assert_true(at < place->count);
    assert_int_equal(place->orders[at].scope, scope);
    assert_int_equal(place->orders[at].key_len, strlen(key));
    assert_memory_equal(place->orders[at].key, key, strlen(key));
}

static void rows_become_orders(void **state)
{
    struct place *place = *state;
    edit(place, DIRECTORY_OP_ADD, "sip:seen@example.com", NULL);
    struct retirement *retirement = begin(place);
    wait_caught_up(place, retirement);
    assert_int_equal(place->count, 1); /* the first start looks at everybody */
    assert_int_equal(place->orders[0].scope, RETIREMENT_ALL);
    place->count = 0;
    edit(place, DIRECTORY_OP_ADD, "sip:Alice%40@Example.com", NULL);
    edit(place, DIRECTORY_OP_RETIRE, "sip:Alice%40@example.com", NULL);
    edit(place, DIRECTORY_OP_RESTORE, "sip:Alice%40@example.com", NULL);
    edit(place, DIRECTORY_OP_SUSPEND, "sip:seen@example.com", NULL);
    edit(place, DIRECTORY_OP_ADD, "+15550100", NULL);
    edit(place, DIRECTORY_OP_MOVE, "+15550100", "sip:new@example.net");
    edit(place, DIRECTORY_OP_ADD, "+15550200-+15550299", NULL);
    edit(place, DIRECTORY_OP_RETIRE, "+15550200-+15550299", NULL);
    edit(place, DIRECTORY_OP_ADD, "old.example.com", NULL);
    edit(place, DIRECTORY_OP_RETIRE, "old.example.com", NULL);
    edit(place, DIRECTORY_OP_REMOVE, "sip:seen@example.com", NULL);
    wait_caught_up(place, retirement);
    assert_int_equal(place->count, 5);
    assert_order(place, 0, RETIREMENT_OWNER, "Alice@@example.com");
    assert_false(place->orders[0].removed);
    assert_order(place, 1, RETIREMENT_OWNER, "+15550100");
    assert_int_equal(place->orders[2].scope, RETIREMENT_RANGE);
    assert_true(retirement_covers(&place->orders[2], SPAN("+15550200@example.com")));
    assert_false(retirement_covers(&place->orders[2], SPAN("+15550300@example.com")));
    assert_false(retirement_covers(&place->orders[2], SPAN("+155502000@example.com")));
    assert_false(retirement_covers(&place->orders[2], SPAN("15550200@example.com")));
    assert_order(place, 3, RETIREMENT_DOMAIN, "old.example.com");
    assert_true(retirement_covers(&place->orders[3], SPAN("a@b@old.example.com")));
    assert_false(retirement_covers(&place->orders[3], SPAN("a@example.com")));
    assert_order(place, 4, RETIREMENT_OWNER, "seen@example.com");
    assert_true(place->orders[4].removed);
    retirement_stop(retirement);
}

static void what_failed_is_ordered_again(void **state)
{
    struct place *place = *state;
    edit(place, DIRECTORY_OP_ADD, "sip:a@example.com", NULL);
    struct retirement *retirement = begin(place);
    wait_caught_up(place, retirement);
    place->count = 0;
    place->fails = 3;
    edit(place, DIRECTORY_OP_RETIRE, "sip:a@example.com", NULL);
    wait_caught_up(place, retirement);
    struct retirement_status status;
    retirement_status(retirement, &status);
    assert_int_equal(place->count, 4);
    assert_int_equal(status.retries, 3);
    assert_int_equal(status.last_error, OK);
    retirement_stop(retirement);
}

/* A child process is killed while its n-th order is out; the next one orders that again, and nothing that came back before
 * in another batch. */
static void die_at(struct place *place, unsigned holds)
{
    place->holds = holds;
    struct retirement *retirement = begin(place);
    retirement_wake(retirement);
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&place->mutex);
        bool there = place->held_count > 0;
        pthread_mutex_unlock(&place->mutex);
        if (there)
            _exit(0);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    _exit(1);
}

static void killed_at_every_step(void **state)
{
    struct place *place = *state;
    enum { USERS = 70 }; /* more than a batch */
    char key[64];
    for (int i = 0; i < USERS; i++) {
        snprintf(key, sizeof(key), "sip:u%02d@example.com", i);
        edit(place, DIRECTORY_OP_ADD, key, NULL);
    }
    struct retirement *retirement = begin(place);
    wait_caught_up(place, retirement);
    retirement_stop(retirement);
    for (int i = 0; i < USERS; i++) {
        snprintf(key, sizeof(key), "sip:u%02d@example.com", i);
        edit(place, DIRECTORY_OP_RETIRE, key, NULL);
    }
    uint64_t from;
    assert_int_equal(retirement_position_read(place->path, &from), OK);
    static const unsigned steps[] = {1, 2, 63, 64, 65, 70};
    for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        assert_int_equal(retirement_position_write(place->path, from), OK);
        directory_close(place->directory);
        pid_t child = fork();
        if (child == 0) {
            struct fault fault = {0};
            if (directory_open(place->path, &(struct directory_options){.map_bytes = 64 << 20}, &place->directory,
                               &fault) != OK)
                _exit(2);
            die_at(place, steps[i]);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        struct fault fault = {0};
        assert_int_equal(
            directory_open(place->path, &(struct directory_options){.map_bytes = 64 << 20}, &place->directory, &fault),
            OK);
        uint64_t reached;
        assert_int_equal(retirement_position_read(place->path, &reached), OK);
        assert_int_equal(reached, steps[i] <= 64 ? from : from + 64);
        retirement = begin(place);
        wait_caught_up(place, retirement);
        unsigned first = steps[i] <= 64 ? 0 : 64;
        assert_int_equal(place->count, USERS - first);
        for (unsigned at = first; at < USERS; at++) {
            snprintf(key, sizeof(key), "u%02u@example.com", at);
            assert_order(place, at - first, RETIREMENT_OWNER, key);
        }
        retirement_stop(retirement);
    }
}

static void a_position_that_tells_nothing_begins_with_everybody(void **state)
{
    struct place *place = *state;
    char path[STORE_PATH_MAX];
    static const char *const texts[] = {
        "",           "verdict retirement 1\nnext \n",      "verdict retirement 1\nnext 12",
        "nonsense\n", "verdict retirement 1\nnext 99999\n", "verdict retirement 2\nnext 1\n"};
    edit(place, DIRECTORY_OP_ADD, "sip:a@example.com", NULL);
    assert_int_equal(store_path(path, place->path, "retirement"), OK);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(store_file_replace(path, span_of(texts[i])), OK);
        struct retirement *retirement = begin(place);
        wait_caught_up(place, retirement);
        assert_int_equal(place->count, 1);
        assert_int_equal(place->orders[0].scope, RETIREMENT_ALL);
        retirement_stop(retirement);
    }
}

static void an_aor_is_taken_apart(void **state)
{
    (void)state;
    struct policy_target target = retirement_target(SPAN("+15550100@example.com"));
    assert_true(span_equal(target.user, SPAN("+15550100")));
    assert_true(span_equal(target.number, SPAN("+15550100")));
    assert_true(span_equal(target.host, SPAN("example.com")));
    assert_true(span_equal(retirement_owner_key(SPAN("+15550100@example.com")), SPAN("+15550100")));
    assert_true(span_equal(retirement_owner_key(SPAN("+1a@example.com")), SPAN("+1a@example.com")));
    assert_true(span_equal(retirement_owner_key(SPAN("+@example.com")), SPAN("+@example.com")));
    target = retirement_target(SPAN("example.com"));
    assert_int_equal(target.user.len, 0);
    assert_true(span_equal(target.host, SPAN("example.com")));
    assert_int_equal(retirement_target(SPAN("")).host.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_become_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(what_failed_is_ordered_again, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_at_every_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_position_that_tells_nothing_begins_with_everybody, setup, teardown),
        cmocka_unit_test(an_aor_is_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
