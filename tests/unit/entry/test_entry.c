/* SPDX-License-Identifier: Apache-2.0 */
/* Names of entries, times, the stored form of a record. */
#include "entry/entry_record.h"
#include "entry/entry_time.h"
#include "store/store_crc.h"
#include "support/cmocka_all.h"

#include <stdio.h>

static void names_are_normalised(void **state)
{
    static const struct {
        const char *written;
        const char *canonical;
        enum entry_kind kind;
    } cases[] = {
        {"sip:alice@example.com", "sip:alice@example.com", ENTRY_ACCOUNT},
        {"alice@EXAMPLE.Com.", "sip:alice@example.com", ENTRY_ACCOUNT},
        {" SIPS:Alice@example.com ", "sip:Alice@example.com", ENTRY_ACCOUNT},
        {"sip:%61lice@example.com", "sip:alice@example.com", ENTRY_ACCOUNT},
        {"sip:a%20b%40c@h", "sip:a%20b%40c@h", ENTRY_ACCOUNT},
        {"sip:+15550100@[2001:DB8::1]", "sip:+15550100@[2001:db8::1]", ENTRY_ACCOUNT},
        {"sip:j\xc3\xbcrgen@example.com", "sip:j%C3%BCrgen@example.com", ENTRY_ACCOUNT},
        {"+1-555-0100", "+15550100", ENTRY_NUMBER},
        {"tel:+1(555)01.00", "+15550100", ENTRY_NUMBER},
        {"+15550100-+15550199", "+15550100-+15550199", ENTRY_RANGE},
        {"+1-555-0100-+1-555-0199", "+15550100-+15550199", ENTRY_RANGE},
        {"Example.COM", "example.com", ENTRY_DOMAIN},
        {"sip:192.0.2.7", "192.0.2.7", ENTRY_DOMAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct entry_name name;
        char text[ENTRY_KEY_TEXT_MAX];
        size_t len;
        assert_int_equal(entry_name_parse(span_of(cases[i].written), ENTRY_KIND_COUNT, &name, NULL), OK);
        assert_int_equal(entry_name_kind(entry_name_span(&name)), cases[i].kind);
        assert_int_equal(entry_name_text(entry_name_span(&name), text, &len), OK);
        assert_string_equal(text, cases[i].canonical);
        assert_int_equal(len, strlen(text));
    }
}

static void bad_names_are_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {
        "",
        "   ",
        "sip:",
        "sip:@example.com",
        "sip:alice@",
        "sip:alice:secret@example.com",
        "sip:al ice@example.com",
        "sip:alice%0a@example.com",
        "sip:alice%4@example.com",
        "sip:alice%zz@example.com",
        "sip:alice@exa mple.com",
        "sip:alice@example..com",
        "sip:alice@-example.com",
        "sip:alice@example.com;transport=tcp",
        "sip:alice@example.com:5060",
        "+",
        "+0155",
        "+1555x",
        "+1234567890123456",
        "+15550199-+15550100",
        "+15550100-+155501990",
        "+15550100-+",
        "[]",
        "[::zz]",
        "example.com/path",
        "a..b",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct entry_name name = {.len = 77};
        struct fault fault = {.err = OK};
        enum err err = entry_name_parse(span_of(bad[i]), ENTRY_KIND_COUNT, &name, &fault);
        if (err != ERR_INVALID)
            fail_msg("\"%s\" gave %s", bad[i], err_name(err));
        assert_int_not_equal(fault.text[0], '\0');
        assert_int_equal(name.len, 77);
    }
}

static void a_key_has_a_cap(void **state)
{
    char text[600];
    struct entry_name name;
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + 505, "@h.x", 5);
    assert_int_equal(entry_name_parse(span_of(text), ENTRY_KIND_COUNT, &name, NULL), OK);
    assert_int_equal(name.len, 510);
    text[505] = 'a';
    text[506] = 'a';
    memcpy(text + 507, "@h.x", 5);
    assert_int_equal(entry_name_parse(span_of(text), ENTRY_KIND_COUNT, &name, NULL), ERR_TOO_LONG);
}

static void the_kind_may_be_said(void **state)
{
    struct entry_name name;
    enum entry_kind kind;
    (void)state;
    assert_int_equal(entry_name_parse(SPAN("example.com"), ENTRY_ACCOUNT, &name, NULL), ERR_INVALID);
    assert_int_equal(entry_name_parse(SPAN("alice@example.com"), ENTRY_DOMAIN, &name, NULL), ERR_INVALID);
    assert_int_equal(entry_name_parse(SPAN("+1555"), ENTRY_RANGE, &name, NULL), ERR_INVALID);
    assert_true(entry_kind_parse(SPAN("range"), &kind));
    assert_int_equal(kind, ENTRY_RANGE);
    assert_false(entry_kind_parse(SPAN("Range"), &kind));
    assert_int_equal(entry_name_kind(SPAN("")), ENTRY_KIND_COUNT);
    assert_int_equal(entry_name_kind(SPAN("zebra")), ENTRY_KIND_COUNT);
}

