/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash against the vectors of its authors, and the hashing of parts. */
#include "support/cmocka_all.h"
#include "support/page_guard.h"
#include "util/siphash.h"

#include <ctype.h>

/* Key 00 01 .. 0f, input 00 01 .. of length n: the first vectors of the reference implementation. */
static const struct siphash_key reference_key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
static const struct {
    size_t len;
    uint64_t hash;
} reference[] = {
    {0, 0x726fdb47dd0e0e31ULL}, {1, 0x74f839c593dc67fdULL}, {2, 0x0d6c8009d9a94f5aULL},  {3, 0x85676696d7fb7e2dULL},
    {7, 0xab0200f58b01d137ULL}, {8, 0x93f5f5799a932462ULL}, {15, 0xa129ca6149be45e5ULL},
};

static void reference_vectors(void **state)
{
    (void)state;
    char input[64];
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (char)i;
    struct page_guard guard = page_guard_new(64);
    for (size_t i = 0; i < sizeof(reference) / sizeof(reference[0]); i++) {
        struct span at = page_guard_put(&guard, span_make(input, reference[i].len));
        assert_true(siphash(&reference_key, at.at, at.len) == reference[i].hash);
        struct siphash_state hashing;
        siphash_begin(&hashing, &reference_key);
        siphash_add(&hashing, at);
        assert_true(siphash_end(&hashing) == reference[i].hash);
    }
    page_guard_done(&guard);
}

static uint64_t hash_parts(const struct span *parts, size_t count)
{
    struct siphash_state hashing;
    siphash_begin(&hashing, &reference_key);
    for (size_t i = 0; i < count; i++)
        siphash_add(&hashing, parts[i]);
    return siphash_end(&hashing);
}

static void where_parts_end_matters(void **state)
{
    (void)state;
    uint64_t whole = hash_parts((struct span[]){SPAN("abc")}, 1);
    uint64_t ab_c = hash_parts((struct span[]){SPAN("ab"), SPAN("c")}, 2);
    uint64_t a_bc = hash_parts((struct span[]){SPAN("a"), SPAN("bc")}, 2);
    uint64_t empty_too = hash_parts((struct span[]){SPAN("abc"), SPAN("")}, 2);
    assert_true(whole != ab_c && ab_c != a_bc && whole != a_bc && whole != empty_too);
}

static void long_parts_differ_from_short_ones(void **state)
{
    (void)state;
    static char bytes[1024];
    uint64_t seen[5];
    const size_t lengths[] = {0, 254, 255, 256, 512};
    for (size_t i = 0; i < 5; i++) {
        seen[i] = hash_parts((struct span[]){span_make(bytes, lengths[i])}, 1);
        for (size_t k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
}

static uint64_t hash_nocase(struct span part)
{
    struct siphash_state hashing;
    siphash_begin(&hashing, &reference_key);
    siphash_add_nocase(&hashing, part);
    return siphash_end(&hashing);
}

static void nocase_folds_letters_and_nothing_else(void **state)
{
    (void)state;
    assert_true(hash_nocase(SPAN("EXAMPLE.com")) == hash_nocase(SPAN("example.COM")));
    assert_true(hash_nocase(SPAN("example.com")) == hash_parts((struct span[]){SPAN("example.com")}, 1));
    for (unsigned byte = 0; byte < 256; byte++) {
        for (unsigned at = 0; at < 9; at++) {
            char text[9] = {'-', '-', '-', '-', '-', '-', '-', '-', '-'};
            char folded[9];
            text[at] = (char)byte;
            memcpy(folded, text, sizeof(text));
            folded[at] = (char)(byte < 128 ? tolower((int)byte) : (int)byte);
            struct span expected = span_make(folded, sizeof(folded));
            assert_true(hash_nocase(span_make(text, sizeof(text))) == hash_parts(&expected, 1));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(where_parts_end_matters),
        cmocka_unit_test(long_parts_differ_from_short_ones),
        cmocka_unit_test(nocase_folds_letters_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
