/* SPDX-License-Identifier: Apache-2.0 */
/* verdict code: one code, two, none, a cause; languages; what is not a code. */
#include "reference/reference_code.h"
#include "sip/sip_reply.h"
#include "support_run.h"

static struct run_output out;

static int plain_environment(void **state)
{
    (void)state;
    return unsetenv("LC_ALL") || unsetenv("LC_MESSAGES") || unsetenv("LANG");
}

static void a_code_is_explained(void **state)
{
    (void)state;
    run_line(&out, "code 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "410 Gone\n");
    assert_says(&out, CLI_EXIT_OK, "RFC 3261 21.4.10");
    assert_says(&out, CLI_EXIT_OK, "In depth\n");
    run_line(&out, "code gone", NULL);
    assert_says(&out, CLI_EXIT_OK, "410 Gone\n");
    run_line(&out, "code Not_Found", NULL);
    assert_says(&out, CLI_EXIT_OK, "404 Not Found\n");
    run_line(&out, "code 410 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "410 Gone\n\nIt says");
}

static void two_stand_beside_each_other(void **state)
{
    (void)state;
    run_line(&out, "code 200 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "200 OK ");
    assert_says(&out, CLI_EXIT_OK, "Key differences\n");
    assert_says(&out, CLI_EXIT_OK, "Which to use when\n");
    run_line(&out, "code 200 410 486", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

static void the_language_is_asked_or_the_environments(void **state)
{
    (void)state;
    run_line(&out, "code --lang fr 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "410 Gone (Disparu)\n");
    assert_int_equal(setenv("LANG", "fr_FR.UTF-8", 1), 0);
    run_line(&out, "code 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "Disparu");
    run_line(&out, "code --lang en 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "It says");
    assert_int_equal(setenv("LC_MESSAGES", "en_US.UTF-8", 1), 0);
    run_line(&out, "code 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "It says");
    assert_int_equal(setenv("LC_ALL", "fr_CA", 1), 0);
    run_line(&out, "code 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "Disparu");
    assert_int_equal(setenv("LC_ALL", "", 1), 0);
    run_line(&out, "code 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "It says");
    assert_int_equal(plain_environment(NULL), 0);
    run_line(&out, "code --lang de 410", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

static void all_are_listed(void **state)
{
    (void)state;
    run_line(&out, "code", NULL);
    assert_says(&out, CLI_EXIT_OK, "4xx, request failure\n  400 Bad Request\n");
    assert_says(&out, CLI_EXIT_OK, "  608 Rejected\n");
}

static void a_cause_is_explained(void **state)
{
    (void)state;
    run_line(&out, "code --cause 22", NULL);
    assert_says(&out, CLI_EXIT_OK, "-> 410 Gone\n  -> 301 Moved Permanently, where");
    run_line(&out, "code --cause 99", NULL);
    assert_says(&out, CLI_EXIT_FAILED, "--cause 99: neither RFC 3398 nor RFC 4497 lists it; such a cause becomes 500");
    run_line(&out, "code --cause 22 410", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "--cause stands alone");
    run_line(&out, "code --cause 128", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

static void what_is_no_code_is_told(void **state)
{
    (void)state;
    run_line(&out, "code 411", NULL);
    assert_says(&out, CLI_EXIT_FAILED,
                "verdict code: 411 is not registered: the nearest are 410 Gone and 412 Conditional Request Failed; who "
                "gets it treats it as 400\n");
    run_line(&out, "code 699", NULL);
    assert_says(&out, CLI_EXIT_FAILED,
                "699 is not registered: the nearest is 608 Rejected; who gets it treats it as 600");
    run_line(&out, "code 410 411", NULL);
    assert_says(&out, CLI_EXIT_FAILED, "411 is not registered");
    run_line(&out, "code 99", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "99: expected a code from 100 to 699");
    run_line(&out, "code 4100", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "4100: expected a code from 100 to 699");
    run_line(&out, "code 99999999999999", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
    run_line(&out, "code goen", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "no code is called \"goen\": did you mean 410 Gone?");
    run_line(&out, "code xyzzy", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "\"xyzzy\": expected a code such as 410");
    run_line(&out, "code 41x", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

static void programs_get_json(void **state)
{
    (void)state;
    run_line(&out, "code --json 404 410", NULL);
    assert_says(&out, CLI_EXIT_OK, "[{\"code\":404,");
    assert_says(&out, CLI_EXIT_OK, "},{\"code\":410,");
    static struct run_output all;
    run_line(&all, "code --json --lang fr", NULL);
    assert_says(&all, CLI_EXIT_OK, "[{\"code\":100,");
}

static void phrases_are_those_that_the_engine_sends(void **state)
{
    (void)state;
    const struct reference_code *code;
    for (size_t i = 0; (code = reference_code_at(i)); i++)
        assert_true(span_equal(sip_reply_phrase(code->code), span_of(code->phrase)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_explained),
        cmocka_unit_test(two_stand_beside_each_other),
        cmocka_unit_test(the_language_is_asked_or_the_environments),
        cmocka_unit_test(all_are_listed),
        cmocka_unit_test(a_cause_is_explained),
        cmocka_unit_test(what_is_no_code_is_told),
        cmocka_unit_test(programs_get_json),
        cmocka_unit_test(phrases_are_those_that_the_engine_sends),
    };
    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
