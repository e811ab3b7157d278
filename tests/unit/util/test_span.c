/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: comparing, searching, trimming, numbers and copies, all against the page guard. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support/page_guard.h"
#include "util/span.h"

static struct span none(void)
{
    return span_make(NULL, 0);
}

static void equality(void **state)
{
    (void)state;
    assert_true(span_equal(SPAN("abc"), SPAN("abc")));
    assert_false(span_equal(SPAN("abc"), SPAN("abC")));
    assert_false(span_equal(SPAN("abc"), SPAN("ab")));
    assert_true(span_equal(none(), SPAN("")));
    assert_true(span_equal_nocase(SPAN("Call-ID"), SPAN("cALL-id")));
    assert_false(span_equal_nocase(SPAN("a"), SPAN("ab")));
    /* '[' and '{' differ in the same bit as letters do, but are none. */
    assert_false(span_equal_nocase(SPAN("["), SPAN("{")));
    assert_false(span_equal_nocase(SPAN("@"), SPAN("`")));
    assert_false(span_equal_nocase(SPAN("\xc4"), SPAN("\xe4")));
}

static void prefixes_suffixes_order(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN("sip:a"), SPAN("sip:")));
    assert_true(span_starts_with(SPAN("sip:a"), none()));
    assert_false(span_starts_with(SPAN("si"), SPAN("sip:")));
    assert_true(span_ends_with(SPAN("a.lua"), SPAN(".lua")));
    assert_false(span_ends_with(SPAN("lua"), SPAN(".lua")));
    assert_true(span_ends_with(none(), none()));
    assert_true(span_compare(SPAN("a"), SPAN("b")) < 0);
    assert_true(span_compare(SPAN("b"), SPAN("a")) > 0);
    assert_true(span_compare(SPAN("a"), SPAN("ab")) < 0);
    assert_true(span_compare(SPAN("ab"), SPAN("a")) > 0);
    assert_int_equal(span_compare(none(), SPAN("")), 0);
}

static void finding_slicing_trimming(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("a@b"), '@'), 1);
    assert_int_equal(span_find(SPAN("ab"), '@'), 2);
    assert_int_equal(span_find(none(), '@'), 0);
    assert_true(span_equal(span_slice(SPAN("hello"), 1, 3), SPAN("el")));
    assert_true(span_equal(span_slice(SPAN("hello"), 3, 99), SPAN("lo")));
    assert_int_equal(span_slice(SPAN("hello"), 9, 4).len, 0);
    assert_int_equal(span_slice(none(), 0, 4).len, 0);
    assert_true(span_equal(span_trim(SPAN(" \t\r\n a b \r\n")), SPAN("a b")));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
    assert_int_equal(span_trim(none()).len, 0);
}

static void numbers(void **state)
{
    (void)state;
    uint64_t wide = 7;
    uint32_t narrow = 7;
    assert_true(span_to_u64(SPAN("18446744073709551615"), &wide));
    assert_true(wide == UINT64_MAX);
    assert_true(span_to_u32(SPAN("0004294967295"), &narrow));
    assert_int_equal(narrow, UINT32_MAX);
    wide = 7;
    narrow = 7;
    const char *bad[] = {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(span_to_u64(span_of(bad[i]), &wide));
        assert_false(span_to_u32(span_of(bad[i]), &narrow));
    }
    assert_false(span_to_u32(SPAN("4294967296"), &narrow));
    assert_int_equal(wide, 7);
    assert_int_equal(narrow, 7);
}

static void copies(void **state)
{
    (void)state;
    char out[4] = "xxx";
    assert_true(span_copy(SPAN("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(span_copy(SPAN("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(span_copy(SPAN("a"), out, 0));
    char *copy = span_dup(SPAN("abc"));
    assert_string_equal(copy, "abc");
    free(copy);
    copy = span_dup(none());
    assert_string_equal(copy, "");
    free(copy);
    failing_malloc_at(1);
    assert_null(span_dup(SPAN("abc")));
    assert_true(failing_malloc_off());
    assert_int_equal(span_of(NULL).len, 0);
    assert_true(span_is_empty(none()));
}

static void nothing_reads_beyond_its_input(void **state)
{
    (void)state;
    struct page_guard guard = page_guard_new(64);
    const struct span inputs[] = {SPAN(""), SPAN("1"), SPAN("12345678"), SPAN("  x  "), SPAN("    ")};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        for (int side = 0; side < 2; side++) {
            struct span at = side ? page_guard_put(&guard, inputs[i]) : page_guard_put_begin(&guard, inputs[i]);
            uint64_t number;
            char out[16];
            (void)span_to_u64(at, &number);
            (void)span_trim(at);
            (void)span_find(at, '@');
            (void)span_starts_with(at, SPAN("123456789"));
            (void)span_ends_with(at, SPAN("0"));
            assert_true(span_copy(at, out, sizeof(out)));
            assert_true(span_equal_nocase(at, inputs[i]));
        }
    }
    page_guard_done(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),
        cmocka_unit_test(prefixes_suffixes_order),
        cmocka_unit_test(finding_slicing_trimming),
        cmocka_unit_test(numbers),
        cmocka_unit_test(copies),
        cmocka_unit_test(nothing_reads_beyond_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
