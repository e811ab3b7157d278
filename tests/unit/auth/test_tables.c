/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces, and the two tables that all workers share: used counts and wrong tries. */
#include "auth/auth_places.h"
#include "auth/auth_tries.h"
#include "auth/auth_window.h"
#include "support/cmocka_all.h"

#include <pthread.h>

static const struct siphash_key key = {5, 6};
static const int64_t now = 1700000000000;

static void a_nonce_reads_back_and_any_change_shows(void **state)
{
    struct auth_nonce nonce = {.issued_ms = now, .salt = 0x00123456789abcdeu}, read;
    char text[AUTH_NONCE_LEN];
    (void)state;
    auth_nonce_write(&key, &nonce, text);
    assert_true(auth_nonce_read(&key, span_make(text, sizeof(text)), &read));
    assert_int_equal(read.issued_ms, now);
    assert_int_equal(read.salt, nonce.salt);
    for (size_t i = 0; i < sizeof(text); i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_false(auth_nonce_read(&key, span_make(text, sizeof(text)), &read));
        text[i] = 'A';
        assert_false(auth_nonce_read(&key, span_make(text, sizeof(text)), &read));
        text[i] = was;
    }
    assert_false(auth_nonce_read(&key, span_make(text, sizeof(text) - 1), &read));
    assert_false(auth_nonce_read(&(struct siphash_key){5, 7}, span_make(text, sizeof(text)), &read));
    assert_false(auth_nonce_read(&key, (struct span){NULL, 0}, &read));
}

/* Against a plain set of what was used, over many random counts. */
static void the_window_agrees_with_a_list(void **state)
{
    struct auth_window *window;
    struct auth_nonce nonce = {now, 99};
    bool used[2000] = {false};
    uint32_t highest = 0, seed = 1;
    (void)state;
    assert_int_equal(auth_window_new(64, 60000, &window), OK);
    for (int i = 0; i < 4000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t back = (seed >> 20) % 24;
        uint32_t count = highest + 6 > back ? highest + 6 - back : 1;
        if (count >= 2000)
            break;
        bool fresh = !used[count] && count + AUTH_WINDOW_LATE >= highest;
        assert_int_equal(auth_window_use(window, &nonce, count, now), fresh ? AUTH_USE_FIRST : AUTH_USE_AGAIN);
        used[count] = true;
        highest = count > highest ? count : highest;
    }
    assert_true(highest > 500);
    assert_int_equal(auth_window_use(window, &nonce, AUTH_WINDOW_COUNT, now), AUTH_USE_FIRST);
    assert_int_equal(auth_window_use(window, &nonce, AUTH_WINDOW_COUNT, now), AUTH_USE_AGAIN);
    assert_int_equal(auth_window_use(window, &nonce, AUTH_WINDOW_COUNT + 1, now), AUTH_USE_SPENT);
    assert_int_equal(auth_window_use(window, &nonce, 0, now), AUTH_USE_SPENT);
    auth_window_free(window);
}

static void a_full_bucket_notes_nothing_until_its_nonces_end(void **state)
{
    struct auth_window *window;
    (void)state;
    assert_int_equal(auth_window_new(1, 60000, &window), OK);
    for (uint64_t i = 0; i < AUTH_BUCKET_PLACES; i++) /* the same bucket: the salt's upper bits are 0 */
        assert_int_equal(auth_window_use(window, &(struct auth_nonce){now, 2 * i}, 1, now), AUTH_USE_FIRST);
    struct auth_nonce late = {now, 100};
    assert_int_equal(auth_window_use(window, &late, 1, now), AUTH_USE_NO_ROOM);
    assert_int_equal(auth_window_use(window, &late, 1, now + 60000), AUTH_USE_NO_ROOM);
    for (uint64_t i = 0; i < AUTH_BUCKET_PLACES; i++) { /* those that are in it are still known */
        assert_int_equal(auth_window_use(window, &(struct auth_nonce){now, 2 * i}, 1, now), AUTH_USE_AGAIN);
        assert_int_equal(auth_window_use(window, &(struct auth_nonce){now, 2 * i}, 2, now), AUTH_USE_FIRST);
    }
    struct auth_nonce next = {now + 200000, 100};
    assert_int_equal(auth_window_use(window, &next, 1, now + 200000), AUTH_USE_FIRST);
    struct auth_nonce elsewhere = {now, 100 | 1ull << 24};
    assert_int_equal(auth_window_use(window, &elsewhere, 1, now), AUTH_USE_FIRST);
    auth_window_free(window);
}

enum { THREADS = 4, ROUNDS = 3000 };

struct race {
    struct auth_window *window;
    pthread_barrier_t barrier;
    _Atomic unsigned accepted[ROUNDS];
};

