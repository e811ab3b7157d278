/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards against a plain backtracking matcher, over every short pattern and subject. */
#include "facts/facts_glob.h"

#include "util/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool naive(const char *pattern, size_t pattern_len, const char *text, size_t text_len)
{
    if (pattern_len == 0)
        return text_len == 0;
    if (pattern[0] == '*')
        return naive(pattern + 1, pattern_len - 1, text, text_len) ||
               (text_len > 0 && naive(pattern, pattern_len, text + 1, text_len - 1));
    return text_len > 0 && (pattern[0] == '?' || pattern[0] == text[0]) &&
           naive(pattern + 1, pattern_len - 1, text + 1, text_len - 1);
}

/* The `number`-th word over `letters`, with up to `most` of them. */
static size_t word(size_t number, const char *letters, char *out)
{
    size_t len = 0;
    size_t base = strlen(letters) + 1;
    for (; number > 0; number /= base) {
        if (number % base == 0)
            return SIZE_MAX; /* a gap: another number spells this word */
        out[len++] = letters[number % base - 1];
    }
    return len;
}

static void all_short_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5 * 5 * 5 * 5 * 5; i++) {
        char pattern[8];
        struct facts_glob glob;
        size_t pattern_len = word(i, "ab*?", pattern);
        if (pattern_len == SIZE_MAX)
            continue;
        assert_int_equal(facts_glob_compile(&glob, span_make(pattern, pattern_len), false), OK);
        for (size_t j = 0; j < 3 * 3 * 3 * 3 * 3 * 3; j++) {
            char text[8];
            size_t text_len = word(j, "ab", text);
            if (text_len == SIZE_MAX)
                continue;
            if (facts_glob_matches(&glob, span_make(text, text_len)) != naive(pattern, pattern_len, text, text_len))
                fail_msg("%.*s against %.*s", (int)pattern_len, pattern, (int)text_len, text);
        }
        facts_glob_done(&glob);
    }
}

static bool matches(const char *pattern, const char *text, bool nocase)
{
    struct facts_glob glob;
    assert_int_equal(facts_glob_compile(&glob, span_of(pattern), nocase), OK);
    bool fits = facts_glob_matches(&glob, span_of(text));
    facts_glob_done(&glob);
    return fits;
}

static void without_case(void **state)
{
    (void)state;
    assert_true(matches("Friendly-*", "fRIENDLY-Scanner", true));
    assert_false(matches("Friendly-*", "fRIENDLY-Scanner", false));
    assert_true(matches("*SIPvicious*", "my sipVICIOUS 0.3", true));
    assert_true(matches("*[x]*", "a[X]b", true)); /* brackets are themselves */
    assert_true(matches("*\xc3\xa9*", "caf\xc3\xa9s", true));
}

static void caps(void **state)
{
    (void)state;
    struct facts_glob glob;
    char part[GLOB_PART_LEN_MAX + 2];
    memset(part, 'x', sizeof(part));
    assert_int_equal(facts_glob_compile(&glob, span_make(part, GLOB_PART_LEN_MAX), false), OK);
    assert_true(facts_glob_matches(&glob, span_make(part, GLOB_PART_LEN_MAX)));
    facts_glob_done(&glob);
    part[0] = '*';
    assert_int_equal(facts_glob_compile(&glob, span_make(part, GLOB_PART_LEN_MAX + 1), false), OK);
    facts_glob_done(&glob);
    assert_int_equal(facts_glob_compile(&glob, span_make(part, GLOB_PART_LEN_MAX + 2), false), ERR_TOO_LONG);
    assert_int_equal(facts_glob_compile(&glob, SPAN("a*b*c*d*e*f*g*h"), false), OK);
    facts_glob_done(&glob);
    assert_int_equal(facts_glob_compile(&glob, SPAN("a*b*c*d*e*f*g*h*i"), false), ERR_FULL);
    assert_int_equal(facts_glob_compile(&glob, SPAN("a\nb"), false), ERR_INVALID);
}

/* What makes a backtracking matcher quadratic or worse takes one step a byte here. */
static void hostile_text(void **state)
{
    (void)state;
    static char text[60000];
    struct facts_glob glob;
    memset(text, 'a', sizeof(text));
    assert_int_equal(facts_glob_compile(&glob, SPAN("*aaaaaaaaaaaaaaaaab*aaaaaaab*"), true), OK);
    uint64_t from = clock_thread_cpu_ns();
    for (int i = 0; i < 20; i++)
        assert_false(facts_glob_matches(&glob, span_make(text, sizeof(text))));
    assert_true(clock_thread_cpu_ns() - from <
                UINT64_C(1000000000)); /* 50 ms each would be a thousand times too much */
    facts_glob_done(&glob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_short_ones),
        cmocka_unit_test(without_case),
        cmocka_unit_test(caps),
        cmocka_unit_test(hostile_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