static void times_are_read_and_written(void **state)
{
    static const struct {
        const char *written;
        int64_t ms;
        const char *canonical;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        {"2026-01-31", 1769817600000, "2026-01-31T00:00:00Z"},
        {"2026-01-31T12:34:56.789Z", 1769862896789, "2026-01-31T12:34:56.789Z"},
        {"2026-01-31t12:34:56+01:00", 1769859296000, "2026-01-31T11:34:56Z"},
        {"2000-02-29 23:59:59-00:30", 951870599000, "2000-03-01T00:29:59Z"},
        {"1969-12-31T23:59:59.5Z", -500, "1969-12-31T23:59:59.500Z"},
    };
    static const char *const bad[] = {"",           "yesterday",          "2026-13-01",           "2026-02-29",
                                      "2026-00-10", "2026-01-31T12:34Z",  "2026-01-31T24:00:00Z", "2026-01-31T12:34:56",
                                      "2026-1-31",  "2026-01-31T12:34:5", "2026-01-31T12:34:56.Z"};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t ms;
        char text[ENTRY_TIME_MAX];
        assert_true(entry_time_parse(span_of(cases[i].written), &ms));
        assert_int_equal(ms, cases[i].ms);
        entry_time_text(ms, text);
        assert_string_equal(text, cases[i].canonical);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int64_t ms = 5;
        assert_false(entry_time_parse(span_of(bad[i]), &ms));
        assert_int_equal(ms, 5);
    }
}

