/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: every code is there, in order, with sane facts; what is not there has neighbours. */
#include "reference/reference_code.h"
#include "support/cmocka_all.h"

#include <string.h>

/* The registry of IANA, "Response Codes" of the SIP parameters, without the codes marked as reserved. */
static const unsigned registered[] = {
    100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404,
    405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 425, 428, 429,
    430, 433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489,
    491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608,
};
enum { REGISTERED = sizeof(registered) / sizeof(registered[0]) };

static void every_registered_code_is_there_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGISTERED; i++) {
        const struct reference_code *code = reference_code_find(registered[i]);
        assert_non_null(code);
        assert_ptr_equal(code, reference_code_at(i));
        assert_int_equal(code->code, registered[i]);
    }
    assert_null(reference_code_at(REGISTERED));
    size_t found = 0;
    for (unsigned number = 0; number < 1000; number++)
        found += reference_code_find(number) != NULL;
    assert_int_equal(found, REGISTERED);
}

static void facts_fit_their_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGISTERED; i++) {
        const struct reference_code *code = reference_code_at(i);
        unsigned class = code->code / 100;
        assert_true(code->phrase[0] && strncmp(code->source, "RFC ", 4) == 0);
        assert_true(code->about < REFERENCE_ABOUT_COUNT && code->lasting < REFERENCE_LASTING_COUNT);
        assert_true(code->next < REFERENCE_NEXT_COUNT);
        assert_true(class != 1 || code->about == REFERENCE_ABOUT_ATTEMPT);
        assert_true(class > 2 || code->next == REFERENCE_NEXT_NOTHING);
        assert_true(class != 5 || code->about == REFERENCE_ABOUT_SERVER || code->code == 580);
        assert_true((class == 6) == (code->about == REFERENCE_ABOUT_EVERYWHERE));
        assert_true(code->next != REFERENCE_NEXT_NEVER || class == 6);
    }
    assert_int_equal(reference_code_find(410)->lasting, REFERENCE_LASTING_GOOD);
    assert_int_equal(reference_code_find(301)->lasting, REFERENCE_LASTING_GOOD);
    assert_int_equal(reference_code_find(404)->lasting, REFERENCE_LASTING_UNSAID);
    assert_int_equal(reference_code_find(480)->lasting, REFERENCE_LASTING_NOW);
    assert_int_equal(reference_code_find(503)->about, REFERENCE_ABOUT_SERVER);
}

static void a_phrase_finds_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGISTERED; i++) {
        const struct reference_code *code = reference_code_at(i);
        const struct reference_code *named = reference_code_named(code->phrase);
        assert_string_equal(named->phrase, code->phrase);
        assert_true(named == code || code->code == 606);
    }
    assert_int_equal(reference_code_named("gONE")->code, 410);
    assert_null(reference_code_named("gon"));
    assert_null(reference_code_named(""));
}

static void assert_neighbours(unsigned code, unsigned expected_below, unsigned expected_above)
{
    const struct reference_code *below;
    const struct reference_code *above;
    reference_code_nearest(code, &below, &above);
    assert_int_equal(below ? below->code : 0, expected_below);
    assert_int_equal(above ? above->code : 0, expected_above);
}

static void what_is_not_there_has_neighbours(void **state)
{
    (void)state;
    assert_neighbours(411, 410, 412);
    assert_neighbours(410, 408, 412);
    assert_neighbours(499, 494, 0);
    assert_neighbours(299, 204, 0);
    assert_neighbours(101, 100, 180);
    assert_neighbours(400, 0, 401);
    assert_neighbours(99, 0, 0);
    assert_neighbours(700, 0, 0);
    assert_neighbours(609, 608, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_registered_code_is_there_and_no_other),
        cmocka_unit_test(facts_fit_their_class),
        cmocka_unit_test(a_phrase_finds_its_code),
        cmocka_unit_test(what_is_not_there_has_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
