/* SPDX-License-Identifier: Apache-2.0 */
/* Q.850 both ways, row by row as RFC 3398 has them. */
#include "reference/reference_cause.h"
#include "reference/reference_code.h"
#include "support/cmocka_all.h"

/* RFC 3398 8.2.6.1. */
static void answers_go_out_as_causes(void **state)
{
    (void)state;
    static const unsigned rows[][2] = {
        {400, 41},  {401, 21}, {402, 21},  {403, 21},  {404, 1},   {405, 63},  {406, 79},  {407, 21},
        {408, 102}, {410, 22}, {413, 127}, {414, 127}, {415, 79},  {416, 127}, {420, 127}, {421, 127},
        {423, 127}, {480, 18}, {481, 41},  {482, 25},  {483, 25},  {484, 28},  {485, 1},   {486, 17},
        {500, 41},  {501, 79}, {502, 38},  {503, 41},  {504, 102}, {505, 127}, {513, 127}, {600, 17},
        {603, 21},  {604, 1},  {487, 0},   {488, 0},   {606, 0},   {200, 0},   {100, 0},   {411, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(reference_cause_of_code(rows[i][0]), rows[i][1]);
        if (rows[i][1])
            assert_non_null(reference_cause_find(rows[i][1]));
    }
}

/* RFC 3398 7.2.4.1. */
static void causes_come_in_as_answers(void **state)
{
    (void)state;
    static const unsigned rows[][2] = {
        {1, 404},  {2, 404},  {3, 404},  {17, 486}, {18, 408},  {19, 480},  {20, 480},  {21, 403},
        {22, 410}, {23, 410}, {26, 404}, {27, 502}, {28, 484},  {29, 501},  {31, 480},  {34, 503},
        {38, 503}, {41, 503}, {42, 503}, {47, 503}, {55, 403},  {57, 403},  {58, 503},  {65, 488},
        {70, 488}, {79, 501}, {87, 403}, {88, 503}, {102, 504}, {111, 500}, {127, 500}, {16, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(reference_cause_find(rows[i][0])->code, rows[i][1]);
    assert_null(reference_cause_find(0));
    assert_null(reference_cause_find(99));
    assert_null(reference_cause_find(128));
}

static void some_causes_depend(void **state)
{
    (void)state;
    assert_int_equal(reference_cause_find(22)->instead, 301);
    assert_int_equal(reference_cause_find(21)->instead, 603);
    assert_int_equal(reference_cause_find(1)->instead, 0);
}

static void every_cause_is_whole_and_in_order(void **state)
{
    (void)state;
    unsigned before = 0;
    const struct reference_cause *cause;
    for (size_t i = 0; (cause = reference_cause_at(i)); i++) {
        assert_true(cause->cause > before && cause->cause <= 127);
        before = cause->cause;
        assert_true(!cause->code || reference_code_find(cause->code));
        assert_true(!cause->instead || reference_code_find(cause->instead));
        for (int language = 0; language < REFERENCE_LANGUAGE_COUNT; language++) {
            assert_true(cause->names[language][0]);
            assert_int_equal(cause->instead != 0, cause->conditions[language] != NULL);
        }
    }
    assert_int_equal(before, 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_go_out_as_causes),
        cmocka_unit_test(causes_come_in_as_answers),
        cmocka_unit_test(some_causes_depend),
        cmocka_unit_test(every_cause_is_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
