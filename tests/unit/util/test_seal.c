/* SPDX-License-Identifier: Apache-2.0 */
/* What is sealed is read back by the same key alone, and no changed bit is overlooked. */
#include "support/cmocka_all.h"

#include "util/seal.h"

static const unsigned char key[SEAL_KEY_LEN] = "one key", other_key[SEAL_KEY_LEN] = "another key";

static struct seal *open_seal(const unsigned char *bytes)
{
    struct seal *seal;
    assert_int_equal(seal_new(bytes, &seal), OK);
    return seal;
}

/* RFC 5297 A.1's key without its associated data cannot be had by this interface; the lengths and the way back can. */
static void every_length_comes_back(void **state)
{
    (void)state;
    char text[300], sealed[400], plain[400];
    struct seal *seal = open_seal(key);
    memset(text, 'x', sizeof(text));
    for (size_t len = 1; len <= sizeof(text); len++) {
        struct buffer out = buffer_over(sealed, sizeof(sealed)), back = buffer_over(plain, sizeof(plain));
        assert_int_equal(seal_close(seal, span_make(text, len), &out), OK);
        assert_int_equal(out.len, len + SEAL_EXTRA);
        assert_int_equal(seal_open(seal, buffer_span(&out), &back), OK);
        assert_true(span_equal(buffer_span(&back), span_make(text, len)));
    }
    seal_free(seal);
}

static void a_changed_bit_is_met(void **state)
{
    (void)state;
    char sealed[64], plain[64];
    struct seal *seal = open_seal(key), *other = open_seal(other_key);
    struct buffer out = buffer_over(sealed, sizeof(sealed)), back = buffer_over(plain, sizeof(plain));
    assert_int_equal(seal_close(seal, SPAN("alice@example.com"), &out), OK);
    assert_int_equal(seal_open(other, buffer_span(&out), &back), ERR_INVALID);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        sealed[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(seal_open(seal, buffer_span(&out), &back), ERR_INVALID);
        sealed[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(seal_open(seal, span_make(sealed, len), &back), ERR_INVALID);
    assert_int_equal(back.len, 0);
    assert_int_equal(seal_open(seal, buffer_span(&out), &back), OK);
    seal_free(seal);
    seal_free(other);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    char room[24];
    struct seal *seal = open_seal(key);
    struct buffer out = buffer_over(room, sizeof(room));
    assert_int_equal(seal_close(seal, SPAN("nine byte"), &out), ERR_TOO_LONG);
    assert_int_equal(seal_close(seal, SPAN(""), &out), ERR_TOO_LONG);
    assert_int_equal(out.len, 0);
    seal_free(NULL);
    seal_free(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(a_changed_bit_is_met),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
