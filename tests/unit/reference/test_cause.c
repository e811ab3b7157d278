/* SPDX-License-Identifier: Apache-2.0 */
/* Q.850 both ways, row by row as RFC 3398 and RFC 4497 have them. */
#include "reference/reference_cause.h"
#include "reference/reference_code.h"
#include "support/cmocka_all.h"

#include <string.h>

enum { NORMAL_UNSPECIFIED = 31 };

/* RFC 3398 8.2.6.1 and RFC 4497 8.4.4, table 2, which are alike. */
static const unsigned sent_as[][2] = {
    {400, 41}, {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63},  {406, 79},  {407, 21},  {408, 102},
    {410, 22}, {413, 127}, {414, 127}, {415, 79},  {416, 127}, {420, 127}, {421, 127}, {423, 127}, {480, 18},
    {481, 41}, {482, 25},  {483, 25},  {484, 28},  {485, 1},   {486, 17},  {500, 41},  {501, 79},  {502, 38},
    {503, 41}, {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21},  {604, 1},
};
enum { SENT_AS = sizeof(sent_as) / sizeof(sent_as[0]) };

static void answers_go_out_as_causes(void **state)
{
    (void)state;
    const struct reference_code *code;
    for (size_t i = 0; (code = reference_code_at(i)); i++) {
        unsigned expected = code->code < 400 || code->code == 487 ? 0 : NORMAL_UNSPECIFIED;
        for (size_t row = 0; row < SENT_AS; row++)
            expected = sent_as[row][0] == code->code ? sent_as[row][1] : expected;
        if (reference_cause_of_code(code->code) != expected)
            fail_msg("%u: cause %u, expected %u", code->code, reference_cause_of_code(code->code), expected);
        assert_true(!expected || reference_cause_find(expected));
        assert_int_equal(reference_cause_by_warning(code->code), code->code == 488 || code->code == 606 ? 65 : 0);
    }
    assert_int_equal(reference_cause_of_code(499), NORMAL_UNSPECIFIED);
    assert_int_equal(reference_cause_of_code(700), 0);
    assert_int_equal(reference_cause_of_code(0), 0);
}

/* RFC 3398 7.2.4.1; 22 without a diagnostic, 21 located in the network. */
static const unsigned isup[][2] = {
    {1, 404},  {2, 404},  {3, 404},  {17, 486}, {18, 408},  {19, 480},  {20, 480},  {21, 403},
    {22, 410}, {23, 410}, {26, 404}, {27, 502}, {28, 484},  {29, 501},  {31, 480},  {34, 503},
    {38, 503}, {41, 503}, {42, 503}, {47, 503}, {55, 403},  {57, 403},  {58, 503},  {65, 488},
    {70, 488}, {79, 501}, {87, 403}, {88, 503}, {102, 504}, {111, 500}, {127, 500},
};
/* RFC 4497 8.4.1, table 1. */
static const unsigned qsig[][2] = {
    {1, 404},  {2, 404},  {3, 404},  {17, 486}, {18, 408}, {19, 480}, {20, 480}, {21, 403}, {22, 410},  {23, 410},
    {27, 502}, {28, 484}, {29, 501}, {31, 480}, {34, 503}, {38, 503}, {41, 503}, {42, 503}, {47, 503},  {55, 403},
    {57, 403}, {58, 503}, {65, 488}, {69, 501}, {70, 488}, {79, 501}, {87, 403}, {88, 503}, {102, 504},
};
enum { ISUP = sizeof(isup) / sizeof(isup[0]), QSIG = sizeof(qsig) / sizeof(qsig[0]) };

static unsigned expected_answer(unsigned cause)
{
    for (size_t i = 0; i < ISUP; i++) {
        if (isup[i][0] == cause)
            return isup[i][1];
    }
    for (size_t i = 0; i < QSIG; i++) {
        if (qsig[i][0] == cause)
            return qsig[i][1];
    }
    return cause == 16 ? 0 : REFERENCE_CAUSE_OTHERS_BECOME;
}

static void causes_come_in_as_answers(void **state)
{
    (void)state;
    const struct reference_cause *cause;
    for (size_t i = 0; (cause = reference_cause_at(i)); i++) {
        if (cause->code != expected_answer(cause->cause))
            fail_msg("cause %u: %u, expected %u", cause->cause, cause->code, expected_answer(cause->cause));
    }
    for (size_t i = 0; i < ISUP; i++)
        assert_non_null(reference_cause_find(isup[i][0]));
    for (size_t i = 0; i < QSIG; i++)
        assert_int_equal(reference_cause_find(qsig[i][0])->code, qsig[i][1]);
    assert_int_equal(REFERENCE_CAUSE_OTHERS_BECOME, 500);
    assert_null(reference_cause_find(0));
    assert_null(reference_cause_find(44)); /* the gateway's own affair, RFC 3398 7.2.4.1 */
    assert_null(reference_cause_find(99));
    assert_null(reference_cause_find(128));
}

static void some_causes_depend(void **state)
{
    (void)state;
    const struct reference_cause *cause;
    for (size_t i = 0; (cause = reference_cause_at(i)); i++) {
        unsigned expected = cause->cause == 22 ? 301 : cause->cause == 21 ? 603 : cause->cause == 16 ? 500 : 0;
        assert_int_equal(cause->instead, expected);
    }
    assert_non_null(strstr(reference_cause_find(22)->conditions[REFERENCE_EN], "diagnostic"));
    assert_non_null(strstr(reference_cause_find(21)->conditions[REFERENCE_EN], "user"));
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
