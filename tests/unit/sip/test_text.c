/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"
#include "support/page_guard.h"

#include "sip/sip_priv.h"
#include "sip/sip_text.h"
#include "support/span_guard.h"

/* Every bit of the table, derived anew from RFC 3261 25.1. */
static void classes_are_the_grammars(void **state)
{
    const char *alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const struct {
        unsigned bit;
        const char *more;
    } rows[] = {{SIP_TEXT_TOKEN, "-.!%*_+`'~"},
                {SIP_TEXT_USER, "-_.!~*'()&=+$,;?/#"},
                {SIP_TEXT_PASSWORD, "-_.!~*'()&=+$,"},
                {SIP_TEXT_PARAM, "-_.!~*'()[]/:&+$"},
                {SIP_TEXT_URI_HEADER, "-_.!~*'()[]/?:+$"},
                {SIP_TEXT_LABEL, "-_"}};
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool ascii = byte > 0 && byte < 128;
        for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
            assert_int_equal(sip_text_is(c, rows[row].bit), ascii && (strchr(alnum, c) || strchr(rows[row].more, c)));
        bool visible = byte > 0x20 && byte < 0x7f;
        assert_int_equal(sip_text_is(c, SIP_TEXT_VISIBLE), visible);
        assert_int_equal(sip_text_is(c, SIP_TEXT_DIGIT), byte >= '0' && byte <= '9');
        assert_int_equal(sip_text_is(c, SIP_TEXT_HEX), ascii && strchr("0123456789abcdefABCDEF", c));
        assert_int_equal(sip_text_is(c, SIP_TEXT_ALPHA), ascii && strchr(alnum, c) && !strchr("0123456789", c));
        assert_int_equal(sip_text_is(c, SIP_TEXT_VALUE), visible && !strchr(";,\"<>\\", c));
        assert_int_equal(sip_text_is(c, SIP_TEXT_DISPLAY), byte >= 128 || (visible && !strchr("\"<>,;:\\", c)));
    }
}

/* The run of digits at the front, against the page. */
static void check_run(void *ctx, struct span input)
{
    size_t want = *(const size_t *)ctx;
    assert_int_equal(sip_text_run(input.at, sip_text_end(input), SIP_TEXT_DIGIT), want);
}

static void runs_end_where_they_must(void **state)
{
    (void)state;
    for (size_t len = 0; len < 12; len++)
        for (size_t digits = 0; digits <= len; digits++) {
            char text[12];
            memset(text, 'x', sizeof(text));
            memset(text, '7', digits);
            guard_both(span_make(text, len), check_run, &digits);
        }
}

static void check_skip(void *ctx, struct span input)
{
    size_t want = *(const size_t *)ctx;
    assert_int_equal(sip_text_skip(input.at, sip_text_end(input)) - input.at, want);
}

static void white_space_takes_folds_along(void **state)
{
    const struct {
        const char *text;
        size_t want;
    } rows[] = {{"", 0},     {"x", 0},     {" x", 1},           {"  \t x", 4}, {"\r\n x", 3},
                {"\r\n", 0}, {"\r\nx", 0}, {" \r\n\t\r\n ", 7}, {"\t", 1},     {"\r", 0},
                {"\n x", 0}, {" \r\n", 1}, {"\r\n \r\nx", 3}};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        size_t want = rows[row].want;
        guard_both(span_of(rows[row].text), check_skip, &want);
    }
}

static void check_quoted(void *ctx, struct span input)
{
    int want = *(const int *)ctx;
    const char *end = sip_text_quoted_end(input.at, sip_text_end(input));
    assert_int_equal(end ? (int)(end - input.at) : -1, want);
}

static void quoted_strings_end(void **state)
{
    const struct {
        const char *text;
        int want;
    } rows[] = {{"\"\"", 2},        {"\"a\"b", 3}, {"\"", -1},         {"\"a", -1},    {"\"\\\"\"", 4}, {"\"\\\"", -1},
                {"\"\\\\\"x\"", 4}, {"\"a\\", -1}, {"\"a\\\"b\"c", 6}, {"\"a\"\\", 3}, {"\"\\a\\b", -1}};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        int want = rows[row].want;
        guard_both(span_of(rows[row].text), check_quoted, &want);
    }
}

static void lists_part_at_commas(void **state)
{
    struct span rest = SPAN(" a , \"b,c\" d,,<e,f>;g=\"h\\\",\" , ,i"), item;
    const char *want[] = {"a", "\"b,c\" d", "<e,f>;g=\"h\\\",\"", "i"};
    (void)state;
    for (size_t at = 0; at < 4; at++) {
        assert_true(sip_text_list_next(&rest, &item));
        assert_span(item, want[at]);
    }
    assert_false(sip_text_list_next(&rest, &item));
    assert_false(sip_text_list_next(&rest, &item));
    struct span empty = {NULL, 0};
    assert_false(sip_text_list_next(&empty, &item));
}

