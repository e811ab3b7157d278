/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_message.h"
#include "sip/sip_priv.h"
#include "support/span_guard.h"

static void check_block(void *ctx, struct span input)
{
    (void)ctx;
    uint64_t want = sip_scan_block_plain(input.at, input.len);
    assert_true(sip_scan_block(input.at, input.len) == want);
    assert_true(sip_scan_block_words(input.at, input.len) == want);
}

/* Every byte value at every place of blocks of every length: the fast way is the plain one. */
static void blocks_are_judged_alike(void **state)
{
    (void)state;
    char text[80];
    for (size_t len = 0; len <= 80; len += len < 66 ? 1 : 7)
        for (int byte = 0; byte < 256; byte += byte < 0x22 || byte > 0x7c ? 1 : 9) {
            memset(text, 'a', sizeof(text));
            size_t at = len ? (size_t)byte * 7 % len : 0;
            text[at] = (char)byte;
            check_block(NULL, span_make(text, len));
        }
    memset(text, '\r', sizeof(text));
    for (size_t len = 0; len <= 80; len++)
        guard_both(span_make(text, len), check_block, NULL);
    assert_true(sip_scan_block(text, 64) == UINT64_MAX);
}

/* All control bytes are found, in order, each once. */
static void check_walk(void *ctx, struct span input)
{
    (void)ctx;
    struct sip_scan scan = sip_scan_begin(input.at, sip_text_end(input));
    for (size_t at = 0; at < input.len; at++) {
        unsigned char byte = (unsigned char)input.at[at];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            assert_ptr_equal(sip_scan_next(&scan), input.at + at);
    }
    assert_ptr_equal(sip_scan_next(&scan), sip_text_end(input));
    assert_ptr_equal(sip_scan_next(&scan), sip_text_end(input));
}

static void walks_meet_every_control_byte(void **state)
{
    (void)state;
    char text[400];
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            seed = seed * 1664525U + 1013904223U;
            text[at] = (char)(seed >> 24);
            if (seed >> 16 & 1)
                text[at] = 'a';
        }
        guard_both(span_make(text, (size_t)round % sizeof(text)), check_walk, NULL);
    }
}

static void check_call_id(void *ctx, struct span input)
{
    const char *want = ctx;
    struct span found = sip_call_id_scan(input);
    assert_span(found, want);
}

static void call_ids_are_found_unparsed(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"INVITE sip:a SIP/2.0\r\nCall-ID: x@y\r\n\r\n", "x@y"},
        {"\r\n\r\nINVITE sip:a SIP/2.0\r\nVia: z\r\ni:x\r\n\r\n", "x"},
        {"INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\ncALL-iD \t:\r\n  folded \r\n\r\n", "folded"},
        {"INVITE sip:a SIP/2.0\r\nSubject: a\r\n Call-ID: no\r\nCall-ID: yes\r\n\r\n", "yes"},
        {"INVITE sip:a SIP/2.0\r\nContact: <sip:a>\r\n\r\nCall-ID: body\r\n", ""},
        {"INVITE sip:a SIP/2.0\r\nCall-IDs: no\r\nIdentity: no\r\nI no\r\nI", ""},
        {"INVITE sip:a SIP/2.0\r\nCall-ID:", ""},
        {"INVITE sip:a SIP/2.0\r\nCall-ID", ""},
        {"INVITE", ""},
        {"\r\n\r\n", ""},
        {"", ""},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char want[64];
        memcpy(want, rows[row].want, strlen(rows[row].want) + 1);
        guard_both(span_of(rows[row].text), check_call_id, want);
    }
}

static void check_to(void *ctx, struct span input)
{
    const char *want = ctx;
    assert_span(sip_field_scan(input, SIP_HEADER_TO), want);
}

static void fields_are_found_unparsed(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"REGISTER sip:a SIP/2.0\r\nTo: <sip:a@b>;tag=1\r\n\r\n", "<sip:a@b>;tag=1"},
        {"\r\n\r\nREGISTER sip:a SIP/2.0\r\nTimestamp: 1\r\nt:a@b\r\nTo: c\r\n", "a@b"},
        {"REGISTER sip:a SIP/2.0\r\ntO \t:\r\n  folded\r\n ;x=y \r\nVia: z\r\n\r\n", "folded\r\n ;x=y"},
        {"REGISTER sip:a SIP/2.0\r\nSubject: a\r\n To: no\r\nTo: yes", "yes"},
        {"REGISTER sip:a SIP/2.0\r\nTop: no\r\nT no\r\n\r\nTo: body\r\n", ""},
        {"REGISTER sip:a SIP/2.0\r\nTo:", ""},
        {"REGISTER sip:a SIP/2.0\r\nTo", ""},
        {"T", ""},
        {"", ""},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char want[64];
        memcpy(want, rows[row].want, strlen(rows[row].want) + 1);
        guard_both(span_of(rows[row].text), check_to, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_judged_alike),
        cmocka_unit_test(walks_meet_every_control_byte),
        cmocka_unit_test(call_ids_are_found_unparsed),
        cmocka_unit_test(fields_are_found_unparsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
