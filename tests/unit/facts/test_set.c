/* SPDX-License-Identifier: Apache-2.0 */
/* Data sets: what each kind takes, matches and refuses, and how fast ten million entries answer. */
#include "support/cmocka_all.h"

#include "facts/facts_set.h"
#include "util/clock.h"
#include "util/random.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct facts_set *load(enum facts_set_kind kind, const char *text)
{
    struct facts_set *set = NULL;
    struct fault fault = {0};
    if (facts_set_from_memory(kind, "data.csv", span_of(text), &set, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    return set;
}

static void refuse(enum facts_set_kind kind, const char *text, int line, const char *said)
{
    struct facts_set *set = NULL;
    struct fault fault = {0};
    assert_int_equal(facts_set_from_memory(kind, "data.csv", span_of(text), &set, &fault), ERR_SYNTAX);
    assert_null(set);
    assert_string_equal(fault.file, "data.csv");
    assert_int_equal(fault.line, line);
    if (!strstr(fault.text, said))
        fail_msg("\"%s\" lacks \"%s\"", fault.text, said);
}

#define HAS(set, key)   assert_true(facts_set_has((set), SPAN(key)))
#define LACKS(set, key) assert_false(facts_set_has((set), SPAN(key)))

static void strings_match_whole(void **state)
{
    (void)state;
    struct facts_set *set = load(FACTS_STRINGS, "# who\nalice\r\n  bob, the builder \n\nalice\nlast");
    HAS(set, "alice");
    HAS(set, "bob, the builder");
    HAS(set, "last");
    LACKS(set, "bob");
    LACKS(set, "Alice");
    LACKS(set, "");
    LACKS(set, "# who");
    assert_int_equal(facts_set_count(set), 4);
    assert_int_equal(facts_set_kind(set), FACTS_STRINGS);
    assert_true(facts_set_bytes(set) > 0);
    facts_set_unref(set);
}

static void ranges_match_numbers(void **state)
{
    (void)state;
    struct facts_set *set = load(FACTS_RANGES, "+15550100-+15550199, closed block\n+15550150-+15550250\n"
                                               "+4420*\n0155, a short one\n+1999\n15551000 - 15551009\n");
    HAS(set, "+15550100");
    HAS(set, "15550100");
    HAS(set, "+15550250");
    HAS(set, "+15551005");
    LACKS(set, "+15550099");
    LACKS(set, "+15550251");
    LACKS(set, "+155501000");
    HAS(set, "+4420");
    HAS(set, "+44201");
    HAS(set, "+442079460000");
    HAS(set, "+44207946000099");
    LACKS(set, "+4421");
    LACKS(set, "+442");
    HAS(set, "0155");
    LACKS(set, "155");
    LACKS(set, "00155");
    LACKS(set, "");
    LACKS(set, "+");
    LACKS(set, "alice");
    LACKS(set, "1234567890123456");
    facts_set_unref(set);
}

static void cidrs_match_addresses(void **state)
{
    (void)state;
    struct facts_set *set = load(FACTS_CIDRS, "192.0.2.0/24, documentation\n198.51.100.7\n2001:db8::/32\n::1\n"
                                              "10.0.0.0/8\n10.1.0.0/16\n");
    HAS(set, "192.0.2.0");
    HAS(set, "192.0.2.255");
    LACKS(set, "192.0.3.0");
    LACKS(set, "192.0.1.255");
    HAS(set, "198.51.100.7");
    LACKS(set, "198.51.100.8");
    HAS(set, "2001:db8::1");
    HAS(set, "2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff");
    LACKS(set, "2001:db9::");
    HAS(set, "::1");
    HAS(set, "::ffff:192.0.2.9");
    HAS(set, "10.255.255.255");
    LACKS(set, "11.0.0.0");
    LACKS(set, "not an address");
    facts_set_unref(set);
    set = load(FACTS_CIDRS, "0.0.0.0/0\n");
    HAS(set, "255.255.255.255");
    LACKS(set, "::2");
    facts_set_unref(set);
    set = load(FACTS_CIDRS, "::/0\n");
    HAS(set, "::");
    HAS(set, "203.0.113.1");
    facts_set_unref(set);
}

static void domains_match_themselves_and_below(void **state)
{
    (void)state;
    struct facts_set *set = load(FACTS_DOMAINS, "Example.com\n*.example.org, only below\ninvalid.\n");
    HAS(set, "example.com");
    HAS(set, "EXAMPLE.COM.");
    HAS(set, "a.b.example.com");
    LACKS(set, "notexample.com");
    LACKS(set, "com");
    LACKS(set, "example.org");
    HAS(set, "sip.example.org");
    HAS(set, "x.invalid");
    LACKS(set, "a..example.com");
    LACKS(set, ".example.com");
    LACKS(set, "");
    facts_set_unref(set);
}

static void prefixes_match_beginnings(void **state)
{
    (void)state;
    struct facts_set *set = load(FACTS_PREFIXES, "friendly-\nsip\nsipvicious\n");
    HAS(set, "friendly-scanner");
    HAS(set, "friendly-");
    HAS(set, "sipp");
    LACKS(set, "friendly");
    LACKS(set, "si");
    LACKS(set, "");
    facts_set_unref(set);
}

static void an_empty_file_is_an_empty_set(void **state)
{
    (void)state;
    for (int kind = 0; kind < FACTS_SET_KIND_COUNT; kind++) {
        struct facts_set *set = load((enum facts_set_kind)kind, kind % 2 ? "" : "# nothing\n\n");
        assert_int_equal(facts_set_count(set), 0);
        LACKS(set, "1");
        LACKS(set, "::1");
        facts_set_unref(set);
    }
    facts_set_unref(NULL);
    assert_null(facts_set_ref(NULL));
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    refuse(FACTS_RANGES, "+1\n\nalice\n", 3, "expected a number");
    refuse(FACTS_RANGES, "+15550199-+15550100\n", 1, "lower end");
    refuse(FACTS_RANGES, "+1555-+15556\n", 1, "same number of digits");
    refuse(FACTS_RANGES, "*\n", 1, "expected a number");
    refuse(FACTS_RANGES, "+1234567890123456\n", 1, "15 digits");
    refuse(FACTS_RANGES, "-+1\n", 1, "expected a number");
    refuse(FACTS_RANGES, "+1-\n", 1, "expected a number");
    refuse(FACTS_CIDRS, "192.0.2.1/24\n", 1, "behind the prefix");
    refuse(FACTS_CIDRS, "192.0.2.0/33\n", 1, "expected an address");
    refuse(FACTS_CIDRS, "192.0.2.0/x\n", 1, "expected an address");
    refuse(FACTS_CIDRS, "example.com\n", 1, "expected an address");
    refuse(FACTS_DOMAINS, "ok.example\nbad..example\n", 2, "expected a domain");
    refuse(FACTS_DOMAINS, "sp ace\n", 1, "expected a domain");
    char longer[400];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    refuse(FACTS_STRINGS, longer, 1, "255 bytes");
    refuse(FACTS_PREFIXES, longer, 1, "255 bytes");
}

static void files_are_read_or_named(void **state)
{
    (void)state;
    struct facts_set *set = NULL;
    struct fault fault = {0};
    assert_int_equal(facts_set_from_file(FACTS_STRINGS, "/nonexistent/set", &set, &fault), ERR_IO);
    assert_string_equal(fault.file, "/nonexistent/set");
    assert_int_equal(facts_set_from_file(FACTS_STRINGS, "/tmp", &set, &fault), ERR_IO);
    char path[] = "/tmp/verdict-set-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "+15550100\n", 10), 10);
    close(fd);
    assert_int_equal(facts_set_from_file(FACTS_RANGES, path, &set, &fault), OK);
    HAS(set, "+15550100");
    facts_set_unref(facts_set_ref(set));
    facts_set_unref(set);
    unlink(path);
}

/* Random single numbers: each stays a range of its own.  VERDICT_BIG makes it ten million. */
static void a_large_set_answers_quickly(void **state)
{
    (void)state;
    bool big = getenv("VERDICT_BIG") != NULL;
    size_t count = big ? 10000000 : 50000, asks = big ? 1000000 : 50000;
    for (int kind = FACTS_STRINGS; kind <= FACTS_RANGES; kind++) {
        struct random random;
        random_seed(&random, 7);
        char *text = malloc(count * 16 + 1);
        size_t len = 0;
        for (size_t i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, 17, "+1%012llu\n",
                                    (unsigned long long)random_below(&random, 1000000000000));
        struct facts_set *set = NULL;
        uint64_t began = clock_mono_ns();
        assert_int_equal(facts_set_from_memory((enum facts_set_kind)kind, "big", span_make(text, len), &set, NULL), OK);
        uint64_t loaded = clock_mono_ns();
        size_t found = 0;
        random_seed(&random, 8);
        for (size_t i = 0; i < asks; i++) /* a stored number and one that is probably not */
            found += facts_set_has(set, span_make(text + random_below(&random, count) * 15, 14)) +
                     facts_set_has(set, span_make(text + random_below(&random, count) * 15, 13));
        uint64_t asked = clock_mono_ns();
        print_message("%s: %zu entries loaded in %llu ms, %zu MB, %llu ns a lookup\n",
                      facts_set_kind_name((enum facts_set_kind)kind), count,
                      (unsigned long long)(loaded - began) / 1000000, facts_set_bytes(set) >> 20,
                      (unsigned long long)(asked - loaded) / (2 * asks));
        assert_true(found >= asks);
        facts_set_unref(set);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_match_whole),         cmocka_unit_test(ranges_match_numbers),
        cmocka_unit_test(cidrs_match_addresses),       cmocka_unit_test(domains_match_themselves_and_below),
        cmocka_unit_test(prefixes_match_beginnings),   cmocka_unit_test(an_empty_file_is_an_empty_set),
        cmocka_unit_test(bad_lines_are_named),         cmocka_unit_test(files_are_read_or_named),
        cmocka_unit_test(a_large_set_answers_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