static void unclosed_things_are_one_item(void **state)
{
    struct span quote = SPAN("a\"b,c"), bracket = SPAN("<a,b"), item;
    (void)state;
    assert_true(sip_text_list_next(&quote, &item));
    assert_span(item, "a\"b,c");
    assert_true(sip_text_list_next(&bracket, &item));
    assert_span(item, "<a,b");
}

static struct span with(void (*add)(struct buffer *, struct span), struct buffer *out, const char *text)
{
    buffer_clear(out);
    add(out, span_of(text));
    return buffer_span(out);
}

static void texts_are_unfolded(void **state)
{
    char bytes[256];
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    (void)state;
    assert_span(with(sip_text_unfold, &out, "a \r\n  b"), "a b");
    assert_span(with(sip_text_unfold, &out, "a  b\tc"), "a  b\tc");
    assert_span(with(sip_text_unfold, &out, "a\r\nb\rc\nd\x01"), "a??b?c?d?");
    assert_span(with(sip_text_unfold, &out, "\"a\\\x01\" \\\x01"), "\"a\\\x01\" \\?");
    assert_span(with(sip_text_unfold, &out, "\"\\\r\""), "\"\\?\"");
    assert_span(with(sip_text_unfold, &out, "\"a\\"), "\"a\\");
    assert_span(with(sip_text_unfold, &out, ""), "");
}

static void strings_are_quoted_and_unquoted(void **state)
{
    char bytes[256];
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    (void)state;
    assert_span(with(sip_text_unquote, &out, "a\\\"b\\\\c\\"), "a\"b\\c\\");
    assert_span(with(sip_text_unquote, &out, "a\r\n b\rc"), "a b\rc");
    assert_span(with(sip_text_quote, &out, "a\"b\\"), "\"a\\\"b\\\\\"");
    (void)with(sip_text_quote, &out, "a\r\nVia: x");
    assert_true(out.overflow);
}

static void displays_become_readable(void **state)
{
    char bytes[256];
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    (void)state;
    assert_span(with(sip_text_display, &out, "\"Bell, \\\"A\\\"\""), "Bell, \"A\"");
    assert_span(with(sip_text_display, &out, "Foo    Foo Bar\tBaz "), "Foo Foo Bar Baz");
    assert_span(with(sip_text_display, &out, "A\r\n B"), "A B");
    assert_span(with(sip_text_display, &out, "\""), "\"");
}

static void clean_means_no_control_byte(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < 70; at += 23) {
            char text[70];
            memset(text, 'a', sizeof(text));
            text[at] = (char)byte;
            bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            assert_int_equal(sip_text_is_clean(span_make(text, sizeof(text))), !control);
        }
    assert_true(sip_text_is_clean((struct span){NULL, 0}));
    /* At each place of a text of each length, since they are looked at in blocks. */
    struct page_guard guard = page_guard_new(70);
    for (size_t len = 1; len < 70; len++) {
        char *text = page_guard_end(&guard, len);
        memset(text, 'a', len);
        text[len / 2] = '\t';
        assert_true(sip_text_is_clean(span_make(text, len)));
        for (size_t at = 0; at < len; at++) {
            char kept = text[at];
            text[at] = '\n';
            assert_false(sip_text_is_clean(span_make(text, len)));
            text[at] = kept;
        }
    }
    page_guard_done(&guard);
}

static void utf8_is_judged_as_rfc3629_says(void **state)
{
    const char *good[] = {
        "", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
    const char *bad[] = {
        "\x80", "\xc0\x80", "\xc1\xbf",     "\xe0\x80\x80",     "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xc3", "\xe2\x82", "\xe2\x82\x41", "\xf0\x9f\x98\x41", "\xff",         "\xf0\x80\x80\x80"};
    (void)state;
    for (size_t at = 0; at < sizeof(good) / sizeof(good[0]); at++)
        assert_true(sip_text_is_utf8(span_of(good[at])));
    for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
        assert_false(sip_text_is_utf8(span_of(bad[at])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_the_grammars),
        cmocka_unit_test(runs_end_where_they_must),
        cmocka_unit_test(white_space_takes_folds_along),
        cmocka_unit_test(quoted_strings_end),
        cmocka_unit_test(lists_part_at_commas),
        cmocka_unit_test(unclosed_things_are_one_item),
        cmocka_unit_test(texts_are_unfolded),
        cmocka_unit_test(strings_are_quoted_and_unquoted),
        cmocka_unit_test(displays_become_readable),
        cmocka_unit_test(clean_means_no_control_byte),
        cmocka_unit_test(utf8_is_judged_as_rfc3629_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
