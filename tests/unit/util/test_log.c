/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, one line an event whatever it is given, limits, and standard error as the default. */
#include "support/cmocka_all.h"
#include "util/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sink {
    char last[4096];
    enum log_level level;
    int lines;
};

static void take_line(void *ctx, enum log_level level, const char *line)
{
    struct sink *sink = ctx;
    (void)snprintf(sink->last, sizeof(sink->last), "%s", line);
    sink->level = level;
    sink->lines++;
}

static int with_sink(void **state)
{
    static struct sink sink;
    memset(&sink, 0, sizeof(sink));
    *state = &sink;
    log_set_sink(take_line, &sink);
    log_set_level(LOG_INFO);
    return 0;
}

static int without_sink(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    log_set_level(LOG_INFO);
    return 0;
}

static void a_line_says_when_how_bad_where_and_what(void **state)
{
    struct sink *sink = *state;
    log_warn("engine", "no ACK call=%s n=%d", "abc", 3);
    /* "2026-01-31T12:00:00.123Z " */
    assert_true(strlen(sink->last) > 25);
    assert_int_equal(sink->last[10], 'T');
    assert_int_equal(sink->last[23], 'Z');
    assert_string_equal(sink->last + 25, "warn engine: no ACK call=abc n=3");
    assert_int_equal(sink->level, LOG_WARN);
}

static void levels_hold_back(void **state)
{
    struct sink *sink = *state;
    log_debug("x", "no");
    assert_int_equal(sink->lines, 0);
    log_set_level(LOG_DEBUG);
    log_debug("x", "yes");
    assert_int_equal(sink->lines, 1);
    log_set_level(LOG_ERROR);
    log_warn("x", "no");
    struct log_limit limit = {0};
    log_limited(&limit, 10, LOG_WARN, "x", "no");
    assert_int_equal(sink->lines, 1);
    log_error("x", "yes");
    assert_int_equal(sink->lines, 2);
}

static void level_names_are_read(void **state)
{
    (void)state;
    enum log_level level = LOG_ERROR;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse("warn", &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(level, LOG_WARN);
}

static void no_text_forges_a_line(void **state)
{
    struct sink *sink = *state;
    log_info("x", "a\nb\r\x1b[31m\x7f \xc3\xa4");
    assert_non_null(strstr(sink->last, "a\\nb\\x0d\\x1b[31m\\x7f \xc3\xa4"));
    assert_null(strchr(sink->last, '\n'));
}

static void a_long_text_is_cut(void **state)
{
    struct sink *sink = *state;
    log_info("x", "%05000d", 1);
    assert_true(strlen(sink->last) < 3072);
    char controls[2000];
    memset(controls, 1, sizeof(controls) - 1);
    controls[sizeof(controls) - 1] = '\0';
    log_info("x", "%s", controls);
    assert_true(strlen(sink->last) < 3072);
}

static void a_limit_holds_back_and_says_how_many(void **state)
{
    struct sink *sink = *state;
    struct log_limit limit = {0};
    for (int i = 0; i < 100; i++)
        log_limited(&limit, 5, LOG_WARN, "net", "drop %d", i);
    assert_in_range(sink->lines, 5, 10); /* the second may turn in between */
    assert_true(limit.held_back >= 85);
    unsigned held_back = limit.held_back;
    limit.second = 1; /* as if a second had passed */
    log_limited(&limit, 5, LOG_WARN, "net", "drop again");
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "warn net: (%u like it held back) drop again", held_back);
    assert_non_null(strstr(sink->last, expected));
    log_limited(&limit, 5, LOG_WARN, "net", "drop again");
    assert_null(strstr(sink->last, "held back"));
}

static void without_a_sink_it_is_standard_error(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_set_sink(NULL, NULL);
    log_info("x", "hello");
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    char text[256] = "";
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    assert_non_null(strstr(text, "info x: hello\n"));
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_says_when_how_bad_where_and_what, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(levels_hold_back, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(level_names_are_read, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(no_text_forges_a_line, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_long_text_is_cut, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(a_limit_holds_back_and_says_how_many, with_sink, without_sink),
        cmocka_unit_test_setup_teardown(without_a_sink_it_is_standard_error, with_sink, without_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