static void *use_all(void *ctx)
{
    struct race *race = ctx;
    pthread_barrier_wait(&race->barrier);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct auth_nonce nonce = {now, (uint64_t)(i / 3) << 24 | i / 3 << 1};
        if (auth_window_use(race->window, &nonce, 1 + i % 3, now) == AUTH_USE_FIRST)
            atomic_fetch_add(&race->accepted[i], 1);
    }
    return NULL;
}

/* However workers meet, no count is accepted twice. */
static void no_count_is_accepted_by_two_workers(void **state)
{
    static struct race race;
    pthread_t threads[THREADS];
    unsigned total = 0;
    (void)state;
    assert_int_equal(auth_window_new(1 << 14, 60000, &race.window), OK);
    pthread_barrier_init(&race.barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_all, &race), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(race.accepted[i] <= 1);
        total += race.accepted[i];
    }
    assert_true(total > ROUNDS * 9 / 10);
    pthread_barrier_destroy(&race.barrier);
    auth_window_free(race.window);
}

static void tries_leak_away(void **state)
{
    struct auth_tries *tries;
    (void)state;
    assert_int_equal(auth_tries_new(64, 10, 100000, &tries), OK);
    for (int i = 0; i < 10; i++) {
        assert_true(auth_tries_may(tries, 77ull << 40, now));
        assert_int_equal(auth_tries_note(tries, 77ull << 40, now), i == 9);
    }
    assert_false(auth_tries_may(tries, 77ull << 40, now));
    assert_false(auth_tries_may(tries, 77ull << 40, now + 9000));
    assert_true(auth_tries_may(tries, 77ull << 40, now + 10500)); /* one has leaked */
    assert_true(auth_tries_note(tries, 77ull << 40, now + 10500));
    assert_false(auth_tries_may(tries, 77ull << 40, now + 10500));
    assert_true(auth_tries_may(tries, 78ull << 40 | 1ull << 41, now)); /* another key */
    assert_true(auth_tries_may(tries, 77ull << 40, now + 200000));
    auth_tries_free(tries);
}

static void a_crowd_of_small_offenders_frees_no_big_one(void **state)
{
    struct auth_tries *tries;
    const uint64_t big = 77ull << 40;
    (void)state;
    assert_int_equal(auth_tries_new(1, 10, 100000, &tries), OK);
    for (int i = 0; i < 10; i++)
        auth_tries_note(tries, big, now);
    for (uint64_t i = 0; i < 10000; i++)
        auth_tries_note(tries, (2 * i + 1001) << 40, now);
    assert_false(auth_tries_may(tries, big, now));
    auth_tries_free(tries);
}

static void a_source_is_an_address_or_an_ipv6_network(void **state)
{
    struct net_address a, b;
    (void)state;
    assert_int_equal(net_address_parse(SPAN("192.0.2.1:5060"), 0, &a), OK);
    assert_int_equal(net_address_parse(SPAN("192.0.2.1:6060"), 0, &b), OK);
    assert_int_equal(auth_tries_source(&key, &a), auth_tries_source(&key, &b));
    assert_int_equal(net_address_parse(SPAN("192.0.2.2:5060"), 0, &b), OK);
    assert_int_not_equal(auth_tries_source(&key, &a), auth_tries_source(&key, &b));
    assert_int_equal(net_address_parse(SPAN("[2001:db8:0:1::1]:5060"), 0, &a), OK);
    assert_int_equal(net_address_parse(SPAN("[2001:db8:0:1:ffff::2]:5060"), 0, &b), OK);
    assert_int_equal(auth_tries_source(&key, &a), auth_tries_source(&key, &b));
    assert_int_equal(net_address_parse(SPAN("[2001:db8:0:2::1]:5060"), 0, &b), OK);
    assert_int_not_equal(auth_tries_source(&key, &a), auth_tries_source(&key, &b));
    assert_int_equal(auth_tries_user(&key, SPAN("a"), SPAN("X.com")), auth_tries_user(&key, SPAN("a"), SPAN("x.com")));
    assert_int_not_equal(auth_tries_user(&key, SPAN("A"), SPAN("x")), auth_tries_user(&key, SPAN("a"), SPAN("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_reads_back_and_any_change_shows),
        cmocka_unit_test(the_window_agrees_with_a_list),
        cmocka_unit_test(a_full_bucket_notes_nothing_until_its_nonces_end),
        cmocka_unit_test(no_count_is_accepted_by_two_workers),
        cmocka_unit_test(tries_leak_away),
        cmocka_unit_test(a_crowd_of_small_offenders_frees_no_big_one),
        cmocka_unit_test(a_source_is_an_address_or_an_ipv6_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
