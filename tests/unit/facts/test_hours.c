/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours, dates, and time zones against the C library's own. */
#include "facts/facts_hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static int64_t at(const char *text)
{
    int64_t seconds = 0;
    if (!facts_time_parse(span_of(text), &seconds))
        fail_msg("%s does not parse", text);
    return seconds;
}

static void dates(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-02-29",
                                      "2100-02-29",
                                      "2026-01-32",
                                      "2026-1-1",
                                      "2026-01-01T",
                                      "2026-01-01T12:00:00",
                                      "2026-01-01T25:00:00Z",
                                      "2026-01-01T12:60:00Z",
                                      "2026-01-01T12:00:61Z",
                                      "2026-01-01T12:00:00+1",
                                      "2026-01-01T12:00:00+01:00x"};
    assert_int_equal(at("1970-01-01"), 0);
    assert_int_equal(at("2026-01-01"), 1767225600);
    assert_int_equal(at("2024-02-29T12:34:56Z"), 1709210096);
    assert_int_equal(at("2000-02-29"), 951782400);
    assert_int_equal(at("2026-01-01T01:00:00+01:00"), 1767225600);
    assert_int_equal(at("2025-12-31 19:00:00-05:00"), 1767225600);
    assert_int_equal(at("1969-12-31T23:59:59Z"), -1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t seconds = 7;
        assert_false(facts_time_parse(span_of(bad[i]), &seconds));
        assert_int_equal(seconds, 7);
    }
}

/* Every third day of two centuries against timegm(). */
static void days(void **state)
{
    (void)state;
    for (int64_t day = -25000; day < 50000; day += 3) {
        time_t seconds = (time_t)(day * 86400);
        struct tm parts;
        assert_non_null(gmtime_r(&seconds, &parts));
        assert_int_equal(facts_days_of(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday), day);
    }
}

static bool open_at(const char *windows, const char *zone, const char *when)
{
    struct facts_hours hours = {0};
    const char *reason = "";
    struct span rest = span_of(windows);
    assert_int_equal(facts_zone_load(&hours.zone, span_of(zone)), OK);
    while (rest.len > 0) {
        size_t end = span_find(rest, ';');
        if (facts_hours_add(&hours, span_slice(rest, 0, end), &reason) != OK)
            fail_msg("%s: %s", windows, reason);
        rest = span_slice(rest, end + 1, rest.len);
    }
    bool open = facts_hours_open(&hours, at(when) * 1000);
    facts_zone_done(&hours.zone);
    return open;
}

static void windows(void **state)
{
    (void)state;
    /* 2026-01-05 is a Monday. */
    assert_true(open_at("mon-fri 08:00-18:00", "UTC", "2026-01-05T08:00:00Z"));
    assert_false(open_at("mon-fri 08:00-18:00", "UTC", "2026-01-05T07:59:59Z"));
    assert_true(open_at("mon-fri 08:00-18:00", "UTC", "2026-01-09T17:59:59Z"));
    assert_false(open_at("mon-fri 08:00-18:00", "UTC", "2026-01-09T18:00:00Z"));
    assert_false(open_at("mon-fri 08:00-18:00", "UTC", "2026-01-10T12:00:00Z"));
    assert_true(open_at("mon 08:00-09:00;sat,sun 10:00-24:00", "UTC", "2026-01-11T23:59:59Z"));
    assert_true(open_at("sat-mon 10:00-11:00", "UTC", "2026-01-05T10:30:00Z"));
    assert_false(open_at("sat-mon 10:00-11:00", "UTC", "2026-01-06T10:30:00Z"));
    assert_true(open_at("sun 22:00-06:00", "UTC", "2026-01-05T05:59:59Z")); /* past midnight, and past the week's end */
    assert_false(open_at("sun 22:00-06:00", "UTC", "2026-01-05T06:00:00Z"));
    assert_false(open_at("sun 22:00-06:00", "UTC", "2026-01-04T05:00:00Z"));
    assert_true(open_at("DAILY 00:00-24:00", "UTC", "2026-01-05T23:59:59Z"));
    assert_true(open_at("mon 00:30-00:31", "+05:30", "2026-01-04T19:00:00Z"));
    assert_false(open_at("daily 00:00-24:00", "UTC", "1969-12-31T00:00:00Z"));
}

