/* SPDX-License-Identifier: Apache-2.0 */
/* What the texts stand on: the registry's phrases and RFCs, written down here a second time, and every citation. */
#include "reference/reference_cause.h"
#include "reference/reference_code.h"
#include "reference/reference_priv.h"
#include "sections.h"
#include "support/cmocka_all.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IANA, "Session Initiation Protocol (SIP) Parameters", Response Codes, as of 2026-07-30.  A row without a reference in the
 * registry is RFC 3261's.  The registry has "Accepted (Deprecated)" for 202; on the wire it was always "Accepted". */
static const struct {
    unsigned short code;
    const char *phrase;
    unsigned short rfc;
} registry[] = {
    {100, "Trying", 3261},
    {180, "Ringing", 3261},
    {181, "Call Is Being Forwarded", 3261},
    {182, "Queued", 3261},
    {183, "Session Progress", 3261},
    {199, "Early Dialog Terminated", 6228},
    {200, "OK", 3261},
    {202, "Accepted", 6665},
    {204, "No Notification", 5839},
    {300, "Multiple Choices", 3261},
    {301, "Moved Permanently", 3261},
    {302, "Moved Temporarily", 3261},
    {305, "Use Proxy", 3261},
    {380, "Alternative Service", 3261},
    {400, "Bad Request", 3261},
    {401, "Unauthorized", 3261},
    {402, "Payment Required", 3261},
    {403, "Forbidden", 3261},
    {404, "Not Found", 3261},
    {405, "Method Not Allowed", 3261},
    {406, "Not Acceptable", 3261},
    {407, "Proxy Authentication Required", 3261},
    {408, "Request Timeout", 3261},
    {410, "Gone", 3261},
    {412, "Conditional Request Failed", 3903},
    {413, "Request Entity Too Large", 3261},
    {414, "Request-URI Too Long", 3261},
    {415, "Unsupported Media Type", 3261},
    {416, "Unsupported URI Scheme", 3261},
    {417, "Unknown Resource-Priority", 4412},
    {420, "Bad Extension", 3261},
    {421, "Extension Required", 3261},
    {422, "Session Interval Too Small", 4028},
    {423, "Interval Too Brief", 3261},
    {424, "Bad Location Information", 6442},
    {425, "Bad Alert Message", 8876},
    {428, "Use Identity Header", 8224},
    {429, "Provide Referrer Identity", 3892},
    {430, "Flow Failed", 5626},
    {433, "Anonymity Disallowed", 5079},
    {436, "Bad Identity Info", 8224},
    {437, "Unsupported Credential", 8224},
    {438, "Invalid Identity Header", 8224},
    {439, "First Hop Lacks Outbound Support", 5626},
    {440, "Max-Breadth Exceeded", 5393},
    {469, "Bad Info Package", 6086},
    {470, "Consent Needed", 5360},
    {480, "Temporarily Unavailable", 3261},
    {481, "Call/Transaction Does Not Exist", 3261},
    {482, "Loop Detected", 3261},
    {483, "Too Many Hops", 3261},
    {484, "Address Incomplete", 3261},
    {485, "Ambiguous", 3261},
    {486, "Busy Here", 3261},
    {487, "Request Terminated", 3261},
    {488, "Not Acceptable Here", 3261},
    {489, "Bad Event", 6665},
    {491, "Request Pending", 3261},
    {493, "Undecipherable", 3261},
    {494, "Security Agreement Required", 3329},
    {500, "Server Internal Error", 3261},
    {501, "Not Implemented", 3261},
    {502, "Bad Gateway", 3261},
    {503, "Service Unavailable", 3261},
    {504, "Server Time-out", 3261},
    {505, "Version Not Supported", 3261},
    {513, "Message Too Large", 3261},
    {555, "Push Notification Service Not Supported", 8599},
    {580, "Precondition Failure", 3312},
    {600, "Busy Everywhere", 3261},
    {603, "Decline", 3261},
    {604, "Does Not Exist Anywhere", 3261},
    {606, "Not Acceptable", 3261},
    {607, "Unwanted", 8197},
    {608, "Rejected", 8688},
};
enum { REGISTRY = sizeof(registry) / sizeof(registry[0]) };

static const struct section *find_section(unsigned long rfc, const char *name, size_t len)
{
    for (size_t i = 0; i < SECTIONS; i++) {
        if (sections[i].rfc == rfc && strlen(sections[i].section) == len &&
            strncmp(sections[i].section, name, len) == 0)
            return &sections[i];
    }
    return NULL;
}

/* The length of "21.4.10" at the beginning of `text`; a full stop behind the last number is the sentence's. */
static size_t section_length(const char *text)
{
    size_t len = 0;
    while (isdigit((unsigned char)text[len])) {
        while (isdigit((unsigned char)text[len]))
            len++;
        if (text[len] != '.' || !isdigit((unsigned char)text[len + 1]))
            return len;
        len++;
    }
    return len;
}

