/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against published values, in several threads. */
#include "support/cmocka_all.h"
#include "util/digest.h"

#include <pthread.h>

static void published_values(void **state)
{
    (void)state;
    static const char *const of_abc[DIGEST_KIND_COUNT] = {
        [DIGEST_MD5] = "900150983cd24fb0d6963f7d28e17f72",
        [DIGEST_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        [DIGEST_SHA512_256] = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
    };
    const struct span parts[] = {SPAN("a"), SPAN(""), SPAN("bc")};
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        char text[DIGEST_HEX_MAX];
        assert_int_equal(digest_hex((enum digest_kind)kind, parts, 3, text), OK);
        assert_string_equal(text, of_abc[kind]);
        assert_int_equal(digest_len((enum digest_kind)kind) * 2, strlen(text));
    }
    char text[DIGEST_HEX_MAX];
    assert_int_equal(digest_hex(DIGEST_MD5, NULL, 0, text), OK);
    assert_string_equal(text, "d41d8cd98f00b204e9800998ecf8427e");
}

static void equality(void **state)
{
    (void)state;
    assert_true(digest_equal("abc", "abc", 3));
    assert_false(digest_equal("abc", "abd", 3));
    assert_true(digest_equal("a", "b", 0));
}

static void *hash_much(void *arg)
{
    unsigned char out[DIGEST_MAX];
    const struct span part = SPAN("abc");
    for (int i = 0; i < 200; i++) {
        if (digest_of(DIGEST_SHA256, &part, 1, out) != OK || out[0] != 0xba)
            return arg;
    }
    return NULL;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_much, threads), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = threads;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(equality),
        cmocka_unit_test(each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