static void a_record_survives_its_stored_form(void **state)
{
    struct entry_record record = {.state = ENTRY_GONE,
                                  .cause = 22,
                                  .since_ms = 1700000000123,
                                  .reassign_after_ms = 1800000000000,
                                  .seq = 99,
                                  .forward = SPAN("sip:x@y"),
                                  .by = SPAN("porting"),
                                  .note = SPAN("a note"),
                                  .parent_from = 5,
                                  .parent_to = 9,
                                  .more = SPAN("\x10\x00\x02\x00hi")};
    struct entry_record read;
    char value[ENTRY_VALUE_MAX];
    size_t len;
    (void)state;
    /* A span over a literal with NULs inside. */
    record.more = span_make("\x10\x00\x02\x00hi", 6);
    assert_int_equal(entry_record_encode(&record, SPAN("aalice@x"), value, &len), OK);
    assert_int_equal(entry_record_decode(SPAN("aalice@x"), span_make(value, len), &read), OK);
    assert_true(entry_record_same(&record, &read));
    assert_int_equal(read.kind, ENTRY_ACCOUNT);
    assert_int_equal(read.seq, 99);
    assert_int_equal(read.parent_to, 9);
    /* Every single bit that is flipped is found, and so is a value under another name. */
    for (size_t bit = 0; bit < len * 8; bit++) {
        value[bit / 8] = (char)(value[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(entry_record_decode(SPAN("aalice@x"), span_make(value, len), &read), ERR_CORRUPT);
        value[bit / 8] = (char)(value[bit / 8] ^ (1 << bit % 8));
    }
    assert_int_equal(entry_record_decode(SPAN("aalice@y"), span_make(value, len), &read), ERR_CORRUPT);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(entry_record_decode(SPAN("aalice@x"), span_make(value, cut), &read), ERR_CORRUPT);
}

/* The bytes that a build without passwords wrote for the first record of this test. */
static void passwords_are_one_step_further_and_old_records_are_read(void **state)
{
    static const unsigned char old[] = {0, 0, 0, 0, 1, 3, 22, 0, 0x7b, 0x68, 0xe5, 0xcf, 0x8b, 1, 0, 0, 0, 0,   0,
                                        0, 0, 0, 0, 0, 5, 0,  0, 0,    0,    0,    0,    0,    2, 0, 2, 0, 'm', 'e'};
    struct entry_record record, read;
    char value[ENTRY_VALUE_MAX], again[ENTRY_VALUE_MAX];
    size_t len, again_len;
    (void)state;
    memcpy(value, old, sizeof(old));
    uint32_t crc = store_crc(store_crc(0, SPAN("aalice@x")), span_make(value + 4, sizeof(old) - 4));
    memcpy(value, &crc, sizeof(crc));
    assert_int_equal(entry_record_decode(SPAN("aalice@x"), span_make(value, sizeof(old)), &record), OK);
    assert_int_equal(record.state, ENTRY_GONE);
    assert_int_equal(record.seq, 5);
    assert_true(span_equal(record.by, SPAN("me")));
    assert_false(entry_record_has_password(&record));
    assert_int_equal(entry_record_encode(&record, SPAN("aalice@x"), again, &again_len), OK);
    assert_int_equal(again_len, sizeof(old));
    assert_memory_equal(again, value, sizeof(old)); /* an older build reads it */
    record.ha1[DIGEST_MD5] = SPAN("0123456789abcdef");
    record.ha1[DIGEST_SHA512_256] = SPAN("0123456789abcdef0123456789abcdef");
    record.more = span_make("\x10\0\x03\0\x09hi\x20\0\x01\0x", 12); /* of an unknown algorithm, and an unknown tag */
    assert_int_equal(entry_record_encode(&record, SPAN("aalice@x"), again, &again_len), OK);
    assert_int_equal(entry_record_decode(SPAN("aalice@x"), span_make(again, again_len), &read), OK);
    assert_true(entry_record_same(&record, &read) && entry_record_has_password(&read));
    read.ha1[DIGEST_MD5] = SPAN("0123456789abcdeF");
    assert_false(entry_record_same(&record, &read));
    record.ha1[DIGEST_MD5] = SPAN("0123456789abcde");
    assert_int_equal(entry_record_encode(&record, SPAN("aalice@x"), again, &len), ERR_INVALID);
}

static void accounts_are_put_together_and_taken_apart(void **state)
{
    struct entry_name name, parsed;
    struct span user, host;
    static char big[ENTRY_KEY_MAX];
    (void)state;
    memset(big, 'a', sizeof(big));
    assert_int_equal(entry_name_account(SPAN("a b@c"), SPAN("Example.COM"), &name), OK);
    assert_int_equal(entry_name_parse(SPAN("sip:a%20b%40c@example.com"), ENTRY_KIND_COUNT, &parsed, NULL), OK);
    assert_true(span_equal(entry_name_span(&name), entry_name_span(&parsed)));
    assert_true(entry_name_account_parts(entry_name_span(&name), &user, &host));
    assert_true(span_equal(user, SPAN("a b@c")) && span_equal(host, SPAN("example.com")));
    assert_int_equal(entry_name_account(SPAN(""), SPAN("x"), &name), ERR_INVALID);
    assert_int_equal(entry_name_account(SPAN("x"), SPAN(""), &name), ERR_INVALID);
    assert_int_equal(entry_name_account(span_make(big, sizeof(big) - 3), SPAN("x"), &name), OK);
    assert_int_equal(entry_name_account(span_make(big, sizeof(big) - 2), SPAN("x"), &name), ERR_TOO_LONG);
    assert_false(entry_name_account_parts(SPAN("n15550100"), &user, &host));
    assert_false(entry_name_account_parts(SPAN("aalice"), &user, &host));
    assert_false(entry_name_account_parts(SPAN(""), &user, &host));
}

static void a_record_has_a_cap(void **state)
{
    static char big[ENTRY_TEXT_MAX + 1];
    char value[ENTRY_VALUE_MAX];
    size_t len;
    (void)state;
    struct entry_record record = {.note = span_make(big, sizeof(big))};
    assert_int_equal(entry_record_encode(&record, SPAN("ax@y"), value, &len), ERR_TOO_LONG);
    record.note.len--;
    assert_int_equal(entry_record_encode(&record, SPAN("ax@y"), value, &len), OK);
}

static void states_have_words(void **state)
{
    enum entry_state parsed;
    (void)state;
    for (int i = 0; i < ENTRY_STATE_COUNT; i++) {
        assert_true(entry_state_parse(span_of(entry_state_text((enum entry_state)i)), &parsed));
        assert_int_equal(parsed, i);
    }
    assert_false(entry_state_parse(SPAN("Gone"), &parsed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_normalised),
        cmocka_unit_test(bad_names_are_refused_with_a_reason),
        cmocka_unit_test(a_key_has_a_cap),
        cmocka_unit_test(the_kind_may_be_said),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(a_record_survives_its_stored_form),
        cmocka_unit_test(passwords_are_one_step_further_and_old_records_are_read),
        cmocka_unit_test(accounts_are_put_together_and_taken_apart),
        cmocka_unit_test(a_record_has_a_cap),
        cmocka_unit_test(states_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