static size_t check_section(const char *name, unsigned long rfc, size_t len, const char *where)
{
    if (!find_section(rfc, name, len))
        fail_msg("\"%s\" cites RFC %lu %.*s, which is not in sections.h", where, rfc, (int)len, name);
    return len;
}

/* "RFC 3261 21.4.10", "RFC 3261 13.2.2.4, 17.1.1.3", "RFC 3398 and RFC 4497", "les RFC 3398 et 4497". */
static size_t check_citations(const char *text)
{
    size_t count = 0;
    const char *at = text;
    while ((at = strstr(at, "RFC "))) {
        char *end;
        unsigned long rfc = strtoul(at + 4, &end, 10);
        if (end == at + 4) { /* "no RFC says" */
            at = end;
            continue;
        }
        size_t len = *end == ' ' ? section_length(end + 1) : 0;
        check_section(end + 1, rfc, len, text);
        count++;
        at = end + (len ? 1 + len : 0);
        while (len && strncmp(at, ", ", 2) == 0 && (len = section_length(at + 2)) && memchr(at + 2, '.', len)) {
            at += 2 + check_section(at + 2, rfc, len, text);
            count++;
        }
        for (; strncmp(at, " et ", 4) == 0 && section_length(at + 4) == 4; at += 8, count++)
            check_section("", strtoul(at + 4, NULL, 10), 0, text);
    }
    return count;
}

static size_t check_table(const struct reference_text *table)
{
    size_t count = 0;
    for (; table->code; table++) {
        const char *const texts[] = {table->meaning, table->when, table->caller, table->server, table->depth};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            count += texts[i] ? check_citations(texts[i]) : 0;
    }
    return count;
}

static size_t check_pairs(const struct reference_pair *table)
{
    size_t count = 0;
    for (; table->low; table++)
        count += check_citations(table->text);
    return count;
}

static void codes_are_as_registered(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGISTRY; i++) {
        const struct reference_code *code = reference_code_at(i);
        assert_non_null(code);
        assert_int_equal(code->code, registry[i].code);
        assert_string_equal(code->phrase, registry[i].phrase);
        assert_int_equal(strtoul(code->source + strlen("RFC "), NULL, 10), registry[i].rfc);
    }
    assert_null(reference_code_at(REGISTRY));
}

/* RFC 3261 names its sections after the codes, so that a wrong number is seen. */
static void codes_name_the_section_that_defines_them(void **state)
{
    (void)state;
    const struct reference_code *code;
    char title[128];
    for (size_t i = 0; (code = reference_code_at(i)); i++) {
        assert_int_equal(check_citations(code->source), 1);
        if (strncmp(code->source, "RFC 3261 ", 9) != 0)
            continue;
        const struct section *section = find_section(3261, code->source + 9, strlen(code->source + 9));
        (void)snprintf(title, sizeof(title), "%u %s", code->code, code->phrase);
        assert_string_equal(section->title, title);
    }
}

static void every_citation_is_a_section_that_was_read(void **state)
{
    (void)state;
    size_t english = check_table(reference_en_success) + check_table(reference_en_request) +
                     check_table(reference_en_target) + check_table(reference_en_failure) +
                     check_pairs(reference_en_pairs);
    size_t french = check_table(reference_fr_success) + check_table(reference_fr_request) +
                    check_table(reference_fr_target) + check_table(reference_fr_failure) +
                    check_pairs(reference_fr_pairs);
    assert_true(english > 20);
    assert_int_equal(english, french);
    for (int language = 0; language < REFERENCE_LANGUAGE_COUNT; language++) {
        enum reference_language in = (enum reference_language)language;
        for (int label = 0; label < REFERENCE_LABEL_COUNT; label++)
            (void)check_citations(reference_text_label((enum reference_label)label, in));
    }
}

static void citations_are_found(void **state)
{
    (void)state;
    assert_int_equal(check_citations("no RFC says 3261 21.4.10, RFC-like"), 0);
    assert_int_equal(check_citations("(RFC 3261 13.2.2.4, 17.1.1.3), RFC 6026. RFC 4028 6, 90 s"), 4);
    assert_int_equal(check_citations("les RFC 3398 et 4497 disent"), 2);
    assert_int_equal(section_length("21.4.10. More"), 7);
    assert_int_equal(section_length("6."), 1);
    assert_null(find_section(3261, "21.4.29", 7));
}

static void the_sections_are_in_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < SECTIONS; i++) {
        assert_true(sections[i].rfc >= sections[i - 1].rfc);
        assert_true(sections[i].title[0]);
        for (size_t k = 0; k < i; k++)
            assert_true(sections[k].rfc != sections[i].rfc || strcmp(sections[k].section, sections[i].section) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_as_registered),
        cmocka_unit_test(codes_name_the_section_that_defines_them),
        cmocka_unit_test(every_citation_is_a_section_that_was_read),
        cmocka_unit_test(citations_are_found),
        cmocka_unit_test(the_sections_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
