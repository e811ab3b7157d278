/* SPDX-License-Identifier: Apache-2.0 */
/* The two tables of engine_methods.c, cell by cell: the expected table is written out here a second time, by hand. */
#include "engine/engine_methods.h"
#include "support/cmocka_all.h"
#include <stdint.h>

struct expected {
    enum sip_method method;
    int codes[POLICY_VERDICT_COUNT]; /* ok gone moved redirect not_found unavailable challenge reject drop */
};

static void test_every_verdict_for_every_method(void **state)
{
    (void)state;
    enum { OWN = ENGINE_STATUS_OWN };
    static const struct expected table[] = {
        {SIP_METHOD_INVITE, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
        {SIP_METHOD_OPTIONS, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
        {SIP_METHOD_MESSAGE, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
        {SIP_METHOD_REGISTER, {200, 410, 403, 302, 404, 403, 401, OWN, 0}},
        {SIP_METHOD_SUBSCRIBE, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
        {SIP_METHOD_PUBLISH, {200, 410, 403, 302, 404, 403, 401, OWN, 0}},
        {SIP_METHOD_REFER, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
        {SIP_METHOD_OTHER, {200, 410, 301, 302, 404, 480, 401, OWN, 0}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int verdict = 0; verdict < POLICY_VERDICT_COUNT; verdict++)
            assert_int_equal(engine_status_of((enum policy_verdict)verdict, table[i].method), table[i].codes[verdict]);
}

static void test_what_each_method_gets_outside_a_dialog(void **state)
{
    (void)state;
    static const enum engine_treatment expected[SIP_METHOD_COUNT] = {
        [SIP_METHOD_OTHER] = ENGINE_TREAT_UNKNOWN,     [SIP_METHOD_INVITE] = ENGINE_TREAT_POLICY,
        [SIP_METHOD_ACK] = ENGINE_TREAT_NEVER,         [SIP_METHOD_BYE] = ENGINE_TREAT_NO_DIALOG,
        [SIP_METHOD_CANCEL] = ENGINE_TREAT_NEVER,      [SIP_METHOD_OPTIONS] = ENGINE_TREAT_POLICY,
        [SIP_METHOD_REGISTER] = ENGINE_TREAT_POLICY,   [SIP_METHOD_SUBSCRIBE] = ENGINE_TREAT_POLICY,
        [SIP_METHOD_NOTIFY] = ENGINE_TREAT_NO_DIALOG,  [SIP_METHOD_PUBLISH] = ENGINE_TREAT_POLICY,
        [SIP_METHOD_MESSAGE] = ENGINE_TREAT_POLICY,    [SIP_METHOD_INFO] = ENGINE_TREAT_NO_DIALOG,
        [SIP_METHOD_UPDATE] = ENGINE_TREAT_NO_DIALOG,  [SIP_METHOD_PRACK] = ENGINE_TREAT_NO_DIALOG,
        [SIP_METHOD_REFER] = ENGINE_TREAT_NOT_ALLOWED,
    };
    for (int method = 0; method < SIP_METHOD_COUNT; method++)
        assert_int_equal(engine_treatment((enum sip_method)method), expected[method]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verdict_for_every_method),
        cmocka_unit_test(test_what_each_method_gets_outside_a_dialog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
