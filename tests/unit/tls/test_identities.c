/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "tls/tls_identities.h"
#include <stdio.h>

static struct span numbered(char *text, unsigned number)
{
    int len = snprintf(text + 1, 32, "host%u.example", number);
    text[0] = (char)len;
    return span_make(text, (size_t)len + 1);
}

static void names_keep_their_number(void **state)
{
    (void)state;
    char a[40], b[40];
    struct tls_identities *identities = tls_identities_new();
    assert_non_null(identities);
    uint16_t one = tls_identities_take(identities, numbered(a, 1), 0);
    uint16_t two = tls_identities_take(identities, numbered(b, 2), 0);
    assert_true(one && two && one != two);
    assert_int_equal(tls_identities_take(identities, numbered(a, 1), 0), one);
    assert_true(span_equal(tls_identities_names(identities, two), numbered(b, 2)));
    assert_int_equal(tls_identities_names(identities, 0).len, 0);
    assert_int_equal(tls_identities_names(identities, UINT16_MAX).len, 0);
    assert_int_equal(tls_identities_take(identities, SPAN(""), 0), 0);
    tls_identities_free(identities);
}

static void a_number_rests_before_it_is_given_away(void **state)
{
    (void)state;
    char text[40];
    struct tls_identities *identities = tls_identities_new();
    assert_non_null(identities);
    for (unsigned i = 0; i < TLS_IDENTITIES_MAX; i++)
        assert_int_not_equal(tls_identities_take(identities, numbered(text, i), 1000), 0);
    assert_int_equal(tls_identities_take(identities, numbered(text, 99999), 1000), 0);
    uint16_t left = tls_identities_take(identities, numbered(text, 7), 1000);
    tls_identities_give(identities, left, 2000);
    assert_int_equal(tls_identities_take(identities, numbered(text, 99999), 900000), 0); /* one use is left */
    tls_identities_give(identities, left, 5000);
    assert_int_equal(tls_identities_take(identities, numbered(text, 99999), 5000 + TLS_IDENTITY_REST_MS - 1), 0);
    assert_true(span_equal(tls_identities_names(identities, left), numbered(text, 7)));
    assert_int_equal(tls_identities_take(identities, numbered(text, 99999), 5000 + TLS_IDENTITY_REST_MS), left);
    assert_true(span_equal(tls_identities_names(identities, left), numbered(text, 99999)));
    tls_identities_free(identities);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_their_number),
        cmocka_unit_test(a_number_rests_before_it_is_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
