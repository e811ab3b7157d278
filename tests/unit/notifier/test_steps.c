/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the state table: its content against a table written again, as text, and its walk by the runner. */
#include "unit/notifier/support_notifier.h"

static const char *const states[NOTIFIER_STATE_COUNT] = {"idle", "due", "busy", "stale", "last", "over"};

/* asked, left, changed, due, expired, end, told, untold, later, lost: "-" is ignored; ! sends, * sends the last one, ~ waits,
 * ? is full next time, ^ passes the one that is out. */
static const char *const expected[NOTIFIER_STATE_COUNT][NOTIFIER_EVENT_COUNT] = {
    {"busy!", "last*", "due~", "-", "last*", "last*", "-", "-", "-", "-"},
    {"busy!", "last*", "-", "busy!", "last*", "last*", "-", "-", "-", "-"},
    {"busy!^", "last*^", "stale", "-", "last*^", "last*^", "idle", "idle?", "due~?", "over"},
    {"busy!^", "last*^", "stale", "-", "last*^", "last*^", "due~", "due~?", "due~?", "over"},
    {"-", "-", "-", "-", "-", "-", "over", "over", "over", "over"},
    {"-", "-", "-", "-", "-", "-", "-", "-", "-", "-"},
};

static void write_cell(const struct notifier_step *step, char *out, size_t cap)
{
    if (!step->is_set) {
        snprintf(out, cap, "-");
        return;
    }
    snprintf(out, cap, "%s%s%s%s%s%s", states[step->next], step->actions & NOTIFIER_DO_SEND ? "!" : "",
             step->actions & NOTIFIER_DO_SEND_LAST ? "*" : "", step->actions & NOTIFIER_DO_WAIT ? "~" : "",
             step->actions & NOTIFIER_DO_MISSED ? "?" : "", step->actions & NOTIFIER_DO_PASS ? "^" : "");
}

static void the_table_is_as_written(void **state)
{
    (void)state;
    char cell[32];
    for (int at = 0; at < NOTIFIER_STATE_COUNT; at++)
        for (int event = 0; event < NOTIFIER_EVENT_COUNT; event++) {
            write_cell(&notifier_steps[at][event], cell, sizeof(cell));
            assert_string_equal(cell, expected[at][event]);
        }
}

/* A subscription in the given state, by the shortest way there. */
static struct notifier_subscription *bring_to(struct bench *bench, enum notifier_state target)
{
    static unsigned number;
    char call_id[24];
    snprintf(call_id, sizeof(call_id), "walk-%u", ++number);
    assert_int_equal(bench_subscribe(bench, call_id, COUNT), 200);
    struct notifier_subscription *subscription = notifier_next(bench->table, NULL);
    if (target == NOTIFIER_IDLE || target == NOTIFIER_DUE || target == NOTIFIER_LAST)
        bench_answer_with(bench, -1, 200);
    if (target == NOTIFIER_DUE || target == NOTIFIER_STALE)
        notifier_run(subscription, NOTIFIER_EV_CHANGED);
    if (target == NOTIFIER_LAST)
        notifier_run(subscription, NOTIFIER_EV_END);
    assert_int_equal(subscription->state, target);
    fake_wire_clear(&bench->wire);
    return subscription;
}

static void walk_cell(struct bench *bench, enum notifier_state from, enum notifier_event event)
{
    struct notifier_subscription *subscription = bring_to(bench, from);
    const char *cell = expected[from][event];
    subscription->wants_full = false;
    /* As the end of its NOTIFY does. */
    if (event >= NOTIFIER_EV_TOLD && *cell != '-') {
        errand_cancel(subscription->errand);
        subscription->errand = NULL;
    }
    notifier_run(subscription, event);
    bool is_over = strcmp(cell, "over") == 0;
    assert_int_equal(notifier_count(bench->table), is_over ? 0 : 1);
    assert_int_equal(bench->wire.count, strpbrk(cell, "!*") ? 1 : 0);
    if (strchr(cell, '!'))
        assert_sent(bench, 0, "Subscription-State: active;");
    if (strchr(cell, '*'))
        assert_sent(bench, 0, "Subscription-State: terminated;");
    if (is_over)
        return;
    const char *next = *cell == '-' ? states[from] : cell;
    assert_memory_equal(next, states[subscription->state], strlen(states[subscription->state]));
    if (strchr(cell, '?'))
        assert_true(subscription->wants_full);
    assert_int_equal(timer_is_armed(&subscription->timer), subscription->state < NOTIFIER_LAST);
    notifier_drop(subscription);
}

static void the_runner_walks_every_cell(void **state)
{
    struct bench *bench = *state;
    for (int from = 0; from < NOTIFIER_OVER; from++)
        for (int event = 0; event < NOTIFIER_EVENT_COUNT; event++)
            walk_cell(bench, (enum notifier_state)from, (enum notifier_event)event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_as_written),
        cmocka_unit_test_setup_teardown(the_runner_walks_every_cell, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
