/* SPDX-License-Identifier: Apache-2.0 */
/* The 410 guard, every combination of what can be known. */
#include "engine/engine_guard.h"
#include "support/cmocka_all.h"

static int code_of(struct engine_ground ground)
{
    return engine_guard_result(engine_guard(&ground))->code;
}

static void test_unreadable_is_503_whatever_else_is_known(void **state)
{
    (void)state;
    for (int s = 0; s < POLICY_STATE_COUNT; s++)
        for (int bits = 0; bits < 8; bits++)
            assert_int_equal(code_of((struct engine_ground){.unreadable = true,
                                                            .state = (enum policy_state)s,
                                                            .has_forward = bits & 1,
                                                            .strict = bits & 2,
                                                            .evidence_holds = bits & 4}),
                             503);
}

static void test_a_living_entry_is_never_gone(void **state)
{
    (void)state;
    static const enum policy_state living[] = {POLICY_STATE_ACTIVE, POLICY_STATE_SUSPENDED};
    for (int s = 0; s < 2; s++)
        for (int bits = 0; bits < 8; bits++) {
            struct engine_ground ground = {
                .state = living[s], .has_forward = bits & 1, .strict = bits & 2, .evidence_holds = bits & 4};
            assert_int_equal(code_of(ground), 480);
            assert_true(engine_guard_result(engine_guard(&ground))->conflict);
        }
}

static void test_a_forwarding_address_is_301(void **state)
{
    (void)state;
    assert_int_equal(code_of((struct engine_ground){.state = POLICY_STATE_MOVED, .has_forward = true}), 301);
    assert_int_equal(code_of((struct engine_ground){.state = POLICY_STATE_GONE, .has_forward = true}), 301);
    assert_int_equal(code_of((struct engine_ground){
                         .state = POLICY_STATE_MOVED, .has_forward = true, .strict = true, .evidence_holds = true}),
                     301);
}

static void test_moved_without_an_address_is_no_tombstone(void **state)
{
    (void)state;
    assert_int_equal(code_of((struct engine_ground){.state = POLICY_STATE_MOVED}), 480);
}

static void test_a_tombstone_is_410_also_when_strict(void **state)
{
    (void)state;
    assert_int_equal(code_of((struct engine_ground){.state = POLICY_STATE_GONE}), 410);
    assert_int_equal(code_of((struct engine_ground){.state = POLICY_STATE_GONE, .strict = true}), 410);
    assert_int_equal(engine_guard(&(struct engine_ground){.state = POLICY_STATE_GONE}), ENGINE_GUARD_TOMBSTONE);
}

static void test_without_a_record_the_word_stands_unless_strict(void **state)
{
    (void)state;
    assert_int_equal(code_of((struct engine_ground){0}), 410);
    assert_int_equal(code_of((struct engine_ground){.strict = true}), 404);
    assert_int_equal(code_of((struct engine_ground){.strict = true, .evidence_holds = true}), 410);
}

static void test_410_only_from_these_three(void **state)
{
    (void)state;
    for (int kind = 0; kind < ENGINE_GUARD_KIND_COUNT; kind++) {
        const struct engine_guard_result *result = engine_guard_result((enum engine_guard_kind)kind);
        bool gone = kind == ENGINE_GUARD_TOMBSTONE || kind == ENGINE_GUARD_WORD || kind == ENGINE_GUARD_EVIDENCE;
        assert_int_equal(result->code == 410, gone);
        assert_int_equal(result->verdict == POLICY_GONE, gone);
        assert_int_equal(result->conflict, !gone);
        assert_non_null(result->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreadable_is_503_whatever_else_is_known),
        cmocka_unit_test(test_a_living_entry_is_never_gone),
        cmocka_unit_test(test_a_forwarding_address_is_301),
        cmocka_unit_test(test_moved_without_an_address_is_no_tombstone),
        cmocka_unit_test(test_a_tombstone_is_410_also_when_strict),
        cmocka_unit_test(test_without_a_record_the_word_stands_unless_strict),
        cmocka_unit_test(test_410_only_from_these_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
