/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the table of a version's life, and what must hold of the table as a whole. */
#include "release/release_state.h"
#include "support/cmocka_all.h"

struct cell {
    enum release_state from;
    enum release_event event;
    enum release_state to;
    unsigned actions;
};

static const struct cell allowed[] = {
    {RELEASE_LOADED, RELEASE_EV_VALID, RELEASE_VALIDATED, RELEASE_DO_NOTHING},
    {RELEASE_LOADED, RELEASE_EV_FAILED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_VALIDATED, RELEASE_EV_PASSED, RELEASE_TESTED, RELEASE_DO_NOTHING},
    {RELEASE_VALIDATED, RELEASE_EV_FAILED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_TESTED, RELEASE_EV_HANDED, RELEASE_STAGED, RELEASE_DO_NOTHING},
    {RELEASE_TESTED, RELEASE_EV_FAILED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_STAGED, RELEASE_EV_SWITCH, RELEASE_ACTIVE, RELEASE_DO_ACTIVATE},
    {RELEASE_STAGED, RELEASE_EV_FAILED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_STAGED, RELEASE_EV_SHADOW, RELEASE_SHADOWING, RELEASE_DO_NOTHING},
    {RELEASE_SHADOWING, RELEASE_EV_SWITCH, RELEASE_ACTIVE, RELEASE_DO_ACTIVATE},
    {RELEASE_SHADOWING, RELEASE_EV_FAILED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_SHADOWING, RELEASE_EV_DROP, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_ACTIVE, RELEASE_EV_REJECTED, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_ACTIVE, RELEASE_EV_SUPERSEDED, RELEASE_WARM, RELEASE_DO_NOTHING},
    {RELEASE_ACTIVE, RELEASE_EV_DROP, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
    {RELEASE_WARM, RELEASE_EV_SWITCH, RELEASE_ACTIVE, RELEASE_DO_ACTIVATE},
    {RELEASE_WARM, RELEASE_EV_DROP, RELEASE_DISCARDED, RELEASE_DO_WITHDRAW},
};

static const struct cell *find(enum release_state state, enum release_event event)
{
    for (size_t index = 0; index < sizeof(allowed) / sizeof(allowed[0]); index++)
        if (allowed[index].from == state && allowed[index].event == event)
            return &allowed[index];
    return NULL;
}

static void test_every_cell(void **state)
{
    (void)state;
    for (int from = 0; from < RELEASE_STATE_COUNT; from++) {
        for (int event = 0; event < RELEASE_EVENT_COUNT; event++) {
            const struct release_step *step = release_step((enum release_state)from, (enum release_event)event);
            const struct cell *cell = find((enum release_state)from, (enum release_event)event);
            assert_int_equal(step->allowed, cell != NULL);
            if (!cell)
                continue;
            assert_int_equal(step->next, cell->to);
            assert_int_equal(step->actions, cell->actions);
        }
    }
}

static void test_a_failure_never_leads_to_active(void **state)
{
    (void)state;
    for (int from = 0; from < RELEASE_STATE_COUNT; from++) {
        const struct release_step *step = release_step((enum release_state)from, RELEASE_EV_FAILED);
        if (step->allowed)
            assert_int_equal(step->next, RELEASE_DISCARDED);
    }
    assert_false(release_step(RELEASE_ACTIVE, RELEASE_EV_FAILED)->allowed);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(release_state_name(RELEASE_LOADED), "loaded");
    assert_string_equal(release_state_name(RELEASE_DISCARDED), "discarded");
    for (int at = 0; at < RELEASE_STATE_COUNT; at++)
        assert_non_null(release_state_name((enum release_state)at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_a_failure_never_leads_to_active),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
