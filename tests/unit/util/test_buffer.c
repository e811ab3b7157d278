/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers never write past their cap, and say once that something did not fit. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support/page_guard.h"
#include "util/buffer.h"

static void assert_content(const struct buffer *buffer, const char *expected)
{
    assert_true(span_equal(buffer_span(buffer), span_of(expected)));
}

static void everything_can_be_added(void **state)
{
    (void)state;
    char memory[256];
    struct buffer buffer = buffer_over(memory, sizeof(memory));
    buffer_add(&buffer, "ab", 2);
    buffer_add(&buffer, NULL, 0);
    buffer_add_span(&buffer, SPAN("cd"));
    buffer_add_byte(&buffer, ' ');
    buffer_add_literal(&buffer, "lit ");
    buffer_add_text(&buffer, "text ");
    buffer_add_u64(&buffer, 0);
    buffer_add_byte(&buffer, ' ');
    buffer_add_u64(&buffer, UINT64_MAX);
    buffer_add_byte(&buffer, ' ');
    buffer_add_i64(&buffer, INT64_MIN);
    buffer_add_byte(&buffer, ' ');
    buffer_add_i64(&buffer, 42);
    buffer_add_byte(&buffer, ' ');
    buffer_add_hex(&buffer, "\x00\xff\x1a", 3);
    buffer_addf(&buffer, " %s=%d", "x", 5);
    assert_content(&buffer, "abcd lit text 0 18446744073709551615 -9223372036854775808 42 00ff1a x=5");
    assert_false(buffer.overflow);
    buffer_done(&buffer);
}

static void overflow_is_sticky_and_writes_nothing_more(void **state)
{
    (void)state;
    struct page_guard guard = page_guard_new(8);
    struct buffer buffer = buffer_over(page_guard_end(&guard, 4), 4);
    buffer_add_text(&buffer, "abc");
    buffer_add_text(&buffer, "de");
    assert_true(buffer.overflow);
    buffer_add_byte(&buffer, 'f'); /* would fit, but a hole in a text is worse than its end */
    assert_content(&buffer, "abc");
    buffer_clear(&buffer);
    assert_false(buffer.overflow);
    buffer_add_text(&buffer, "wxyz");
    assert_content(&buffer, "wxyz");
    assert_false(buffer.overflow);
    buffer_add_hex(&buffer, "\1", 1);
    buffer_add_i64(&buffer, -1);
    buffer_addf(&buffer, "%d", 1);
    assert_content(&buffer, "wxyz");
    assert_true(buffer.overflow);
    page_guard_done(&guard);
}

static void a_heap_buffer_grows_to_its_maximum(void **state)
{
    (void)state;
    struct buffer buffer = buffer_heap(1000);
    for (int i = 0; i < 1000; i++)
        buffer_add_byte(&buffer, 'x');
    assert_false(buffer.overflow);
    assert_int_equal(buffer.len, 1000);
    assert_true(buffer.cap <= 1000);
    buffer_add_byte(&buffer, 'x');
    assert_true(buffer.overflow);
    assert_int_equal(buffer.len, 1000);
    buffer_done(&buffer);
    assert_null(buffer.at);
    buffer_add_text(&buffer, "again");
    assert_content(&buffer, "again");
    buffer_done(&buffer);
    buffer_done(&buffer);
}

static void a_long_format_fits_exactly_or_not_at_all(void **state)
{
    (void)state;
    struct buffer buffer = buffer_heap(2000);
    buffer_addf(&buffer, "%01500d", 7);
    assert_int_equal(buffer.len, 1500);
    assert_int_equal(buffer.at[1499], '7');
    buffer_addf(&buffer, "%01500d", 7);
    assert_true(buffer.overflow);
    assert_int_equal(buffer.len, 1500);
    buffer_done(&buffer);
}

static void no_memory_is_overflow(void **state)
{
    (void)state;
    struct buffer buffer = buffer_heap(1000);
    failing_malloc_at(1);
    buffer_add_text(&buffer, "abc");
    assert_true(failing_malloc_off());
    assert_true(buffer.overflow);
    assert_int_equal(buffer.len, 0);
    buffer_done(&buffer);
}

static void reserving_lets_the_caller_write(void **state)
{
    (void)state;
    struct buffer buffer = buffer_heap(1 << 20);
    assert_true(buffer_reserve(&buffer, 700));
    assert_true(buffer.cap >= 700);
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.overflow);
    assert_false(buffer_reserve(&buffer, 1));
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_can_be_added),
        cmocka_unit_test(overflow_is_sticky_and_writes_nothing_more),
        cmocka_unit_test(a_heap_buffer_grows_to_its_maximum),
        cmocka_unit_test(a_long_format_fits_exactly_or_not_at_all),
        cmocka_unit_test(no_memory_is_overflow),
        cmocka_unit_test(reserving_lets_the_caller_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
