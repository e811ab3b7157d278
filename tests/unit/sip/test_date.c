/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_date.h"
#include "support/span_guard.h"

#include <time.h>

static void good_dates_are_read_and_written(void **state)
{
    int64_t seconds = 0;
    (void)state;
    assert_int_equal(sip_date_parse(SPAN("Sat, 13 Nov 2010 23:29:00 GMT"), &seconds), OK);
    assert_int_equal(seconds, 1289690940);
    assert_int_equal(sip_date_parse(SPAN("Thu, 01 Jan 1970 00:00:00 GMT"), &seconds), OK);
    assert_int_equal(seconds, 0);
    assert_int_equal(sip_date_parse(SPAN("Sat, 31 Dec 2016 23:59:60 GMT"), &seconds), OK); /* a leap second */
    assert_int_equal(sip_date_parse(SPAN("Mon, 01 Jan 0001 00:00:00 GMT"), &seconds), OK);
    assert_int_equal(sip_date_parse(SPAN("Sat, 01 Jan 0000 00:00:00 GMT"), &seconds), ERR_SYNTAX);
    assert_true(seconds < 0);
}

static void check_bad(void *ctx, struct span input)
{
    int64_t seconds = 42;
    (void)ctx;
    if (sip_date_parse(input, &seconds) != ERR_SYNTAX)
        fail_msg("%.*s", SPAN_ARG(input));
    assert_int_equal(seconds, 42);
}

static void bad_dates_are_refused(void **state)
{
    const char *rows[] = {"",
                          "Fri, 01 Jan 2010 16:00:00 EST",
                          "Sun, 13 Nov 2010 23:29:00 GMT", /* it was a Saturday */
                          "Sat, 13 Nov 2010 23:29:00 GMT ",
                          "Sat, 1 Nov 2010 23:29:00 GMT",
                          "Xxx, 13 Nov 2010 23:29:00 GMT",
                          "Sat, 13 Xxx 2010 23:29:00 GMT",
                          "Sat, x3 Nov 2010 23:29:00 GMT",
                          "Sat, 1x Nov 2010 23:29:00 GMT",
                          "Sat, 13 Nov x010 23:29:00 GMT",
                          "Sat, 13 Nov 201x 23:29:00 GMT",
                          "Sat, 13 Nov 2010 24:29:00 GMT",
                          "Sat, 13 Nov 2010 23:60:00 GMT",
                          "Sat, 13 Nov 2010 23:29:61 GMT",
                          "Sat, 00 Nov 2010 23:29:00 GMT",
                          "Mon, 29 Feb 2010 23:29:00 GMT",
                          "Mon, 29 Feb 1900 23:29:00 GMT",
                          "Sat: 13 Nov 2010 23:29:00 GMT",
                          "Sat, 13-Nov 2010 23:29:00 GMT",
                          "Sat, 13 Nov-2010 23:29:00 GMT",
                          "Sat, 13 Nov 2010-23:29:00 GMT",
                          "Sat, 13 Nov 2010 23-29:00 GMT",
                          "Sat, 13 Nov 2010 23:29-00 GMT"};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row]), check_bad, NULL);
}

/* Against the C library, over four centuries. */
static void written_dates_are_the_librarys(void **state)
{
    char ours[64], theirs[64];
    (void)state;
    for (int64_t seconds = 0; seconds < 12700000000; seconds += 7654321) {
        time_t when = (time_t)seconds;
        struct tm parts;
        int64_t back = -1;
        struct buffer out = buffer_over(ours, sizeof(ours));
        sip_date_add(&out, seconds);
        assert_non_null(gmtime_r(&when, &parts));
        assert_true(strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
        assert_span(buffer_span(&out), theirs);
        assert_int_equal(sip_date_parse(buffer_span(&out), &back), OK);
        assert_true(back == seconds);
    }
    struct buffer out = buffer_over(ours, sizeof(ours));
    sip_date_add(&out, 253402300799);
    assert_span(buffer_span(&out), "Fri, 31 Dec 9999 23:59:59 GMT");
    sip_date_add(&out, 253402300800);
    assert_true(out.overflow);
    buffer_clear(&out);
    sip_date_add(&out, -1);
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_dates_are_read_and_written),
        cmocka_unit_test(bad_dates_are_refused),
        cmocka_unit_test(written_dates_are_the_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