static void window_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "mon",
                                      "mon 08:00",
                                      "08:00-09:00",
                                      "mon 8:00-9:00",
                                      "mun 08:00-09:00",
                                      "mon 08:00-08:00",
                                      "mon 24:00-25:00",
                                      "mon-xyz 08:00-09:00",
                                      "mon 08:00-24:01",
                                      "mon,,tue 08:00-09:00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct facts_hours hours = {0};
        const char *reason = NULL;
        if (facts_hours_add(&hours, span_of(bad[i]), &reason) != ERR_SYNTAX)
            fail_msg("%s is taken", bad[i]);
        assert_non_null(reason);
    }
}

static void exceptions(void **state)
{
    (void)state;
    struct facts_hours hours = {0};
    const char *reason = NULL;
    assert_int_equal(facts_hours_add(&hours, SPAN("daily 00:00-24:00"), &reason), OK);
    assert_int_equal(facts_hours_except(&hours, SPAN("2026-12-25"), &reason), OK);
    assert_false(facts_hours_open(&hours, at("2026-12-25T12:00:00Z") * 1000));
    assert_true(facts_hours_open(&hours, at("2026-12-26") * 1000));
    assert_int_equal(facts_hours_except(&hours, SPAN("Christmas"), &reason), ERR_SYNTAX);
    for (int i = 1; i < HOURS_EXCEPT_MAX; i++)
        assert_int_equal(facts_hours_except(&hours, SPAN("2026-12-25"), &reason), OK);
    assert_int_equal(facts_hours_except(&hours, SPAN("2026-12-25"), &reason), ERR_FULL);
}

/* Around every hour of three years, and each half year until 2099, as the C library has it. */
static void zone_as_the_library(const char *name)
{
    struct facts_zone zone;
    enum err err = facts_zone_load(&zone, span_of(name));
    if (err == ERR_NOT_FOUND) {
        print_message("no zone data for %s here\n", name);
        return;
    }
    assert_int_equal(err, OK);
    setenv("TZ", name, 1);
    tzset();
    for (int64_t when = at("2025-01-01"); when < at("2099-01-01");
         when += when < at("2028-01-01") ? 3600 : 86400 * 91 + 3600) {
        time_t seconds = (time_t)when;
        struct tm parts;
        localtime_r(&seconds, &parts);
        if (facts_zone_offset(&zone, when) != parts.tm_gmtoff)
            fail_msg("%s at %lld: %d, not %ld", name, (long long)when, facts_zone_offset(&zone, when), parts.tm_gmtoff);
    }
    assert_int_equal(facts_zone_offset(&zone, INT64_MIN), zone.first_offset_s);
    facts_zone_done(&zone);
    unsetenv("TZ");
    tzset();
}

static void zones(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",     "America/New_York", "Australia/Sydney", "Asia/Kolkata",
                                        "America/Sao_Paulo", "Europe/Dublin",    "America/Santiago", "Pacific/Auckland",
                                        "Asia/Kathmandu",    "Africa/Cairo"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        zone_as_the_library(names[i]);
}

static void zone_names(void **state)
{
    (void)state;
    struct facts_zone zone;
    assert_int_equal(facts_zone_load(&zone, SPAN("UTC")), OK);
    assert_int_equal(facts_zone_offset(&zone, 0), 0);
    assert_int_equal(facts_zone_load(&zone, SPAN("-03:30")), OK);
    assert_int_equal(facts_zone_offset(&zone, 0), -12600);
    assert_int_equal(facts_zone_load(&zone, SPAN("Mars/Olympus")), ERR_NOT_FOUND);
    assert_int_equal(facts_zone_load(&zone, SPAN("../zoneinfo/UTC")), ERR_SYNTAX);
    assert_int_equal(facts_zone_load(&zone, SPAN("/etc/localtime")), ERR_SYNTAX);
    assert_int_equal(facts_zone_load(&zone, SPAN("")), ERR_SYNTAX);
    assert_int_not_equal(facts_zone_load(&zone, SPAN("tzdata.zi")), OK);
    assert_int_not_equal(facts_zone_load(&zone, SPAN("Europe")), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),         cmocka_unit_test(days),       cmocka_unit_test(windows),
        cmocka_unit_test(window_errors), cmocka_unit_test(exceptions), cmocka_unit_test(zones),
        cmocka_unit_test(zone_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
