/* SPDX-License-Identifier: Apache-2.0 */
/* What a refusal ends, as RFC 5057 5.1 surveys it; what a script may refuse with. */
#include "reference/reference_code.h"
#include "reference/reference_refusal.h"
#include "support/cmocka_all.h"

#include <string.h>

/* RFC 5057 5.1, table 1: what destroys a usage, what destroys the dialog; and 408, which counts as a timeout (5.2). */
static const unsigned ending[] = {405, 480, 481, 489, 501, 404, 410, 416, 482, 483, 484, 485, 502, 604, 408};
/* The same table: what ends the transaction alone, and what it does not list, which goes by its class. */
static const unsigned harmless[] = {400, 401, 402, 403, 406, 407, 412, 413, 414, 415, 417, 420, 421, 422, 423, 424,
                                    425, 428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470, 486, 487, 488, 491,
                                    493, 494, 500, 503, 504, 505, 513, 555, 580, 600, 603, 606, 607, 608};
enum { ENDING = sizeof(ending) / sizeof(ending[0]), HARMLESS = sizeof(harmless) / sizeof(harmless[0]) };

static void refusals_end_what_the_survey_says(void **state)
{
    (void)state;
    const struct reference_code *code;
    size_t failures = 0;
    for (size_t i = 0; (code = reference_code_at(i)); i++)
        failures += code->code >= 400;
    assert_int_equal(failures, ENDING + HARMLESS);
    for (size_t i = 0; i < ENDING; i++)
        assert_true(reference_refusal_ends_dialog((int)ending[i]));
    for (size_t i = 0; i < HARMLESS; i++)
        assert_false(reference_refusal_ends_dialog((int)harmless[i]));
}

static void what_has_a_verdict_of_its_own_is_no_refusal(void **state)
{
    (void)state;
    assert_non_null(strstr(reference_refusal_instead(410), "gone {}"));
    assert_non_null(strstr(reference_refusal_instead(404), "not_found {}"));
    assert_non_null(strstr(reference_refusal_instead(301), "moved {}"));
    assert_non_null(strstr(reference_refusal_instead(302), "redirect {}"));
    assert_non_null(strstr(reference_refusal_instead(503), "480"));
    assert_non_null(reference_refusal_instead(399));
    assert_non_null(reference_refusal_instead(700));
    assert_null(reference_refusal_instead(480));
    assert_null(reference_refusal_instead(486));
    assert_null(reference_refusal_instead(603));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_end_what_the_survey_says),
        cmocka_unit_test(what_has_a_verdict_of_its_own_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
