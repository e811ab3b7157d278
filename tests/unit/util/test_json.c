/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: structure, escapes, broken UTF-8, numbers, and the cap. */
#include "support/cmocka_all.h"
#include "support/page_guard.h"
#include "util/json.h"

#include <math.h>

static void assert_content(const struct buffer *out, const char *expected)
{
    char text[1024];
    assert_true(span_copy(buffer_span(out), text, sizeof(text)));
    assert_string_equal(text, expected);
}

static void objects_arrays_and_values(void **state)
{
    (void)state;
    char memory[1024];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct json json = json_into(&out);
    json_object_begin(&json);
    json_put_text(&json, "a", "x");
    json_put_text(&json, "none", NULL);
    json_put_u64(&json, "u", UINT64_MAX);
    json_put_i64(&json, "i", -5);
    json_put_bool(&json, "b", true);
    json_put_span(&json, "s", SPAN("y"));
    json_key(&json, "list");
    json_array_begin(&json);
    json_u64(&json, 1);
    json_i64(&json, -2);
    json_bool(&json, false);
    json_none(&json);
    json_object_begin(&json);
    json_object_end(&json);
    json_array_begin(&json);
    json_array_end(&json);
    json_array_end(&json);
    json_put_text(&json, "z", "last");
    json_object_end(&json);
    assert_content(&out, "{\"a\":\"x\",\"none\":null,\"u\":18446744073709551615,\"i\":-5,\"b\":true,\"s\":\"y\","
                         "\"list\":[1,-2,false,null,{},[]],\"z\":\"last\"}");
    assert_false(out.overflow);
    assert_int_equal(json.depth, 0);
}

static void assert_string(struct span value, const char *expected)
{
    struct page_guard guard = page_guard_new(64);
    char memory[256];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct json json = json_into(&out);
    json_span(&json, page_guard_put(&guard, value));
    assert_content(&out, expected);
    page_guard_done(&guard);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    assert_string(SPAN(""), "\"\"");
    assert_string(SPAN("a\"b\\c/\n\r\t\x01\x1f"), "\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\"");
    assert_string(SPAN("a\0b"), "\"a\\u0000b\"");
    assert_string(SPAN("\x7f"), "\"\\u007f\"");
    assert_string(SPAN("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

#define BAD "\xef\xbf\xbd"

static void broken_utf8_is_replaced_byte_by_byte(void **state)
{
    (void)state;
    assert_string(SPAN("\x80"), "\"" BAD "\"");
    assert_string(SPAN("a\xffz"), "\"a" BAD "z\"");
    assert_string(SPAN("\xc3"), "\"" BAD "\"");
    assert_string(SPAN("\xc3z"), "\"" BAD "z\"");
    assert_string(SPAN("\xe2\x82"), "\"" BAD BAD "\"");
    assert_string(SPAN("\xc0\x80"), "\"" BAD BAD "\"");
    assert_string(SPAN("\xe0\x80\x80"), "\"" BAD BAD BAD "\"");
    assert_string(SPAN("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");
    assert_string(SPAN("\xf0\x80\x80\x80"), "\"" BAD BAD BAD BAD "\"");
    assert_string(SPAN("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\"");
    assert_string(SPAN("\xf5\x80\x80\x80"), "\"" BAD BAD BAD BAD "\"");
}

static void bytes_that_are_no_text_come_back_as_characters(void **state)
{
    (void)state;
    struct buffer out = buffer_heap(200);
    struct json json = json_into(&out);
    json_object_begin(&json);
    json_put_bytes(&json, "a", "a_bytes", SPAN("\xc3\xa9\n"));
    json_put_bytes(&json, "b", "b_bytes", SPAN("\xff\x80\"\x01z"));
    json_put_bytes(&json, "c", "c_bytes", SPAN(""));
    json_object_end(&json);
    assert_content(&out, "{\"a\":\"\xc3\xa9\\n\",\"b_bytes\":\"\xc3\xbf\xc2\x80\\\"\\u0001z\",\"c\":\"\"}");
    buffer_done(&out);
}

static void numbers_read_back_the_same(void **state)
{
    (void)state;
    char memory[256];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct json json = json_into(&out);
    json_array_begin(&json);
    json_double(&json, 0.1);
    json_double(&json, 1e300);
    json_double(&json, 1.0 / 3);
    json_double(&json, -2);
    json_double(&json, (double)NAN);
    json_double(&json, (double)INFINITY);
    json_array_end(&json);
    assert_content(&out, "[0.1,1e+300,0.33333333333333331,-2,null,null]");
}

static void too_much_is_overflow(void **state)
{
    (void)state;
    char memory[8];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct json json = json_into(&out);
    json_text(&json, "much too long");
    assert_true(out.overflow);
    char large[256];
    out = buffer_over(large, sizeof(large));
    json = json_into(&out);
    for (int i = 0; i < 16; i++)
        json_array_begin(&json);
    assert_false(out.overflow);
    json_array_begin(&json);
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_arrays_and_values),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(broken_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(bytes_that_are_no_text_come_back_as_characters),
        cmocka_unit_test(numbers_read_back_the_same),
        cmocka_unit_test(too_much_is_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
